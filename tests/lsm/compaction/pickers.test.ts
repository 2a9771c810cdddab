import { describe, expect, it } from 'vitest'
import { olderThanOutput, type Compaction } from '../../../src/lsm/compaction/compaction.js'
import type { PickContext } from '../../../src/lsm/compaction/pickers/compaction-picker.js'
import { LazyLeveledPicker } from '../../../src/lsm/compaction/pickers/lazy-leveled-picker.js'
import { LeveledPicker } from '../../../src/lsm/compaction/pickers/leveled-picker.js'
import type { TableMeta } from '../../../src/lsm/versions/table-file.js'
import { TieredPicker } from '../../../src/lsm/compaction/pickers/tiered-picker.js'
import { keyOf, textOf } from '../../contract/support/opened-engine.js'
import { meta, versionOf } from '../support/table-metas.js'

const leveled = new LeveledPicker({ level0Tables: 3, level1Bytes: 1000, fanOut: 10 })
const tiered = new TieredPicker({ runsPerLevel: 3 })
const lazy = new LazyLeveledPicker({ runsPerLevel: 3, fanOut: 4 })
const quiet: PickContext = { oldestSnapshot: Infinity, rangeTombstones: [] }

const inputs = (spec: Compaction | undefined): number[][] | undefined => spec?.inputs.map(run => run.map(({ number }) => number))

