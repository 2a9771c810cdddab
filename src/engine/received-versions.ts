/**
 * The versions that a reader has received: the present one, and earlier ones that a snapshot or a cursor still reads.
 *
 * Invariant: a version is released once, when its last holder releases it. The reader itself holds the present one.
 */
import { BEFORE_EVERY_EXPIRY } from '../codec/expiry.js'
import { MisuseError } from '../errors.js'
import type { EngineSnapshot, SharedVersion } from './contract.js'
import type { ExpiryClock } from './expiry-clock.js'

/** A version with what the engine has made of its description. */
export class ReceivedVersion<State> {
  readonly state: State
  readonly #versions: ReceivedVersions<State>
  readonly #shared: SharedVersion
  readonly #onUnread: (state: State) => void
  #holders = 1

  constructor(versions: ReceivedVersions<State>, state: State, shared: SharedVersion, onUnread: (state: State) => void) {
    this.#versions = versions
    this.state = state
    this.#shared = shared
    this.#onUnread = onUnread
  }

  isFrom(versions: ReceivedVersions<State>): boolean {
    return this.#versions === versions
  }

  hold(): this {
    this.#holders++
    return this
  }

  release(): void {
    if (--this.#holders > 0) return
    this.#onUnread(this.state)
    this.#shared.release()
  }
}

class ReaderSnapshot<State> implements EngineSnapshot {
  readonly version: ReceivedVersion<State>
  readonly time: number
  released = false

  constructor(version: ReceivedVersion<State>, time: number) {
    this.version = version
    this.time = time
  }

  release(): void {
    if (this.released) return
    this.released = true
    this.version.release()
  }
}

export class ReceivedVersions<State> {
  readonly #onUnread: (state: State) => void
  #present: ReceivedVersion<State> | undefined

  /** `onUnread` frees what the engine has made of a version that nothing reads any more. */
  constructor(onUnread: (state: State) => void) {
    this.#onUnread = onUnread
  }

  /** The version that reads without a snapshot see. Throws a MisuseError (`LEVEL_DATABASE_NOT_OPEN`) after `close`. */
  get present(): ReceivedVersion<State> {
    if (this.#present === undefined) throw new MisuseError('LEVEL_DATABASE_NOT_OPEN', 'The reader is closed; open another one')
    return this.#present
  }

  /** Puts a version in the place of the present one. */
  advance(state: State, shared: SharedVersion): void {
    const before = this.#present
    this.#present = new ReceivedVersion(this, state, shared, this.#onUnread)
    before?.release()
  }

  /** @param time entries that have expired by then are not seen at the snapshot */
  snapshot(time = BEFORE_EVERY_EXPIRY): EngineSnapshot {
    return new ReaderSnapshot(this.present.hold(), time)
  }

  /** The version that a read sees. Throws a MisuseError if the snapshot is released, or from another engine. */
  resolve(snapshot: EngineSnapshot | undefined): ReceivedVersion<State> {
    const { present } = this
    if (snapshot === undefined) return present
    if (!(snapshot instanceof ReaderSnapshot) || !(snapshot.version as ReceivedVersion<State>).isFrom(this)) {
      throw new MisuseError('LEVEL_INVALID_SNAPSHOT', 'The snapshot is not from this engine')
    }
    if (snapshot.released) throw new MisuseError('LEVEL_SNAPSHOT_RELEASED', 'The snapshot has been released; take another one')
    return snapshot.version as ReceivedVersion<State>
  }

  /** The time of a read at the snapshot, which `resolve` has accepted; that of the clock without one. */
  timeOf(snapshot: EngineSnapshot | undefined, clock: ExpiryClock): number {
    return snapshot instanceof ReaderSnapshot ? snapshot.time : clock.now()
  }

  /** Later reads throw. What snapshots and cursors hold is theirs to release. */
  close(): void {
    const last = this.#present
    this.#present = undefined
    last?.release()
  }
}
