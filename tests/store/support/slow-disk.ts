import type { Extent, FileHandle } from '../../../src/vfs/file-system.js'
import { ForwardingFileSystem } from '../../../src/vfs/forwarding-file-system.js'
import type { OffloadableFile, ReadOffload } from '../../../src/vfs/read-offload.js'

/**
 * A file system whose reads wait for the medium: in place they hold up everything for a time on the clock of the test, off the thread they
 * end when the test says so.
 */
export class SlowDisk extends ForwardingFileSystem {
  now = 0
  /** Time that a read takes. */
  readMs = 0
  /** Reads that held up the event loop. */
  blocking = 0
  /** Called at a read in place and before a read off the thread begins. */
  beforeRead: (path: string, position: number) => void = () => undefined
  /** Decides when a read off the thread ends. */
  pause: () => Promise<void> = () => Promise.resolve()
  offThread = 0
  /** Bytes of all reads but those of logs, which go on in the background after an open. */
  bytesRead = 0
  /** Gets the bytes of each read. */
  afterRead: (bytes: Uint8Array) => void = () => undefined
  offload: ReadOffload | undefined

  /** Reads off the thread wait from now on, until the returned function is called. */
  hold(): () => void {
    let resume: () => void = () => undefined
    const held = new Promise<void>(resolve => (resume = resolve))
    this.pause = () => held
    return resume
  }

  override openRead(path: string): FileHandle {
    return new SlowHandle(this, this.inner.openRead(path))
  }

  override openWrite(path: string): FileHandle {
    return new SlowHandle(this, this.inner.openWrite(path))
  }

  override create(path: string): FileHandle {
    return new SlowHandle(this, this.inner.create(path))
  }
}

class SlowHandle implements FileHandle, OffloadableFile {
  readonly path: string
  readonly #disk: SlowDisk
  readonly #inner: FileHandle

  constructor(disk: SlowDisk, inner: FileHandle) {
    this.path = inner.path
    this.#disk = disk
    this.#inner = inner
  }

  read(target: Uint8Array, position: number, start = 0, end = target.length): number {
    return this.#disk.offload!.read(this, target, position, start, end)
  }

  get readsAhead(): boolean {
    return this.#disk.offload!.readsAhead
  }

  readAhead(upcoming: (bytes: number) => readonly Extent[], unread: (bytes: number) => void): void {
    this.#disk.offload!.readAhead(this, upcoming, unread)
  }

  readInPlace(target: Uint8Array, position: number, start: number, end: number): number {
    this.#disk.beforeRead(this.path, position)
    this.#disk.now += this.#disk.readMs
    if (this.#disk.readMs > 0) this.#disk.blocking++
    const count = this.#inner.read(target, position, start, end)
    this.#read(count)
    this.#disk.afterRead(target.subarray(start, start + count))
    return count
  }

  async readOffThread(position: number, length: number): Promise<Uint8Array> {
    this.#disk.offThread++
    this.#disk.beforeRead(this.path, position)
    const bytes = new Uint8Array(length)
    const count = this.#inner.read(bytes, position)
    this.#read(count)
    this.#disk.afterRead(bytes)
    await this.#disk.pause()
    return bytes.subarray(0, count)
  }

  #read(bytes: number): void {
    if (!this.path.endsWith('.log')) this.#disk.bytesRead += bytes
  }

  size(): number {
    return this.#inner.size()
  }

  write(source: Uint8Array, position: number, start?: number, end?: number): void {
    this.#inner.write(source, position, start, end)
  }

  truncate(size: number): void {
    this.#inner.truncate(size)
  }

  sync(): Promise<void> {
    return this.#inner.sync()
  }

  close(): void {
    this.#inner.close()
  }
}
