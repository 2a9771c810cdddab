import { describe, expect, it } from 'vitest'
import { WriteBatch } from '../../src/engine/batch.js'
import type { Engine, Violation } from '../../src/engine/contract.js'
import { TracedEngine } from '../../src/engine/traced-engine.js'
import { Kvarium } from '../../src/index.js'
import type { TraceEvent, TraceLevel } from '../../src/trace/events.js'
import { Trace } from '../../src/trace/span.js'
import { MemoryFileSystem } from '../../src/vfs/index.js'
import { nodeEnvironment } from '../../src/vfs/node.js'
import { openTraced, simulated } from './support/traced-runs.js'

function traced(level: TraceLevel = 'step'): { readonly trace: Trace; readonly events: TraceEvent[] } {
  const events: TraceEvent[] = []
  return { trace: new Trace({ level, listener: event => events.push(event) }), events }
}

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

  it('emits calls that fail, at once or later, and passes the error on', async () => {
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
    expect(trace.currentSpan).toBe(null)
  })

  it('ends a check that its caller leaves early, and what the check holds', async () => {
    const { trace, events } = traced('io')
    let isReleased = false
    const check = async function* (): AsyncGenerator<Violation> {
      try {
        yield { path: 'a', message: 'first' }
        yield { path: 'a', message: 'second' }
      } finally {
        isReleased = true
      }
    }
    const engine = new TracedEngine({ name: 'damaged', check } as unknown as Engine, trace)
    for await (const { message } of engine.check()) if (message === 'first') break
    expect(isReleased).toBe(true)
    expect(trace.currentSpan).toBe(null)
    expect(events.map(({ type }) => type)).toEqual(['operation.begin', 'operation.end'])
  })

  it('charges what a step of a cursor touches to no other operation', async () => {
    const { db, events } = await openTraced({ environment: simulated(1), options: { engine: 'lsm' }, level: 'io' })
    await db.batch([
      { type: 'put', key: 'a', value: '1' },
      { type: 'put', key: 'b', value: '2' },
    ])
    await db.flush()
    const iterator = db.iterator()
    await iterator.next()
    await iterator.next()
    await db.put('c', '3')
    await iterator.close()
    const put = events.findLast(event => event.type === 'operation.end' && event.kind === 'write')
    expect(put).not.toHaveProperty('touched')
    await db.close()
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
