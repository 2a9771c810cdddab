import { describe, expect, it } from 'vitest'
import type { Engine } from '../../../src/engine/contract.js'
import { CorruptionError, IoError, PoisonedError } from '../../../src/errors.js'
import { FileSystemError, simulatedEnvironment, type MemoryFileSystem } from '../../../src/vfs/index.js'
import { aMoment, compactions, Gate, openGated, scattered, tableCount, within } from '../support/gated-lsm.js'
import { emptyFileSystem, filler, get, openLsm, put, scan, violations } from '../support/opened-lsm.js'

describe('a job that fails', () => {
  const failed = new IoError('the disk is full')

  /** On simulated time, so that a retry comes when the test says so. */
  async function openFailing(): Promise<{ engine: Engine; gate: Gate; later: () => Promise<void>; fileSystem: MemoryFileSystem }> {
    const gate = new Gate()
    const fileSystem = emptyFileSystem()
    const environment = simulatedEnvironment({ seed: 1, fileSystem })
    const engine = await openLsm({ environment, created: true, executor: gate.factory })
    return { engine, gate, later: () => environment.scheduler.sleep(1001), fileSystem }
  }

  /** Writes until one fails or all are written. */
  async function fill(engine: Engine, count: number, from = 0): Promise<{ written: string[]; error: unknown }> {
    const written = []
    for (let i = from; i < from + count; i++) {
      const key = scattered(i)
      try {
        await put(engine, key, filler(1000, i))
      } catch (error) {
        return { written, error }
      }
      written.push(key)
    }
    return { written, error: undefined }
  }

  it('once, costs nothing but time: the retry is done when a writer needs room', async () => {
    const { engine, gate, later } = await openFailing()
    let failures = 1
    gate.failure = () => (failures-- > 0 ? failed : undefined)
    const first = await fill(engine, 200)
    expect(first.error).toBe(failed)
    expect(get(engine, first.written.at(-1)!)).toHaveLength(1000)
    await expect(engine.settle()).rejects.toBe(failed)
    await later()
    const second = await fill(engine, 200, 1000)
    expect(second.error).toBeUndefined()
    await engine.settle()
    expect(scan(engine)).toHaveLength(first.written.length + 200)
    expect(await violations(engine)).toEqual([])
    await engine.close()
  })

  it('always, gives every writer that needs room the error, while reads go on and close works', async () => {
    const { engine, gate, later, fileSystem } = await openFailing()
    gate.failure = () => failed
    const { written, error } = await fill(engine, 200)
    expect(error).toBe(failed)
    for (let round = 0; round < 3; round++) {
      await later()
      const results = Array.from({ length: 5 }, async (_, i) => put(engine, `w${i}`, filler(1000, i)))
      for (const result of await within(Promise.allSettled(results), 'a writer'))
        expect(result).toMatchObject({ status: 'rejected', reason: failed })
    }
    await expect(engine.flush()).rejects.toBe(failed)
    await expect(engine.compact()).rejects.toBe(failed)
    expect(scan(engine)).toHaveLength(written.length)
    await within(engine.close(), 'close')
    const again = await openLsm({ fileSystem })
    expect(scan(again)).toHaveLength(written.length)
    await again.close()
  })

  it('for damage in its input is not tried again and again', async () => {
    const { engine, gate, later } = await openFailing()
    const damage = new CorruptionError('a block is damaged')
    let tried = 0
    gate.failure = job => {
      if (!compactions(job)) return undefined
      tried++
      return damage
    }
    expect((await fill(engine, 400)).error).toBe(damage)
    await later()
    expect((await fill(engine, 400, 1000)).error).toBe(damage)
    expect(tried).toBe(1)
    await engine.close()
  })

  it('for damage in its input does not keep memtables from their flush, while level 0 has room', async () => {
    const { engine, gate } = await openFailing()
    const damage = new CorruptionError('a block is damaged')
    gate.failure = job => (compactions(job) ? damage : undefined)
    await put(engine, 'first', filler(1000))
    await expect(engine.compact()).rejects.toBe(damage)
    const before = tableCount(engine)
    await put(engine, 'second', filler(1000))
    await engine.flush()
    expect(tableCount(engine)).toBe(before + 1)
    await engine.close()
  })
})

describe('after a failed log write', () => {
  const full = new FileSystemError('ENOSPC', { operation: 'write', path: 'a log' })

  it('a compaction asked for behind another one does not wait for ever', async () => {
    const gate = new Gate()
    const { engine, hooked } = await openGated(gate)
    await put(engine, 'a', '1')
    await engine.flush()
    gate.holdsBack = compactions
    const one = engine.compact()
    const two = engine.compact().catch((error: unknown) => error)
    await aMoment(5)
    hooked.before = operation => {
      if (operation.path.endsWith('.log')) throw full
    }
    expect(() => put(engine, 'b', '2')).toThrow(IoError)
    gate.release()
    await within(one, 'the compaction')
    expect(await within(two, 'the compaction behind it')).toBeInstanceOf(PoisonedError)
    await engine.close()
  })
})
