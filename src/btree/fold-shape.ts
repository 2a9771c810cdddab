/**
 * The structure of a B+tree, rebuilt from the events of its trace alone: after any event between two operations, what the engine's
 * `shape()` reported at that moment. Stepping through a recorded run needs no engine.
 *
 * Invariants:
 * 1. Events are applied in their order, from the `job.begin` of an open on; a trace of level io is enough.
 * 2. Nothing is guessed: every field of the shape comes from fields of events.
 */
import type { EventOf, TraceEvent } from '../trace/events.js'
import { DATA_FILE } from './file-names.js'
import { LevelCounts } from './pages/level-counts.js'
import { levelShapes, type BtreeShape } from './shape.js'

/** What `shape()` of the engine returns. */
export interface FoldedBtreeShape extends BtreeShape {
  readonly snapshots: number
}

/** Folds events into the shape of the tree, one after the other. */
export class BtreeShapeFold {
  #levels = new LevelCounts(1)
  #state = noTree()

  /** Applies the next event. Events that do not change the shape are ignored. */
  apply(event: TraceEvent): void {
    const state = this.#state
    switch (event.type) {
      case 'job.begin':
        if (event.kind === 'open') this.#begin()
        break
      case 'meta.read':
        this.#load(event)
        break
      case 'engine.open':
        state.sequence = event.entrySequence
        break
      case 'page.new':
        if (event.copyOf === undefined) this.#levels.change(event.level, 1, event.units)
        state.dirtyBytes = event.dirtyBytes
        break
      case 'page.resize':
        this.#levels.resize(event.level, event.to - event.from)
        state.dirtyBytes = event.dirtyBytes
        break
      case 'page.drop':
        this.#levels.change(event.level, -1, -event.units)
        break
      case 'page.clean':
      case 'page.free':
        state.dirtyBytes = event.dirtyBytes
        break
      case 'space.alloc':
      case 'space.free':
        state.freeUnits = event.freeUnits
        break
      case 'tree.change':
        state.entries = event.entries
        state.liveBytes = event.liveBytes
        state.sequence = event.entrySequence
        break
      case 'tree.ingest': {
        this.#levels = new LevelCounts(1)
        for (let level = 0; level < event.pages.length; level++) this.#levels.change(level, event.pages[level], event.units[level])
        break
      }
      case 'entries.expire':
        state.entries -= event.entries
        state.liveBytes -= event.bytes
        break
      case 'root.change':
        state.height = event.height
        break
      case 'root.hold':
      case 'root.release':
        state.heldRoots = event.held
        break
      case 'meta.write':
        state.checkpoint = event.number
        state.firstLog = event.firstLog
        break
      case 'checkpoint.end':
        state.checkpoints++
        break
      case 'cache.add':
        this.#cache(1, event.bytes)
        break
      case 'cache.remove':
      case 'cache.evict':
        this.#cache(-1, -event.bytes)
        break
      case 'file.write':
        if (event.file === DATA_FILE) state.fileBytes = Math.max(state.fileBytes, event.offset + event.length)
        break
      case 'file.truncate':
        if (event.file === DATA_FILE) state.fileBytes = event.size
        break
      case 'snapshot.take':
      case 'snapshot.release':
        state.snapshots = event.live
        break
      default:
        break
    }
  }

  /** The tree after the events so far. */
  shape(): FoldedBtreeShape {
    const { height, entries, liveBytes, unitBytes, pageBytes, dirtyBytes, cachedBytes, cachedPages, fileBytes, freeUnits } = this.#state
    const { checkpoint, firstLog, sequence, checkpoints, heldRoots, snapshots } = this.#state
    return {
      engine: 'btree',
      height,
      entries,
      liveBytes,
      pageBytes,
      tree: levelShapes(height, this.#levels, unitBytes, liveBytes),
      memory: { dirtyBytes, cachedBytes, cachedPages },
      file: { bytes: fileBytes, freeBytes: freeUnits * unitBytes, checkpoint, firstLog },
      sequence,
      checkpoints,
      heldRoots,
      snapshots,
    }
  }

  /** A copy that folds further events independently. */
  clone(): BtreeShapeFold {
    const clone = new BtreeShapeFold()
    clone.#levels = this.#levels.clone()
    clone.#state = { ...this.#state }
    return clone
  }

  #begin(): void {
    this.#levels = new LevelCounts(1)
    this.#state = noTree()
  }

  #load({
    number,
    entrySequence,
    firstLog,
    unitBytes,
    pageBytes = unitBytes,
    entries,
    liveBytes,
    pages,
    units,
    fileBytes,
    freeUnits,
  }: EventOf<'meta.read'>): void {
    for (let level = 0; level < pages.length; level++) this.#levels.change(level, pages[level], units[level])
    const meta = { sequence: entrySequence, checkpoint: number, firstLog }
    this.#state = { ...this.#state, ...meta, unitBytes, pageBytes, entries, liveBytes, fileBytes, freeUnits }
  }

  #cache(pages: number, bytes: number): void {
    this.#state.cachedPages += pages
    this.#state.cachedBytes += bytes
  }
}

/** The shape after all of the events. */
export function foldBtree(events: Iterable<TraceEvent>): FoldedBtreeShape {
  const fold = new BtreeShapeFold()
  for (const event of events) fold.apply(event)
  return fold.shape()
}

function noTree() {
  return {
    height: 0,
    entries: 0,
    liveBytes: 0,
    unitBytes: 0,
    pageBytes: 0,
    dirtyBytes: 0,
    cachedBytes: 0,
    cachedPages: 0,
    fileBytes: 0,
    freeUnits: 0,
    checkpoint: 0,
    firstLog: 0,
    sequence: 0,
    checkpoints: 0,
    heldRoots: 0,
    snapshots: 0,
  }
}
