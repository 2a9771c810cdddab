/**
 * The times at which a store flushed, compacted, made checkpoints and made writers wait, and the bytes that compactions wrote per level:
 * from its trace, at level `job` or finer. One instance covers all sessions of a store.
 */
import { bytes as showBytes } from '../report/numbers.js'
import type { Mark } from '../report/run-report.js'
import type { EventOf, TraceEvent, TraceListener } from 'kvarium/trace'

type Shown = Exclude<Mark['kind'], 'stall'>

interface Running {
  readonly kind: Shown
  readonly sinceMs: number
  outputLevel: number | undefined
}

interface Seen {
  readonly kind: Mark['kind']
  readonly sinceMs: number
  untilMs: number
  readonly detail: string
}

const SHOWN: readonly string[] = ['flush', 'compaction', 'checkpoint'] satisfies Shown[]
/** Most marks to keep. */
const MOST_MARKS = 5000

export class JobWatch {
  readonly #running = new Map<number, Running>()
  /** Writers that wait, by operation. */
  readonly #waiting = new Set<number>()
  #waitingSinceMs = 0
  readonly #marks: Seen[] = []
  readonly #compactedByLevel: number[] = []
  #ended = 0
  #checkpoints = 0

  readonly listener: TraceListener = event => this.#receive(event)

  /** Whether any event arrived: a custom engine may emit none. */
  get hasEvents(): boolean {
    return this.#marks.length > 0
  }

  /** Jobs that have ended so far: each may have changed the structure of the store. */
  get ended(): number {
    return this.#ended
  }

  /** Completed checkpoints. */
  get checkpoints(): number {
    return this.#checkpoints
  }

  /** Bytes of tables that compactions have written, by the level they were for. */
  get compactedByLevel(): readonly number[] {
    return Array.from(this.#compactedByLevel, bytes => bytes ?? 0)
  }

  /** Marks in the order of their ends, with times since `startMs` on the same clock. */
  marks(startMs: number): Mark[] {
    const since = (ms: number): number => Math.max(0, Math.round((ms - startMs) * 1000) / 1000)
    return this.#marks.map(({ kind, sinceMs, untilMs, detail }) => ({ kind, startMs: since(sinceMs), endMs: since(untilMs), detail }))
  }

  #receive(event: TraceEvent): void {
    switch (event.type) {
      case 'job.begin':
        if (event.kind === 'open') this.#dropRunning()
        if (isShown(event.kind)) this.#running.set(event.job, { kind: event.kind, sinceMs: event.atMs, outputLevel: undefined })
        return
      case 'compaction.pick': {
        const job = this.#running.get(event.job)
        if (job !== undefined) job.outputLevel = event.outputLevel
        return
      }
      case 'table.built': {
        if (this.#running.get(event.job)?.kind !== 'compaction') return
        this.#compactedByLevel[event.level] = (this.#compactedByLevel[event.level] ?? 0) + event.fileBytes
        return
      }
      case 'job.end':
        return this.#endJob(event)
      case 'stall.begin':
        if (this.#waiting.size === 0) this.#waitingSinceMs = event.atMs
        this.#waiting.add(event.operation)
        return
      case 'stall.end':
        if (!this.#waiting.delete(event.operation) || this.#waiting.size > 0) return
        this.#mark({ kind: 'stall', sinceMs: this.#waitingSinceMs, untilMs: event.atMs, detail: '' })
        return
      default:
    }
  }

  #endJob({ job: id, atMs, bytesWritten, status }: EventOf<'job.end'>): void {
    const job = this.#running.get(id)
    if (job === undefined) return
    this.#running.delete(id)
    this.#ended++
    const { kind, sinceMs, outputLevel } = job
    if (kind === 'checkpoint' && status === 'ok') this.#checkpoints++
    const into = outputLevel === undefined ? '' : ` into level ${outputLevel}`
    const detail = status === 'ok' ? `${showBytes(bytesWritten)} written${into}` : status
    this.#mark({ kind, sinceMs, untilMs: atMs, detail })
  }

  #mark(mark: Seen): void {
    if (this.#marks.length < MOST_MARKS) this.#marks.push(mark)
  }

  /** Drops the running jobs of a session that was never closed. */
  #dropRunning(): void {
    this.#running.clear()
    this.#waiting.clear()
  }
}

function isShown(kind: string): kind is Shown {
  return SHOWN.includes(kind)
}
