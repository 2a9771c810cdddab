import { describe, expect, it } from 'vitest'
import { SteadyReads, type ReadWindow } from '../../bench/peers/steady-reads.js'

const window = (operations: number, hits = 90, misses = 10): ReadWindow => ({ operations, ms: 250, cpuMs: 200, hits, misses })
const RULE = { leastOperations: 1_000_000, mostMs: 60_000 }

function run(windows: readonly ReadWindow[], rule = RULE): SteadyReads {
  const reads = new SteadyReads(rule)
  for (const one of windows) {
    if (reads.isDone) break
    reads.add(one)
  }
  return reads
}

describe('a row of reads', () => {
  it('goes on until a million calls, even if it is steady', () => {
    expect(run(Array<ReadWindow>(9).fill(window(100_000))).isDone).toBe(false)
    expect(run(Array<ReadWindow>(10).fill(window(100_000))).isDone).toBe(true)
  })

  it('goes on while the throughput still rises, and reports the end of it alone', () => {
    const warming = [100_000, 200_000, 300_000, 400_000, 500_000].map(operations => window(operations))
    expect(run(warming).isDone).toBe(false)
    const reads = run([...warming, ...Array<ReadWindow>(4).fill(window(510_000))])
    expect(reads.isDone).toBe(true)
    expect(reads.metrics).toMatchObject({ steady: 1, cpuPerOperationUs: (800 / (4 * 510_000 - 10_000)) * 1000 })
    expect(reads.metrics['operationsPerSecond']).toBe(2_030_000)
  })

  it('goes on while the cache still warms', () => {
    const warming = [50, 60, 70, 80, 90].map(hits => window(400_000, hits, 100 - hits))
    expect(run(warming).isDone).toBe(false)
    expect(run([...warming, ...Array<ReadWindow>(4).fill(window(400_000))]).metrics).toMatchObject({ steady: 1, hitRate: 0.9 })
  })

  it('ends at its limit of time, and says that it was not steady', () => {
    const reads = run(Array.from({ length: 1000 }, (_, index) => window(index % 2 === 0 ? 100_000 : 200_000)))
    expect(reads.isDone).toBe(true)
    expect(reads.metrics).toMatchObject({ steady: 0, operations: 36_000_000 })
  })

  it('needs no hit rate from a store that does not count', () => {
    const reads = run(Array<ReadWindow>(20).fill(window(100_000, NaN, NaN)))
    expect(reads.isDone).toBe(true)
    expect(reads.metrics['hitRate']).toBeNaN()
  })
})