describe('a leveled tree', () => {
  it('in shape asks for nothing', () => {
    const version = versionOf(meta('a', 'z', { run: 1 }), meta('a', 'z', { run: 2 }), meta('a', 'm', { level: 1, fileBytes: 999 }))
    expect(leveled.pick(version, quiet)).toBeUndefined()
  })

  it('merges all of a full level 0, newest first, with what it overlaps below', () => {
    const [one, two, three] = [meta('c', 'f', { run: 1 }), meta('a', 'd', { run: 2 }), meta('e', 'h', { run: 3 })]
    const [below, beside] = [meta('g', 'k', { level: 1 }), meta('l', 'p', { level: 1 })]
    const spec = leveled.pick(versionOf(one, two, three, below, beside), quiet)
    expect(inputs(spec)).toEqual([[three.number], [two.number], [one.number], [below.number]])
    expect(spec).toMatchObject({ reason: 'level 0 is full', score: 1, outputLevel: 1, outputRun: 0, move: false, drop: false })
  })

  it('takes the table between two that overlap level 0 only in their union: outputs would overlap it', () => {
    const [one, two, three] = [meta('a', 'b', { run: 1 }), meta('y', 'z', { run: 2 }), meta('a', 'a', { run: 3 })]
    const between = meta('m', 'n', { level: 1 })
    expect(inputs(leveled.pick(versionOf(one, two, three, between), quiet))?.at(-1)).toEqual([between.number])
  })

  it('moves level 0 without a merge only if its tables overlap neither each other nor level 1', () => {
    const apart = [meta('a', 'b', { run: 1 }), meta('c', 'd', { run: 2 }), meta('e', 'f', { run: 3 })]
    expect(leveled.pick(versionOf(...apart), quiet)).toMatchObject({ move: true, outputLevel: 1 })
    expect(leveled.pick(versionOf(...apart, meta('x', 'y', { level: 1 })), quiet)).toMatchObject({ move: true })
    expect(leveled.pick(versionOf(...apart, meta('d', 'd', { level: 1 })), quiet)).toMatchObject({ move: false })
    const touching = [meta('a', 'b', { run: 1 }), meta('b', 'd', { run: 2 }), meta('e', 'f', { run: 3 })]
    expect(leveled.pick(versionOf(...touching), quiet)).toMatchObject({ move: false })
  })

  it('works on the level furthest over its target', () => {
    const level0 = [1, 2, 3].map(run => meta('a', 'z', { run }))
    const slightly = meta('a', 'b', { level: 1, fileBytes: 1100 })
    const much = meta('a', 'b', { level: 1, fileBytes: 5000 })
    expect(leveled.pick(versionOf(...level0, slightly), quiet)).toMatchObject({ outputLevel: 2 })
    expect(leveled.pick(versionOf(...level0, meta('a', 'z', { run: 4 }), slightly), quiet)).toMatchObject({ outputLevel: 1 })
    expect(leveled.pick(versionOf(...level0, much), quiet)).toMatchObject({ outputLevel: 2, score: 5 })
    expect([leveled.target(1), leveled.target(2), leveled.target(3)]).toEqual([1000, 10_000, 100_000])
  })

  it('sends down the table that overlaps fewest bytes for its own', () => {
    const dear = meta('a', 'c', { level: 1, fileBytes: 500 })
    const cheap = meta('d', 'f', { level: 1, fileBytes: 500 })
    const dearer = meta('g', 'i', { level: 1, fileBytes: 200 })
    const below = [
      ['a', 'a'],
      ['b', 'c'],
      ['f', 'g'],
      ['h', 'i'],
    ].map(([from, to]) => meta(from, to, { level: 2, fileBytes: 300 }))
    const spec = leveled.pick(versionOf(dear, cheap, dearer, ...below), quiet)
    expect(inputs(spec)).toEqual([[cheap.number], [below[2].number]])
  })

  it('moves a table down when nothing below overlaps it', () => {
    const alone = meta('d', 'f', { level: 1, fileBytes: 600 })
    const spec = leveled.pick(versionOf(meta('a', 'c', { level: 1, fileBytes: 600 }), alone, meta('b', 'c', { level: 2 })), quiet)
    expect([inputs(spec), spec?.move]).toEqual([[[alone.number]], true])
  })

  it('brings a tree that was built by tiers into shape with one merge', () => {
    const files = [
      meta('a', 'c', { run: 9 }),
      meta('a', 'd', { level: 1, run: 7 }),
      meta('b', 'e', { level: 1, run: 5 }),
      meta('a', 'z', { level: 3, run: 2 }),
    ]
    for (const spec of [
      leveled.pick(versionOf(...files), quiet),
      leveled.pickRange(versionOf(...files), { smallest: keyOf('d'), largest: keyOf('d') }),
    ]) {
      expect(inputs(spec)).toEqual(files.map(({ number }) => [number]))
      expect(spec).toMatchObject({ outputLevel: 3, outputRun: 0, move: false })
    }
  })

  it('compacts a range with everything that the tables in it reach, and nothing more', () => {
    const inRange = meta('c', 'e', { run: 1 })
    const reached = meta('e', 'k', { level: 1 })
    const reachedBelow = meta('k', 'm', { level: 2 })
    const apart = [meta('o', 'q', { level: 1 }), meta('a', 'b', { level: 2 })]
    const version = versionOf(inRange, reached, reachedBelow, ...apart)
    const spec = leveled.pickRange(version, { smallest: keyOf('d'), largest: keyOf('d') })
    expect(inputs(spec)).toEqual([[inRange.number], [reached.number], [reachedBelow.number]])
    expect(spec).toMatchObject({ outputLevel: 2, outputRun: 0 })
    expect(leveled.pickRange(version, { smallest: keyOf('x'), largest: keyOf('y') })).toBeUndefined()
    expect(leveled.pickRange(versionOf(), { smallest: keyOf('a'), largest: keyOf('z') })).toBeUndefined()
  })

  it('sends tombstones down to what they delete, and rewrites them in place where nothing older is', () => {
    const heavy = meta('c', 'e', { level: 1, tombstones: 3 })
    const below = meta('d', 'f', { level: 2 })
    const down = leveled.pick(versionOf(heavy, below), quiet)
    expect([inputs(down), down?.reason, down?.outputLevel]).toEqual([[[heavy.number], [below.number]], 'tombstones', 2])
    const inPlace = leveled.pick(versionOf(heavy, meta('x', 'z', { level: 2 })), quiet)
    expect(inPlace).toMatchObject({ reason: 'tombstones', outputLevel: 1, outputRun: 0, move: false })
    expect(inputs(inPlace)).toEqual([[heavy.number]])
    expect(leveled.pick(versionOf(meta('c', 'e', { level: 1, tombstones: 2 })), quiet)).toBeUndefined()
  })

  it('leaves tombstones alone while a snapshot may need them: each pick would be the last over again', () => {
    const heavy = meta('c', 'e', { level: 1, tombstones: 10, rangeTombstones: 1, maxSequence: 20 })
    expect(leveled.pick(versionOf(heavy), { ...quiet, oldestSnapshot: 19 })).toBeUndefined()
    expect(leveled.pick(versionOf(heavy), { ...quiet, oldestSnapshot: 20 })).toMatchObject({ reason: 'tombstones' })
  })
})

