import type { EngineSnapshot } from '../../engine/contract.js'
import type { ExpiryClock } from '../../engine/expiry-clock.js'
import { MisuseError } from '../../errors.js'
import type { Tracer } from '../../trace/span.js'
import type { LiveVersion } from '../pages/live-versions.js'
import type { Tree } from './tree.js'

/** A snapshot is a version of the tree; holding it keeps its pages. */
export class RootSnapshot implements EngineSnapshot {
  readonly version: LiveVersion
  /** The sequence number of the last operation in it. */
  readonly sequence: number
  /** When it was taken: it sees what had not expired by then. */
  readonly time: number
  readonly #onRelease: (snapshot: RootSnapshot) => void
  released = false

  constructor(version: LiveVersion, sequence: number, time: number, onRelease: (snapshot: RootSnapshot) => void) {
    this.version = version
    this.sequence = sequence
    this.time = time
    this.#onRelease = onRelease
  }

  release(): void {
    if (this.released) return
    this.released = true
    this.#onRelease(this)
  }
}

/** The snapshots that are not released yet. */
export class RootSnapshots {
  readonly #tree: Tree
  readonly #clock: ExpiryClock
  readonly #trace: Tracer | undefined
  readonly #live = new Set<RootSnapshot>()

  constructor(tree: Tree, clock: ExpiryClock, trace: Tracer | undefined) {
    this.#tree = tree
    this.#clock = clock
    this.#trace = trace
  }

  get count(): number {
    return this.#live.size
  }

  take(): EngineSnapshot {
    const { versions, present, sequence } = this.#tree
    const time = this.#clock.now()
    const snapshot = new RootSnapshot(versions.hold(present, true), sequence, time, released => this.#release(released))
    this.#live.add(snapshot)
    this.#trace?.emit({ type: 'snapshot.take', entrySequence: sequence, live: this.#live.size })
    return snapshot
  }

  /** The snapshot as this engine made it. Throws a MisuseError if the snapshot is released, or from another engine. */
  resolve(snapshot: EngineSnapshot): RootSnapshot {
    if (!(snapshot instanceof RootSnapshot) || (!snapshot.released && !this.#live.has(snapshot))) {
      throw new MisuseError('LEVEL_INVALID_SNAPSHOT', 'The snapshot is not from this engine')
    }
    if (snapshot.released) throw new MisuseError('LEVEL_SNAPSHOT_RELEASED', 'The snapshot has been released; take another one')
    return snapshot
  }

  #release(snapshot: RootSnapshot): void {
    this.#live.delete(snapshot)
    this.#tree.versions.release(snapshot.version, true)
    this.#trace?.emit({ type: 'snapshot.release', entrySequence: snapshot.sequence, live: this.#live.size })
  }
}
