import { describe, expect, it } from 'vitest'
import type { EngineShape } from '../../src/engine/contract.js'
import type { Engine } from '../../src/engine/contract.js'
import { CorruptionError, IoError, PoisonedError } from '../../src/errors.js'
import { inlineExecutor, type ExecutorFactory } from '../../src/lsm/compaction/executor.js'
import { JobCancelled, type MergeJob } from '../../src/lsm/compaction/merge-job.js'
import { FileSystemError, portableEnvironment, simulatedEnvironment, type MemoryFileSystem } from '../../src/vfs/index.js'
import { rangeOf } from '../contract/support/opened-engine.js'
import { SMALL_LSM } from '../contract/support/small-lsm.js'
import { HookedFileSystem } from './support/hooked-file-system.js'
import { emptyFileSystem, filler, get, openLsm, put, scan, violations } from './support/opened-lsm.js'

/** An executor that holds back some jobs until `release`, and makes some fail. */
class Gate {
  holdsBack: (job: MergeJob) => boolean = () => false
  failure: (job: MergeJob) => Error | undefined = () => undefined

  readonly factory: ExecutorFactory = (environment, hash32) => {
    const inner = inlineExecutor(environment, hash32)
    return {
      remote: false,
      run: async job => {
        while (this.holdsBack(job)) {
          await aMoment()
          if (job.cancel !== undefined && Atomics.load(job.cancel, 0) !== 0) throw new JobCancelled('cancelled')
        }
        const failure = this.failure(job)
        if (failure !== undefined) throw failure
        return inner.run(job)
      },
    }
  }

  release(): void {
    this.holdsBack = () => false
  }
}

const everyJob = (): boolean => true
const compactions = (job: MergeJob): boolean => job.memtable === undefined

function aMoment(ms = 1): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms))
}

async function within<T>(promise: Promise<T>, what: string, ms = 5000): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => (timer = setTimeout(() => reject(new Error(`${what} hangs`)), ms)))
  return Promise.race([promise, late]).finally(() => clearTimeout(timer))
}

/** Real time: nothing may depend on turns that only the test takes. */
async function openGated(
  gate: Gate,
  options: Readonly<Record<string, unknown>> = {},
): Promise<{ engine: Engine; hooked: HookedFileSystem }> {
  const hooked = new HookedFileSystem(emptyFileSystem())
  const environment = portableEnvironment({ seed: 1, fileSystem: hooked })
  const engine = await openLsm({ environment, created: true, executor: gate.factory, options })
  return { engine, hooked }
}

/** Writes until a writer has to wait; returns the keys written so far and the promise of that writer. */
function writeUntilStalled(engine: Engine, from = 0): { written: number; stalled: Promise<void> } {
  for (let i = from; i < from + 5000; i++) {
    const result = put(engine, `k${String(i).padStart(5, '0')}`, filler(1000, i))
    if (result !== undefined) return { written: i + 1, stalled: result }
  }
  throw new Error('No writer had to wait')
}

/** Every flush overlaps every other, so that no table can just be moved. */
function scattered(i: number): string {
  return `k${String((i * 7919) % 10_007).padStart(5, '0')}`
}

/** Flushes go on, compactions wait: level 0 fills up until writers have to wait for it. */
async function fillLevel0(engine: Engine): Promise<{ written: number; stalled: Promise<void> }> {
  let stalled: Promise<void> | undefined
  let written = 0
  while (stalled === undefined) {
    const result = put(engine, scattered(written), filler(1000, written))
    written++
    if (result === undefined) continue
    // Gives the flushes time: a writer that still waits after that waits for level 0.
    const outcome = await Promise.race([result.then(() => 'served'), aMoment(50).then(() => 'waits')])
    if (outcome === 'waits') stalled = result
  }
  return { written, stalled }
}