describe('a tiered tree', () => {
  it('merges the runs of a full level whole into a new run of the next', () => {
    const level0 = [3, 2, 1].map(run => [meta('a', 'c', { run }), meta('d', 'f', { run })])
    const spec = tiered.pick(versionOf(...level0.flat(), meta('a', 'z', { level: 1, run: 9 })), quiet)
    expect(inputs(spec)).toEqual(level0.map(run => run.map(({ number }) => number)))
    expect(spec).toMatchObject({ outputLevel: 1, outputRun: 'new', move: false, score: 1 })
    expect(tiered.pick(versionOf(...level0.slice(1).flat()), quiet)).toBeUndefined()
  })

  it('works on a tree that was built by levels', () => {
    const level1 = meta('a', 'z', { level: 1, run: 0 })
    const spec = tiered.pick(versionOf(...[4, 5, 6].map(run => meta('a', 'z', { run })), level1), quiet)
    expect(spec).toMatchObject({ outputLevel: 1, outputRun: 'new' })
    expect(inputs(spec)?.flat()).not.toContain(level1.number)
    expect(spec && olderThanOutput(versionOf(level1), spec)).toHaveLength(1)
  })

  it('compacts a range with everything: runs are only merged whole', () => {
    const version = versionOf(meta('a', 'b', { run: 4 }), meta('c', 'd', { level: 2, run: 1 }))
    expect(tiered.pickRange(version)).toMatchObject({ outputLevel: 2, outputRun: 'new', reason: 'range' })
    expect(inputs(tiered.pickRange(version))?.flat()).toHaveLength(2)
    expect(tiered.pickRange(versionOf())).toBeUndefined()
  })

  it('rewrites a run that is mostly tombstones only where no older run overlaps it', () => {
    const heavy = meta('a', 'c', { run: 5, tombstones: 10 })
    expect(tiered.pick(versionOf(heavy, meta('c', 'e', { run: 4 })), quiet)).toBeUndefined()
    expect(tiered.pick(versionOf(heavy, meta('c', 'e', { level: 2 })), quiet)).toBeUndefined()
    expect(tiered.pick(versionOf(heavy, meta('c', 'e', { run: 6 })), quiet)).toMatchObject({
      outputLevel: 0,
      outputRun: 5,
      reason: 'tombstones',
    })
  })
})

