import type { Cursor, Engine, EngineSnapshot } from '../engine/contract.js'
import type { HalfOpenRange } from '../engine/range.js'
import { MisuseError } from '../errors.js'
import { BaseSnapshot, type Awaitable, type ReadOptions, type SnapshotOptions } from './level-types.js'
import type { Stored } from './owned-bytes.js'

/** What else than a snapshot a `snapshot` option may be: a transaction. It knows its moment, and reads go through it. */
export abstract class HeldMoment {
  /** The moment in this engine; `undefined` is the present. Throws when it is of another engine. */
  abstract momentIn(engine: Engine): EngineSnapshot | undefined
  abstract getSync(key: Stored, options: ReadOptions): Stored | undefined
  abstract get(key: Stored, options: ReadOptions): Awaitable<Stored | undefined>
  abstract has(key: Stored, options: ReadOptions): Awaitable<boolean>
  abstract getMany(keys: readonly Stored[], options: ReadOptions): Awaitable<(Stored | undefined)[]>
  abstract hasMany(keys: readonly Stored[], options: ReadOptions): Awaitable<boolean[]>
  /** `make` makes the cursor of the engine at a moment. */
  abstract cursor(range: HalfOpenRange, make: (snapshot: EngineSnapshot | undefined) => Cursor): Cursor
}

/** An explicit snapshot: a moment of one engine, held until the snapshot or the store is closed. */
export class StoreSnapshot extends BaseSnapshot {
  readonly #engine: Engine
  readonly #moment: EngineSnapshot

  constructor(options: SnapshotOptions, engine: Engine) {
    super(options)
    this.#engine = engine
    this.#moment = engine.snapshot()
  }

  /** Sequence number of the last operation that it sees: the changes after it are those `since` it. `undefined` where there is no feed. */
  get sequence(): number | undefined {
    return this.#moment.sequence
  }

  /** The moment that a `snapshot` option stands for. Throws when it is a snapshot of another store. */
  static momentOf(snapshot: unknown, engine: Engine): EngineSnapshot | undefined {
    if (snapshot instanceof HeldMoment) return snapshot.momentIn(engine)
    if (!(snapshot instanceof StoreSnapshot) || snapshot.#engine !== engine) {
      throw new MisuseError('LEVEL_INVALID_SNAPSHOT', 'The option "snapshot" is not a snapshot of this store: make one with snapshot()')
    }
    return snapshot.#moment
  }

  async _close(): Promise<void> {
    this.#moment.release()
  }
}
