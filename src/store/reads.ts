/**
 * How the store reads: keys through a reused scratch, values straight from the engine's memory.
 *
 * Invariants:
 * 1. The engine is asked before anything is awaited, so a read sees the moment of its call.
 * 2. A read of many keys sees one moment, even if it takes many turns of the event loop.
 * 3. A file operation that fails under a read is an `IoError` to the caller, never an absent key.
 */
import type { AbstractSnapshot } from 'abstract-level'
import { ByteView, compareBytes } from '../codec/entry.js'
import type { Engine, EngineSnapshot } from '../engine/contract.js'
import { OffloadedLookup, type ReadOffload } from '../vfs/read-offload.js'
import type { EventLoopTurns } from './event-loop-turns.js'
import type { Awaitable, ReadOptions } from './level-types.js'
import type { StoreFailures } from './failures.js'
import { BATCH_KEYS, KeyBatch, KeyScratch, ownedCopy, type Stored } from './owned-bytes.js'
import { StoreSnapshot } from './snapshot.js'

/** Most keys read in one turn of the event loop. */
const KEYS_PER_TURN = BATCH_KEYS

interface Lookup {
  getView(key: Uint8Array, out: ByteView, snapshot?: EngineSnapshot): boolean
}

export class StoreReads {
  readonly #engine: Engine
  readonly #lookup: Lookup
  readonly #turns: EventLoopTurns
  readonly #failures: StoreFailures
  /** Where awaited reads wait for a slow disk off the thread. Absent where they wait in place. */
  readonly offload: ReadOffload | undefined
  readonly #scratch = new KeyScratch()
  readonly #batch = new KeyBatch()
  readonly #view = new ByteView()

  constructor(engine: Engine, turns: EventLoopTurns, failures: StoreFailures, offload: ReadOffload | undefined) {
    this.#engine = engine
    this.#lookup = lookupOf(engine)
    this.#turns = turns
    this.#failures = failures
    this.offload = offload
  }

  /** Whether awaited reads wait for the disk in place. */
  get isInPlace(): boolean {
    return this.offload?.isOn !== true
  }

