/**
 * What the stores of a recording looked like as of any item: the structure and the files, folded from the events alone.
 *
 * Invariants:
 * 1. The state of a store at a position is that after all of its events up to there, however one came to that position.
 * 2. It is folded from the nearest checkpoint before, so a step costs the same at the end of a long recording as at its beginning.
 */
import { BtreeShapeFold } from '../../src/btree/fold-shape.js'
import type { EngineShape } from '../../src/engine/contract.js'
import { LsmShapeFold } from '../../src/lsm/fold-shape.js'
import type { TraceEvent } from '../../src/trace/events.js'
import { Recorder } from '../../src/trace/recorder.js'
import { Rewind } from '../../src/trace/rewind.js'
import { FileHistories, type RebuiltFile } from './file-history.js'
import type { EventItem, Item } from './items.js'

/** Rebuilds the structure of an engine. */
interface ShapeFold {
  apply(event: TraceEvent): void
  shape(): EngineShape
  clone(): ShapeFold
}

interface FoldOfEngine {
  make(): ShapeFold
  /** What the store has to tell. */
  readonly level: 'io' | 'step'
  /** What is right of a shape where less is told. */
  rightWithout?(shape: EngineShape): EngineShape
}

const FOLDS: Readonly<Record<string, FoldOfEngine>> = {
  lsm: { make: () => new LsmShapeFold(), level: 'step', rightWithout: withoutMemory },
  btree: { make: () => new BtreeShapeFold(), level: 'io' },
}

interface State {
  readonly fold: ShapeFold | undefined
  readonly files: FileHistories
}

export class Replay {
  readonly #items: readonly Item[]
  readonly #stores = new Map<string, StoreReplay>()

  constructor(items: readonly Item[]) {
    this.#items = items
  }

  /** The structure of a store after the item at a position, or a sentence that says why it is not known. */
  structure(store: string, position: number): EngineShape | string {
    return this.#store(store).structure(position)
  }

  files(store: string, position: number): readonly string[] {
    return this.#store(store).state(position).files.names
  }

  file(store: string, name: string, position: number): RebuiltFile | undefined {
    return this.#store(store).state(position).files.rebuild(name)
  }

  #store(name: string): StoreReplay {
    let store = this.#stores.get(name)
    if (store === undefined) {
      store = new StoreReplay(name, this.#items)
      this.#stores.set(name, store)
    }
    return store
  }
}

class StoreReplay {
  readonly #name: string
  readonly #engine: string | undefined
  readonly #tells: 'io' | 'step' | undefined
  readonly #rewind: Rewind<State>

  constructor(name: string, items: readonly Item[]) {
    this.#name = name
    const events = items.flatMap((item, position) => (isEventOf(name, item) ? [{ event: item.event, position }] : []))
    this.#engine = engineOf(events.map(({ event }) => event))
    this.#tells = levelOf(events.map(({ event }) => event))
    // Each opening of a store begins a trace of its own, with files of which nothing is known.
    const beginnings = new Set(events.filter(({ event }) => event.sequence === 1).map(({ position }) => position + 1))
    const recorder = new Recorder({ maxEvents: Infinity, maxBytes: Infinity })
    const engine = this.#engine === undefined ? undefined : FOLDS[this.#engine]
    this.#rewind = new Rewind<State>(recorder, {
      initial: () => ({ fold: engine?.make(), files: new FileHistories() }),
      apply: (state, event) => {
        const { fold, files } = beginnings.has(event.sequence) ? { ...state, files: new FileHistories() } : state
        fold?.apply(event)
        files.apply(event)
        return { fold, files }
      },
      copy: ({ fold, files }) => ({ fold: fold?.clone(), files: files.clone() }),
    })
    // Numbered by position, which never repeats.
    for (const { event, position } of events) recorder.listener({ ...event, sequence: position + 1 })
  }

  state(position: number): State {
    return this.#rewind.stateAt(position + 1)
  }

  structure(position: number): EngineShape | string {
    const { fold } = this.state(position)
    if (fold === undefined) return `Nothing is known of the structure of the engine ${this.#engine ?? 'of a store that never opened'}.`
    const { level, rightWithout } = FOLDS[this.#engine!]
    if (this.#tells === 'step' || this.#tells === level) return fold.shape()
    return (
      rightWithout?.(fold.shape()) ??
      `The store "${this.#name}" does not tell enough for its structure: it takes a trace of level ${level}.`
    )
  }
}

/** Flushes and compactions are told at every level, inserts are not. */
function withoutMemory({ memtable: _memtable, frozen: _frozen, sequence: _sequence, ...shape }: EngineShape): EngineShape {
  return shape
}

function isEventOf(store: string, item: Item): item is EventItem {
  return item.kind === 'event' && item.store === store
}

function engineOf(events: readonly TraceEvent[]): string | undefined {
  return events.find(event => event.type === 'engine.open')?.engine
}

/** How much a store tells; stores of a lab that tell every step also tell what they write. */
function levelOf(events: readonly TraceEvent[]): 'io' | 'step' | undefined {
  const written = events.find(event => event.type === 'file.write')
  if (written === undefined) return undefined
  return written.bytes === undefined ? 'io' : 'step'
}
