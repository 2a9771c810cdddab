/** The origin's private file system in memory, as far as `openOpfs` uses it. */
import type { SlotFile } from '../../../src/opfs/slot-files.js'

const named = (name: string): Error => Object.assign(new Error(name), { name })

interface Disk {
  /** Bytes that files may still grow by. */
  room: number
  /** Turns of the event loop that the opening of a file takes. */
  turns: number
}

class MemoryFile {
  readonly #disk: Disk
  bytes = new Uint8Array(0)
  isOpen = false

  constructor(disk: Disk) {
    this.#disk = disk
  }

  async createSyncAccessHandle(): Promise<SlotFile> {
    for (let turn = 0; turn < this.#disk.turns; turn++) await new Promise(resolve => setImmediate(resolve))
    if (this.isOpen) throw named('NoModificationAllowedError')
    this.isOpen = true
    const resize = (size: number): void => {
      const growth = size - this.bytes.length
      if (growth > this.#disk.room) throw named('QuotaExceededError')
      this.#disk.room -= growth
      const bytes = new Uint8Array(size)
      bytes.set(this.bytes.subarray(0, size))
      this.bytes = bytes
    }
    return {
      getSize: () => this.bytes.length,
      read: (target, { at }) => {
        const part = this.bytes.subarray(at, at + target.length)
        target.set(part)
        return part.length
      },
      write: (source, { at }) => {
        if (at + source.length > this.bytes.length) resize(at + source.length)
        this.bytes.set(source, at)
        return source.length
      },
      truncate: resize,
      flush: () => {},
      close: () => void (this.isOpen = false),
    }
  }
}

export class MemoryFolder {
  readonly disk: Disk
  readonly #entries = new Map<string, MemoryFile | MemoryFolder>()

  constructor(disk: Disk = { room: Infinity, turns: 3 }) {
    this.disk = disk
  }

  /** The paths of all folders in it. */
  folders(): string[] {
    return [...this.#entries].flatMap(([name, entry]) =>
      entry instanceof MemoryFolder ? [name, ...entry.folders().map(inner => `${name}/${inner}`)] : [],
    )
  }

  async getDirectoryHandle(name: string, options?: { readonly create: boolean }): Promise<MemoryFolder> {
    return this.#get(name, () => new MemoryFolder(this.disk), options)
  }

  async getFileHandle(name: string, options?: { readonly create: boolean }): Promise<MemoryFile> {
    return this.#get(name, () => new MemoryFile(this.disk), options)
  }

  async removeEntry(name: string, options?: { readonly recursive: boolean }): Promise<void> {
    const entry = this.#entries.get(name)
    if (entry === undefined) throw named('NotFoundError')
    if (entry instanceof MemoryFile && entry.isOpen) throw named('NoModificationAllowedError')
    if (entry instanceof MemoryFolder && entry.#entries.size > 0 && options?.recursive !== true) throw named('InvalidModificationError')
    this.#entries.delete(name)
  }

  async *keys(): AsyncIterable<string> {
    yield* this.#entries.keys()
  }

  #get<T extends MemoryFile | MemoryFolder>(name: string, make: () => T, options?: { readonly create: boolean }): T {
    const found = this.#entries.get(name) as T | undefined
    if (found !== undefined) return found
    if (options?.create !== true) throw named('NotFoundError')
    const made = make()
    this.#entries.set(name, made)
    return made
  }
}
