/**
 * How the store reads: keys through a reused scratch, values straight from the engine's memory.
 *
 * Invariants:
 * 1. The engine is asked before anything is awaited, so a read sees the moment of its call.
 * 2. A read of many keys sees one moment, even if it takes many turns of the event loop.
 * 3. A file operation that fails under a read is an `IoError` to the caller, never an absent key.
 */
import type { AbstractSnapshot } from 'abstract-level'
import { ByteView } from '../codec/entry.js'
import type { Engine, EngineSnapshot } from '../engine/contract.js'
import { typedError } from '../vfs/vfs-error.js'
import type { EventLoopTurns } from './event-loop-turns.js'
import type { Awaitable, ReadOptions } from './level-types.js'
import { KeyScratch, ownedCopy, type Stored } from './owned-bytes.js'
import { StoreSnapshot } from './snapshot.js'

/** Most keys read in one turn of the event loop. */
const KEYS_PER_TURN = 32

interface Lookup {
  getView(key: Uint8Array, out: ByteView, snapshot?: EngineSnapshot): boolean
}

export class StoreReads {
  readonly #engine: Engine
  readonly #lookup: Lookup
  readonly #turns: EventLoopTurns
  readonly #scratch = new KeyScratch()
  readonly #view = new ByteView()

  constructor(engine: Engine, turns: EventLoopTurns) {
    this.#engine = engine
    this.#lookup = lookupOf(engine)
    this.#turns = turns
  }

  getSync(key: Stored, options: ReadOptions): Stored | undefined {
    const found = this.#find(key, this.moment(options.snapshot))
    return found ? ownedCopy(this.#view, options.valueEncoding) : undefined
  }

  get(key: Stored, options: ReadOptions): Awaitable<Stored | undefined> {
    const value = this.getSync(key, options)
    return this.#turns.isDue(1, this.#view.length) ? this.#turns.after(value) : value
  }

  has(key: Stored, options: ReadOptions): Awaitable<boolean> {
    const found = this.#find(key, this.moment(options.snapshot))
    return this.#turns.isDue(1, 0) ? this.#turns.after(found) : found
  }

  getMany(keys: readonly Stored[], options: ReadOptions): Awaitable<(Stored | undefined)[]> {
    if (keys.length > KEYS_PER_TURN) return this.#inTurns(keys, options, () => ownedCopy(this.#view, options.valueEncoding))
    const values: (Stored | undefined)[] = []
    let bytes = 0
    for (const key of keys) {
      values.push(this.getSync(key, options))
      bytes += this.#view.length
    }
    return this.#turns.isDue(keys.length, bytes) ? this.#turns.after(values) : values
  }

  async hasMany(keys: readonly Stored[], options: ReadOptions): Promise<boolean[]> {
    const found = await this.#inTurns(keys, options, () => true)
    return found.map(isThere => isThere === true)
  }

  /** The moment that a `snapshot` option stands for. */
  moment(snapshot: AbstractSnapshot | undefined): EngineSnapshot | undefined {
    return snapshot ? StoreSnapshot.momentOf(snapshot, this.#engine) : undefined
  }

  #find(key: Stored, moment: EngineSnapshot | undefined): boolean {
    try {
      return this.#lookup.getView(this.#scratch.encode(key), this.#view, moment)
    } catch (error) {
      throw typedError(error)
    }
  }

  async #inTurns<T>(keys: readonly Stored[], options: ReadOptions, read: () => T): Promise<(T | undefined)[]> {
    const given = this.moment(options.snapshot)
    const moment = given ?? this.#engine.snapshot()
    try {
      const results: (T | undefined)[] = []
      for (const key of keys) {
        const found = this.#find(key, moment)
        results.push(found ? read() : undefined)
        if (this.#turns.isDue(1, this.#view.length)) await this.#turns.turn()
      }
      return results
    } finally {
      if (given === undefined) moment.release()
    }
  }
}

/** `getView` of the engine, or an adapter of its `get`. */
function lookupOf(engine: Engine): Lookup {
  if (engine.getView !== undefined) return engine as Engine & Lookup
  return {
    getView(key, out, snapshot): boolean {
      const value = engine.get(key, snapshot)
      if (value === undefined) return false
      out.set(value, 0, value.length)
      return true
    },
  }
}
