import { spawnSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import type { Environment } from '../../src/vfs/environment.js'
import { MemoryFileSystem } from '../../src/vfs/memory/memory-file-system.js'
import { nodeDeflate } from '../../src/vfs/node/node-deflate.js'
import { nodeZstd } from '../../src/vfs/node/node-zstd.js'
import { nodeEnvironment } from '../../src/vfs/node/node-environment.js'
import { portableEnvironment } from '../../src/vfs/portable-environment.js'
import { SeededRandom, uniform } from '../../src/vfs/seeded-random.js'
import { simulatedEnvironment } from '../../src/vfs/testing/simulated-environment.js'
import { bundledText } from '../support/bundled-program.js'

describe('seeded random numbers', () => {
  it('repeat for the same seed and differ for neighbouring ones', () => {
    const draw = (seed: number): number[] => {
      const random = new SeededRandom(seed)
      return Array.from({ length: 50 }, () => random.uint32())
    }
    expect(draw(7)).toEqual(draw(7))
    const firsts = new Set([0, 1, 2, -1, 2 ** 32, 2 ** 32 + 1, Number.MAX_SAFE_INTEGER].map(seed => draw(seed)[0]))
    expect(firsts.size).toBe(7)
    expect(draw(7).every(value => Number.isInteger(value) && value >= 0 && value < 2 ** 32)).toBe(true)
    expect(() => new SeededRandom(0.5)).toThrow(TypeError)
  })

  it('are uniform, and never outside of the range', () => {
    const random = new SeededRandom(1)
    const counts = new Array<number>(7).fill(0)
    for (let i = 0; i < 70_000; i++) counts[random.uniform(7)]++
    for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(500)
    expect(random.uniform(1)).toBe(0)
    expect(() => random.uniform(0)).toThrow(RangeError)
    expect(() => uniform(random, Number.NaN)).toThrow(RangeError)
  })

  it('draw again where the range does not divide 2^32', () => {
    const drawn = [2 ** 32 - 1, 5]
    expect(uniform({ uint32: () => drawn.shift()! }, 10)).toBe(5)
  })
})

const real: [string, () => Environment][] = [
  ['node', () => nodeEnvironment()],
  ['portable', () => portableEnvironment({ fileSystem: new MemoryFileSystem() })],
]

describe.each(real)('the %s environment', (_, make) => {
  it('lets timers run between turns', async () => {
    const { scheduler } = make()
    let hasRun = false
    setTimeout(() => (hasRun = true), 1)
    for (let turns = 0; !hasRun && turns < 1_000_000; turns++) await scheduler.turn()
    expect(hasRun).toBe(true)
  })

  it('measures a sleep in milliseconds, and draws numbers below 2^32', async () => {
    const { clock, scheduler, random } = make()
    const start = clock.now()
    await Promise.all([scheduler.sleep(20), new Promise(resolve => setTimeout(resolve, 30))])
    expect(clock.now() - start).toBeGreaterThanOrEqual(19)
    const drawn = new Set(Array.from({ length: 1000 }, () => random.uint32()))
    expect(drawn.size).toBeGreaterThan(990)
    for (const value of drawn) expect(value >= 0 && value < 2 ** 32 && Number.isInteger(value)).toBe(true)
  })
})

it('neither sleeps nor turns keep a Node process alive', () => {
  const script = `
    import { nodeEnvironment } from '../../src/vfs/node/node-environment.js'
    import { portableEnvironment } from '../../src/vfs/portable-environment.js'
    import { simulatedEnvironment } from '../../src/vfs/testing/simulated-environment.js'
    const all = [nodeEnvironment(), portableEnvironment({ fileSystem: nodeEnvironment().fileSystem }), simulatedEnvironment({ seed: 1 })]
    for (const { scheduler } of all) { await scheduler.turn(); void scheduler.sleep(60_000) }
    process.stdout.write('end')`
  const result = spawnSync(process.execPath, [bundledText(script, import.meta.dirname)], { timeout: 20_000, encoding: 'utf8' })
  expect(result).toMatchObject({ status: 0, stdout: 'end' })
}, 120_000)

describe('the simulated environment', () => {
  async function run(seed: number): Promise<string[]> {
    const { clock, scheduler, random, fileSystem } = simulatedEnvironment({ seed })
    const events: string[] = []
    const worker = async (name: string, steps: number): Promise<void> => {
      const handle = fileSystem.create(name)
      for (let i = 0; i < steps; i++) {
        handle.write(new Uint8Array(1), i)
        await handle.sync()
        const roll = random.uint32() % 4
        if (roll === 0) await scheduler.sleep(random.uint32() % 100)
        else if (roll === 1) await scheduler.turn()
        events.push(`${name}${i}@${clock.now().toFixed(3)}`)
      }
    }
    await Promise.all([worker('a', 40), worker('b', 30), worker('c', 50)])
    return events
  }

  it('replays the same interleaving for the same seed, and another one for another seed', async () => {
    const first = await run(3)
    expect(await run(3)).toEqual(first)
    expect(await run(4)).not.toEqual(first)
  })

  it('sleeps long without taking long, and wakes in the order of the deadlines', async () => {
    const { clock, scheduler } = simulatedEnvironment({ seed: 1 })
    const start = performance.now()
    const woken: number[] = []
    await Promise.all([3_600_000, 5, 60_000, 5.5].map(ms => scheduler.sleep(ms).then(() => woken.push(ms))))
    expect(woken).toEqual([5, 5.5, 60_000, 3_600_000])
    expect(clock.now()).toBe(3_600_000)
    expect(performance.now() - start).toBeLessThan(1000)
  })

  it('ends a turn only when all promise chains have come to rest', async () => {
    const { scheduler } = simulatedEnvironment({ seed: 1 })
    let steps = 0
    void (async () => {
      for (; steps < 10_000; steps++) await Promise.resolve()
    })()
    await scheduler.turn()
    expect(steps).toBe(10_000)
  })
})

const codecs = { deflate: nodeDeflate, ...(nodeZstd !== undefined && { zstd: nodeZstd }) }

describe.each(Object.entries(codecs))('%s', (_name, codec) => {
  it('decompresses to the input', () => {
    for (const size of [0, 1, 100, 4096, 100_000]) {
      const bytes = new Uint8Array(size).map((_, index) => (index * index) % 97)
      expect(Buffer.compare(codec.decompress(codec.compress(bytes), size), bytes)).toBe(0)
    }
  })

  it('refuses a block of another size and bytes that are no stream', () => {
    const compressed = codec.compress(new Uint8Array(1000))
    for (const size of [0, 1, 999, 1001, 100_000]) {
      expect(() => codec.decompress(compressed, size)).toThrow(expect.objectContaining({ code: 'LEVEL_CORRUPTION' }))
    }
    expect(() => codec.decompress(new Uint8Array(50).fill(0xff), 10)).toThrow(expect.objectContaining({ code: 'LEVEL_CORRUPTION' }))
  })
})
