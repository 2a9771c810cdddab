/**
 * A file system in files that stay open and never change their names: what OPFS offers to synchronous code. Creating, renaming and removing
 * a file is one append to a log of names; see docs/formats/opfs.md.
 *
 * Invariants:
 * 1. Those of the seam, see `FileSystem`: bytes are durable after `sync`, names after `syncDirectory` of any directory.
 * 2. A slot gets another file only when it has no name in the durable log, no open handle, and durably no bytes.
 * 3. Changes of names become durable in their order.
 */
import { loadHash32 } from '../codec/checksum.js'
import { CorruptionError } from '../errors.js'
import { DirectoryLocks } from '../vfs/directory-locks.js'
import type { DirectoryLock, FileHandle, FileStat, FileSystem, LockMode } from '../vfs/file-system.js'
import { pathNames } from '../vfs/path-names.js'
import { FileSystemError } from '../vfs/vfs-error.js'
import { NamedDirectory, NamedFile, type NameChange } from './names.js'
import { NamesLog } from './names-log.js'
import { slotError } from './slot-error.js'
import { SlotFileHandle } from './slot-file-handle.js'
import type { SlotFile, SlotFiles } from './slot-files.js'
import { slotName, SlotPool, slotsAmong } from './slot-pool.js'

export interface SlotFileSystemOptions {
  /**
   * Number of files that are opened ahead of need, and can be created in one turn of the event loop. More are opened in the background.
   * @defaultValue `24`
   */
  readonly spareFiles?: number | undefined
}

const DEFAULT_SPARE_FILES = 24
const NAMES_FILES = ['names-0', 'names-1'] as const

export class SlotFileSystem implements FileSystem {
  readonly #files: SlotFiles
  readonly #namesFiles: readonly SlotFile[]
  readonly #log: NamesLog
  readonly #pool: SlotPool
  readonly #locks = new DirectoryLocks()
  /** Files without a name, whose last change of names may not be durable. */
  #unnamed: NamedFile[] = []
  /** Files without a name, durably, that handles still read. */
  readonly #read = new Set<NamedFile>()
  #closing: Promise<void> | undefined

  private constructor(files: SlotFiles, namesFiles: readonly SlotFile[], log: NamesLog, pool: SlotPool) {
    this.#files = files
    this.#namesFiles = namesFiles
    this.#log = log
    this.#pool = pool
  }

  /** Rejects with a CorruptionError if names or slots are missing. `files` is closed then, and removed if there were none before. */
  static async open(files: SlotFiles, { spareFiles = DEFAULT_SPARE_FILES }: SlotFileSystemOptions = {}): Promise<SlotFileSystem> {
    const opened: SlotFile[] = []
    let wasEmpty = false
    try {
      const [hash32, found] = await Promise.all([loadHash32(), files.list()])
      wasEmpty = found.length === 0
      for (const name of NAMES_FILES) opened.push(await files.open(name))
      const paths = NAMES_FILES.map(name => `${files.path}/${name}`)
      const { log, isNew } = await NamesLog.open(opened as [SlotFile, SlotFile], paths as [string, string], hash32)
      const slots = slotsAmong(found)
      if (isNew) await assertEmpty(files, slots)
      const pool = await SlotPool.open(files, slots, log.names.slots(), spareFiles)
      return new SlotFileSystem(files, opened, log, pool)
    } catch (error) {
      for (const file of opened) file.close()
      // The error before is the one to report.
      if (wasEmpty) await removeAll(files).catch(() => undefined)
      await files.close()
      throw error
    }
  }

  openRead(path: string): FileHandle {
    return this.#handle(path, this.#file('openRead', path), false)
  }

  openWrite(path: string): FileHandle {
    return this.#handle(path, this.#file('openWrite', path), true)
  }

  create(path: string): FileHandle {
    const names = this.#log.names
    if (names.find('create', path).node !== undefined) throw new FileSystemError('EEXIST', { operation: 'create', path })
    const slot = this.#pool.take(path)
    try {
      this.#change(path, ['create', path, slot])
    } catch (error) {
      // The change may be in the log.
      this.#unnamed.push(new NamedFile(slot))
      throw error
    }
    return this.#handle(path, names.find('create', path).node as NamedFile, true)
  }

  rename(from: string, to: string): void {
    const source = this.#log.names.find('rename', from)
    const target = this.#log.names.find('rename', to)
    if (source.node === undefined) throw new FileSystemError('ENOENT', { operation: 'rename', path: from })
    if (source.node instanceof NamedDirectory) throw new FileSystemError('EISDIR', { operation: 'rename', path: from })
    if (target.node instanceof NamedDirectory) throw new FileSystemError('EISDIR', { operation: 'rename', path: to })
    if (source.node !== target.node) this.#change(from, ['rename', from, to])
  }

