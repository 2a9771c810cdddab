/** The write-ahead logs: their frames, how far they are durable, and what becomes of them. The same events come from every engine. */
import type { TraceEvent } from 'kvarium/trace'
import type { Fold } from './fold.js'

/** One record of a log: the writes that became durable, or were lost, together. Offset and length in bytes. */
export interface LogFrame {
  readonly offset: number
  readonly length: number
  /** Operations in it. */
  readonly entries: number
  readonly firstSequence: number
  readonly userBytes: number
}

export interface LogPicture {
  readonly log: number
  readonly bytes: number
  /** Bytes that survive power loss. */
  readonly syncedBytes: number
  readonly entries: number
  /** `complete`: writing goes on in a later log. `released`: removed by the present event. */
  readonly state: 'written' | 'complete' | 'released'
  /** The latest ones, oldest first. */
  readonly frames: readonly LogFrame[]
  /** Frames before those in `frames`. */
  readonly framesBefore: number
  /** What recovery said of it. */
  readonly replayed?: string
}

export interface LogsPicture {
  /** Oldest first. */
  readonly logs: readonly LogPicture[]
  /** Logs before those in `logs`. */
  readonly logsBefore: number
  /** What the present event did, to which log. */
  readonly present?: { readonly what: 'append' | 'sync' | 'rotate' | 'release' | 'replay'; readonly log: number }
}

const MOST_FRAMES = 40
const MOST_LOGS = 6

export class LogFold implements Fold<LogsPicture> {
  /** By number, in the order in which they began. A log is replaced, never changed. */
  #logs = new Map<number, LogPicture>()
  #present: LogsPicture['present']

  apply(event: TraceEvent): void {
    if (this.#present?.what === 'release') this.#logs.delete(this.#present.log)
    this.#present = undefined
    switch (event.type) {
      case 'log.append': {
        const { offset, length, entries, firstSequence, userBytes } = event
        const log = this.#log(event.log)
        const frames = [...log.frames, { offset, length, entries, firstSequence, userBytes }]
        this.#change(event.log, 'append', {
          bytes: offset + length,
          entries: log.entries + entries,
          frames: frames.slice(-MOST_FRAMES),
          framesBefore: log.framesBefore + Math.max(0, frames.length - MOST_FRAMES),
        })
        break
      }
      case 'log.commit':
        this.#change(event.log, 'sync', { syncedBytes: Math.max(this.#log(event.log).syncedBytes, event.upTo) })
        break
      case 'file.sync': {
        const log = numberOf(event.file)
        if (log !== undefined && this.#logs.has(log)) this.#change(log, 'sync', { syncedBytes: this.#log(log).bytes })
        break
      }
      case 'file.write': {
        const log = numberOf(event.file)
        if (log !== undefined)
          this.#logs.set(log, { ...this.#log(log), bytes: Math.max(this.#log(log).bytes, event.offset + event.length) })
        break
      }
      case 'log.rotate':
        if (this.#logs.has(event.from)) this.#change(event.from, 'rotate', { state: 'complete' })
        this.#change(event.to, 'rotate', {})
        break
      case 'log.replay': {
        const { bytes, entries, outcome } = event
        this.#change(event.log, 'replay', { bytes, syncedBytes: bytes, entries, state: 'complete', replayed: outcome })
        break
      }
      case 'log.release':
        this.#change(event.log, 'release', { state: 'released' })
        break
      case 'file.remove': {
        const log = numberOf(event.file)
        if (log !== undefined) this.#logs.delete(log)
        break
      }
      default:
        break
    }
  }

  clone(): LogFold {
    const clone = new LogFold()
    clone.#logs = new Map(this.#logs)
    clone.#present = this.#present
    return clone
  }

  picture(): LogsPicture {
    const logs = [...this.#logs.values()]
    return {
      logs: logs.slice(-MOST_LOGS),
      logsBefore: Math.max(0, logs.length - MOST_LOGS),
      ...(this.#present !== undefined && { present: this.#present }),
    }
  }

  #log(log: number): LogPicture {
    return this.#logs.get(log) ?? { log, bytes: 0, syncedBytes: 0, entries: 0, state: 'written', frames: [], framesBefore: 0 }
  }

  #change(log: number, what: NonNullable<LogsPicture['present']>['what'], fields: Partial<LogPicture>): void {
    this.#logs.set(log, { ...this.#log(log), ...fields })
    this.#present = { what, log }
  }
}

/** The number of a log, from the name of its file. */
function numberOf(file: string): number | undefined {
  const [, digits] = /^(\d+)\.log$/.exec(file) ?? []
  return digits === undefined ? undefined : Number(digits)
}
