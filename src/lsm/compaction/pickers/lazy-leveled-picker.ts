/**
 * Lazy leveling (Dostoevsky, SIGMOD'18): the last level is one run, as in a leveled tree, and every level above holds up to `runsPerLevel`
 * runs, as in a tiered one. Most data lies in the last level, so a read finds it as in a leveled tree, while the levels above rewrite nothing:
 * each byte is written about once a level, and a few times in the last one.
 *
 * Invariants:
 * 1. The last level is the deepest one with a table. A full level above it is merged into its run; any other full level becomes a new run of the
 *    next one.
 * 2. Once the last level is `fanOut` times as large as the full level above it, it moves one level down as it is, and the level that it leaves is
 *    one of the tiered ones.
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
import { metasOf, unionBounds, type KeyBounds, type TableFile, type TableMeta } from '../../versions/table-file.js'
import type { Run, Version } from '../../versions/version.js'

export interface LazyLeveledOptions {
  /** Runs in a level above the last one that start a merge. At least 2. */
  readonly runsPerLevel: number
  /** How many times larger the last level may be than the full level above it. */
  readonly fanOut: number
}

/** Share of dead entries in a merge down to the last level that makes it worth while for the space that comes back. */
const DEAD_SHARE = 0.25

export class LazyLeveledPicker implements CompactionPicker {
  readonly name = 'lazy-leveled'
  readonly #options: LazyLeveledOptions

  constructor(options: LazyLeveledOptions) {
    this.#options = options
  }

  /** The last level's is 0 while it is one run and the level above is not full: it takes any size until then. */
  scores(version: Version): readonly number[] {
    const { deepest } = version
    return version.levels.map((runs, level) => {
      if (level !== deepest || level === 0) return runs.length / this.#options.runsPerLevel
      return runs.length > 1 ? runs.length : this.#lastScore(version)
    })
  }

  pick(version: Version, context: PickContext): Compaction | undefined {
    const deleted = pickDeleted(version, context)
    if (deleted !== undefined) return deleted
    const scores = this.scores(version)
    let level = -1
    let score = 1
    // The upper one of equals goes first: it holds up writers.
    for (let index = scores.length - 1; index >= 0; index--) {
      if (scores[index] < score) continue
      score = scores[index]
      level = index
    }
    if (level >= 0) return this.#fromFull(version, level, score)
    return pickTombstones(version, context) ?? tombstonesDown(version, context)
  }

  /** The tables that share keys with the bounds, and those that share keys with them, become a part of the last level. */
  pickRange(version: Version, bounds: KeyBounds): Compaction | undefined {
    const { files } = closure(version, bounds)
    return files.size === 0 ? undefined : intoLast(version, 'range', 1, chosen(version, files))
  }

  /** The last level takes what shares keys with no table at all. */
  placeIngested(version: Version, bounds: KeyBounds): { level: number; run: number } | undefined {
    if (version.levels.some((_, level) => version.overlapping(level, bounds).length > 0)) return undefined
    const level = lastLevel(version)
    return { level, run: version.level(level)[0]?.id ?? 0 }
  }

  #fromFull(version: Version, level: number, score: number): Compaction {
    const last = version.deepest
    if (level > 0 && level === last) return this.#reshapeLast(version, score)
    const runs = version.level(level)
    if (level + 1 >= last) {
      if (this.#lastScore(version) >= 1) return this.#reshapeLast(version, this.#lastScore(version))
      const bounds = unionBounds(runs.flatMap(run => metasOf(run.tables)))
      const reached = new Set([...runs.flatMap(run => run.tables), ...version.overlapping(level + 1, bounds)])
      return intoLast(version, 'too many runs', score, chosen(version, reached))
    }
    const inputs = runs.map(run => metasOf(run.tables))
    const move = disjoint(runs.flatMap(run => run.tables))
    return { reason: 'too many runs', score, inputs, outputLevel: level + 1, outputRun: 'new', move, drop: false }
  }

