/**
 * Published formulas for the write, read and space amplification of a log-structured merge tree, pure. T is the fan-out (how many times
 * larger each level is than the one above, or how many runs a level holds), L the number of levels below the flushed runs. All
 * results are ratios: bytes per user byte.
 */

export interface LevelFactor {
  readonly name: 'T + 1' | 'T' | '(T − 1) / 2'
  readonly source: string
  /** How often a byte is written in a leveled level on average. */
  factor(fanOut: number): number
}

/** The published write factors of a leveled level that depend only on T. */
export const LEVEL_FACTORS: readonly LevelFactor[] = [
  {
    name: 'T + 1',
    source: 'RocksDB issue #19 and LevelDB issue #298: a table moves down together with T tables of the next level',
    factor: fanOut => fanOut + 1,
  },
  {
    name: 'T',
    source: 'Dostoevsky (Dayan and Idreos, SIGMOD 2018): O(L · T / B) per write under leveling',
    factor: fanOut => fanOut,
  },
  {
    name: '(T − 1) / 2',
    source: 'Monkey (Dayan, Athanassoulis and Idreos, SIGMOD 2017): between empty and full an entry is merged (T − 1) / 2 times per level',
    factor: fanOut => (fanOut - 1) / 2,
  },
]

/**
 * 1 + r: each incoming byte is written, with r bytes of the level that it is merged into.
 * Source: O'Neil, Cheng, Gawlick and O'Neil 1996, the rolling merge. r = size of the next level ÷ size of this one.
 */
export function oneilFactor(thisBytes: number, nextBytes: number): number {
  return thisBytes > 0 ? 1 + nextBytes / thisBytes : 1
}

/**
 * The ratio between levels that writes least for a given number of levels: all equal, r = (largest ÷ memtable)^(1/L).
 * Source: O'Neil 1996, theorem 3.1.
 */
export function oneilRatio(memtableBytes: number, largestBytes: number, levels: number): number {
  return (largestBytes / memtableBytes) ** (1 / levels)
}

/** log + flush + L · factor. */
export function leveledWrites(levels: number, factor: number, log = 1, flush = 1): number {
  return log + flush + levels * factor
}

/** log + flush + L: once per level. Source: Monkey (SIGMOD 2017), tiering: (T − 1) / T merges per level, which is about 1. */
export function tieredWrites(levels: number, log = 1, flush = 1): number {
  return log + flush + levels
}

/**
 * Lazy leveling: the largest level is one run and leveled, the levels above are tiered: log + flush + (L − 1) + T.
 * Source: Dostoevsky (SIGMOD 2018): O((T + L) / B) per write.
 */
export function lazyLeveledWrites(levels: number, fanOut: number, log = 1, flush = 1): number {
  return log + flush + Math.max(0, levels - 1) + fanOut
}

/** Merging into one run after every flush: n equal flushes write 2 + 3 + ... + n of their size again. */
export function alwaysMergingWrites(flushes: number): number {
  return flushes <= 1 ? 0 : ((flushes * (flushes + 1)) / 2 - 1) / flushes
}

/** 1 + 1/T: all levels but the largest hold 1/T of it and may be out of date. Source: Dostoevsky (SIGMOD 2018), leveling. */
export function leveledSpace(fanOut: number): number {
  return 1 + 1 / fanOut
}

/** At most T runs of the same keys in the largest level. Source: Dostoevsky (SIGMOD 2018), tiering: O(T). */
export function tieredSpace(runsPerLevel: number): number {
  return runsPerLevel
}

/** 1 + 1/T as with leveling: the largest level is a single run. Source: Dostoevsky (SIGMOD 2018), lazy leveling: O(1/T) more. */
export function lazyLeveledSpace(fanOut: number): number {
  return 1 + 1 / fanOut
}

export type Policy = 'leveled' | 'tiered' | 'lazy-leveled'

/**
 * Runs that a look-up may have to search: one per level when leveled, up to T when tiered, T in all levels but the largest with lazy
 * leveling. Runs in level 0 come on top. Source: Dostoevsky (SIGMOD 2018), table 1.
 */
export function runsToRead(policy: Policy, levels: number, fanOut: number): number {
  if (policy === 'leveled') return levels
  return policy === 'tiered' ? levels * fanOut : Math.max(0, levels - 1) * fanOut + Math.min(1, levels)
}
