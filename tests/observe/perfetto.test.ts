import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { chromeTrace, type ChromeEvent } from '../../src/observe/perfetto.js'
import type { TraceEvent } from '../../src/trace/events.js'
import { anyEvents } from '../trace/support/any-event.js'
import { ENGINES, mixedLoad, openTraced, simulated, sumsOf } from '../trace/support/traced-runs.js'

const METADATA = ['process_name', 'thread_name', 'thread_sort_index']

/** What the format asks of every object; see "Trace Event Format". */
function assertSchema(events: readonly ChromeEvent[]): void {
  for (const event of JSON.parse(JSON.stringify(events)) as ChromeEvent[]) {
    expect(typeof event.name).toBe('string')
    expect([Number.isInteger(event.pid), Number.isInteger(event.tid)]).toEqual([true, true])
    if (event.ph === 'M') {
      expect(METADATA).toContain(event.name)
      expect(Object.keys(event.args ?? {})).toEqual([event.name === 'thread_sort_index' ? 'sort_index' : 'name'])
      continue
    }
    expect(typeof event.ts).toBe('number')
    if (event.ph === 'X') expect(event.dur).toBeGreaterThanOrEqual(0)
    else if (event.ph === 'i') expect(event.s).toBe('t')
    else {
      expect(event.ph).toBe('C')
      for (const value of Object.values(event.args ?? {})) expect(typeof value).toBe('number')
    }
  }
}

/** Slices of one track lie inside of one another or apart. */
function assertNesting(events: readonly ChromeEvent[]): void {
  const tracks = new Map<number, ChromeEvent[]>()
  for (const event of events) if (event.ph === 'X') tracks.set(event.tid, [...(tracks.get(event.tid) ?? []), event])
  for (const slices of tracks.values()) {
    let end = 0
    for (const { ts, dur } of slices.sort((a, b) => a.ts! - b.ts!)) {
      expect(ts!).toBeGreaterThanOrEqual(end - 1e-6)
      end = ts! + dur!
    }
  }
}

describe.each(Object.entries(ENGINES))('the trace of %s for Perfetto', (_name, options) => {
  it('keeps to the format, has a slice for every operation and job, and counts every byte', async () => {
    const { db, events } = await openTraced({ environment: simulated(1), options })
    await mixedLoad(db, 1, 12)
    await db.settle()
    const { traceEvents } = chromeTrace(events)
    assertSchema(traceEvents)
    assertNesting(traceEvents)
    const slices = traceEvents.filter(event => event.ph === 'X')
    const begun = (event: TraceEvent): boolean =>
      event.type === 'operation.begin' || event.type === 'job.begin' || event.type === 'stall.begin'
    expect(slices.length).toBe(events.filter(begun).length)
    expect(slices.every(slice => slice.args?.['unfinished'] === undefined)).toBe(true)
    const last = traceEvents.findLast(event => event.name === 'bytes written')
    expect(last?.args ?? { log: 0, flush: 0, compaction: 0, page: 0, meta: 0, backup: 0 }).toEqual(sumsOf(events).written)
    const amplification = traceEvents.findLast(event => event.name === 'write amplification')
    if (amplification !== undefined) expect(amplification.args!['total']).toBeGreaterThan(1)
    await db.close()
  })
})

describe('a trace for Perfetto', () => {
  it('keeps to the format whatever was recorded, ends without begins and begins without ends', () => {
    fc.assert(fc.property(anyEvents, events => assertSchema(chromeTrace(finite(events)).traceEvents)))
  })

  it('puts what overlaps on lanes of its own', () => {
    const at = (atMs: number, operation: number, type: 'operation.begin' | 'operation.end'): TraceEvent =>
      ({ type, kind: 'write', status: 'ok', atMs, operation, job: 0, sequence: atMs + 1 }) as TraceEvent
    const { traceEvents } = chromeTrace([
      at(0, 1, 'operation.begin'),
      at(1, 2, 'operation.begin'),
      at(2, 1, 'operation.end'),
      at(3, 2, 'operation.end'),
    ])
    const slices = traceEvents.filter(event => event.ph === 'X')
    expect(new Set(slices.map(slice => slice.tid)).size).toBe(2)
    expect(traceEvents.filter(event => event.name === 'thread_name').map(event => event.args!['name'])).toEqual([
      'other',
      'operations',
      'operations (2)',
    ])
  })
})

function finite(events: readonly TraceEvent[]): TraceEvent[] {
  return events.map((event, i) => ({ ...event, atMs: i }))
}
