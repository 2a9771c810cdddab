import type { EngineSnapshot } from './contract.js'
import type { ExpiryClock } from './expiry-clock.js'
import { MisuseError } from '../errors.js'
import type { Tracer } from '../trace/span.js'

/** A moment is a sequence number; a live snapshot keeps merges from forgetting what it sees. */
export class SequenceSnapshot implements EngineSnapshot {
  readonly sequence: number
  /** When it was taken: it sees what had not expired by then. */
  readonly time: number
  readonly #list: SnapshotList
  #released = false

  constructor(sequence: number, time: number, list: SnapshotList) {
    this.sequence = sequence
    this.time = time
    this.#list = list
  }

  get released(): boolean {
    return this.#released
  }

  isFrom(list: SnapshotList): boolean {
    return this.#list === list
  }

  release(): void {
    if (this.#released) return
    this.#released = true
    this.#list.remove(this)
  }
}

export class SnapshotList {
  readonly #live = new Set<SequenceSnapshot>()
  readonly #onRelease: () => void
  readonly #clock: ExpiryClock
  readonly #trace: Tracer | null

  /** `onRelease` is called when the oldest snapshot is released: tombstones may have become due. */
  constructor(clock: ExpiryClock, onRelease: () => void, trace: Tracer | null = null) {
    this.#clock = clock
    this.#onRelease = onRelease
    this.#trace = trace
  }

  take(sequence: number): SequenceSnapshot {
    const snapshot = new SequenceSnapshot(sequence, this.#clock.now(), this)
    this.#live.add(snapshot)
    this.#trace?.emit({ type: 'snapshot.take', entrySequence: sequence, live: this.#live.size })
    return snapshot
  }

  remove(snapshot: SequenceSnapshot): void {
    const wasOldest = this.#live.values().next().value === snapshot
    this.#live.delete(snapshot)
    this.#trace?.emit({ type: 'snapshot.release', entrySequence: snapshot.sequence, live: this.#live.size })
    if (wasOldest) this.#onRelease()
  }

  /** What expired by then no reader sees, now or later. */
  get expiryHorizon(): number {
    return this.#live.values().next().value?.time ?? this.#clock.now()
  }

  get count(): number {
    return this.#live.size
  }

  /** Ascending, each once. Snapshots are taken in order, so the set is sorted already. */
  sequences(): number[] {
    return [...new Set([...this.#live].map(snapshot => snapshot.sequence))]
  }

  /** The time of a read at the snapshot, which `resolve` has accepted; the present without one. */
  timeOf(snapshot: EngineSnapshot | undefined): number {
    return snapshot === undefined ? this.#clock.now() : (snapshot as SequenceSnapshot).time
  }

  /** The sequence number that a read at the snapshot sees; `present` without one. */
  resolve(snapshot: EngineSnapshot | undefined, present: number): number {
    if (snapshot === undefined) return present
    if (!(snapshot instanceof SequenceSnapshot) || !snapshot.isFrom(this))
      throw new MisuseError('LEVEL_INVALID_SNAPSHOT', 'The snapshot is not from this engine')
    if (snapshot.released) throw new MisuseError('LEVEL_SNAPSHOT_RELEASED', 'The snapshot has been released; take another one')
    return snapshot.sequence
  }
}