describe('while the background is slow', () => {
  it('writers wait and memory does not grow', async () => {
    const gate = new Gate()
    const { engine } = await openGated(gate)
    gate.holdsBack = everyJob
    const { written, stalled } = writeUntilStalled(engine)
    const waiting = [stalled]
    const atStall = engine.stats().pending.memoryBytes
    for (let i = 0; i < 100; i++) waiting.push(put(engine, `more${i}`, filler(1000, i))!)
    await aMoment(20)
    expect(engine.stats().pending.memoryBytes).toBe(atStall)
    expect(atStall).toBeLessThanOrEqual(3 * SMALL_LSM.writeBufferSize)
    expect(engine.stats().stalls.count).toBe(101)
    expect(get(engine, 'more0')).toBeUndefined()
    gate.release()
    await within(Promise.all(waiting), 'a writer')
    expect(scan(engine)).toHaveLength(written + 100)
    await engine.close()
  })

  it('waiting writers and clears are served in their order, and no writer overtakes them', async () => {
    const gate = new Gate()
    const { engine } = await openGated(gate)
    gate.holdsBack = everyJob
    const order: string[] = []
    const note = (name: string, promise: Promise<void> | void): Promise<void> => {
      expect(promise, `${name} does not wait`).toBeInstanceOf(Promise)
      return Promise.resolve(promise).then(() => void order.push(name))
    }
    const waiting = [note('stalled', writeUntilStalled(engine).stalled)]
    waiting.push(note('put a', put(engine, 'a', '1')))
    waiting.push(note('clear', engine.clear({}, { sync: false })))
    waiting.push(note('put b', put(engine, 'b', '2')))
    waiting.push(note('clear a to b', engine.clear(rangeOf({ gte: 'a', lte: 'b' }), { sync: true })))
    waiting.push(note('put c', put(engine, 'c', '3', true)))
    waiting.push(note('put a again', put(engine, 'a', '4')))
    gate.release()
    await within(Promise.all(waiting), 'a writer')
    expect(order.filter(name => name !== 'clear a to b' && name !== 'put c')).toEqual(['stalled', 'put a', 'clear', 'put b', 'put a again'])
    expect(scan(engine)).toEqual(['a=4', 'c=3'])
    await engine.close()
  })

  it('closing lets writers that wait for a flush finish', async () => {
    const gate = new Gate()
    const { engine, hooked } = await openGated(gate)
    gate.holdsBack = everyJob
    const { written, stalled } = writeUntilStalled(engine)
    const cleared = engine.clear(rangeOf({ lt: 'k00002' }), { sync: false })!
    const synced = put(engine, 'last', 'synced', true)!
    const closed = engine.close()
    gate.release()
    await within(Promise.all([stalled, cleared, synced, closed]), 'close')
    const again = await openLsm({ fileSystem: hooked })
    expect(scan(again)).toHaveLength(written - 2 + 1)
    await again.close()
  })

  it('closing does not wait for the compaction that writers wait for, and loses none of their writes', async () => {
    const gate = new Gate()
    const { engine, hooked } = await openGated(gate, { level0StopTables: 4 })
    gate.holdsBack = compactions
    const { written, stalled } = await fillLevel0(engine)
    const behind = put(engine, 'behind', 'it', true)
    await within(Promise.all([engine.close(), stalled, behind]), 'close')
    const again = await openLsm({ fileSystem: hooked })
    expect(scan(again)).toHaveLength(written + 1)
    await again.close()
  })

  it('closing waits for a flush and for compactions that are asked for, also those behind another one', async () => {
    const gate = new Gate()
    const { engine, hooked } = await openGated(gate)
    gate.holdsBack = everyJob
    await put(engine, 'a', '1')
    let isClosed = false
    const calls = [engine.flush(), engine.compact(), engine.compact({ gte: Uint8Array.of(1) }), engine.settle()]
    const closed = engine.close().then(() => (isClosed = true))
    await aMoment(20)
    expect(isClosed).toBe(false)
    gate.release()
    await within(Promise.all([...calls, closed]), 'close')
    const again = await openLsm({ fileSystem: hooked })
    expect(tablesOf(again)).toBe(1)
    expect(scan(again)).toEqual(['a=1'])
    await again.close()
  })
})

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
    const before = tablesOf(engine)
    await put(engine, 'second', filler(1000))
    await engine.flush()
    expect(tablesOf(engine)).toBe(before + 1)
    await engine.close()
  })
})

function tablesOf(engine: { shape(): EngineShape }): number {
  return engine.shape().levels!.reduce((sum, level) => sum + level.tables, 0)
}

describe('after a failed log write', () => {
  const full = new FileSystemError('ENOSPC', { operation: 'write', path: 'a log' })

  it.each(['write', 'sync'] as const)(
    '(%s) every write is refused, waiting ones too; reads go on; reopening brings the rest back',
    async kind => {
      const gate = new Gate()
      const { engine, hooked } = await openGated(gate)
      gate.holdsBack = everyJob
      const { written, stalled } = writeUntilStalled(engine)
      const waits = put(engine, 'waits', filler(1000))!
      hooked.before = operation => {
        if (operation.kind === kind && operation.path.endsWith('.log')) throw full
      }
      // The waiting writers block all others; a flush writes no log, but a new one begins with it.
      gate.release()
      const outcomes = await within(
        Promise.allSettled([stalled, waits, Promise.resolve().then(() => put(engine, 'new', 'x', true))]),
        'a writer',
      )
      hooked.before = () => {}
      expect(outcomes.at(-1)).toMatchObject({ status: 'rejected' })
      await expect(async () => put(engine, 'after', 'x')).rejects.toBeInstanceOf(PoisonedError)
      await expect(async () => engine.clear({}, { sync: false })).rejects.toBeInstanceOf(PoisonedError)
      await expect(async () => put(engine, 'after', filler(20_000), true)).rejects.toBeInstanceOf(PoisonedError)
      const present = scan(engine)
      expect(present.length).toBeGreaterThanOrEqual(written - 1)
      await within(
        engine.close().catch(() => undefined),
        'close',
      )
      const again = await openLsm({ fileSystem: hooked })
      expect(scan(again)).toEqual(present)
      expect(await violations(again)).toEqual([])
      await put(again, 'after', 'y', true)
      await again.close()
      expect(hooked.open.size).toBe(0)
    },
  )

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

  it('of the manifest nothing more is written either', async () => {
    const gate = new Gate()
    const { engine, hooked } = await openGated(gate)
    await put(engine, 'a', '1')
    hooked.before = operation => {
      if (operation.kind === 'write' && operation.path.includes('MANIFEST')) throw full
    }
    await expect(engine.flush()).rejects.toBeInstanceOf(IoError)
    hooked.before = () => {}
    await expect(async () => put(engine, 'b', '2')).rejects.toBeInstanceOf(PoisonedError)
    expect(get(engine, 'a')).toBe('1')
    await engine.close()
    const again = await openLsm({ fileSystem: hooked })
    expect(scan(again)).toEqual(['a=1'])
    await again.close()
  })
})
