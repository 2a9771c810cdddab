/**
 * A file system in memory that knows what a power loss would leave. It needs nothing from Node.
 *
 * Invariants:
 * 1. Writes of a handle are durable only after its `sync` resolved; a created, renamed or removed name only after
 *    `syncDirectory` of its directory resolved. A file's sync does not make its name durable, nor the other way round.
 * 2. A crash image sees no later change of the file system it was taken from, is durable itself, and has no handles or locks.
 * 3. A removed file lives on for its open handles, as in POSIX.
 *
 * The simplifications: a directory cannot be renamed, the root `/` is always there, and the durable length of a file is that of
 * the writes that were kept (bytes of lost writes in front of it read as zeros).
 */
import { DirectoryLocks } from '../directory-locks.js'
import type { DirectoryLock, FileHandle, FileStat, FileSystem, LockMode } from '../file-system.js'
import { MemoryDirectory, MemoryTree } from './memory-directory.js'
import type { MemoryNode } from './memory-directory.js'
import { MemoryFile } from './memory-file.js'
import type { CrashChoice, UnsyncedPart } from './memory-file.js'
import { MemoryFileHandle } from './memory-file-handle.js'
import { findPlace, pathNames, type NamePlace } from '../path-names.js'
import { SeededRandom } from '../seeded-random.js'
import { FileSystemError } from '../vfs-error.js'

type Place = NamePlace<MemoryFile, MemoryDirectory>

export class MemoryFileSystem implements FileSystem {
  #tree = new MemoryTree()
  readonly #locks = new DirectoryLocks()

  openRead(path: string): FileHandle {
    return new MemoryFileHandle(path, this.#file('openRead', path), false)
  }

  openWrite(path: string): FileHandle {
    return new MemoryFileHandle(path, this.#file('openWrite', path), true)
  }

  create(path: string): FileHandle {
    const { parent, name, node } = this.#find('create', path)
    if (node !== undefined) throw new FileSystemError('EEXIST', { operation: 'create', path })
    const file = new MemoryFile()
    this.#tree.change({ added: { directory: parent, name, node: file } })
    return new MemoryFileHandle(path, file, true)
  }

  rename(from: string, to: string): void {
    const source = this.#find('rename', from)
    const target = this.#find('rename', to)
    if (source.node === undefined) throw new FileSystemError('ENOENT', { operation: 'rename', path: from })
    if (source.node instanceof MemoryDirectory) throw new FileSystemError('EISDIR', { operation: 'rename', path: from })
    if (target.node instanceof MemoryDirectory) throw new FileSystemError('EISDIR', { operation: 'rename', path: to })
    if (source.node === target.node) return
    this.#tree.change({
      removed: { directory: source.parent, name: source.name, node: source.node },
      added: { directory: target.parent, name: target.name, node: source.node },
    })
  }

  link(from: string, to: string): void {
    const file = this.#file('link', from)
    const { parent, name, node } = this.#find('link', to)
    if (node !== undefined) throw new FileSystemError('EEXIST', { operation: 'link', path: to })
    this.#tree.change({ added: { directory: parent, name, node: file } })
  }

  remove(path: string): void {
    const node = this.#file('remove', path)
    const { parent, name } = this.#find('remove', path)
    this.#tree.change({ removed: { directory: parent, name, node } })
  }

