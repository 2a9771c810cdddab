/**
 * The slabs of a pool by number, so that a table of small integers says where the frames of many blocks are. A look-up reads the first
 * lines of a frame by such a place while it still fetches the objects that lead to the frame: memory answers both at once, and a get
 * from resident data waits for two cache misses less.
 *
 * A place is a hint. A place that is out of date costs a useless read and changes no result.
 */

/** Frames begin at multiples of this. */
export const FRAME_STEP_BYTES = 512
export const LARGEST_SLAB_BYTES = 1024 * 1024

const STEP_SHIFT = 9
const STEP_BITS = 11
const STEP_MASK = (1 << STEP_BITS) - 1
const LINE_BYTES = 64

/** The place of a frame that belongs to no slab. */
export const NO_PLACE = 0

export class SlabList {
  /** Number 0 is no slab, so that no place of a frame is `NO_PLACE`. */
  readonly #slabs: (Uint8Array | undefined)[] = [undefined]
  readonly #unused: number[] = []
  /** What `touch` read. It is kept, since a compiler leaves out a read without a use. */
  touched = 0

  /** Returns the slab's number. */
  add(slab: Uint8Array): number {
    const number = this.#unused.pop() ?? this.#slabs.length
    this.#slabs[number] = slab
    return number
  }

  remove(number: number): void {
    this.#slabs[number] = undefined
    this.#unused.push(number)
  }

  /** The place of the frame that begins at `start` in a slab. */
  placeOf(number: number, start: number): number {
    return (number << STEP_BITS) | (start >>> STEP_SHIFT)
  }

  /** Begins to bring the first lines of a frame, its header and most of its slots, into the processor's cache. */
  touch(place: number): void {
    const slab = this.#slabs[place >>> STEP_BITS]
    if (slab === undefined) return
    const at = (place & STEP_MASK) << STEP_SHIFT
    this.touched ^= slab[at] ^ slab[at + LINE_BYTES] ^ slab[at + 2 * LINE_BYTES] ^ slab[at + 3 * LINE_BYTES]
  }

  /** `touch` of the first `count` places, one right after the other. */
  touchAll(places: Int32Array, count: number): void {
    const slabs = this.#slabs
    let touched = 0
    for (let i = 0; i < count; i++) {
      const place = places[i]
      const slab = slabs[place >>> STEP_BITS]
      if (slab === undefined) continue
      const at = (place & STEP_MASK) << STEP_SHIFT
      touched ^= slab[at] ^ slab[at + LINE_BYTES] ^ slab[at + 2 * LINE_BYTES] ^ slab[at + 3 * LINE_BYTES]
    }
    this.touched ^= touched
  }
}
