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
 * 3. What is read ahead is private to its scan, bounded, and reported as unread when it is dropped.
 */
import type { Extent } from './file-system.js'

/** A read in place is slow from this on, besides the time that copying takes. */
const SLOW_MS = 0.25
const COPIED_BYTES_PER_MS = 500_000
const SLOW_IN_A_ROW = 2
const RUN = 64
/** A lookup that did not come further by then reads in place: the cache is smaller than what it needs at once. */
const MOST_LOOKS = 24
/** A scan reads ahead this much at first, and twice as much each time up to the most. */
const FIRST_AHEAD_BYTES = 8 << 10
const MOST_AHEAD_BYTES = 128 << 10
/** The pool has four threads, and others need them as well. */
const MOST_READS_AHEAD = 4
/** What a scan over several files has read ahead and not used. */
const MOST_UNREAD_BYTES = 1 << 20

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
    const piece = this.#lookup?.find(file.path, position, end - start)
    if (piece !== undefined) {
      const bytes = piece.use()
      target.set(bytes, start)
      return bytes.length
    }
    if (this.#lookup !== undefined && this.#left > 0) {
      this.#left--
      throw new PendingRead(this.#lookup.begin(file, [{ position, length: end - start }]))
    }
    const began = this.#clock.now()
    const count = file.readInPlace(target, position, start, end)
    const isSlow = this.#clock.now() - began > SLOW_MS + count / COPIED_BYTES_PER_MS
    this.#slowInARow = isSlow ? this.#slowInARow + 1 : 0
    this.#left = this.isOn ? RUN : 0
    return count
  }

  /** Whether `readAhead` would do something: within an `OffloadedScan`, unless the next read is measured, in place. */
  get readsAhead(): boolean {
    return this.#left > 0 && this.#lookup instanceof OffloadedScan
  }

  /** `readAhead` of a file. Does nothing outside of an `OffloadedScan`. */
  readAhead(file: OffloadableFile, upcoming: (bytes: number) => readonly Extent[], unread: (bytes: number) => void): void {
    // The next read is measured, in place.
    if (this.#lookup instanceof OffloadedScan && this.#left > 0) {
      this.#left = Math.max(0, this.#left - this.#lookup.readAhead(file, upcoming, unread))
    }
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
export class PendingRead extends Error {
  readonly done: Promise<void>

  constructor(done: Promise<void>) {
    super('The read is under way')
    this.done = done
  }
}

/** A piece of a file that is read off the thread, or was. */
class Piece implements Extent {
  readonly path: string
  readonly position: number
  readonly length: number
  readonly #unread: ((bytes: number) => void) | undefined
  #bytes: Uint8Array | undefined
  #done: Promise<void> | undefined
  #isUsed = false

  constructor(path: string, { position, length }: Extent, unread: ((bytes: number) => void) | undefined) {
    this.path = path
    this.position = position
    this.length = length
    this.#unread = unread
  }

  get isUsed(): boolean {
    return this.#isUsed
  }

  /** Begins to wait for the bytes. */
  await(bytes: Promise<Uint8Array>): Promise<void> {
    this.#done = bytes.then(read => void (this.#bytes = read))
    return this.#done
  }

  /** The bytes, or a throw that says when they are there. */
  use(): Uint8Array {
    if (this.#bytes === undefined) throw new PendingRead(this.#done!)
    this.#isUsed = true
    return this.#bytes
  }

  drop(): void {
    if (!this.#isUsed) this.#unread?.(this.length)
  }
}

/** One lookup, repeated until all that it reads is there. */
export class OffloadedLookup {
  readonly #offload: ReadOffload
  #looks = 0
  protected pieces: Piece[] = []

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

  find(path: string, position: number, length: number): Piece | undefined {
    return this.pieces.find(piece => piece.position === position && piece.length === length && piece.path === path)
  }

  /** Begins one read of extents that follow each other. Resolves when they are there. */
  begin(file: OffloadableFile, extents: readonly Extent[], unread?: (bytes: number) => void): Promise<void> {
    const { path } = file
    const { position } = extents[0]
    const end = extents.at(-1)!
    const reading = file.readOffThread(position, end.position + end.length - position)
    const pieces = extents.map(extent => new Piece(path, extent, unread))
    const done = pieces.map((piece, index) => {
      const start = extents[index].position - position
      return piece.await(reading.then(bytes => bytes.subarray(start, start + piece.length)))
    })
    this.pieces.push(...pieces)
    // A piece that could not be read is read anew by the next look. Those who wait for it get the error.
    for (const one of done) one.catch(() => (this.pieces = this.pieces.filter(piece => !pieces.includes(piece))))
    return done[0]
  }

  /** The looks so far came to an end: the next one is the first of another. */
  protected endLooks(): void {
    this.#looks = 0
  }
}

/** The lookups of a scan, one after another. It reads ahead of them what the engine says will follow. */
export class OffloadedScan extends OffloadedLookup {
  #aheadBytes = FIRST_AHEAD_BYTES

  /** Returns how many reads it has begun. */
  readAhead(file: OffloadableFile, upcoming: (bytes: number) => readonly Extent[], unread: (bytes: number) => void): number {
    const extents = upcoming(this.#aheadBytes)
    const missing = extents.filter(({ position, length }) => this.find(file.path, position, length) === undefined)
    if (missing.length === 0) return 0
    // A third is left: few large reads are quicker than many small ones.
    const isNeeded = missing[0] === extents[0]
    if (!isNeeded && missing.length * 3 <= extents.length * 2) return 0
    const runs = adjacent(missing).slice(0, MOST_READS_AHEAD)
    for (const run of runs) void this.begin(file, run, unread)
    this.#aheadBytes = Math.min(2 * this.#aheadBytes, MOST_AHEAD_BYTES)
    return runs.length
  }

  /** The scan has moved on: what it has used is not needed any more, and of what it has not, only so much is kept. */
  moveOn(): void {
    this.endLooks()
    const unused = this.pieces.filter(piece => !piece.isUsed)
    for (let bytes = lengthOf(unused); bytes > MOST_UNREAD_BYTES; bytes -= unused[0].length, unused.shift()) unused[0].drop()
    this.pieces = unused
  }

  /** The scan begins anew elsewhere, or ends. */
  drop(): void {
    this.endLooks()
    for (const piece of this.pieces) piece.drop()
    this.pieces = []
    this.#aheadBytes = FIRST_AHEAD_BYTES
  }
}

function lengthOf(extents: readonly Extent[]): number {
  return extents.reduce((bytes, { length }) => bytes + length, 0)
}

/** The extents in runs without a gap, each ascending. The run of the first extent comes first. */
function adjacent(extents: readonly Extent[]): Extent[][] {
  const runs: Extent[][] = []
  for (const extent of extents) {
    const run = runs.at(-1)
    if (run !== undefined && run.at(-1)!.position + run.at(-1)!.length === extent.position) run.push(extent)
    else if (run !== undefined && extent.position + extent.length === run[0].position) run.unshift(extent)
    else runs.push([extent])
  }
  return runs
}
