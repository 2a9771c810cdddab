/**
 * Memory for tree pages, which are changed in place and so have a buffer each; blocks of tables share slabs, see slab-pool.ts.
 * Allocating and zeroing 4 KiB costs about 1.4 us, several times the read that fills it, and the garbage collector frees old
 * buffers late. So a page that leaves the cache hands its frame to the next one.
 *
 * Invariants:
 * 1. A frame is in the pool or in use, never both: `give` is called once, when nobody can read from the frame any more.
 * 2. Idle frames take at most `idleLimitBytes`.
 */

/** A piece of memory and a view over all of it. */
export interface Frame {
  readonly bytes: Uint8Array
  readonly view: DataView
}

/** Frames come in multiples of this, so that pages of about the same size can share them. */
const CLASS_BYTES = 512
/** Larger frames are left to the garbage collector: their allocation is small against filling them. */
const POOLED_LIMIT_BYTES = 64 * 1024
const POISON = 0xdb

export class FramePool {
  readonly #idleLimitBytes: number
  readonly #poison: boolean
  readonly #idle: Frame[][] = []
  #idleBytes = 0

  /** With `poison`, recycled frames are overwritten, so that a reader who kept a view too long sees nonsense: for tests. */
  constructor(idleLimitBytes: number, poison: boolean) {
    this.#idleLimitBytes = idleLimitBytes
    this.#poison = poison
  }

  get idleBytes(): number {
    return this.#idleBytes
  }

  /** Size of the frame that `take(bytes)` returns. */
  frameBytes(bytes: number): number {
    return bytes > POOLED_LIMIT_BYTES ? bytes : Math.ceil(bytes / CLASS_BYTES) * CLASS_BYTES
  }

  /** A frame of at least `bytes` bytes, with whatever contents. */
  take(bytes: number): Frame {
    const size = this.frameBytes(bytes)
    const frame = size > POOLED_LIMIT_BYTES ? undefined : this.#idle[size / CLASS_BYTES]?.pop()
    if (frame !== undefined) {
      this.#idleBytes -= size
      return frame
    }
    const memory = new ArrayBuffer(size)
    return { bytes: new Uint8Array(memory), view: new DataView(memory) }
  }

  /** Takes back a frame that nobody reads from any more. */
  give(frame: Frame): void {
    const size = frame.bytes.length
    if (this.#poison) frame.bytes.fill(POISON)
    if (size > POOLED_LIMIT_BYTES || this.#idleBytes + size > this.#idleLimitBytes) return
    this.#idleBytes += size
    const index = size / CLASS_BYTES
    const frames = this.#idle[index]
    if (frames === undefined) this.#idle[index] = [frame]
    else frames.push(frame)
  }
}
