import { describe, expect, it } from 'vitest'
import { JobWatch } from '../../../packages/lab/src/compare/job-watch.js'
import type { EventBody } from '../../../src/trace/events.js'
import { Trace, type Span } from '../../../src/trace/span.js'

let now = 0

function watched(): { readonly watch: JobWatch; readonly trace: Trace } {
  const watch = new JobWatch()
  const trace = new Trace({ level: 'job', listener: watch.listener })
  trace.useClock(() => now)
  return { watch, trace }
}

function built(number: number, level: number, fileBytes: number): EventBody {
  const bounds = { smallest: new Uint8Array(1), largest: new Uint8Array(1), minSequence: 1, maxSequence: 2 }
  const counts = { entries: 1, tombstones: 0, rangeTombstones: 0, fileBytes, rawBytes: fileBytes, blocks: 1 }
  return { type: 'table.built', number, level, run: 0, ...counts, ...bounds }
}

function pick(job: Span, outputLevel: number): void {
  const weighed = { reason: '', scores: [1], overlapBytes: 0, inputBytes: 0 } as const
  job.emit({ type: 'compaction.pick', inputs: [[1]], outputLevel, outcome: 'merge', ...weighed })
}

describe('what a trace shows of the background', () => {
  it('a job lasts from its begin to its end, also beside another', () => {
    const { watch, trace } = watched()
    now = 100
    const flush = trace.startSpan('job', 'flush')
    now = 110
    const compaction = trace.startSpan('job', 'compaction')
    pick(compaction, 2)
    now = 130
    flush.count(0, 2048)
    flush.end('ok')
    now = 150
    compaction.end('cancelled')
    trace.startSpan('job', 'commit').end('ok')
    expect(watch.marks(100)).toEqual([
      { kind: 'flush', startMs: 0, endMs: 30, detail: '2.00 KiB written' },
      { kind: 'compaction', startMs: 10, endMs: 50, detail: 'cancelled' },
    ])
    expect(watch.ended).toBe(2)
  })

  it('counts the checkpoints that were completed', () => {
    const { watch, trace } = watched()
    for (const status of ['ok', 'failed', 'ok'] as const) trace.startSpan('job', 'checkpoint').end(status)
    expect([watch.checkpoints, watch.ended]).toEqual([2, 3])
  })

  it('bytes of compactions are counted by the level that they are for, those of flushes are not', () => {
    const { watch, trace } = watched()
    const flush = trace.startSpan('job', 'flush')
    flush.emit(built(1, 0, 100))
    flush.end('ok')
    for (const level of [2, 1, 2]) {
      const job = trace.startSpan('job', 'compaction')
      pick(job, level)
      job.emit(built(2, level, 10))
      job.end('ok')
    }
    expect(watch.compactedByLevel).toEqual([0, 10, 20])
  })

  it('writers that wait beside each other are one stall', () => {
    const { watch, trace } = watched()
    const [one, two] = [trace.startSpan('operation', 'write'), trace.startSpan('operation', 'write')]
    now = 5
    one.emit({ type: 'stall.begin', reason: 'full' })
    now = 7
    two.emit({ type: 'stall.begin', reason: 'full' })
    one.emit({ type: 'stall.end', waitedMs: 2 })
    now = 9
    two.emit({ type: 'stall.end', waitedMs: 2 })
    expect(watch.marks(0)).toEqual([{ kind: 'stall', startMs: 5, endMs: 9, detail: '' }])
  })

  it('a session that was never closed leaves nothing under way', () => {
    const { watch, trace } = watched()
    trace.startSpan('job', 'flush')
    trace.startSpan('job', 'open').end('ok')
    expect([watch.hasEvents, watch.marks(0)]).toEqual([false, []])
  })
})