  getSync(key: Stored, options: ReadOptions): Stored | undefined {
    const found = this.#find(key, this.moment(options.snapshot))
    return found ? ownedCopy(this.#view, options.valueEncoding) : undefined
  }

  get(key: Stored, options: ReadOptions): Awaitable<Stored | undefined> {
    if (this.offload?.isOn === true) return this.#offThread(this.offload, [key], options, this.#copier(options)).then(([value]) => value)
    const value = this.getSync(key, options)
    return this.#turns.isDue(1, this.#view.length) ? this.#turns.after(value) : value
  }

  has(key: Stored, options: ReadOptions): Awaitable<boolean> {
    if (this.offload?.isOn === true) return this.#offThread(this.offload, [key], options, isThere).then(([found]) => found === true)
    const found = this.#find(key, this.moment(options.snapshot))
    return this.#turns.isDue(1, 0) ? this.#turns.after(found) : found
  }

  getMany(keys: readonly Stored[], options: ReadOptions): Awaitable<(Stored | undefined)[]> {
    if (this.offload?.isOn === true) return this.#offThread(this.offload, keys, options, this.#copier(options))
    if (keys.length > KEYS_PER_TURN) return this.#inTurns(keys, options, this.#copier(options))
    const values: (Stored | undefined)[] = []
    let bytes = 0
    this.#findMany(keys, 0, this.moment(options.snapshot), found => {
      values.push(found ? ownedCopy(this.#view, options.valueEncoding) : undefined)
      bytes += this.#view.length
      return false
    })
    return this.#turns.isDue(keys.length, bytes) ? this.#turns.after(values) : values
  }

  async hasMany(keys: readonly Stored[], options: ReadOptions): Promise<boolean[]> {
    const offload = this.offload?.isOn === true ? this.offload : undefined
    const found = await (offload ? this.#offThread(offload, keys, options, isThere) : this.#inTurns(keys, options, isThere))
    return found.map(one => one === true)
  }

  /** Whether the key has this value now; without a value, whether it is absent. */
  holds(key: Uint8Array, value: Uint8Array | undefined): boolean {
    const found = this.#find(key, undefined)
    if (value === undefined) return !found
    const { bytes, start, end } = this.#view
    return found && compareBytes(bytes, start, end, value, 0, value.length) === 0
  }

  /** The moment that a `snapshot` option stands for. */
  moment(snapshot: AbstractSnapshot | undefined): EngineSnapshot | undefined {
    return snapshot ? StoreSnapshot.momentOf(snapshot, this.#engine) : undefined
  }

  #copier({ valueEncoding }: ReadOptions): () => Stored {
    return () => ownedCopy(this.#view, valueEncoding)
  }

  #find(key: Stored, moment: EngineSnapshot | undefined): boolean {
    try {
      return this.#lookup.getView(this.#scratch.encode(key), this.#view, moment)
    } catch (error) {
      throw this.#failures.ofRead(error)
    }
  }

  /** Looks up the keys from `from` on, at most `BATCH_KEYS`, and calls `each` with the view at the value, until that returns true. */
  #findMany(keys: readonly Stored[], from: number, moment: EngineSnapshot | undefined, each: (found: boolean) => boolean): void {
    const batch = this.#batch
    const count = batch.encode(keys, from)
    try {
      if (this.#engine.getViews !== undefined) {
        this.#engine.getViews(batch.keys, count, this.#view, each, moment)
        return
      }
      for (let i = 0; i < count; i++) if (each(this.#lookup.getView(batch.keys[i], this.#view, moment))) return
    } catch (error) {
      throw this.#failures.ofRead(error)
    }
  }

  /** Keys that wait for the disk do so side by side. */
  #offThread<T>(offload: ReadOffload, keys: readonly Stored[], options: ReadOptions, read: () => T): Promise<(T | undefined)[]> {
    // The caller may change its bytes once the call has returned.
    const own = keys.map(key => (typeof key === 'string' ? key : key.slice()))
    return this.#atMoment(options, async moment => {
      const results: (T | undefined)[] = []
      for (let first = 0; first < own.length; first += KEYS_PER_TURN) {
        const some = own.slice(first, first + KEYS_PER_TURN)
        results.push(...(await Promise.all(some.map(key => this.#lookUp(new OffloadedLookup(offload), key, moment, read)))))
        if (this.#turns.isDue(some.length, this.#view.length)) await this.#turns.turn()
      }
      return results
    })
  }

  async #lookUp<T>(lookup: OffloadedLookup, key: Stored, moment: EngineSnapshot, read: () => T): Promise<T | undefined> {
    let result: T | undefined
    const look = (): void => {
      result = this.#find(key, moment) ? read() : undefined
    }
    try {
      for (let pending = lookup.attempt(look); pending !== undefined; pending = lookup.attempt(look)) await pending
    } catch (error) {
      throw this.#failures.ofRead(error)
    }
    return result
  }

  #inTurns<T>(keys: readonly Stored[], options: ReadOptions, read: () => T): Promise<(T | undefined)[]> {
    return this.#atMoment(options, async moment => {
      const results: (T | undefined)[] = []
      let isDue = false
      const each = (found: boolean): boolean => {
        results.push(found ? read() : undefined)
        return (isDue = this.#turns.isDue(1, this.#view.length))
      }
      while (results.length < keys.length) {
        this.#findMany(keys, results.length, moment, each)
        if (isDue) await this.#turns.turn()
      }
      return results
    })
  }

  /** Reads of several turns at one moment: that of the snapshot in the options, or of the call. */
  async #atMoment<T>(options: ReadOptions, read: (moment: EngineSnapshot) => Promise<T>): Promise<T> {
    const given = this.moment(options.snapshot)
    const moment = given ?? this.#engine.snapshot()
    try {
      return await read(moment)
    } finally {
      if (given === undefined) moment.release()
    }
  }
}

/** What a look finds of a key of which only the presence is asked for. */
const isThere = (): true => true

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
