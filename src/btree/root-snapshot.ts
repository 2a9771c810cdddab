import type { EngineSnapshot } from '../engine/contract.js'
import type { HeldRoot } from './held-roots.js'

/** A moment is a root; holding it keeps its pages. */
export class RootSnapshot implements EngineSnapshot {
  readonly held: HeldRoot
  readonly #onRelease: (snapshot: RootSnapshot) => void
  released = false

  constructor(held: HeldRoot, onRelease: (snapshot: RootSnapshot) => void) {
    this.held = held
    this.#onRelease = onRelease
  }

  release(): void {
    if (this.released) return
    this.released = true
    this.#onRelease(this)
  }
}
