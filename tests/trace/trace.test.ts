import { describe, expect, it } from 'vitest'
import { WriteBatch } from '../../src/engine/batch.js'
import type { Engine } from '../../src/engine/contract.js'
import { TracedEngine } from '../../src/engine/traced-engine.js'
import { Kvarium } from '../../src/index.js'
import type { EventBody, TraceEvent, TraceLevel } from '../../src/trace/events.js'
import { Trace } from '../../src/trace/trace.js'
import { MemoryFileSystem } from '../../src/vfs/index.js'
import { nodeEnvironment } from '../../src/vfs/node.js'
import { openTraced, simulated } from './support/traced-runs.js'

const SYNCED: EventBody = { type: 'file.sync', file: 'a' }

function traced(level: TraceLevel = 'step'): { readonly trace: Trace; readonly events: TraceEvent[] } {
  const events: TraceEvent[] = []
  return { trace: new Trace({ level, listener: event => events.push(event) }), events }
}

function owners(events: readonly TraceEvent[]): string[] {
  return events.filter(event => event.type === 'file.sync').map(event => `o${event.operation} j${event.job}`)
}

describe('whose an event is', () => {
  it('is the one under way in this turn, then again the one before', () => {
    const { trace, events } = traced()
    const get = trace.begin('get')
    const job = trace.job('flush')
    trace.emit(SYNCED)
    trace.within(get, () => {
      trace.emit(SYNCED)
      job.run(() => trace.emit(SYNCED))
      trace.emit(SYNCED)
      trace.within(null, () => trace.emit(SYNCED))
    })
    expect(() =>
      trace.within(get, () => {
        throw new Error('in between')
      }),
    ).toThrow('in between')
    trace.emit(SYNCED)
    expect(owners(events)).toEqual(['o0 j0', 'o1 j0', 'o0 j1', 'o1 j0', 'o0 j0', 'o0 j0'])
  })

  it('is the last of those that last, behind an await, until that is done', async () => {
    const { trace, events } = traced()
    const open = trace.job('open')
    const check = trace.begin('check')
    await trace.during(open, async () => {
      await Promise.resolve()
      trace.emit(SYNCED)
      await trace.during(check, async () => {
        await Promise.resolve()
        trace.emit(SYNCED)
      })
      trace.emit(SYNCED)
    })
    trace.emit(SYNCED)
    expect(owners(events)).toEqual(['o0 j1', 'o1 j0', 'o0 j1', 'o0 j0'])
  })

  it('is told of a job by the operation that set it off', () => {
    const { trace, events } = traced()
    trace.within(trace.begin('write'), () => trace.job('rotate'))
    expect(events).toMatchObject([{ type: 'job.begin', operation: 1, job: 1 }])
  })

  it('is the job where events come from another thread, in new order and with their times moved', () => {
    const { trace, events } = traced()
    let now = 100
    trace.useClock(() => now)
    const elsewhere: TraceEvent[] = [
      { type: 'file.write', file: 'a', offset: 0, length: 7, part: 'flush', sequence: 50, operation: 3, job: 9, atMs: 5000 },
      { type: 'file.read', file: 'a', offset: 0, length: 5, part: 'compaction', sequence: 51, operation: 3, job: 9, atMs: 5010 },
    ]
    const job = trace.job('flush')
    now = 200
    trace.absorb(elsewhere, job)
    trace.absorb([], job)
    job.end('ok')
    expect(events.map(({ sequence, operation, job, atMs }) => [sequence, operation, job, atMs])).toEqual([
      [1, 0, 1, 100],
      [2, 0, 1, 190],
      [3, 0, 1, 200],
      [4, 0, 1, 200],
    ])
    expect(events.at(-1)).toMatchObject({ bytesRead: 5, bytesWritten: 7 })
  })

  it('says how a job went, also when it fails', async () => {
    const { trace, events } = traced()
    await trace.runJob('open', async () => 1)
    const failing = trace.runJob('close', () => Promise.reject(new Error('disk full')), 'at the end')
    await expect(failing).rejects.toThrow('disk full')
    expect(events.filter(event => event.type === 'job.end').map(event => [event.kind, event.status, event.error])).toEqual([
      ['open', 'ok', undefined],
      ['close', 'failed', 'disk full'],
    ])
  })
})