  link(from: string, to: string): void {
    this.#file('link', from)
    if (this.#log.names.find('link', to).node !== undefined) throw new FileSystemError('EEXIST', { operation: 'link', path: to })
    this.#change(to, ['link', from, to])
  }

  remove(path: string): void {
    this.#file('remove', path)
    this.#change(path, ['remove', path])
  }

  removeDirectory(path: string): void {
    const node = this.#directory('removeDirectory', path)
    if (node.names.size > 0 || node === this.#log.names.root) {
      throw new FileSystemError('ENOTEMPTY', { operation: 'removeDirectory', path })
    }
    this.#change(path, ['removeDirectory', path])
  }

  list(directory: string): string[] {
    return [...this.#directory('list', directory).names.keys()].sort()
  }

  makeDirectory(path: string): void {
    let parent = this.#log.names.root
    let above = ''
    const names = pathNames(path)
    for (const [index, name] of names.entries()) {
      above += `/${name}`
      if (!parent.names.has(name)) this.#change(path, ['makeDirectory', above])
      const node = parent.names.get(name)
      if (!(node instanceof NamedDirectory)) {
        throw new FileSystemError(index === names.length - 1 ? 'EEXIST' : 'ENOTDIR', { operation: 'makeDirectory', path })
      }
      parent = node
    }
  }

  stat(path: string): FileStat | undefined {
    let node: NamedFile | NamedDirectory | undefined = this.#log.names.root
    for (const name of pathNames(path)) {
      if (!(node instanceof NamedDirectory)) return undefined
      node = node.names.get(name)
    }
    if (node === undefined) return undefined
    if (node instanceof NamedDirectory) return { kind: 'directory', size: 0 }
    try {
      return { kind: 'file', size: this.#pool.file(node.slot).getSize() }
    } catch (error) {
      throw slotError(error, 'stat', path)
    }
  }

  async syncDirectory(directory: string): Promise<void> {
    this.#directory('syncDirectory', directory)
    const unnamed = this.#unnamed
    this.#unnamed = []
    try {
      await this.#log.sync()
    } catch (error) {
      this.#unnamed.push(...unnamed)
      throw slotError(error, 'syncDirectory', directory)
    }
    for (const file of unnamed) {
      if (file.handles === 0) this.#pool.release(file.slot)
      else this.#read.add(file)
    }
    await this.#pool.ready()
  }

  async lock(directory: string, mode: LockMode = 'exclusive'): Promise<DirectoryLock> {
    return this.#locks.lock(this.#directory('lock', directory), directory, mode)
  }

  /** Resolves when no work in the background is left: spare files are opened, and those of removed files emptied. */
  settle(): Promise<void> {
    return this.#pool.settle()
  }

  /** Closes all files, which others may open then. Close the stores in it first: a handle that is used later throws. */
  close(): Promise<void> {
    return (this.#closing ??= this.#close())
  }

  /** Whether no file has a name. */
  get isEmpty(): boolean {
    return this.#log.names.slots().size === 0
  }

  /** Closes all files and removes them, and their folder if nothing else is in it. Others may open the folder afterwards. */
  discard(): Promise<void> {
    return (this.#closing ??= this.#close(() => removeAll(this.#files)))
  }

  /** @param last - What is done before others may open the files. */
  async #close(last?: () => Promise<void>): Promise<void> {
    await this.#pool.close()
    for (const file of this.#namesFiles) file.close()
    try {
      await last?.()
    } finally {
      await this.#files.close()
    }
  }

  #change(path: string, change: NameChange): void {
    try {
      this.#log.append(change)
    } catch (error) {
      throw slotError(error, change[0], path)
    }
    const unnamed = this.#log.names.apply(change)
    if (unnamed !== undefined) this.#unnamed.push(unnamed)
  }

  #handle(path: string, file: NamedFile, isWritable: boolean): FileHandle {
    file.handles++
    const onClose = (): void => {
      file.handles--
      if (file.handles === 0 && this.#read.delete(file)) this.#pool.release(file.slot)
    }
    return new SlotFileHandle(path, this.#pool.file(file.slot), { isWritable, onClose })
  }

  #file(operation: string, path: string): NamedFile {
    const { node } = this.#log.names.find(operation, path)
    if (node === undefined) throw new FileSystemError('ENOENT', { operation, path })
    if (node instanceof NamedDirectory) throw new FileSystemError('EISDIR', { operation, path })
    return node
  }

  #directory(operation: string, path: string): NamedDirectory {
    const { node } = this.#log.names.find(operation, path)
    if (node === undefined) throw new FileSystemError('ENOENT', { operation, path })
    if (node instanceof NamedFile) throw new FileSystemError('ENOTDIR', { operation, path })
    return node
  }
}

/** The names last: without them the slots would be those of names that were lost. */
async function removeAll(files: SlotFiles): Promise<void> {
  const found = await files.list()
  for (const slot of slotsAmong(found)) await files.remove(slotName(slot))
  for (const name of NAMES_FILES) if (found.includes(name)) await files.remove(name)
  await files.removeFolder()
}

/** Without a log of names, files with contents are those of names that were lost. */
async function assertEmpty(files: SlotFiles, slots: readonly number[]): Promise<void> {
  for (const slot of slots) {
    const file = await files.open(slotName(slot))
    const size = file.getSize()
    file.close()
    if (size > 0)
      throw new CorruptionError('The log of names is missing, and a file has contents', { file: `${files.path}/${slotName(slot)}` })
  }
}
