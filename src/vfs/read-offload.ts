/**
 * Chooses by measurement where reads of files run: in place, or on a thread of the pool.
 *
 * A read that the system's page cache serves takes 1-2 us in place and 20-30 us on another thread. A read that waits for the medium holds up
 * the event loop for as long as it takes in place. So reads run in place until two in a row are slow. Then those whose caller can wait run
 * off the thread, and after `RUN` of them one runs in place again, to see whether that is still so.
 *
 * Invariants:
 * 1. Only a read within `OffloadedLookup.attempt` runs off the thread. Any other read runs in place, as ever.
 * 2. Every look of a lookup gets the bytes that an earlier one has waited for, so that each look comes further than the one before.
 */
/** A read in place is slow from this on, besides the time that copying takes. */
const SLOW_MS = 0.25
const COPIED_BYTES_PER_MS = 500_000
const SLOW_IN_A_ROW = 2
const RUN = 64
/** A lookup that did not end by then reads in place: the cache is smaller than what it needs at once. */
const MOST_LOOKS = 24

/** The two ways in which an open file reads. */
export interface OffloadableFile {
  readonly path: string
  /** Fills `target[start, end)` from byte `position` of the file; returns the number of bytes read. */
  readInPlace(target: Uint8Array, position: number, start: number, end: number): number
  /** Resolves with up to `length` bytes from byte `position` on, fewer only at the end of the file. Closing the file meanwhile is safe. */
  readOffThread(position: number, length: number): Promise<Uint8Array>
}

export class ReadOffload {
  readonly #clock: { now(): number }
  #lookup: OffloadedLookup | undefined
  #slowInARow = 0
  /** Reads that still run off the thread before the next one is measured. */
  #left = 0

  /** @param clock - Milliseconds, with fractions. */
  constructor(clock: { now(): number }) {
    this.#clock = clock
  }

  /** Whether reads are slow, so that callers which can wait should use a lookup. */
  get isOn(): boolean {
    return this.#slowInARow >= SLOW_IN_A_ROW
  }

  /** The read of a file. Within an attempt it may throw what `attempt` catches. */
  read(file: OffloadableFile, target: Uint8Array, position: number, start: number, end: number): number {
    const bytes = this.#lookup?.bytesOf(file.path, position, end - start)
    if (bytes !== undefined) {
      target.set(bytes, start)
      return bytes.length
    }
    if (this.#lookup !== undefined && this.#left > 0) {
      this.#left--
      throw new PendingRead(this.#lookup.begin(file, position, end - start))
    }
    const began = this.#clock.now()
    const count = file.readInPlace(target, position, start, end)
    const isSlow = this.#clock.now() - began > SLOW_MS + count / COPIED_BYTES_PER_MS
    this.#slowInARow = isSlow ? this.#slowInARow + 1 : 0
    this.#left = this.isOn ? RUN : 0
    return count
  }

  /** Runs `look` with its reads in the lookup. */
  within(lookup: OffloadedLookup, look: () => void): void {
    this.#lookup = lookup
    try {
      look()
    } finally {
      this.#lookup = undefined
    }
  }
}

/** Thrown through the engine by a read that has begun off the thread. */
class PendingRead extends Error {
  readonly done: Promise<void>

  constructor(done: Promise<void>) {
    super('The read is under way')
    this.done = done
  }
}

interface LoadedBytes {
  readonly path: string
  readonly position: number
  readonly length: number
  readonly bytes: Uint8Array
}

/** One lookup, repeated until all that it reads is there. */
export class OffloadedLookup {
  readonly #offload: ReadOffload
  readonly #loaded: LoadedBytes[] = []
  #looks = 0

  constructor(offload: ReadOffload) {
    this.#offload = offload
  }

  /**
   * Runs `look`, which reads synchronously. Returns nothing when it came to its end, else a promise: await it, then attempt the same again.
   * The promise rejects when the read fails.
   */
  attempt(look: () => void): Promise<void> | undefined {
    if (++this.#looks > MOST_LOOKS) {
      look()
      return undefined
    }
    try {
      this.#offload.within(this, look)
      return undefined
    } catch (error) {
      if (error instanceof PendingRead) return error.done
      throw error
    }
  }

  bytesOf(path: string, position: number, length: number): Uint8Array | undefined {
    return this.#loaded.find(loaded => loaded.position === position && loaded.length === length && loaded.path === path)?.bytes
  }

  async begin(file: OffloadableFile, position: number, length: number): Promise<void> {
    const { path } = file
    this.#loaded.push({ path, position, length, bytes: await file.readOffThread(position, length) })
  }
}
