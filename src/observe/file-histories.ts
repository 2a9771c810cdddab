/**
 * The files of a store at any moment, from the bytes recorded with its writes.
 *
 * Invariants:
 * 1. A history is immutable: each write adds to it and leaves the one before as it was, so a copy of a directory costs only its names.
 * 2. The contents of a file from before the trace are unknown, and are not invented.
 */
import type { EventOf, TraceEvent } from '../trace/events.js'

/** What changes the contents of a file. */
export type FileChange = EventOf<'file.write'> | EventOf<'file.truncate'>

interface FileHistory {
  /** Whether the trace contains its creation. */
  readonly isNew: boolean
  readonly changes: Changes | undefined
}

interface Changes {
  readonly last: FileChange
  readonly before: Changes | undefined
}

/** A file as its writes left it. */
export interface RebuiltFile {
  readonly name: string
  readonly bytes: Uint8Array
  /** Whether all of its bytes are known; unknown ones are zeros. */
  readonly isWhole: boolean
}

const UNKNOWN: FileHistory = { isNew: false, changes: undefined }

/** Takes in the events of a trace with payloads, one after the other, and rebuilds any file as of the last of them. */
export class FileHistories {
  #files = new Map<string, FileHistory>()

  /** Takes in the next event; those that change no file are passed over. */
  apply(event: TraceEvent): void {
    switch (event.type) {
      case 'file.create':
        this.#files.set(event.file, { isNew: true, changes: undefined })
        break
      case 'file.open':
        this.#files.set(event.file, this.#files.get(event.file) ?? UNKNOWN)
        break
      case 'file.write':
      case 'file.truncate': {
        const { isNew, changes } = this.#files.get(event.file) ?? UNKNOWN
        this.#files.set(event.file, { isNew, changes: { last: event, before: changes } })
        break
      }
      case 'file.rename':
        this.#files.set(event.to, this.#files.get(event.from) ?? UNKNOWN)
        this.#files.delete(event.from)
        break
      case 'file.link':
        this.#files.set(event.name, this.#files.get(event.file) ?? UNKNOWN)
        break
      case 'file.remove':
        this.#files.delete(event.file)
        break
      default:
        break
    }
  }

  /** Histories of the same events that go on by themselves. */
  clone(): FileHistories {
    const clone = new FileHistories()
    clone.#files = new Map(this.#files)
    return clone
  }

  /** The names of the files, in order. */
  get names(): string[] {
    return [...this.#files.keys()].sort()
  }

  /** The write or cut that changed the file last; `undefined` if there is no file with this name, or none is known. */
  lastChange(name: string): FileChange | undefined {
    return this.#files.get(name)?.changes?.last
  }

  /** The file with all writes to it; `undefined` if there is none with this name. */
  rebuild(name: string): RebuiltFile | undefined {
    const history = this.#files.get(name)
    if (history === undefined) return undefined
    const changes: FileChange[] = []
    for (let at = history.changes; at !== undefined; at = at.before) changes.push(at.last)
    changes.reverse()
    let size = 0
    let largest = 0
    for (const change of changes) {
      size = change.type === 'file.truncate' ? change.size : Math.max(size, change.offset + change.length)
      largest = Math.max(largest, size)
    }
    const bytes = new Uint8Array(largest)
    for (const change of changes) {
      if (change.type === 'file.truncate') bytes.fill(0, change.size)
      else if (change.bytes !== undefined) bytes.set(change.bytes, change.offset)
    }
    const isWhole = history.isNew && changes.every(change => change.type === 'file.truncate' || change.bytes !== undefined)
    return { name, bytes: bytes.subarray(0, size), isWhole }
  }
}
