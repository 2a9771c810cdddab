/**
 * The files of a store, as far as its events tell: how long each is, and what of it power loss could still take.
 *
 * Invariants:
 * 1. A file that no event has made is known from what an opening finds of it, and is at least so long.
 * 2. A `KnownFile` never changes: an event puts another in its place, so that a copy costs only the names.
 */
import { DATA_FILE } from 'kvarium/btree'
import { logName } from 'kvarium/engine'
import { tableName } from 'kvarium/lsm'
import type { TraceEvent } from 'kvarium/trace'

export interface KnownFile {
  readonly bytes: number
  /** Bytes written since the last sync, those that were written twice counted twice. */
  readonly unsyncedBytes: number
  /** Whether power loss could take the name, too. */
  readonly isNameDurable: boolean
  /** The file was there before the first event, and may be longer than what has been read of it. */
  readonly isAtLeast?: true
  /** A second name of another file's bytes. */
  readonly isLink?: true
}

const NEW: KnownFile = { bytes: 0, unsyncedBytes: 0, isNameDurable: false }
const FOUND: KnownFile = { bytes: 0, unsyncedBytes: 0, isNameDurable: true, isAtLeast: true }

export class KnownFiles {
  #files = new Map<string, KnownFile>()

  apply(event: TraceEvent): void {
    switch (event.type) {
      case 'file.create':
        this.#files.set(event.file, NEW)
        break
      case 'file.read':
        this.#find(event.file, event.offset + event.length)
        break
      case 'file.write': {
        const file = this.#file(event.file)
        const bytes = Math.max(file.bytes, event.offset + event.length)
        this.#files.set(event.file, { ...file, bytes, unsyncedBytes: file.unsyncedBytes + event.length })
        break
      }
      case 'file.truncate': {
        const { isAtLeast: _isAtLeast, ...file } = this.#file(event.file)
        this.#files.set(event.file, { ...file, bytes: event.size })
        break
      }
      case 'file.sync':
        this.#files.set(event.file, { ...this.#file(event.file), unsyncedBytes: 0 })
        break
      case 'file.rename':
        this.#files.set(event.to, { ...this.#file(event.from), isNameDurable: false })
        this.#files.delete(event.from)
        break
      case 'file.link':
        this.#files.set(event.name, { ...this.#file(event.file), isNameDurable: false, isLink: true })
        break
      case 'file.remove':
        this.#files.delete(event.file)
        break
      case 'directory.sync':
        for (const [name, file] of this.#files) if (!file.isNameDurable) this.#files.set(name, { ...file, isNameDurable: true })
        break
      case 'meta.read':
        this.#find(DATA_FILE, event.fileBytes)
        break
      case 'manifest.read':
        for (const { number, fileBytes } of event.tables) this.#find(tableName(number), fileBytes)
        break
      case 'log.replay':
        this.#find(logName(event.log), event.bytes)
        break
      default:
        break
    }
  }

  clone(): KnownFiles {
    const clone = new KnownFiles()
    clone.#files = new Map(this.#files)
    return clone
  }

  /** By name. */
  get all(): readonly (readonly [name: string, file: KnownFile])[] {
    return [...this.#files].sort(([a], [b]) => (a < b ? -1 : 1))
  }

  /** The length of all files together. */
  get bytes(): number {
    let sum = 0
    for (const { bytes, isLink } of this.#files.values()) if (!isLink) sum += bytes
    return sum
  }

  /** What was read of a file that was there before the first event. */
  #find(name: string, bytes: number): void {
    const file = this.#file(name)
    if (file.isAtLeast && file.bytes <= bytes) this.#files.set(name, { ...file, bytes })
  }

  #file(name: string): KnownFile {
    return this.#files.get(name) ?? FOUND
  }
}
