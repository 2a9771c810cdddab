/**
 * Memory for the blocks of tables, cut from large slabs. A block that leaves the cache hands its frame to the next one, since
 * allocating and zeroing 4 KiB costs several times the read that fills it. Because blocks share their slab's typed
 * array, a get of a cached block fetches fewer objects from memory, which is most of its cost.
 *
 * Invariants:
 * 1. A frame is idle or in use, never both: `give` is called once, when no reader of the frame is left.
 * 2. Slabs take at most `slabLimitBytes`; beyond it, and for large blocks, frames have memory of their own, which the
 *    garbage collector frees when they are returned.
 */

import { FRAME_STEP_BYTES, LARGEST_SLAB_BYTES, NO_PLACE, SlabList } from './slab-list.js'

/** `bytes[start, start + size)` is a frame. */
export interface SlabFrame {
  readonly bytes: Uint8Array
  readonly start: number
  readonly size: number
  /** Cut from a slab: kept for reuse. */
  readonly pooled: boolean
  /** Where it is among the pool's slabs. */
  readonly place: number
}

/** Frames come in multiples of this, so that blocks of about the same size can share them. */
const CLASS_BYTES = FRAME_STEP_BYTES
/** Larger frames are left to the garbage collector: their allocation is small against filling them. */
const POOLED_LIMIT_BYTES = 64 * 1024
/** A request may take an idle frame up to this many classes larger. */
const SPARE_CLASSES = 2
const POISON = 0xdb

export class SlabPool {
  readonly #slabLimitBytes: number
  readonly #slabSize: number
  readonly #poison: boolean
  readonly #idle: SlabFrame[][] = []
  readonly list = new SlabList()
  #idleBytes = 0
  #slabBytes = 0
  #slab = new Uint8Array(0)
  #slabNumber = 0
  #slabAt = 0

  /** With `poison`, returned frames are overwritten, so that a reader that keeps a view too long sees nonsense: for tests. */
  constructor(slabLimitBytes: number, poison: boolean) {
    this.#slabLimitBytes = slabLimitBytes
    this.#slabSize = Math.min(LARGEST_SLAB_BYTES, Math.max(POOLED_LIMIT_BYTES, slabLimitBytes >>> 4))
    this.#poison = poison
  }

  /** Bytes of the idle frames. */
  get idleBytes(): number {
    return this.#idleBytes
  }

  /** Bytes of all slabs, frames in use included. */
  get slabBytes(): number {
    return this.#slabBytes
  }

  /** The smallest size of a frame that `take(bytes)` returns. */
  frameBytes(bytes: number): number {
    return bytes > POOLED_LIMIT_BYTES ? bytes : Math.ceil(bytes / CLASS_BYTES) * CLASS_BYTES
  }

  /** A frame of at least `bytes` bytes, with arbitrary contents. */
  take(bytes: number): SlabFrame {
    const size = this.frameBytes(bytes)
    if (size > POOLED_LIMIT_BYTES) return ownMemory(size)
    const first = size / CLASS_BYTES
    for (let at = first; at <= first + SPARE_CLASSES; at++) {
      const frame = this.#idle[at]?.pop()
      if (frame === undefined) continue
      this.#idleBytes -= frame.size
      return frame
    }
    if (this.#slabAt + size > this.#slab.length && !this.#startSlab()) return ownMemory(size)
    const place = this.list.placeOf(this.#slabNumber, this.#slabAt)
    const frame = { bytes: this.#slab, start: this.#slabAt, size, pooled: true, place }
    this.#slabAt += size
    return frame
  }

  /** Returns a frame to the pool. No reader of it may be left. */
  give(frame: SlabFrame): void {
    const { bytes, start, size, pooled } = frame
    if (this.#poison) bytes.fill(POISON, start, start + size)
    if (!pooled) return
    this.#idleBytes += size
    const frames = this.#idle[size / CLASS_BYTES]
    if (frames === undefined) this.#idle[size / CLASS_BYTES] = [frame]
    else frames.push(frame)
  }

  #startSlab(): boolean {
    if (this.#slabBytes + this.#slabSize > this.#slabLimitBytes) return false
    this.#slab = new Uint8Array(this.#slabSize)
    this.#slabNumber = this.list.add(this.#slab)
    this.#slabAt = 0
    this.#slabBytes += this.#slabSize
    return true
  }
}

function ownMemory(size: number): SlabFrame {
  return { bytes: new Uint8Array(size), start: 0, size, pooled: false, place: NO_PLACE }
}