  /** Makes one run of the last level, or moves that run one level down. */
  #reshapeLast(version: Version, score: number): Compaction {
    const level = version.deepest
    const runs = version.level(level)
    const inputs = runs.map(run => metasOf(run.tables))
    if (runs.length > 1) return { reason: 'too many runs', score, inputs, outputLevel: level, outputRun: 'new', move: false, drop: false }
    return { reason: 'level is too large', score, inputs, outputLevel: level + 1, outputRun: runs[0].id, move: true, drop: false }
  }

  /** How full the last level is, judged by the level above it once that is full; 0 before. */
  #lastScore(version: Version): number {
    const { deepest } = version
    if (deepest < 1 || version.level(deepest - 1).length < this.#options.runsPerLevel) return 0
    const arriving = version.levelBytes(deepest - 1)
    // Without the level that moves in, so that the run may become just as large as it should.
    return version.levelBytes(deepest) / ((this.#options.fanOut - 1) * arriving + 1)
  }
}

function lastLevel(version: Version): number {
  return Math.max(1, version.deepest)
}

function chosen(version: Version, files: ReadonlySet<TableFile>): TableFile[][] {
  const runs: TableFile[][] = []
  for (const level of version.levels) {
    for (const run of level) {
      const tables = run.tables.filter(file => files.has(file))
      if (tables.length > 0) runs.push(tables)
    }
  }
  return runs
}

/** Merges tables into the run of the last level, whose other tables share no keys with them. */
function intoLast(version: Version, reason: Compaction['reason'], score: number, runs: readonly TableFile[][]): Compaction {
  const outputLevel = lastLevel(version)
  const last: Run | undefined = version.level(outputLevel)[0]
  const isNew = runs.every(tables => tables.every(file => file.meta.level < outputLevel))
  const move = reason !== 'range' && isNew && version.level(outputLevel).length < 2 && disjoint(runs.flat())
  return { reason, score, inputs: runs.map(metasOf), outputLevel, outputRun: last?.id ?? 'new', move, drop: false }
}

/**
 * A table of many tombstones together with all that lies under it, in one merge into the last level, where they are dropped. Only where enough
 * of what is written anew is dead, since that may be much more than the table.
 */
function tombstonesDown(version: Version, context: PickContext): Compaction | undefined {
  for (let level = version.deepest - 1; level >= 0; level--) {
    for (const [index, run] of version.level(level).entries()) {
      for (const file of run.tables) {
        if (whyRewritten(file, context) === undefined) continue
        const files = withOlder(version, level, index, file)
        const metas = metasOf([...files])
        if (metas.some(meta => meta.maxSequence > context.oldestSnapshot) || deadShare(metas) < DEAD_SHARE) continue
        return intoLast(version, 'tombstones', 1, chosen(version, files))
      }
    }
  }
  return undefined
}

/** The table and all in older runs that share keys with it, or with one of those. */
function withOlder(version: Version, level: number, runIndex: number, file: TableFile): Set<TableFile> {
  const older = [...version.level(level).slice(runIndex + 1), ...version.levels.slice(level + 1).flat()].flatMap(run => run.tables)
  const files = new Set([file])
  let { smallest, largest }: KeyBounds = file.meta
  for (let size = 0; size < files.size;) {
    size = files.size
    for (const other of older) {
      if (files.has(other) || compareKeys(other.meta.largest, smallest) < 0 || compareKeys(other.meta.smallest, largest) > 0) continue
      files.add(other)
      ;({ smallest, largest } = unionBounds([{ smallest, largest }, other.meta]))
    }
  }
  return files
}

/** Share of the entries that are tombstones, or what these delete: one entry for each. */
function deadShare(metas: readonly TableMeta[]): number {
  const sum = (field: 'entries' | 'tombstones'): number => metas.reduce((total, meta) => total + meta[field], 0)
  return (2 * sum('tombstones')) / Math.max(1, sum('entries'))
}
