import { describe, expect, it } from 'vitest'
import { sizeFilter } from '../../../src/sstable/bloom-filter.js'
import {
  alwaysMergingWrites,
  lazyLeveledSpace,
  lazyLeveledWrites,
  leveledSpace,
  leveledWrites,
  LEVEL_FACTORS,
  oneilFactor,
  oneilRatio,
  runsToRead,
  tieredSpace,
  tieredWrites,
} from '../../../packages/lab/src/predict/amplification.js'
import {
  absentKeyReads,
  bestProbes,
  exactFilterFalsePositives,
  filterFalsePositives,
  monkeyAbsentKeyReads,
} from '../../../packages/lab/src/predict/bloom.js'
import {
  copyOnWriteWrites,
  pageLogWrites,
  pageSpace,
  pagesPerRecord,
  pageWrite,
  RANDOM_FILL,
  recordLogWrites,
  treeHeight,
} from '../../../packages/lab/src/predict/btree-model.js'
import {
  distinctKeys,
  distinctPages,
  distinctUniform,
  drawsFor,
  idealHitRate,
  lruHitRate,
  pageHitRate,
  zeta,
} from '../../../packages/lab/src/predict/draws.js'
import { blocksPerValue, garbageCopies, garbageSpace, wholeMerges } from '../../../packages/lab/src/predict/hash-model.js'
import { SeededRandom } from '../../../src/vfs/seeded-random.js'

describe('bloom filters', () => {
  it.each([
    [2, 1, 0.393],
    [4, 3, 0.147],
    [8, 6, 0.0216],
    [10, 7, 0.00819],
    [16, 11, 0.000459],
    [10, 6, 0.0084],
  ])('%d bits per key and %d probes: the published rate', (bits, probes, rate) => {
    expect(filterFalsePositives(bits, probes)).toBeCloseTo(rate, rate < 0.001 ? 6 : 3)
  })

  it("does not take the usual formula for exact: Bose's smallest case is 5/8, not 9/16", () => {
    expect(exactFilterFalsePositives(2, 1, 2)).toBeCloseTo(5 / 8, 12)
    expect((1 - (1 - 1 / 2) ** 2) ** 2).toBe(9 / 16)
  })

  it('nears the usual formula as the filter grows', () => {
    expect(exactFilterFalsePositives(2000, 200, 7)).toBeCloseTo(filterFalsePositives(10, 7), 4)
    expect(exactFilterFalsePositives(2000, 200, 7)).toBeGreaterThan(filterFalsePositives(10, 7))
  })

  it('takes as many probes as the filters of the tables do', () => {
    for (const bits of [1, 4, 8, 10, 16, 20]) expect(bestProbes(bits)).toBe(sizeFilter(1000, bits).probes)
  })

  it('says that no filter stops nothing', () => {
    expect(filterFalsePositives(0, 1)).toBe(1)
    expect(absentKeyReads(7, filterFalsePositives(0, 0))).toBe(7)
  })

  it("reads less for an absent key with Monkey's filters than with equal ones on six levels", () => {
    expect(monkeyAbsentKeyReads(10, 10)).toBeLessThan(absentKeyReads(6, filterFalsePositives(10, 7)))
  })
})

describe('merging', () => {
  it.each([
    ['T + 1', 6, 68],
    ['T', 6, 62],
    ['(T − 1) / 2', 6, 29],
  ])('%s over %d levels with T = 10, log and flush included', (name, levels, total) => {
    expect(leveledWrites(levels, LEVEL_FACTORS.find(factor => factor.name === name)!.factor(10))).toBe(total)
  })

  it('predicts 24 for two levels where 10.9 are measured', () => {
    expect(leveledWrites(2, LEVEL_FACTORS[0].factor(10))).toBe(24)
  })

  it("gives T + 1 by O'Neil, too, when all levels are full", () => {
    expect(oneilFactor(100, 1000)).toBe(11)
    expect(oneilFactor(100, 0)).toBe(1)
  })

  it('writes least with equal ratios', () => {
    const ratio = oneilRatio(1, 1000, 3)
    expect(ratio).toBeCloseTo(10, 10)
    const cost = (first: number, second: number): number => 3 + first + second + 1000 / (first * second)
    for (const [first, second] of [
      [9, 10],
      [10, 11],
      [5, 20],
    ])
      expect(cost(first, second)).toBeGreaterThan(cost(ratio, ratio))
  })

  it('orders the policies as published: tiered writes least and occupies most', () => {
    expect(tieredWrites(4)).toBeLessThan(lazyLeveledWrites(4, 10))
    expect(lazyLeveledWrites(4, 10)).toBeLessThan(leveledWrites(4, 10))
    expect(lazyLeveledSpace(10)).toBe(leveledSpace(10))
    expect(leveledSpace(10)).toBeLessThan(tieredSpace(10))
    expect([runsToRead('leveled', 4, 10), runsToRead('lazy-leveled', 4, 10), runsToRead('tiered', 4, 10)]).toEqual([4, 31, 40])
  })

  it('rewrites 100 equal flushes 50.5 times over when every flush merges all', () => {
    expect(alwaysMergingWrites(100) * 100).toBe(5049)
    expect(alwaysMergingWrites(1)).toBe(0)
  })
})