describe('a lazily leveled tree', () => {
  const full = (level: number, bounds = 'az', runs = [9, 8, 7]): TableMeta[] =>
    runs.map(run => meta(bounds[0], bounds[1], { level, run, fileBytes: 100 }))

  it('merges a full level above the last ones into a new run, as a tiered tree does', () => {
    const files = [...full(0), meta('a', 'z', { level: 1, run: 3 }), meta('a', 'z', { level: 2, run: 1 })]
    const spec = lazy.pick(versionOf(...files), quiet)
    expect(inputs(spec)).toEqual(files.slice(0, 3).map(({ number }) => [number]))
    expect(spec).toMatchObject({ reason: 'too many runs', outputLevel: 1, outputRun: 'new', move: false, score: 1 })
    expect(lazy.pick(versionOf(...files.slice(1)), quiet)).toBeUndefined()
  })

  it('merges the level above the last one into its run, with the tables that share keys and no others', () => {
    const last = [meta('a', 'b', { level: 2, run: 1 }), meta('c', 'd', { level: 2, run: 1 }), meta('y', 'z', { level: 2, run: 1 })]
    const files = [...full(1, 'cm'), ...last]
    const spec = lazy.pick(versionOf(...files), quiet)
    expect(inputs(spec)).toEqual([...files.slice(0, 3), last[1]].map(({ number }) => [number]))
    expect(spec).toMatchObject({ reason: 'too many runs', outputLevel: 2, outputRun: 1, move: false })
  })

  it('moves the last level down when it is larger than the fan-out allows, and begins a new run where it was', () => {
    const last = meta('a', 'z', { level: 1, run: 5, fileBytes: 901 })
    const down = lazy.pick(versionOf(...full(0), last), quiet)
    expect(down).toMatchObject({ reason: 'level is too large', outputLevel: 2, outputRun: 5, move: true })
    expect(inputs(down)).toEqual([[last.number]])
    expect(lazy.pick(versionOf(...full(0), { ...last, fileBytes: 900 }), quiet)).toMatchObject({
      outputLevel: 1,
      outputRun: 5,
      move: false,
    })
    expect(lazy.pick(versionOf(...full(0), { ...last, level: 2 }), quiet)).toMatchObject({ outputLevel: 1, outputRun: 'new' })
  })

  it('works on the level with the most runs, the upper of equals: none grows without bound while writers are fast', () => {
    const last = meta('a', 'z', { level: 2, run: 1 })
    expect(lazy.pick(versionOf(...full(0), ...full(1), last), quiet)).toMatchObject({ outputLevel: 1 })
    expect(lazy.pick(versionOf(...full(0), ...full(1, 'az', [6, 5, 4, 3]), last), quiet)).toMatchObject({ outputLevel: 2, outputRun: 1 })
  })

  it('only moves the runs of a full level that are apart: keys that ascend are written once', () => {
    const apart = [meta('a', 'b', { run: 4 }), meta('c', 'd', { run: 5 }), meta('e', 'f', { run: 6 })]
    expect(lazy.pick(versionOf(...apart), quiet)).toMatchObject({ outputLevel: 1, outputRun: 'new', move: true })
    expect(lazy.pick(versionOf(...apart, meta('X', 'Z', { level: 1, run: 2 })), quiet)).toMatchObject({ outputRun: 2, move: true })
    expect(lazy.pick(versionOf(...apart, meta('X', 'a', { level: 1, run: 2 })), quiet)).toMatchObject({ outputRun: 2, move: false })
    expect(lazy.pick(versionOf(...apart, meta('a', 'z', { level: 2, run: 2 })), quiet)).toMatchObject({ outputRun: 'new', move: true })
  })

  it('makes one run of a last level that was built by tiers', () => {
    const files = [meta('a', 'c', { run: 9 }), ...full(2, 'az', [7, 5])]
    const spec = lazy.pick(versionOf(...files), quiet)
    expect(inputs(spec)).toEqual(files.slice(1).map(({ number }) => [number]))
    expect(spec).toMatchObject({ outputLevel: 2, outputRun: 'new', score: 2 })
    expect(lazy.scores(versionOf(...files))).toEqual([1 / 3, 0, 2])
  })

  it('compacts a range with everything that its tables reach into the run of the last level, and nothing more', () => {
    const [inRange, reached, reachedBelow] = [
      meta('c', 'e', { run: 9 }),
      meta('e', 'k', { level: 1, run: 4 }),
      meta('k', 'm', { level: 2, run: 2 }),
    ]
    const version = versionOf(inRange, reached, reachedBelow, meta('o', 'q', { level: 1, run: 4 }), meta('a', 'b', { level: 2, run: 2 }))
    const spec = lazy.pickRange(version, { smallest: keyOf('d'), largest: keyOf('d') })
    expect(inputs(spec)).toEqual([[inRange.number], [reached.number], [reachedBelow.number]])
    expect(spec).toMatchObject({ outputLevel: 2, outputRun: 2, reason: 'range', move: false })
    expect(lazy.pickRange(version, { smallest: keyOf('x'), largest: keyOf('y') })).toBeUndefined()
  })

  it('sends tombstones down to the last level with all that they delete, where that is worth what is written', () => {
    const heavy = meta('c', 'e', { run: 9, tombstones: 5 })
    const newer = meta('a', 'z', { run: 10 })
    const under = meta('d', 'f', { level: 1, run: 8 })
    const last = meta('f', 'g', { level: 2, run: 1 })
    const spec = lazy.pick(versionOf(newer, heavy, under, last), quiet)
    expect(inputs(spec)).toEqual([[heavy.number], [under.number], [last.number]])
    expect(spec).toMatchObject({ reason: 'tombstones', outputLevel: 2, outputRun: 1, move: false })
    expect(lazy.pick(versionOf(heavy, { ...last, smallest: keyOf('a'), entries: 31 }), quiet)).toBeUndefined()
    expect(
      lazy.pick(versionOf(heavy, { ...last, smallest: keyOf('a'), maxSequence: 12 }), { ...quiet, oldestSnapshot: 11 }),
    ).toBeUndefined()
  })

  it('takes an ingest into the last level where it shares keys with no table', () => {
    const version = versionOf(meta('m', 'n', { run: 4 }), meta('a', 'c', { level: 2, run: 3 }))
    expect(lazy.placeIngested(version, { smallest: keyOf('d'), largest: keyOf('e') })).toEqual({ level: 2, run: 3 })
    expect(lazy.placeIngested(version, { smallest: keyOf('d'), largest: keyOf('m') })).toBeUndefined()
    expect(lazy.placeIngested(versionOf(), { smallest: keyOf('d'), largest: keyOf('m') })).toEqual({ level: 1, run: 0 })
  })
})

