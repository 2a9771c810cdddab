/** The files of a store: how long each is, and what of it power loss could still take. */
import type { TraceEvent } from 'kvarium/trace'
import type { Fold } from './fold.js'

export interface FilePicture {
  readonly name: string
  readonly bytes: number
  /** Bytes written since the last sync, those that were written twice counted twice. */
  readonly unsyncedBytes: number
  /** Whether power loss could take the name, too. */
  readonly isNameDurable: boolean
}

export interface FilesPicture {
  /** By name. */
  readonly files: readonly FilePicture[]
  /** The file that the present event touches. */
  readonly touched: string | undefined
}

interface KnownFile {
  bytes: number
  unsyncedBytes: number
  isNameDurable: boolean
}

export class FilesFold implements Fold<FilesPicture> {
  readonly #files = new Map<string, KnownFile>()
  #touched: string | undefined

  apply(event: TraceEvent): void {
    this.#touched = event.type.startsWith('file.') && 'file' in event && typeof event.file === 'string' ? event.file : undefined
    switch (event.type) {
      case 'file.create':
        this.#files.set(event.file, { bytes: 0, unsyncedBytes: 0, isNameDurable: false })
        break
      case 'file.write': {
        const file = this.#file(event.file)
        file.bytes = Math.max(file.bytes, event.offset + event.length)
        file.unsyncedBytes += event.length
        break
      }
      case 'file.truncate':
        this.#file(event.file).bytes = event.size
        break
      case 'file.sync':
        this.#file(event.file).unsyncedBytes = 0
        break
      case 'file.rename': {
        const file = this.#file(event.from)
        this.#files.delete(event.from)
        this.#files.set(event.to, { ...file, isNameDurable: false })
        this.#touched = event.to
        break
      }
      case 'file.link':
        this.#files.set(event.name, { ...this.#file(event.file), isNameDurable: false })
        break
      case 'file.remove':
        this.#files.delete(event.file)
        break
      case 'directory.sync':
        for (const file of this.#files.values()) file.isNameDurable = true
        break
      default:
        break
    }
  }

  clone(): FilesFold {
    const clone = new FilesFold()
    for (const [name, file] of this.#files) clone.#files.set(name, { ...file })
    clone.#touched = this.#touched
    return clone
  }

  picture(): FilesPicture {
    const files = [...this.#files].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, file]) => ({ name, ...file }))
    return { files, touched: this.#touched }
  }

  /** A file that was there before the first event is known from the first event that names it. */
  #file(name: string): KnownFile {
    let file = this.#files.get(name)
    if (file === undefined) {
      file = { bytes: 0, unsyncedBytes: 0, isNameDurable: true }
      this.#files.set(name, file)
    }
    return file
  }
}