describe('pages', () => {
  const RECORD = 116

  it('writes 71 bytes for one in a page log, 141 copying the path, 35 for a cold page', () => {
    expect(pageLogWrites(4096, RECORD)).toBeCloseTo(70.6, 1)
    expect(copyOnWriteWrites(4096, RECORD, 3)).toBeCloseTo(141.2, 1)
    expect(pageWrite(4096, RECORD)).toBeCloseTo(35.3, 1)
    expect(recordLogWrites(4096, RECORD)).toBeCloseTo(36.3, 1)
  })

  it('is 1.44 times as large as its contents with random keys', () => {
    expect(pageSpace(RANDOM_FILL)).toBeCloseTo(1.4427, 4)
  })

  it('writes a page once, however many of its records change', () => {
    expect(pagesPerRecord([1], 50)).toBeCloseTo(1 / 50, 6)
    expect(pagesPerRecord([1_000_000], 10)).toBeCloseTo(1, 4)
    expect(pagesPerRecord([100, 1], 100) * 100).toBeCloseTo(100 * (1 - 0.99 ** 100) + 1, 6)
  })

  it('gets a new root only when the old one is full', () => {
    expect([treeHeight(150, 100, 150), treeHeight(151, 100, 150), treeHeight(15_000, 100, 150)]).toEqual([2, 3, 3])
  })

  it('is as high as its leaves need', () => {
    expect([treeHeight(1, 100), treeHeight(2, 100), treeHeight(100, 100), treeHeight(101, 100), treeHeight(10_001, 100)]).toEqual([
      1, 2, 2, 3, 4,
    ])
  })
})

