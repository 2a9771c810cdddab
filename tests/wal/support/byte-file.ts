import type { FileHandle } from '../../../src/vfs/file-system.js'

/** A file that is a byte array, for tests that damage bytes, count calls and fail them. */
export class ByteFile implements FileHandle {
  readonly path: string
  bytes: Uint8Array
  writes = 0
  syncs = 0
  closed = false
  /** Called before each operation; what it throws is the operation's failure. */
  before: (operation: 'write' | 'sync' | 'truncate') => void = () => {}
  /** Runs each sync; tests hold syncs back with it. */
  medium: () => Promise<void> = () => Promise.resolve()
  #length: number

  constructor(bytes: Uint8Array = new Uint8Array(0), path = 'store/000007.log') {
    this.path = path
    this.bytes = bytes.slice()
    this.#length = bytes.length
  }

  contents(): Uint8Array {
    return this.bytes.slice(0, this.#length)
  }

  size(): number {
    return this.#length
  }

  read(target: Uint8Array, position: number, start = 0, end = target.length): number {
    const count = Math.max(0, Math.min(end - start, this.#length - position))
    target.set(this.bytes.subarray(position, position + count), start)
    return count
  }

  write(source: Uint8Array, position: number, start = 0, end = source.length): void {
    this.before('write')
    this.writes++
    const needed = position + end - start
    if (needed > this.bytes.length) {
      const larger = new Uint8Array(Math.max(needed, this.bytes.length * 2))
      larger.set(this.bytes)
      this.bytes = larger
    }
    this.bytes.set(source.subarray(start, end), position)
    this.#length = Math.max(this.#length, needed)
  }

  truncate(size: number): void {
    this.before('truncate')
    this.bytes.fill(0, size)
    this.#length = size
  }

  async sync(): Promise<void> {
    this.syncs++
    this.before('sync')
    await this.medium()
  }

  close(): void {
    this.closed = true
  }
}
