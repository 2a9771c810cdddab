import { describe, expect, it } from 'vitest'
import { PoisonedError } from '../../../src/errors.js'
import { FileSystemError } from '../../../src/vfs/index.js'
import { rangeOf } from '../../contract/support/opened-engine.js'
import { SMALL_LSM } from '../../contract/support/small-lsm.js'
import { aMoment, compactions, everyJob, fillLevel0, Gate, openGated, tableCount, within, writeUntilStalled } from '../support/gated-lsm.js'
import { filler, get, openLsm, put, scan, violations } from '../support/opened-lsm.js'

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
    expect(tableCount(again)).toBe(1)
    expect(scan(again)).toEqual(['a=1'])
    await again.close()
  })
})

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
})
