/**
 * Memory for tree pages, cut from slabs. A page that leaves the cache hands its frame to the next one. Pages share their slab's
 * typed array, so that a look-up fetches one object fewer per level. One large allocation instead of hundreds of small ones matters
 * for pauses, too: after many allocations outside of its heap, V8 marks for milliseconds at each further one.
 * Blocks of tables are only read; their pool is slab-pool.ts.
 *
 * Invariants:
 * 1. A frame is idle or in use, never both: `give` is called once, when no reader of the frame is left.
 * 2. A slab holds frames of one size. It is in the list of that size as long as it has a frame to give.
 * 3. While idle frames take more than `idleLimitBytes`, a slab is dropped as soon as none of its frames is in use.
 */

import { FRAME_STEP_BYTES, LARGEST_SLAB_BYTES, NO_PLACE, SlabList } from './slab-list.js'

/** `bytes[start, start + size)` is a frame. */
export interface Frame {
  readonly bytes: Uint8Array
  readonly start: number
  readonly size: number
  /** The slab it was cut from; `undefined` if it has memory of its own. */
  readonly slab: Slab | undefined
  /** Where it is among the pool's slabs. */
  readonly place: number
}

interface Slab {
  readonly bytes: Uint8Array
  readonly number: number
  readonly idle: Frame[]
  /** Frames in use. */
  used: number
  /** Offset from which no frames have been cut yet. */
  rest: number
  listed: boolean
}

/** Frames come in multiples of this, so that pages of about the same size can share them. */
const CLASS_BYTES = FRAME_STEP_BYTES
/** Larger frames are left to the garbage collector: their allocation is small against filling them. */
const POOLED_LIMIT_BYTES = 64 * 1024
const SMALLEST_SLAB_BYTES = 64 * 1024
const POISON = 0xdb

export class FramePool {
  readonly #idleLimitBytes: number
  readonly #slabBytes: number
  readonly #poison: boolean
  readonly list = new SlabList()
  /** By frame size: slabs with frames to give. */
  readonly #slabs: Slab[][] = []
  #idleBytes = 0

  /** With `poison`, recycled frames are overwritten, so that a reader that keeps a view too long sees nonsense: for tests. */
  constructor(idleLimitBytes: number, poison: boolean) {
    this.#idleLimitBytes = idleLimitBytes
    this.#slabBytes = Math.min(LARGEST_SLAB_BYTES, Math.max(SMALLEST_SLAB_BYTES, idleLimitBytes >>> 3))
    this.#poison = poison
  }

  /** Bytes of the idle frames. */
  get idleBytes(): number {
    return this.#idleBytes
  }

  /** Size of the frame that `take(bytes)` returns. */
  frameBytes(bytes: number): number {
    return bytes > POOLED_LIMIT_BYTES ? bytes : Math.ceil(bytes / CLASS_BYTES) * CLASS_BYTES
  }

  /** A frame of at least `bytes` bytes, with arbitrary contents. */
  take(bytes: number): Frame {
    const size = this.frameBytes(bytes)
    if (size > POOLED_LIMIT_BYTES) return this.own(bytes)
    const slabs = (this.#slabs[size / CLASS_BYTES] ??= [])
    const slab = slabs.length > 0 ? slabs[slabs.length - 1] : this.#startSlab(slabs)
    let frame = slab.idle.pop()
    if (frame !== undefined) {
      this.#idleBytes -= size
    } else {
      frame = { bytes: slab.bytes, start: slab.rest, size, slab, place: this.list.placeOf(slab.number, slab.rest) }
      slab.rest += size
    }
    slab.used++
    if (slab.idle.length === 0 && slab.rest + size > slab.bytes.length) {
      slabs.pop()
      slab.listed = false
    }
    return frame
  }

  /** A frame outside of the pool: it is never returned, the garbage collector frees it. */
  own(bytes: number): Frame {
    const size = this.frameBytes(bytes)
    return { bytes: new Uint8Array(size), start: 0, size, slab: undefined, place: NO_PLACE }
  }

  /** Returns a frame to the pool. No reader of it may be left. */
  give(frame: Frame): void {
    const { bytes, start, size, slab } = frame
    if (this.#poison) bytes.fill(POISON, start, start + size)
    if (slab === undefined) return
    slab.idle.push(frame)
    this.#idleBytes += size
    if (--slab.used === 0 && this.#idleBytes > this.#idleLimitBytes) {
      this.#drop(slab, size)
    } else if (!slab.listed) {
      this.#slabs[size / CLASS_BYTES].push(slab)
      slab.listed = true
    }
  }

  /** Instead of `give`, if a reader of the frame may be left: the frame is not used again. */
  lose({ size, slab }: Frame): void {
    if (slab === undefined || --slab.used > 0 || !slab.listed || this.#idleBytes <= this.#idleLimitBytes) return
    this.#drop(slab, size)
  }

  #drop(slab: Slab, size: number): void {
    this.list.remove(slab.number)
    this.#idleBytes -= slab.idle.length * size
    if (!slab.listed) return
    const slabs = this.#slabs[size / CLASS_BYTES]
    slabs.splice(slabs.indexOf(slab), 1)
  }

  #startSlab(slabs: Slab[]): Slab {
    const bytes = new Uint8Array(this.#slabBytes)
    const slab: Slab = { bytes, number: this.list.add(bytes), idle: [], used: 0, rest: 0, listed: true }
    slabs.push(slab)
    return slab
  }
}