  removeDirectory(path: string): void {
    const node = this.#directory('removeDirectory', path)
    if (node.names.size > 0 || node === this.#tree.root) throw new FileSystemError('ENOTEMPTY', { operation: 'removeDirectory', path })
    const { parent, name } = this.#find('removeDirectory', path)
    this.#tree.change({ removed: { directory: parent, name, node } })
  }

  list(directory: string): string[] {
    return [...this.#directory('list', directory).names.keys()].sort()
  }

  makeDirectory(path: string): void {
    let parent = this.#tree.root
    const names = pathNames(path)
    for (const [index, name] of names.entries()) {
      let node = parent.names.get(name)
      if (node instanceof MemoryFile) {
        throw new FileSystemError(index === names.length - 1 ? 'EEXIST' : 'ENOTDIR', { operation: 'makeDirectory', path })
      }
      if (node === undefined) {
        node = new MemoryDirectory()
        this.#tree.change({ added: { directory: parent, name, node } })
      }
      parent = node
    }
  }

  stat(path: string): FileStat | undefined {
    let node: MemoryNode | undefined = this.#tree.root
    for (const name of pathNames(path)) {
      if (!(node instanceof MemoryDirectory)) return undefined
      node = node.names.get(name)
    }
    if (node === undefined) return undefined
    return node instanceof MemoryFile ? { kind: 'file', size: node.size } : { kind: 'directory', size: 0 }
  }

  async syncDirectory(directory: string): Promise<void> {
    await this.#tree.sync(this.#directory('syncDirectory', directory))
  }

  async lock(directory: string, mode: LockMode = 'exclusive'): Promise<DirectoryLock> {
    return this.#locks.lock(this.#directory('lock', directory), directory, mode)
  }

  /**
   * The file system after a power loss at this moment. `none` keeps nothing unsynced and `all` everything; a seed keeps some of the
   * unsynced writes, whole or torn, and some of the unsynced names: the same for the same seed and history. A set keeps the parts with these
   * numbers in the list of `unsynced`; of the names of a file none becomes durable before an earlier one, whatever the set says.
   */
  crashClone(kept: number | 'none' | 'all' | ReadonlySet<number>): MemoryFileSystem {
    if (typeof kept === 'object') return this.#crashed({ kept })
    return this.#crashed(typeof kept === 'number' ? new SeededRandom(kept) : kept)
  }

  /** What a power loss at this moment may take or leave, in parts: changes of names, and sectors of writes. Empty when everything is durable. */
  unsynced(): readonly UnsyncedPart[] {
    return this.#tree.unsynced()
  }

  /** The file system after the death of the process (`kill -9`): everything that was written. */
  processCrashClone(): MemoryFileSystem {
    return this.#crashed('all')
  }

  /**
   * Loses unsynced changes, as a failed sync does on many systems: the file's unsynced changes count as written from now on. They can be
   * read until the power fails, and no later sync makes them durable.
   */
  loseUnsynced(path: string): void {
    this.#file('loseUnsynced', path).loseUnsynced()
  }

  /** Total length of the files that have a name, in bytes. */
  bytesInUse(): number {
    let bytes = 0
    for (const size of this.files().values()) bytes += size
    return bytes
  }

  /** Path and size in bytes of every file, sorted by directory and name. */
  files(): Map<string, number> {
    const found = new Map<string, number>()
    collect(this.#tree.root, '', found)
    return found
  }

  #crashed(choice: CrashChoice): MemoryFileSystem {
    const image = new MemoryFileSystem()
    image.#tree = this.#tree.crashed(choice)
    return image
  }

  #file(operation: string, path: string): MemoryFile {
    const { node } = this.#find(operation, path)
    if (node === undefined) throw new FileSystemError('ENOENT', { operation, path })
    if (node instanceof MemoryDirectory) throw new FileSystemError('EISDIR', { operation, path })
    return node
  }

  #directory(operation: string, path: string): MemoryDirectory {
    const { node } = this.#find(operation, path)
    if (node === undefined) throw new FileSystemError('ENOENT', { operation, path })
    if (node instanceof MemoryFile) throw new FileSystemError('ENOTDIR', { operation, path })
    return node
  }

  #find(operation: string, path: string): Place {
    return findPlace(this.#tree.root, (node): node is MemoryFile => node instanceof MemoryFile, operation, path)
  }
}

function collect(directory: MemoryDirectory, path: string, found: Map<string, number>): void {
  for (const name of [...directory.names.keys()].sort()) {
    const node = directory.names.get(name)!
    if (node instanceof MemoryFile) found.set(`${path}/${name}`, node.size)
    else collect(node, `${path}/${name}`, found)
  }
}
