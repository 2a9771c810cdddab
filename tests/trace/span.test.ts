import { describe, expect, it } from 'vitest'
import type { EventBody, TraceEvent, TraceLevel } from '../../src/trace/events.js'
import { newReadCounts } from '../../src/trace/ledger.js'
import { runJob, Trace, withSpan, type Span } from '../../src/trace/span.js'
import { MemoryFileSystem } from '../../src/vfs/index.js'
import { bindFileSystem, TracedFileSystem } from '../../src/vfs/traced-file-system.js'

const FILES = { page: /\.page$/, table: /\.sst$/ }
const SYNCED: EventBody = { type: 'file.sync', file: 'a' }

function traced(level: TraceLevel = 'step'): { readonly trace: Trace; readonly events: TraceEvent[] } {
  const events: TraceEvent[] = []
  return { trace: new Trace({ level, listener: event => events.push(event) }), events }
}

function stamps(events: readonly TraceEvent[]): string[] {
  return events.filter(event => event.type === 'file.sync').map(event => `o${event.operation} j${event.job}`)
}

describe('the current span', () => {
  it('is the active one, and after it the one before, also when the work fails', () => {
    const { trace, events } = traced()
    const get = trace.startSpan('operation', 'get')
    const job = trace.startSpan('job', 'flush')
    trace.emit(SYNCED)
    withSpan(get, () => {
      trace.emit(SYNCED)
      withSpan(job, () => trace.emit(SYNCED))
      trace.emit(SYNCED)
    })
    expect(() =>
      withSpan(get, () => {
        throw new Error('in between')
      }),
    ).toThrow('in between')
    trace.emit(SYNCED)
    expect(stamps(events)).toEqual(['o0 j0', 'o1 j0', 'o0 j1', 'o1 j0', 'o0 j0'])
  })

  it('stays what it is where there is no span to make active', () => {
    const { trace, events } = traced()
    withSpan(trace.startSpan('operation', 'get'), () => withSpan(null, () => trace.emit(SYNCED)))
    expect(withSpan(undefined, () => 7)).toBe(7)
    expect(stamps(events)).toEqual(['o1 j0'])
  })

  it('does not outlast an await: work captures it and makes it active again', async () => {
    const { trace, events } = traced()
    await withSpan(trace.startSpan('operation', 'write'), async () => {
      const span = trace.currentSpan
      await Promise.resolve()
      trace.emit(SYNCED)
      withSpan(span, () => trace.emit(SYNCED))
    })
    expect(stamps(events)).toEqual(['o0 j0', 'o1 j0'])
  })

  it('is that of each among concurrent writers, however their awaits interleave', async () => {
    const { trace, events } = traced()
    const gates: (() => void)[] = []
    const write = async (): Promise<void> => {
      const span = trace.currentSpan
      for (let i = 0; i < 2; i++) {
        await new Promise<void>(resolve => gates.push(resolve))
        withSpan(span, () => trace.emit(SYNCED))
      }
    }
    const writers = [1, 2, 3].map(() => withSpan(trace.startSpan('operation', 'write'), write))
    while (gates.length > 0) {
      gates.pop()!()
      await Promise.resolve()
      await Promise.resolve()
    }
    await Promise.all(writers)
    expect(stamps(events)).toEqual(['o3 j0', 'o3 j0', 'o2 j0', 'o2 j0', 'o1 j0', 'o1 j0'])
  })

  it('is, while none is active, the newest fallback that has not ended, in whatever order they end', () => {
    const { trace, events } = traced()
    const open = trace.startSpan('job', 'open', { fallback: true })
    trace.emit(SYNCED)
    const check = trace.startSpan('operation', 'check', { fallback: true })
    trace.emit(SYNCED)
    withSpan(trace.startSpan('operation', 'get'), () => trace.emit(SYNCED))
    open.end('ok')
    trace.emit(SYNCED)
    check.end('ok')
    trace.emit(SYNCED)
    expect(stamps(events)).toEqual(['o0 j1', 'o1 j0', 'o2 j0', 'o1 j0', 'o0 j0'])
    expect(trace.currentSpan).toBe(null)
  })
})

