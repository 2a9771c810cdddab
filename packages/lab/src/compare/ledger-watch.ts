import { joinPath, type FileSystem } from 'kvarium/vfs'
import type { ClassCounts, MeteredFileSystem } from 'kvarium/vfs'
import type { LedgerCounts } from 'kvarium/trace'
import type { Metered } from './results.js'
import { addTraffic, NO_TRAFFIC, subtractTraffic, sumOf, type Traffic } from './traffic.js'

/**
 * Follows the ledger of a store across closing and reopening, which start a new one, and compares it with the meter of its
 * file system.
 *
 * Invariant: every byte the meter has seen is in the ledger of its session, or was moved while closing.
 */
export class LedgerWatch {
  readonly #meter: MeteredFileSystem
  /** False for an engine whose ledger continues when the store is reopened. */
  readonly #startsAnew: boolean
  #total = NO_TRAFFIC
  #before = NO_TRAFFIC
  #peakBytes = 0
  readonly #closing = { written: 0, read: 0 }

  constructor(meter: MeteredFileSystem, startsAnew: boolean) {
    this.#meter = meter
    this.#startsAnew = startsAnew
  }

  /** The traffic since the first open, at the last `look`. */
  get total(): Traffic {
    return this.#total
  }

  get peakBytes(): number {
    return this.#peakBytes
  }

  look(counts: LedgerCounts): void {
    this.#total = addTraffic(this.#total, subtractTraffic(counts, this.#before))
    this.#before = counts
    this.#peakBytes = Math.max(this.#peakBytes, counts.peakFileBytes)
  }

  /** Runs what closes the store; call `look` right before. */
  async closing(close: () => Promise<void>): Promise<void> {
    const before = this.#metered()
    await close()
    const after = this.#metered()
    this.#closing.written += after.bytesWritten - before.bytesWritten
    this.#closing.read += after.bytesRead - before.bytesRead
    if (this.#startsAnew) this.#before = NO_TRAFFIC
  }

  /** Meaningful while no background work is under way. */
  metered(): Metered {
    const { bytesWritten, bytesRead } = this.#metered()
    return {
      ledgerWritten: sumOf(this.#total.written),
      meterWritten: bytesWritten - this.#closing.written,
      ledgerRead: sumOf(this.#total.read),
      meterRead: bytesRead - this.#closing.read,
      closingWritten: this.#closing.written,
      closingRead: this.#closing.read,
    }
  }

  #metered(): ClassCounts {
    return this.#meter.counts().total
  }
}

/** Number and bytes of the files in a directory, without the lock's. */
export function filesIn(fileSystem: FileSystem, directory: string): { readonly files: number; readonly bytes: number } {
  if (fileSystem.stat(directory) === undefined) return { files: 0, bytes: 0 }
  const sizes = fileSystem
    .list(directory)
    .filter(name => !name.startsWith('LOCK'))
    .map(name => fileSystem.stat(joinPath(directory, name))?.size ?? 0)
  return { files: sizes.length, bytes: sizes.reduce((sum, size) => sum + size, 0) }
}
