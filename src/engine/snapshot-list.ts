import type { EngineSnapshot } from './contract.js'
import { MisuseError } from '../errors.js'
import type { Tracer } from '../trace/span.js'

/** A moment is a sequence number; a live snapshot keeps merges from forgetting what it sees. */
export class SequenceSnapshot implements EngineSnapshot {
  readonly sequence: number
  readonly #list: SnapshotList
  #released = false

  constructor(sequence: number, list: SnapshotList) {
    this.sequence = sequence
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
  readonly #trace: Tracer | null

  /** `onRelease` is called when the oldest snapshot is released: tombstones may have become due. */
  constructor(onRelease: () => void, trace: Tracer | null = null) {
    this.#onRelease = onRelease
    this.#trace = trace
  }

  take(sequence: number): SequenceSnapshot {
    const snapshot = new SequenceSnapshot(sequence, this)
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

  get count(): number {
    return this.#live.size
  }

  /** Ascending, each once. Snapshots are taken in order, so the set is sorted already. */
  sequences(): number[] {
    return [...new Set([...this.#live].map(snapshot => snapshot.sequence))]
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
