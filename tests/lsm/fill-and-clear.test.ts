import { describe, expect, it } from 'vitest'
import type { Engine, EngineSnapshot } from '../../src/engine/contract.js'
import type { MemoryFileSystem } from '../../src/vfs/index.js'
import { rangeOf } from '../contract/support/opened-engine.js'
import { countSteps, stepsOf } from '../contract/support/steps.js'
import { batchOf, emptyFileSystem, filler, get, openLsm, scan, sizeOf, violations, type Operation } from './support/opened-lsm.js'
import { slice } from '../support/thoroughness.js'

countSteps()

const pad = (i: number): string => String(i).padStart(9, '0')

interface Cycle {
  readonly engine: Engine
  readonly cycle: number
  readonly put: (keys: readonly string[]) => Promise<void>
  readonly clear: (from?: string, to?: string) => Promise<void>
}

const PATTERNS: Readonly<Record<string, (cycle: Cycle) => Promise<void>>> = {
  'the same keys': async ({ put, clear }) => {
    await put(range(0, 40))
    await clear()
  },
  'keys that grow': async ({ put, clear, cycle }) => {
    await put(range(cycle * 40, 40))
    await clear()
  },
  'keys that shrink': async ({ put, clear, cycle }) => {
    await put(range((9000 - cycle) * 40, 40))
    await clear()
  },
  'keys in any order': async ({ put, clear, cycle }) => {
    await put(Array.from({ length: 40 }, (_, i) => pad((cycle * 7919 + i * 104_729) % 1_000_003)))
    await clear()
  },
  'adjacent ranges': async ({ put, clear, cycle }) => {
    await put(range(cycle * 40, 40))
    await clear(pad(cycle * 40), pad(cycle * 40 + 40))
  },
  'nested ranges': async ({ put, clear, cycle }) => {
    await put([...range(10_000 - cycle, 20), ...range(50_000 + cycle, 20)])
    await clear(pad(10_000 - cycle), pad(50_000 + cycle + 20))
  },
  'few keys, one tombstone each': async ({ put, clear, cycle }) => {
    await put(range(cycle * 20, 20))
    await clear()
  },
  'deletes one by one': async ({ engine, put, cycle }) => {
    await put(range(cycle * 40, 40))
    for (const key of range(cycle * 40, 40)) await engine.write(batchOf([['del', key]]), { sync: false })
  },
}

function range(from: number, count: number): string[] {
  return Array.from({ length: count }, (_, i) => pad(from + i))
}

interface Run {
  readonly engine: Engine
  readonly fileSystem: MemoryFileSystem
  /** Steps of each cycle's clears and of the reads behind it; what the background does in between is not counted. */
  readonly costs: readonly number[]
  /** The most bytes on disk and in memory that were seen. */
  readonly peakBytes: number
}

/** Cycles over a store that also holds a few keys on both sides; what it shows at the end is checked. */
async function run(
  pattern: (cycle: Cycle) => Promise<void>,
  cycles: number,
  options: Readonly<Record<string, unknown>>,
  snapshotAt = -1,
): Promise<Run> {
  const fileSystem = emptyFileSystem()
  const engine = await openLsm({ fileSystem, created: true, options })
  const costs: number[] = []
  let peakBytes = 0
  let snapshot: EngineSnapshot | undefined
  for (let cycle = 0; cycle < cycles; cycle++) {
    const put = async (keys: readonly string[]): Promise<void> => {
      await engine.write(batchOf(keys.map((key, i): Operation => ['put', key, filler(50, i)])), { sync: false })
    }
    const clear = async (from?: string, to?: string): Promise<void> => {
      let cleared = undefined as Promise<void> | void
      cost += stepsOf(() => {
        cleared = engine.clear(from === undefined ? {} : rangeOf({ gte: from, lt: to! }), { sync: false })
      })
      await cleared
    }
    let cost = 0
    await pattern({ engine, cycle, put, clear })
    if (cycle === snapshotAt) snapshot = engine.snapshot()
    cost += stepsOf(() => {
      expect(scan(engine)).toEqual([])
      expect(get(engine, pad(cycle * 40))).toBeUndefined()
      const cursor = engine.cursor({})
      expect([cursor.last(), cursor.seek(Uint8Array.of(49)), cursor.seekReverse(Uint8Array.of(57))]).toEqual([false, false, false])
      cursor.close()
    })
    costs.push(cost)
    if (cycle % 20 === 0) peakBytes = Math.max(peakBytes, sizeOf(fileSystem) + engine.stats().memoryBytes)
  }
  snapshot?.release()
  return { engine, fileSystem, costs, peakBytes }
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

/** Nothing is flushed, so that all is to be passed in one memtable. */
const ONE_MEMTABLE = { writeBufferSize: 64 * 1024 * 1024 }

describe('filling and clearing again and again', () => {
  it.each(Object.keys(PATTERNS))('costs the same at the end as at the start, in one memtable: %s', async name => {
    const { engine, costs } = await run(PATTERNS[name], slice(600, 1000), ONE_MEMTABLE)
    const [early, late] = [mean(costs.slice(100, 300)), mean(costs.slice(-200))]
    expect(late).toBeLessThan(early * 1.5 + 50)
    // A seek in what is empty now: up to 64 stretches, which are not yet worth remembering as one, and a logarithm for each.
    const cursor = engine.cursor({})
    expect(stepsOf(() => cursor.first())).toBeLessThan(2000)
    expect(stepsOf(() => cursor.last())).toBeLessThan(2000)
    cursor.close()
    await engine.close()
  })

  it.each(Object.keys(PATTERNS))(
    'costs the same at the end as at the start, over flushes and compactions, in bounded space: %s',
    async name => {
      const short = await run(PATTERNS[name], slice(300, 400), {})
      const { engine, fileSystem, costs, peakBytes } = await run(PATTERNS[name], slice(600, 1600), {})
      expect(mean(costs.slice(-200))).toBeLessThan(mean(costs.slice(100, 300)) * 1.5 + 50)
      expect(peakBytes).toBeLessThan(short.peakBytes * 1.5 + 64 * 1024)
      await engine.flush()
      await engine.settle()
      expect(await violations(engine)).toEqual([])
      expect(sizeOf(fileSystem)).toBeLessThan(64 * 1024)
      await engine.close()
      await short.engine.close()
    },
  )

  it.each(Object.keys(PATTERNS))('costs the same with a snapshot held from early on: %s', async name => {
    const { engine, costs } = await run(PATTERNS[name], 600, ONE_MEMTABLE, 10)
    expect(mean(costs.slice(500))).toBeLessThan(mean(costs.slice(100, 200)) * 1.5 + 50)
    await engine.close()
  })
})
