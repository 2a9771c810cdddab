/** Bytes written by flushes and compactions, per level, counted from the events of a store. */
import { Trace, type TraceListener } from '../../src/trace/span.js'
import type { TraceJobKind } from '../../src/trace/events.js'

export interface Written {
  readonly tables: number
  readonly entries: number
  readonly bytes: number
}

const NOTHING: Written = { tables: 0, entries: 0, bytes: 0 }

export class TableCount {
  readonly #kinds = new Map<number, TraceJobKind>()
  readonly #flushed: Written[] = []
  readonly #compacted: Written[] = []

  readonly listener: TraceListener = event => {
    if (event.type === 'job.begin') this.#kinds.set(event.job, event.kind)
    if (event.type !== 'table.built') return
    const counts = this.#kinds.get(event.job) === 'compaction' ? this.#compacted : this.#flushed
    const { tables, entries, bytes } = counts[event.level] ?? NOTHING
    counts[event.level] = { tables: tables + 1, entries: entries + event.entries, bytes: bytes + event.fileBytes }
  }

  /** A trace of only the events that are counted: pass it as option of a store whose events are not recorded. */
  readonly trace = new Trace({ level: 'job', listener: this.listener })

  get flushed(): Written {
    return total(this.#flushed)
  }

  get compacted(): Written {
    return total(this.#compacted)
  }

  /** Bytes written by compactions to a level. */
  compactedInto(level: number): Written {
    return this.#compacted[level] ?? NOTHING
  }
}

function total(levels: readonly Written[]): Written {
  return levels.reduce(
    (sum, { tables, entries, bytes }) => ({ tables: sum.tables + tables, entries: sum.entries + entries, bytes: sum.bytes + bytes }),
    NOTHING,
  )
}
