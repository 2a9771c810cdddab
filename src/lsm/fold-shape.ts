/**
 * The structure of an LSM tree, rebuilt from the events of its trace alone: after any event between two operations, what the engine's
 * `shape()` reported at that moment. Stepping through a recorded run needs no engine.
 *
 * Invariants:
 * 1. Events are applied in their order, from the `job.begin` of an open on; a trace of level step is needed.
 * 2. Nothing is guessed: every field of the shape comes from a field of an event.
 */
import type { TraceEvent } from '../trace/events.js'
import type { DroppedCounts } from './compaction/retention.js'
import { blobShapes, levelShapes, type LsmShape, type MemtableShape } from './shape.js'
import { Version } from './versions/version.js'

/** What `shape()` of the engine returns. */
export interface FoldedLsmShape extends LsmShape {
  readonly picker: string
  readonly sequence: number
  readonly snapshots: number
  /** Entries that merges have dropped since open, by reason. */
  readonly dropped: Readonly<DroppedCounts>
}

/** Folds events into the shape of the tree, one after the other. */
export class LsmShapeFold {
  #version = new Version()
  #memtable = noMemtable()
  /** Newest first. */
  #frozen: MemtableShape[] = []
  #picker = ''
  #sequence = 0
  #snapshots = 0
  #dropped: DroppedCounts = { shadowed: 0, covered: 0, tombstones: 0, expired: 0 }

  /** Takes in the next event; those that change nothing of the shape are passed over. */
  apply(event: TraceEvent): void {
    switch (event.type) {
      case 'job.begin':
        if (event.kind === 'open') this.#begin()
        break
      case 'engine.open':
        this.#picker = String(event.options.compaction)
        this.#sequence = event.entrySequence
        break
      case 'memtable.new':
        this.#memtable = { entries: 0, bytes: event.bytesUsed, capacityBytes: event.capacityBytes, rangeTombstones: 0 }
        break
      case 'memtable.insert':
        this.#memtable = { ...this.#memtable, entries: this.#memtable.entries + 1, bytes: event.bytesUsed }
        this.#sequence = event.entrySequence
        break
      case 'tombstone.add':
        this.#memtable = { ...this.#memtable, rangeTombstones: this.#memtable.rangeTombstones + 1 }
        this.#sequence = event.entrySequence
        break
      case 'memtable.freeze':
        this.#frozen = [{ ...this.#memtable, ...(event.capacityBytes && { capacityBytes: event.capacityBytes }) }, ...this.#frozen]
        break
      case 'memtable.drop':
        this.#frozen = this.#frozen.slice(0, -1)
        break
      case 'manifest.read':
        this.#version = new Version().apply({ added: event.tables, deleted: [], blobs: event.blobs })
        break
      case 'manifest.edit':
        this.#version = (event.whole ? new Version() : this.#version).apply(event)
        break
      case 'merge.end':
        this.#dropped = {
          shadowed: this.#dropped.shadowed + event.dropped.shadowed,
          covered: this.#dropped.covered + event.dropped.covered,
          tombstones: this.#dropped.tombstones + event.dropped.tombstones,
          expired: this.#dropped.expired + (event.dropped.expired ?? 0),
        }
        break
      case 'snapshot.take':
      case 'snapshot.release':
        this.#snapshots = event.live
        break
      default:
        break
    }
  }

  /** The tree after the events so far. */
  shape(): FoldedLsmShape {
    return {
      engine: 'lsm',
      levels: levelShapes(this.#version),
      ...blobShapes(this.#version),
      memtable: this.#memtable,
      frozen: this.#frozen,
      picker: this.#picker,
      sequence: this.#sequence,
      snapshots: this.#snapshots,
      dropped: this.#dropped,
    }
  }

  /** A fold of the same events, which goes on by itself. */
  clone(): LsmShapeFold {
    const clone = new LsmShapeFold()
    clone.#version = this.#version
    clone.#memtable = this.#memtable
    clone.#frozen = this.#frozen
    clone.#picker = this.#picker
    clone.#sequence = this.#sequence
    clone.#snapshots = this.#snapshots
    clone.#dropped = this.#dropped
    return clone
  }

  #begin(): void {
    this.#version = new Version()
    this.#memtable = noMemtable()
    this.#frozen = []
    this.#snapshots = 0
    this.#sequence = 0
    this.#dropped = { shadowed: 0, covered: 0, tombstones: 0, expired: 0 }
  }
}

/** The shape after all of the events. */
export function foldLsm(events: Iterable<TraceEvent>): FoldedLsmShape {
  const fold = new LsmShapeFold()
  for (const event of events) fold.apply(event)
  return fold.shape()
}

function noMemtable(): MemtableShape {
  return { entries: 0, bytes: 0, capacityBytes: 0, rangeTombstones: 0 }
}
