/**
 * Leveled compaction (LevelDB's): level 0 takes flushed tables, each deeper level is one sorted run `fanOut` times as
 * large as the one above. The level that is furthest over its target gives a table to the next one, where it is merged
 * with the tables it overlaps. Little space and few runs to read, for much writing.
 */
import { compareKeys } from '../../../codec/entry.js'
import type { Compaction } from '../compaction.js'
import {
  closure,
  disjoint,
  pickDeleted,
  pickTombstones,
  whyRewritten,
  type CompactionPicker,
  type PickContext,
} from './compaction-picker.js'
import { metasOf, overlaps, unionBounds, type KeyBounds, type TableFile } from '../../versions/table-file.js'
import type { Version } from '../../versions/version.js'

export interface LeveledOptions {
  /** Tables in level 0 that start a compaction. */
  readonly level0Tables: number
  /** Target size of level 1, in bytes. */
  readonly level1Bytes: number
  /** How many times larger each level is than the one above. */
  readonly fanOut: number
}

/** Every level but 0 is this one run. */
const THE_RUN = 0

export class LeveledPicker implements CompactionPicker {
  readonly name = 'leveled'
  readonly #options: LeveledOptions

  constructor(options: LeveledOptions) {
    this.#options = options
  }

  /** Target size of a level in bytes; level 0 is counted in tables instead. */
  target(level: number): number {
    return this.#options.level1Bytes * this.#options.fanOut ** (level - 1)
  }

  /** How full a level is: 1 and above calls for a compaction. */
  score(version: Version, level: number): number {
    return level === 0 ? version.level(0).length / this.#options.level0Tables : version.levelBytes(level) / this.target(level)
  }

  scores(version: Version): readonly number[] {
    return version.levels.map((_, level) => this.score(version, level))
  }

  pick(version: Version, context: PickContext): Compaction | undefined {
    const deleted = pickDeleted(version, context)
    if (deleted !== undefined) return deleted
    if (!isLeveled(version)) return everything(version, 'too many runs')
    let level = -1
    let score = 1
    for (let index = 0; index < version.levels.length; index++) {
      const candidate = this.score(version, index)
      if (candidate >= score) {
        score = candidate
        level = index
      }
    }
    if (level === 0) return this.#fromLevel0(version, score)
    if (level > 0) return this.#down(version, level, cheapest(version, level), 'level is too large', score)
    return pickTombstones(version, context) ?? this.#tombstonesDown(version, context)
  }

  pickRange(version: Version, bounds: KeyBounds): Compaction | undefined {
    if (!isLeveled(version)) return everything(version, 'range')
    const { files } = closure(version, bounds)
    if (files.size === 0) return undefined
    const outputLevel = Math.max(1, version.deepest)
    const inputs = version.levels
      .flatMap(level => level.map(run => metasOf(run.tables.filter(file => files.has(file)))))
      .filter(run => run.length > 0)
    return { reason: 'range', score: 1, inputs, outputLevel, outputRun: THE_RUN, move: false, drop: false }
  }

  /** The deepest level with no table above or in it that shares keys with the bounds, as far as the levels hold that much. */
  placeIngested(version: Version, bounds: KeyBounds, bytes: number): { level: number; run: number } | undefined {
    if (!isLeveled(version)) return undefined
    let roomy = Math.max(1, version.deepest)
    while (version.levelBytes(roomy) + bytes > this.target(roomy)) roomy++
    let level = -1
    while (level < roomy && version.overlapping(level + 1, bounds).length === 0) level++
    return level < 1 ? undefined : { level, run: THE_RUN }
  }

  /** All of level 0: its tables overlap each other, so the oldest cannot go down without the others it shares keys with. */
  #fromLevel0(version: Version, score: number): Compaction {
    const runs = version.level(0).map(run => run.tables)
    const bounds = unionBounds(runs.flat().map(file => file.meta))
    return compactionOf('level 0 is full', score, runs, version.overlapping(1, bounds), 1, disjoint(runs.flat()))
  }

  #down(version: Version, level: number, file: TableFile, reason: Compaction['reason'], score: number): Compaction {
    return compactionOf(reason, score, [[file]], version.overlapping(level + 1, file.meta), level + 1, true)
  }

  #tombstonesDown(version: Version, context: PickContext): Compaction | undefined {
    for (let level = 1; level < version.levels.length - 1; level++) {
      for (const run of version.level(level)) {
        const file = run.tables.find(candidate => whyRewritten(candidate, context) !== undefined)
        if (file !== undefined) return this.#down(version, level, file, 'tombstones', 1)
      }
    }
    const level0 = version.level(0)
    if (level0.some(run => run.tables.some(file => whyRewritten(file, context) !== undefined))) {
      return { ...this.#fromLevel0(version, 1), reason: 'tombstones' }
    }
    return undefined
  }
}

function compactionOf(
  reason: Compaction['reason'],
  score: number,
  upper: readonly (readonly TableFile[])[],
  lower: readonly TableFile[],
  outputLevel: number,
  movable: boolean,
): Compaction {
  const inputs = lower.length > 0 ? [...upper, lower] : upper
  return { reason, score, inputs: inputs.map(metasOf), outputLevel, outputRun: THE_RUN, move: movable && lower.length === 0, drop: false }
}

/** The table that makes the next level rewrite least for each byte that leaves this one; the first such by key. */
function cheapest(version: Version, level: number): TableFile {
  const tables = version.level(level).flatMap(run => run.tables)
  const below = version.level(level + 1).flatMap(run => run.tables)
  let best = tables[0]
  let bestRatio = Infinity
  let from = 0
  for (const file of tables) {
    // Both lists are sorted, so the overlap of the next table starts no earlier than that of this one.
    while (from < below.length && compareKeys(below[from].meta.largest, file.meta.smallest) < 0) from++
    let bytes = 0
    for (let i = from; i < below.length && overlaps(below[i].meta, file.meta); i++) bytes += below[i].meta.fileBytes
    const ratio = bytes / file.meta.fileBytes
    if (ratio < bestRatio) {
      bestRatio = ratio
      best = file
    }
  }
  return best
}

/** False for a tree that was built under another picker: it is brought into shape by one merge of everything. */
function isLeveled(version: Version): boolean {
  return version.levels.slice(1).every(level => level.length === 0 || (level.length === 1 && level[0].id === THE_RUN))
}

function everything(version: Version, reason: Compaction['reason']): Compaction {
  const inputs = version.levels.flatMap(level => level.map(run => metasOf(run.tables)))
  return { reason, score: 1, inputs, outputLevel: Math.max(1, version.deepest), outputRun: THE_RUN, move: false, drop: false }
}
