import type { FileHandle, FileSystem } from './file-system.js'
import { ForwardingFileSystem } from './forwarding-file-system.js'

/** Calls and bytes through the file-system seam for one class of files. Reads served above the seam, by a cache, do not count. */
export interface ClassCounts {
  readonly reads: number
  readonly bytesRead: number
  readonly writes: number
  readonly bytesWritten: number
  readonly syncs: number
}

export interface MeterCounts {
  /** By file class; without a classification all files are in the class `other`. */
  readonly classes: Readonly<Record<string, ClassCounts>>
  readonly total: ClassCounts
  readonly directorySyncs: number
}

type MutableCounts = { -readonly [Field in keyof ClassCounts]: number }

/**
 * Counts every byte and call that passes to another file system. A call counts when it has succeeded. A handle belongs
 * to the class of the name it was opened by, even after a rename.
 */
export class MeteredFileSystem extends ForwardingFileSystem {
  readonly #classify: (name: string) => string
  readonly #counts = new Map<string, MutableCounts>()
  #directorySyncs = 0

  /** @param classify - The class of the file with a name, without directory. */
  constructor(inner: FileSystem, classify: (name: string) => string = () => 'other') {
    super(inner)
    this.#classify = classify
  }

  /** The counts so far, as plain JSON. */
  counts(): MeterCounts {
    const classes: Record<string, ClassCounts> = {}
    const total = zeroCounts()
    for (const [name, counts] of this.#counts) {
      classes[name] = { ...counts }
      add(total, counts)
    }
    return { classes, total, directorySyncs: this.#directorySyncs }
  }

  /** Adds the counts of another meter on the same files, in a worker thread for example. */
  absorb(counts: MeterCounts): void {
    for (const [name, classCounts] of Object.entries(counts.classes)) add(this.#countsOf(name), classCounts)
    this.#directorySyncs += counts.directorySyncs
  }

  get isSharedByThreads(): boolean {
    return this.inner.isSharedByThreads === true
  }

  override openRead(path: string): FileHandle {
    return this.#metered(this.inner.openRead(path))
  }

  override openWrite(path: string): FileHandle {
    return this.#metered(this.inner.openWrite(path))
  }

  override create(path: string): FileHandle {
    return this.#metered(this.inner.create(path))
  }

  override async syncDirectory(directory: string): Promise<void> {
    await this.inner.syncDirectory(directory)
    this.#directorySyncs++
  }

  #metered(handle: FileHandle): FileHandle {
    const name = handle.path.slice(Math.max(handle.path.lastIndexOf('/'), handle.path.lastIndexOf('\\')) + 1)
    return new MeteredFileHandle(handle, this.#countsOf(this.#classify(name)))
  }

  #countsOf(name: string): MutableCounts {
    let counts = this.#counts.get(name)
    if (counts === undefined) this.#counts.set(name, (counts = zeroCounts()))
    return counts
  }
}

class MeteredFileHandle implements FileHandle {
  readonly path: string
  readonly #inner: FileHandle
  readonly #counts: MutableCounts

  constructor(inner: FileHandle, counts: MutableCounts) {
    this.path = inner.path
    this.#inner = inner
    this.#counts = counts
  }

  size(): number {
    return this.#inner.size()
  }

  read(target: Uint8Array, position: number, start = 0, end = target.length): number {
    const count = this.#inner.read(target, position, start, end)
    this.#counts.reads++
    this.#counts.bytesRead += count
    return count
  }

  write(source: Uint8Array, position: number, start = 0, end = source.length): void {
    this.#inner.write(source, position, start, end)
    this.#counts.writes++
    this.#counts.bytesWritten += end - start
  }

  truncate(size: number): void {
    this.#inner.truncate(size)
  }

  async sync(): Promise<void> {
    await this.#inner.sync()
    this.#counts.syncs++
  }

  close(): void {
    this.#inner.close()
  }
}

function zeroCounts(): MutableCounts {
  return { reads: 0, bytesRead: 0, writes: 0, bytesWritten: 0, syncs: 0 }
}

function add(sum: MutableCounts, counts: ClassCounts): void {
  sum.reads += counts.reads
  sum.bytesRead += counts.bytesRead
  sum.writes += counts.writes
  sum.bytesWritten += counts.bytesWritten
  sum.syncs += counts.syncs
}
