/** The moments that snapshots, cursors and long writes hold: sequence numbers, and by when entries count as expired. */
import type { EngineSnapshot } from '../engine/contract.js'
import { MisuseError } from '../errors.js'

export class Moment implements EngineSnapshot {
  readonly sequence: number
  /** Milliseconds since the Unix epoch. */
  readonly time: number
  readonly #owner: Moments
  isReleased = false

  constructor(sequence: number, time: number, owner: Moments) {
    this.sequence = sequence
    this.time = time
    this.#owner = owner
  }

  isOf(owner: Moments): boolean {
    return this.#owner === owner
  }

  release(): void {
    if (this.isReleased) return
    this.isReleased = true
    this.#owner.remove(this)
  }
}

export class Moments {
  /** By ascending sequence number. */
  readonly #held: Moment[] = []
  readonly #onRelease: () => void
  /** A moment is held, or one is no more. */
  onChange: (() => void) | undefined

  constructor(onRelease: () => void) {
    this.#onRelease = onRelease
  }

  get isEmpty(): boolean {
    return this.#held.length === 0
  }

  get count(): number {
    return this.#held.length
  }

  /** The newest sequence number that is held, -1 if none is. */
  get newest(): number {
    return this.#held.length === 0 ? -1 : this.#held[this.#held.length - 1].sequence
  }

  /** What expired by then no reader sees, now or later. */
  expiryHorizon(now: number): number {
    return this.#held.reduce((least, { time }) => Math.min(least, time), now)
  }

  hold(sequence: number, time: number): Moment {
    const moment = new Moment(sequence, time, this)
    this.#held.splice(this.#firstAfter(sequence), 0, moment)
    this.onChange?.()
    return moment
  }

  remove(moment: Moment): void {
    let at = this.#firstAfter(moment.sequence) - 1
    while (this.#held[at] !== moment) at--
    this.#held.splice(at, 1)
    this.#onRelease()
    this.onChange?.()
  }

  /** Whether a moment is held that sees `sequence` and not `newer`. */
  hasBetween(sequence: number, newer: number): boolean {
    const at = this.#firstAfter(sequence - 1)
    return at < this.#held.length && this.#held[at].sequence < newer
  }

  resolve(snapshot: EngineSnapshot): Moment {
    if (!(snapshot instanceof Moment) || !snapshot.isOf(this))
      throw new MisuseError('LEVEL_INVALID_SNAPSHOT', 'The snapshot is not from this engine')
    if (snapshot.isReleased) throw new MisuseError('LEVEL_SNAPSHOT_RELEASED', 'The snapshot has been released; take another one')
    return snapshot
  }

  #firstAfter(sequence: number): number {
    let low = 0
    let high = this.#held.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#held[middle].sequence <= sequence) low = middle + 1
      else high = middle
    }
    return low
  }
}