describe.each([leveled, tiered, lazy])('tables that a range tombstone deletes ($name)', picker => {
  const tombstone = { first: keyOf('b'), last: keyOf('m'), sequence: 50 }
  const pick = (smallest: string, largest: string, maxSequence: number, oldestSnapshot = Infinity): Compaction | undefined =>
    picker.pick(versionOf(meta(smallest, largest, { maxSequence })), { oldestSnapshot, rangeTombstones: [tombstone] })

  it('go without being read', () => {
    expect(pick('b', 'm', 49)).toMatchObject({ drop: true, reason: 'everything deleted' })
  })

  it('stay if any key or any entry is out of its reach', () => {
    expect(pick('a', 'm', 49)).toBeUndefined()
    expect(pick('b', 'n', 49)).toBeUndefined()
    expect(pick('b', 'm', 50)).toBeUndefined()
    expect(pick('b', 'm', 51)).toBeUndefined()
  })

  it('stay while a snapshot from before the clear lives', () => {
    expect(pick('b', 'm', 49, 49)).toBeUndefined()
    expect(pick('b', 'm', 49, 50)).toMatchObject({ drop: true })
  })
})

describe('what is older than the output', () => {
  const bounds = (spec: Compaction, ...metas: TableMeta[]): string[] =>
    olderThanOutput(versionOf(...metas), spec).map(({ smallest, largest }) => `${textOf(smallest)}-${textOf(largest)}`)

  it('is every deeper table that is not merged, and older runs beside it, as few disjoint stretches', () => {
    const files = [
      meta('a', 'b', { level: 0, run: 9 }),
      meta('a', 'c', { level: 1, run: 8 }),
      meta('d', 'e', { level: 1, run: 5 }),
      meta('e', 'g', { level: 2, run: 3 }),
      meta('p', 'q', { level: 3, run: 2 }),
    ]
    const base = { reason: 'range', score: 1, move: false, drop: false } as const
    expect(bounds({ ...base, inputs: [], outputLevel: 1, outputRun: 'new' }, ...files)).toEqual(['a-c', 'd-g', 'p-q'])
    expect(bounds({ ...base, inputs: [], outputLevel: 1, outputRun: 8 }, ...files)).toEqual(['d-g', 'p-q'])
    expect(bounds({ ...base, inputs: [], outputLevel: 1, outputRun: 5 }, ...files)).toEqual(['e-g', 'p-q'])
  })
})
