import type { EngineSnapshot } from '../../engine/contract.js'
import { MisuseError } from '../../errors.js'
import type { Tracer } from '../../trace/trace.js'
import type { HeldRoot } from '../pages/held-roots.js'
import type { Tree } from './tree.js'

/** A moment is a root; holding it keeps its pages. */
class RootSnapshot implements EngineSnapshot {
  readonly held: HeldRoot
  /** Of the last operation in it. */
  readonly sequence: number
  readonly #onRelease: (snapshot: RootSnapshot) => void
  released = false

  constructor(held: HeldRoot, sequence: number, onRelease: (snapshot: RootSnapshot) => void) {
    this.held = held
    this.sequence = sequence
    this.#onRelease = onRelease
  }

  release(): void {
    if (this.released) return
    this.released = true
    this.#onRelease(this)
  }
}

/** The snapshots that nobody has released yet. */
export class RootSnapshots {
  readonly #tree: Tree
  readonly #trace: Tracer | undefined
  readonly #live = new Set<RootSnapshot>()

  constructor(tree: Tree, trace: Tracer | undefined) {
    this.#tree = tree
    this.#trace = trace
  }

  get count(): number {
    return this.#live.size
  }

  take(): EngineSnapshot {
    const { held, present, sequence } = this.#tree
    const snapshot = new RootSnapshot(held.hold(present, true), sequence, released => this.#release(released))
    this.#live.add(snapshot)
    this.#trace?.emit({ type: 'snapshot.take', entrySequence: sequence, live: this.#live.size })
    return snapshot
  }

  /** What the snapshot holds. Throws a MisuseError if it is no longer, or not from here. */
  resolve(snapshot: EngineSnapshot): HeldRoot {
    if (!(snapshot instanceof RootSnapshot) || (!snapshot.released && !this.#live.has(snapshot))) {
      throw new MisuseError('LEVEL_INVALID_SNAPSHOT', 'The snapshot is not from this engine')
    }
    if (snapshot.released) throw new MisuseError('LEVEL_SNAPSHOT_RELEASED', 'The snapshot has been released; take another one')
    return snapshot.held
  }

  #release(snapshot: RootSnapshot): void {
    this.#live.delete(snapshot)
    this.#tree.held.release(snapshot.held, true)
    this.#trace?.emit({ type: 'snapshot.release', entrySequence: snapshot.sequence, live: this.#live.size })
  }
}
