/**
 * The state of the stores of a recording at any item: the structure and the files, folded from the events alone.
 *
 * Invariants:
 * 1. The state of a store at a position is that after all of its events up to there, independent of earlier moves.
 * 2. It is folded from the nearest checkpoint before, so a step costs the same at the end of a long recording as at its beginning.
 */
import { BtreeShapeFold } from 'kvarium/btree'
import type { EngineShape } from 'kvarium/engine'
import { LsmShapeFold } from 'kvarium/lsm'
import type { TraceEvent } from 'kvarium/trace'
import { FileHistories, Recorder, Rewind, type Folding, type RebuiltFile } from 'kvarium/observe'
import type { FoundFiles, Item } from './items.js'

/** Rebuilds the structure of an engine. */
interface ShapeFold {
  apply(event: TraceEvent): void
  shape(): EngineShape
  clone(): ShapeFold
}

interface FoldOfEngine {
  make(): ShapeFold
  /** The trace level that the shape needs. */
  readonly level: 'io' | 'step'
  /** The parts of a shape that are right at a lower level. */
  rightWithout?(shape: EngineShape): EngineShape
}

const FOLDS: Readonly<Record<string, FoldOfEngine>> = {
  lsm: { make: () => new LsmShapeFold(), level: 'step', rightWithout: withoutMemory },
  btree: { make: () => new BtreeShapeFold(), level: 'io' },
}

const EVENTS_PER_CHECKPOINT = 1000

interface State {
  readonly fold: ShapeFold | undefined
  readonly files: FileHistories
}

export class Replay {
  readonly #items: readonly Item[]
  readonly #found: readonly FoundFiles[]
  readonly #everyEvents: number
  readonly #stores = new Map<string, StoreReplay>()

  /** @param everyEvents Number of events between two checkpoints. */
  constructor(items: readonly Item[], found: readonly FoundFiles[] = [], everyEvents = EVENTS_PER_CHECKPOINT) {
    this.#items = items
    this.#found = found
    this.#everyEvents = everyEvents
  }

  /** The structure of a store after the item at a position, or a sentence that says why it is unknown. */
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
      const found = this.#found.filter(files => files.store === name)
      store = new StoreReplay(name, this.#items, found, this.#everyEvents)
      this.#stores.set(name, store)
    }
    return store
  }
}

/** Each open of a store begins a new trace, with files of unknown contents unless they are found with it. */
interface OneTrace {
  /** The position of its first event. */
  readonly from: number
  readonly found: readonly TraceEvent[]
  engine?: string
  level?: 'io' | 'step'
}

class StoreReplay {
  readonly #name: string
  /** In chronological order. */
  readonly #traces: OneTrace[] = []
  readonly #rewind: Rewind<State>

  constructor(name: string, items: readonly Item[], found: readonly FoundFiles[], everyEvents: number) {
    this.#name = name
    const recorder = new Recorder({ maxEvents: Infinity, maxBytes: Infinity })
    const beginnings = new Map<number, OneTrace>()
    const folding: Folding<State> = {
      initial: () => ({ fold: undefined, files: new FileHistories() }),
      apply: (state, event) => {
        const begun = beginnings.get(event.sequence)
        const { fold, files } = begun === undefined ? state : { fold: foldOf(begun)?.make(), files: filesOf(begun) }
        fold?.apply(event)
        files.apply(event)
        return { fold, files }
      },
      copy: ({ fold, files }) => ({ fold: fold?.clone(), files: files.clone() }),
    }
    this.#rewind = new Rewind(recorder, folding, everyEvents)
    let taken = 0
    for (const [position, item] of items.entries()) {
      if (item.kind !== 'event' || item.store !== name) continue
      // Numbered by position, which never repeats.
      const sequence = position + 1
      const before = taken
      while (taken < found.length && found[taken].position <= position) taken++
      if (item.event.sequence === 1 || taken > before) {
        const trace = { from: position, found: taken > before ? found[taken - 1].events : [] }
        this.#traces.push(trace)
        beginnings.set(sequence, trace)
      }
      this.#learn(item.event)
      recorder.listener({ ...item.event, sequence })
    }
  }

  state(position: number): State {
    return this.#rewind.stateAt(position + 1)
  }

  structure(position: number): EngineShape | string {
    const trace = this.#traces.findLast(({ from }) => from <= position)
    if (trace === undefined) return `The store "${this.#name}" is not open yet.`
    const { fold } = this.state(position)
    const known = foldOf(trace)
    if (fold === undefined || known === undefined) return `Nothing is known of the structure of the store "${this.#name}".`
    if (trace.level === 'step' || trace.level === known.level) return fold.shape()
    return (
      known.rightWithout?.(fold.shape()) ?? `The store "${this.#name}" has no recorded structure: record a trace of level ${known.level}.`
    )
  }

  /** Stores of a lab that record every step also record the bytes of their writes. */
  #learn(event: TraceEvent): void {
    const trace = this.#traces.at(-1)
    if (trace === undefined) return
    if (event.type === 'engine.open') trace.engine = event.engine
    if (event.type === 'file.write') trace.level ??= event.bytes === undefined ? 'io' : 'step'
  }
}

function filesOf({ found }: OneTrace): FileHistories {
  const files = new FileHistories()
  for (const event of found) files.apply(event)
  return files
}

function foldOf({ engine }: OneTrace): FoldOfEngine | undefined {
  return engine === undefined ? undefined : FOLDS[engine]
}

/** Flushes and compactions are recorded at every level, inserts are not. */
function withoutMemory({ memtable: _memtable, frozen: _frozen, sequence: _sequence, ...shape }: EngineShape): EngineShape {
  return shape
}