describe('draws', () => {
  it('meets as many different keys as drawing them does', () => {
    const random = new SeededRandom(7)
    const seen = new Set<number>()
    for (let i = 0; i < 20_000; i++) seen.add(random.uniform(10_000))
    expect(distinctUniform(10_000, 20_000) / seen.size).toBeCloseTo(1, 2)
    expect(drawsFor(10_000, distinctUniform(10_000, 20_000))).toBeCloseTo(20_000, 3)
    expect(distinctUniform(1, 5)).toBeCloseTo(1, 6)
  })

  it("is Yao's number where records are not drawn twice: all pages once every record but one page's is taken", () => {
    expect(distinctPages(100, 10, 1)).toBeCloseTo(1, 12)
    expect(distinctPages(100, 10, 2)).toBeCloseTo(10 * (1 - (90 * 89) / (100 * 99)), 12)
    expect(distinctPages(100, 10, 91)).toBe(10)
    expect(distinctPages(100_000, 10, 15)).toBeCloseTo(distinctUniform(10, 15), 2)
  })

  it('sums a zipfian as the plain sum does', () => {
    let sum = 0
    for (let i = 1; i <= 50_000; i++) sum += i ** -0.99
    expect(zeta(50_000, 0.99)).toBeCloseTo(sum, 6)
    let distinct = 0
    for (let i = 1; i <= 50_000; i++) distinct += 1 - (1 - i ** -0.99 / sum) ** 100_000
    expect(distinctKeys('zipfian', 50_000, 100_000) / distinct).toBeCloseTo(1, 3)
  })

  it('hits a cache of a tenth of the keys with a tenth of uniform reads, and with most of zipfian ones', () => {
    expect(idealHitRate(1000, 100, { distribution: 'uniform' })).toBe(0.1)
    const zipfian = { distribution: 'zipfian' } as const
    const ideal = idealHitRate(1_000_000, 100_000, zipfian)
    const lru = lruHitRate(1_000_000, 100_000, zipfian)
    expect(ideal).toBeGreaterThan(0.8)
    expect(lru).toBeLessThan(ideal)
    expect(lru).toBeGreaterThan(0.7)
    expect(lruHitRate(10, 10, zipfian)).toBe(1)
  })

  it("is Che's hit rate that an LRU of real draws has", () => {
    const random = new SeededRandom(3)
    const [keys, cached, theta] = [2000, 200, 0.8]
    const mass = zeta(keys, theta)
    const below = new Float64Array(keys)
    for (let i = 0, sum = 0; i < keys; i++) below[i] = sum += (i + 1) ** -theta / mass
    const lru = new Map<number, true>()
    let hits = 0
    const draws = 60_000
    for (let draw = 0; draw < draws; draw++) {
      const at = random.uint32() / 2 ** 32
      let [low, high] = [0, keys - 1]
      while (low < high) {
        const middle = (low + high) >>> 1
        if (below[middle] < at) low = middle + 1
        else high = middle
      }
      if (lru.delete(low)) hits++
      lru.set(low, true)
      if (lru.size > cached) lru.delete(lru.keys().next().value!)
    }
    expect(lruHitRate(keys, cached, { distribution: 'zipfian', theta })).toBeCloseTo(hits / draws, 2)
  })

  it.each([
    { draws: 500, cached: 400 },
    { draws: 5000, cached: 150 },
    { draws: 5000, cached: 400 },
  ])('of pages counts the misses of an empty cache, and those of a small one: %j', ({ draws, cached }) => {
    const pages = 400
    const random = new SeededRandom(5)
    const lru = new Map<number, true>()
    let hits = 0
    for (let draw = 0; draw < draws; draw++) {
      const page = random.uint32() % pages
      if (lru.delete(page)) hits++
      lru.set(page, true)
      if (lru.size > cached) lru.delete(lru.keys().next().value!)
    }
    const rate = pageHitRate({ records: 12_000, pages, cached, draws }, { distribution: 'uniform' })
    expect(Math.abs(rate - hits / draws)).toBeLessThan(0.03)
  })

  it('of pages is better the fewer there are, and that of the records themselves where each has its own', () => {
    const zipfian = { distribution: 'zipfian' } as const
    const of = (pages: number): number => pageHitRate({ records: 10_000, pages, cached: 100 }, zipfian)
    expect(of(10_000)).toBe(lruHitRate(10_000, 100, zipfian))
    expect(of(1000)).toBeGreaterThan(of(10_000))
    expect(of(100)).toBe(1)
  })
})

describe('merges of a hash engine', () => {
  it.each([
    [0.5, 1, 2],
    [0.2, 4, 1.25],
    [0.75, 1 / 3, 4],
    [1, 0, 1e9],
  ])('at a dead share of %d an update costs %d copies, and a live byte takes %d bytes of files at most', (share, copies, space) => {
    expect(garbageCopies(share)).toBeCloseTo(copies, 12)
    expect(garbageSpace(share) / space).toBeCloseTo(1, 6)
  })

  it('of a full store with many updates cost what the steady state says', () => {
    const work = {
      puts: 1e6,
      keys: 10_000,
      keyBytes: 16,
      valueBytes: 100,
      distribution: 'uniform',
      loaded: { keys: 10_000, order: 'random' },
    } as const
    for (const share of [0.2, 0.5, 0.8]) {
      const { copied, merges } = wholeMerges(work, share, 100)
      expect(copied / work.puts / garbageCopies(share)).toBeCloseTo(1, 1)
      expect(copied / merges).toBeCloseTo(work.keys, 0)
    }
  })

  it('of a store that only grows do not happen', () => {
    const work = { puts: 1e5, keys: 1e5, keyBytes: 16, valueBytes: 100, distribution: 'ascending' } as const
    expect(wholeMerges(work, 0.5, 100)).toEqual({ merges: 0, copied: 0, dead: 0 })
  })

  it.each([
    [0, 0],
    [1, 1],
    [4097, 2],
    [20_000, 1],
  ])('a value of %d bytes takes %d blocks', (bytes, blocks) => {
    expect(blocksPerValue(bytes)).toBe(blocks)
  })
})
