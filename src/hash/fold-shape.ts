/**
 * The structure of a hash engine, rebuilt from the events of its trace alone: after any event between two steps, what the engine's `shape()`
 * reported at that moment. Stepping through a recorded run needs no engine.
 *
 * Invariants:
 * 1. Events are applied in their order, from the `job.begin` of an open on; a trace of level io is enough.
 * 2. Nothing is guessed: every field of the shape comes from fields of events.
 */
import type { EventOf, TracedDataFile, TraceEvent } from '../trace/events.js'
import { deadBytesOf } from './merge-plan.js'
import type { HashFileShape, HashShape } from './shape.js'

type Totals = Omit<EventOf<'directory.change'>, 'files' | 'gone'>

/** Folds events into the shape of the engine, one after the other. */
export class HashShapeFold {
  #files: ReadonlyMap<number, TracedDataFile> = new Map()
  #totals: Totals | undefined

  /** Applies the next event. Events that do not change the shape are ignored. */
  apply(event: TraceEvent): void {
    if (event.type === 'job.begin' && event.kind === 'open') {
      this.#files = new Map()
      this.#totals = undefined
    } else if (event.type === 'directory.change') {
      this.#totals = event
      if (event.files.length === 0 && event.gone.length === 0) return
      const files = new Map(this.#files)
      for (const number of event.gone) files.delete(number)
      for (const file of event.files) files.set(file.file, file)
      this.#files = files
    }
  }

  /** The engine after the events so far. */
  shape(): HashShape {
    const { entries = 0, entrySequence = 0, records = 0, bytes = 0 } = this.#totals ?? {}
    const { orderBytes = 0, olderVersions = 0, held = 0 } = this.#totals ?? {}
    const bytesPerKey = records === 0 ? 0 : Math.round(bytes / records)
    return {
      engine: 'hash',
      entries,
      sequence: entrySequence,
      directory: { records, bytes, bytesPerKey, orderBytes, olderVersions },
      files: [...this.#files.values()].sort(inOrder).map(shapeOfFile),
      held,
    }
  }

  /** A copy that folds further events independently. */
  clone(): HashShapeFold {
    const clone = new HashShapeFold()
    clone.#files = this.#files
    clone.#totals = this.#totals
    return clone
  }
}

/** The shape after all of the events. */
export function foldHash(events: Iterable<TraceEvent>): HashShape {
  const fold = new HashShapeFold()
  for (const event of events) fold.apply(event)
  return fold.shape()
}

/** Those in force by age, then the others. */
function inOrder(a: TracedDataFile, b: TracedDataFile): number {
  if (a.obsolete !== b.obsolete) return a.obsolete ? 1 : -1
  return a.obsolete ? a.file - b.file : a.from - b.from
}

function shapeOfFile({ file, log, from, to, bytes, puts, live, putBytes, liveBytes, pins }: TracedDataFile): HashFileShape {
  const deadBytes = Math.round(deadBytesOf({ bytes, liveShare: putBytes === 0 ? 0 : liveBytes / putBytes }))
  return { number: file, kind: log ? 'log' : 'data', from, to, bytes, puts, live, deadBytes, pins }
}
