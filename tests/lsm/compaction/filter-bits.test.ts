/** Filters that have fewer bits in deep levels: as few false positives as the paper says, and no more memory. */
import { expect, it } from 'vitest'
import { filterFalsePositives, monkeyAbsentKeyReads, monkeyFalsePositives } from 'kvarium-lab/predict'
import { measure } from '../../../bench/policies/measure.js'
import { allocateFilterBits, filterBitsOfCompaction, filterBitsOfFlush } from '../../../src/lsm/compaction/filter-bits.js'
import { slice } from '../../support/thoroughness.js'
import { meta, versionOf } from '../support/table-metas.js'

const rateOf = (bits: number): number => Math.exp(-bits * Math.LN2 ** 2)
const levelsOf = (fanOut: number, depth: number): { entries: number; runs: number }[] =>
  Array.from({ length: depth }, (_, level) => ({ entries: 1000 * fanOut ** level, runs: 1 }))

it('false positives of a level grow with its size, and their sum is that of the closed form, for the same memory', () => {
  for (const [bitsPerKey, fanOut] of [
    [10, 10],
    [8, 4],
    [5, 2],
  ] as const) {
    const levels = levelsOf(fanOut, 12)
    const bits = allocateFilterBits(levels, bitsPerKey)
    const keys = levels.reduce((sum, { entries }) => sum + entries, 0)
    expect(levels.reduce((sum, { entries }, level) => sum + entries * bits[level], 0) / keys).toBeCloseTo(bitsPerKey, 9)
    for (let level = 1; level < bits.length; level++) expect(rateOf(bits[level]) / rateOf(bits[level - 1])).toBeCloseTo(fanOut, 6)
    const reads = bits.reduce((sum, each) => sum + rateOf(each), 0)
    expect(Math.abs(reads / monkeyAbsentKeyReads(bitsPerKey, fanOut) - 1)).toBeLessThan(0.01)
  }
})

it('the prediction knows the same shares, with runs of any sizes and with few bits', () => {
  for (const bitsPerKey of [0, 0.3, 2, 10]) {
    const entries = [5, 90, 90, 4000, 70_000]
    const bits = allocateFilterBits(
      entries.map(count => ({ entries: count, runs: 1 })),
      bitsPerKey,
    )
    const rates = monkeyFalsePositives(entries, bitsPerKey)
    for (const [index, rate] of rates.entries()) expect(rateOf(bits[index])).toBeCloseTo(rate, 9)
  }
})

it('no other split of the memory over two levels has fewer false positives', () => {
  const levels = [
    { entries: 3000, runs: 1 },
    { entries: 5000, runs: 3 },
  ]
  const [, best] = allocateFilterBits(levels, 6)
  const cost = (deep: number): number => rateOf((6 * 18_000 - deep * 15_000) / 3000) + 3 * rateOf(deep)
  for (let deep = 0; deep < 7; deep += 0.1) expect(cost(best)).toBeLessThanOrEqual(cost(deep))
})

it('levels that are too large for the memory have no filter, and the others share all of it', () => {
  const levels = levelsOf(10, 4)
  const bits = allocateFilterBits(levels, 0.2)
  expect(bits.at(-1)).toBe(0)
  expect(bits.every(each => each >= 0)).toBe(true)
  const memory = levels.reduce((sum, { entries }, level) => sum + entries * bits[level], 0)
  expect(memory / levels.reduce((sum, { entries }) => sum + entries, 0)).toBeCloseTo(0.2, 9)
  expect(allocateFilterBits(levels, 0)).toEqual([0, 0, 0, 0])
})

it('a table gets the bits of the run that it becomes a part of, and all get the same where that is wanted', () => {
  const upper = meta('a', 'c', { level: 1, entries: 100 })
  const last = [meta('a', 'c', { level: 2, entries: 500 }), meta('d', 'f', { level: 2, entries: 500 })]
  const version = versionOf(upper, ...last)
  const compaction = {
    ...({ reason: 'level is too large', score: 1, move: false, drop: false } as const),
    inputs: [[upper], [last[0]]],
    outputLevel: 2,
    outputRun: 0,
  }
  const options = { filterBitsPerKey: 10, filterAllocation: 'by-level' } as const
  // Nothing is left above, so that the last level has all of the memory.
  expect(filterBitsOfCompaction(options, version, compaction)).toBeCloseTo(10, 9)
  const besides = versionOf(upper, meta('d', 'f', { level: 1, entries: 100 }), ...last)
  expect(filterBitsOfCompaction(options, besides, compaction)).toBeLessThan(10)
  expect(filterBitsOfFlush(options, version, 10)).toBeGreaterThan(15)
  expect(filterBitsOfFlush({ ...options, filterAllocation: 'uniform' }, version, 10)).toBe(10)
})

it.each(slice(['leveled', 'lazy-leveled'] as const, ['leveled', 'tiered', 'lazy-leveled'] as const))(
  'in a %s tree of several levels absent keys pass filters of the same memory less often',
  async compaction => {
    const work = slice(
      { keys: 3000, puts: 8000, samples: 20, gets: 100, seed: 3 },
      { keys: 12_000, puts: 36_000, samples: 10, gets: 500, seed: 3 },
    )
    const sizes = { compaction, writeBufferSize: 16 << 10, maxFileSize: 16 << 10, level1Size: 32 << 10, fanOut: 4, filterBitsPerKey: 6 }
    const uniform = await measure(sizes, work)
    const byLevel = await measure({ ...sizes, filterAllocation: 'by-level' }, work)
    expect(byLevel.levels.length).toBeGreaterThanOrEqual(3)
    const bits = byLevel.levels.filter(({ entries }) => entries > 0).map(({ bitsPerKey }) => bitsPerKey)
    expect([...bits].sort((a, b) => b - a)).toEqual(bits)
    expect(Math.abs(byLevel.filterBytes / uniform.filterBytes - 1)).toBeLessThan(0.05)
    expect(byLevel.absent.falsePositives).toBeLessThan(0.7 * uniform.absent.falsePositives)
    expect(uniform.absent.falsePositives).toBeGreaterThan(filterFalsePositives(6, 4))
  },
)