describe('a job', () => {
  it('names the operation that set it off, not one that is only the fallback', () => {
    const { trace, events } = traced()
    withSpan(trace.startSpan('operation', 'write'), () => trace.startSpan('job', 'rotate'))
    trace.startSpan('operation', 'flush', { fallback: true })
    trace.startSpan('job', 'flush', { reason: 'the memtable is full', remote: true })
    expect(events).toMatchObject([
      { type: 'job.begin', kind: 'rotate', operation: 1, job: 1 },
      { type: 'job.begin', kind: 'flush', operation: 0, job: 2, reason: 'the memtable is full', remote: true },
    ])
  })

  it('ends as its work does: well, badly or cancelled', async () => {
    const { trace, events } = traced()
    const cancelled = new Error('cancelled')
    const active: (Span | null)[] = []
    await runJob(trace, 'open', async span => void active.push(span, trace.active))
    await expect(runJob(trace, 'close', () => Promise.reject(new Error('disk full')), { fallback: true })).rejects.toThrow('disk full')
    const options = { isCancelled: (error: unknown) => error === cancelled }
    await expect(runJob(trace, 'compaction', () => Promise.reject(cancelled), options)).rejects.toBe(cancelled)
    expect(active[0]).toBe(active[1])
    expect(trace.currentSpan).toBe(null)
    expect(events.filter(event => event.type === 'job.end').map(event => [event.kind, event.status, event.error])).toEqual([
      ['open', 'ok', undefined],
      ['close', 'failed', 'disk full'],
      ['compaction', 'cancelled', 'cancelled'],
    ])
  })

  it('is only work where there is no trace', async () => {
    expect(await runJob(null, 'open', async span => span)).toBe(null)
    expect(await runJob(undefined, 'open', async span => span)).toBe(null)
  })

  it('takes over events of another thread, in new order and with their times moved', () => {
    const { trace, events } = traced()
    let now = 100
    trace.useClock(() => now)
    const elsewhere: TraceEvent[] = [
      { type: 'file.write', file: 'a', offset: 0, length: 7, part: 'flush', sequence: 50, operation: 3, job: 9, atMs: 5000 },
      { type: 'file.read', file: 'a', offset: 0, length: 5, part: 'compaction', sequence: 51, operation: 3, job: 9, atMs: 5010 },
    ]
    const job = trace.startSpan('job', 'flush')
    now = 200
    job.absorb(elsewhere)
    job.absorb([])
    job.end('ok')
    expect(events.map(({ sequence, operation, job, atMs }) => [sequence, operation, job, atMs])).toEqual([
      [1, 0, 1, 100],
      [2, 0, 1, 190],
      [3, 0, 1, 200],
      [4, 0, 1, 200],
    ])
    expect(events.at(-1)).toMatchObject({ bytesRead: 5, bytesWritten: 7 })
  })
})

describe('an operation', () => {
  it('ends with what it found and touched, at level io', () => {
    const touched = { ...newReadCounts(), operations: 1, blocksFromCache: 2 }
    const ends = (['job', 'io'] as const).map(level => {
      const { trace, events } = traced(level)
      const get = trace.startSpan('operation', 'get')
      get.reading('open').touch(touched)
      get.end('found', undefined, 9)
      trace.startSpan('operation', 'get').end('failed', 'text')
      return events
    })
    expect(ends[0]).toEqual([])
    expect(ends[1]).toMatchObject([
      { type: 'operation.end', kind: 'get', status: 'found', valueBytes: 9, touched },
      { type: 'operation.end', kind: 'get', status: 'failed', error: 'text' },
    ])
    expect(ends[1][1]).not.toHaveProperty('touched')
  })
})

describe('the part that the ledger counts under', () => {
  it('is that of the view, otherwise that of the file and the span, and the bytes are those of the whole span', () => {
    const { trace, events } = traced('io')
    const files = new TracedFileSystem(new MemoryFileSystem(), trace, '/db', FILES)
    files.makeDirectory('/db')
    const job = trace.startSpan('job', 'checkpoint')
    const bytes = new Uint8Array(4)
    const file = withSpan(job, () => files.create('/db/data.page'))
    withSpan(job, () => file.write(bytes, 0))
    withSpan(job.writing('meta'), () => file.write(bytes, 4))
    withSpan(job.writing('meta').reading('open'), () => file.read(bytes, 0))
    withSpan(job, () => file.read(bytes, 4))
    job.end('ok')
    expect(events.flatMap(event => ('part' in event ? [event.part] : []))).toEqual(['page', 'meta', 'open', 'compaction'])
    expect(events.every(({ job: number }) => number === 1)).toBe(true)
    expect(events.at(-1)).toMatchObject({ type: 'job.end', bytesRead: 8, bytesWritten: 8 })
  })

  it('has bytes also below level io, where files emit nothing', () => {
    const { trace, events } = traced('job')
    const memory = new MemoryFileSystem()
    memory.makeDirectory('/db')
    const job = trace.startSpan('job', 'flush')
    const file = bindFileSystem(new TracedFileSystem(memory, trace, '/db', FILES), job).create('/db/a')
    file.write(new Uint8Array(3), 0)
    file.read(new Uint8Array(2), 0)
    job.end('ok')
    expect(events.at(-1)).toMatchObject({ type: 'job.end', bytesRead: 2, bytesWritten: 3 })
    expect(events.map(({ type }) => type)).toEqual(['job.begin', 'job.end'])
  })

  it('is bound with a file system, whatever is active when its files are used', () => {
    const { trace, events } = traced('io')
    const memory = new MemoryFileSystem()
    memory.makeDirectory('/db')
    const files = new TracedFileSystem(memory, trace, '/db', FILES)
    const file = bindFileSystem(files, trace.startSpan('job', 'compaction')).create('/db/000001.sst')
    withSpan(trace.startSpan('operation', 'get'), () => file.write(new Uint8Array(3), 0))
    expect(events.at(-1)).toMatchObject({ type: 'file.write', operation: 0, job: 1, part: 'compaction' })
    expect(bindFileSystem(files, null)).toBe(files)
    expect(bindFileSystem(memory, trace.startSpan('job', 'free'))).toBe(memory)
  })
})

describe('a level', () => {
  it('has a tracer for what belongs to it, and null for the rest', () => {
    const levels = ['job', 'io', 'step'] as const
    const recorded = levels.map(level => levels.map(wanted => traced(level).trace.at(wanted) !== null))
    expect(recorded).toEqual([
      [true, false, false],
      [true, true, false],
      [true, true, true],
    ])
    const job = traced('io').trace.startSpan('job', 'flush')
    expect([job.at('io'), job.at('step')]).toEqual([job, null])
  })
})