describe('a level', () => {
  it('hands out tracers to whoever tells what belongs to it, and null to the others', () => {
    const levels = ['job', 'io', 'step'] as const
    const heard = levels.map(level => levels.map(wanted => traced(level).trace.at(wanted) !== null))
    expect(heard).toEqual([
      [true, false, false],
      [true, true, false],
      [true, true, true],
    ])
    const job = traced('io').trace.job('flush')
    expect([job.at('io'), job.at('step')]).toEqual([job, null])
  })
})

describe('a store with a trace', () => {
  it('journals every write, so that any file can be rebuilt', async () => {
    const fileSystem = new MemoryFileSystem()
    const events: TraceEvent[] = []
    const trace = new Trace({ level: 'io', payloads: true, listener: event => events.push(event) })
    const db = new Kvarium('/db', { engine: 'lsm', environment: simulated(1, fileSystem), trace })
    for (let i = 0; i < 100; i++) await db.put(`key ${i}`, 'v'.repeat(i), { sync: i % 10 === 0 })
    await db.compactRange()
    await db.close()
    const rebuilt = new Map<string, Uint8Array>()
    for (const event of events) {
      if (event.type === 'file.create') rebuilt.set(event.file, new Uint8Array())
      else if (event.type === 'file.remove') rebuilt.delete(event.file)
      else if (event.type === 'file.rename') {
        rebuilt.set(event.to, rebuilt.get(event.from)!)
        rebuilt.delete(event.from)
      } else if (event.type === 'file.write' || event.type === 'file.truncate') {
        const before = rebuilt.get(event.file)!
        const size = event.type === 'file.truncate' ? event.size : Math.max(before.length, event.offset + event.length)
        const after = new Uint8Array(size)
        after.set(before.subarray(0, size))
        if (event.type === 'file.write') after.set(event.bytes!, event.offset)
        rebuilt.set(event.file, after)
      }
    }
    const names = fileSystem.list('/db').filter(name => !name.startsWith('LOCK'))
    expect([...rebuilt.keys()].sort()).toEqual(names)
    for (const name of names) {
      const file = fileSystem.openRead(`/db/${name}`)
      const bytes = new Uint8Array(file.size())
      file.read(bytes, 0)
      expect(rebuilt.get(name), name).toEqual(bytes)
    }
  })

  it('tells of calls that fail, at once or later, and passes the error on', async () => {
    const { trace, events } = traced('io')
    const error = new Error('no')
    const fails = (): never => {
      throw error
    }
    const rejects = (): Promise<never> => Promise.reject(error)
    // eslint-disable-next-line require-yield
    const check = async function* (): AsyncGenerator<never> {
      throw error
    }
    const failing = { name: 'failing', get: fails, cursor: fails, write: rejects, clear: fails, flush: rejects, compact: fails, check }
    const engine = new TracedEngine(failing as unknown as Engine, trace)
    const batch = new WriteBatch()
    const options = { sync: false }
    expect(() => engine.get(new Uint8Array())).toThrow(error)
    expect(() => engine.cursor({})).toThrow(error)
    expect(() => engine.clear({}, options)).toThrow(error)
    await expect(engine.write(batch, options)).rejects.toBe(error)
    await expect(engine.flush()).rejects.toBe(error)
    await expect(engine.compact()).rejects.toBe(error)
    await expect(engine.check()[Symbol.asyncIterator]().next()).rejects.toBe(error)
    const ended = events.filter(event => event.type === 'operation.end')
    expect(ended.map(event => event.kind)).toEqual(['get', 'cursor', 'clear', 'write', 'flush', 'compact', 'check'])
    expect(ended.every(event => event.status === 'failed' && event.error === 'no')).toBe(true)
    expect(trace.owner).toBe(null)
  })

  it('keeps keys of its own: a caller may reuse its bytes', async () => {
    const { db, events } = await openTraced({ environment: simulated(1), options: { engine: 'memory' } })
    const key = Buffer.from('ada')
    await db.get(key as unknown as string, { keyEncoding: 'buffer' })
    key.fill(0)
    const begun = events.find(event => event.type === 'operation.begin')
    expect(begun).toMatchObject({ kind: 'get', key: new TextEncoder().encode('ada') })
  })

  it('must be given a Trace', () => {
    const open = (trace: unknown): unknown => new Kvarium('x', { environment: nodeEnvironment(), trace: trace as Trace })
    expect(() => open({})).toThrow(/Option "trace" must be a Trace/)
    expect(() => open('step')).toThrow(/"trace"/)
  })
})
