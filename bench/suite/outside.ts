/**
 * A store measured from outside: the bytes that its process passed to write calls and received from read calls, and the files in its
 * directory. The measure is the same for every store, so kvarium's own ledger can be compared with it.
 */
import { directoryBytes, readBytes, writtenBytes } from '../../packages/lab/src/compare/process-meter.js'
import type { Store } from '../peers/stores.js'

/** Describes the counts of `Outside` for the reader of a report. */
export const OUTSIDE_METHOD =
  'wchar and rchar of /proc/self/io, of all threads of a process that did this alone, from before the store was opened until it settled; ' +
  "the harness's own writes are subtracted, and 8 bytes for each call that woke the event loop from another thread."

const CALIBRATION_CALLS = 500

/**
 * A completed job of a thread pool wakes the event loop through a file descriptor, which counts as bytes written.
 * @returns Bytes for an awaited call of this store.
 */
export async function wakeUpBytes(store: Store, key: Uint8Array): Promise<number> {
  const before = writtenBytes()
  for (let i = 0; i < CALIBRATION_CALLS; i++) await store.get(key)
  const bytes = Math.round((writtenBytes() - before) / CALIBRATION_CALLS)
  return Number.isNaN(bytes) ? 0 : bytes
}

export interface OutsideParts {
  readonly directory: string
  readonly wakeUpBytes: number
  /** Written by the harness so far. */
  readonly harnessBytes: () => number
  /** Awaited calls of the store so far. */
  readonly calls: () => number
}

export class Outside {
  readonly #parts: OutsideParts
  readonly #written = writtenBytes()
  readonly #read = readBytes()
  readonly #harness: number
  #peakFileBytes = 0

  /** Starts counting: construct it before the store is opened. */
  constructor(parts: OutsideParts) {
    this.#parts = parts
    this.#harness = parts.harnessBytes()
  }

  /** `NaN` where the system does not count them. */
  written(): number {
    const { harnessBytes, calls, wakeUpBytes } = this.#parts
    const bytes = writtenBytes() - this.#written - (harnessBytes() - this.#harness) - calls() * wakeUpBytes
    return Number.isNaN(bytes) ? NaN : Math.max(0, bytes)
  }

  /** `NaN` where the system does not count them. */
  read(): number {
    return readBytes() - this.#read
  }

  /** Bytes of the store's files now. */
  fileBytes(): number {
    const bytes = directoryBytes(this.#parts.directory)
    this.#peakFileBytes = Math.max(this.#peakFileBytes, bytes)
    return bytes
  }

  /** The peak of `fileBytes`. */
  get peakFileBytes(): number {
    return this.#peakFileBytes
  }
}
