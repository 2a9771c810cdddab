import type { Clock } from '../../vfs/environment.js'

/** A slice ends after this time, or this number of pages. */
const SLICE_MS = 1
const SLICE_PAGES = 128
/** Pages between two looks at the clock. */
const PAGES_A_LOOK = 8

/** Tells work on pages when it is to take a turn of the event loop. */
export class PageSlices {
  readonly #clock: Clock
  #start = 0
  #pages = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  start(): void {
    this.#start = this.#clock.now()
    this.#pages = 0
  }

  /** Counts a page. Whether the slice is over with it. */
  isOver(): boolean {
    this.#pages++
    if (this.#pages % PAGES_A_LOOK !== 0) return false
    return this.#pages >= SLICE_PAGES || this.#clock.now() - this.#start > SLICE_MS
  }
}
