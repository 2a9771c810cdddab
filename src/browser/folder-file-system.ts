/**
 * The file system of a store that has a folder of OPFS of its own, and of the folders that its checkpoints write meanwhile, each of which is a file
 * system by itself.
 */
import { openOpfs } from '../opfs/opfs.js'
import type { SlotFileSystem } from '../opfs/slot-file-system.js'
import { linkFile, type DirectoryLock, type FileHandle, type FileStat, type FileSystem, type LockMode } from '../vfs/file-system.js'
import { pathNames } from '../vfs/path-names.js'
import { FileSystemError } from '../vfs/vfs-error.js'

interface Folder {
  /** Its path, in names. */
  readonly names: readonly string[]
  readonly files: SlotFileSystem
}

export class FolderFileSystem implements FileSystem {
  readonly #own: SlotFileSystem
  readonly #folders = new Set<Folder>()

  readonly #location: readonly string[]

  /** @param location - That of the store, whose paths are always in its own folder. */
  constructor(own: SlotFileSystem, location: string) {
    this.#own = own
    this.#location = pathNames(location)
  }

  /**
   * Opens a folder: from now on its paths, and the directories above it, are those of its own file system. Resolves with what closes it, and removes
   * it where it is to be discarded and had no files before.
   */
  async enter(path: string): Promise<(isDiscarded: boolean) => Promise<void>> {
    const files = await openOpfs(path)
    const wasEmpty = files.isEmpty
    const folder = { names: pathNames(path), files }
    this.#folders.add(folder)
    return isDiscarded => {
      this.#folders.delete(folder)
      return isDiscarded && wasEmpty ? files.discard() : files.close()
    }
  }

  close(): Promise<void> {
    return this.#own.close()
  }

  openRead(path: string): FileHandle {
    return this.#filesOf(path).openRead(path)
  }

  openWrite(path: string): FileHandle {
    return this.#filesOf(path).openWrite(path)
  }

  create(path: string): FileHandle {
    const files = this.#filesOf(path)
    const file = files.create(path)
    if (files === this.#own) return file
    // One small file is copied after the other, faster than spare files are opened.
    const sync = file.sync.bind(file)
    file.sync = async () => {
      await sync()
      await files.settle()
    }
    return file
  }

  rename(from: string, to: string): void {
    this.#commonFiles('rename', from, to).rename(from, to)
  }

  /** No file has names in two folders. */
  link(from: string, to: string): void {
    linkFile(this.#commonFiles('link', from, to), from, to)
  }

  remove(path: string): void {
    this.#filesOf(path).remove(path)
  }

  removeDirectory(path: string): void {
    this.#filesOf(path).removeDirectory(path)
  }

  list(directory: string): string[] {
    return this.#filesOf(directory).list(directory)
  }

  makeDirectory(path: string): void {
    this.#filesOf(path).makeDirectory(path)
  }

  stat(path: string): FileStat | undefined {
    return this.#filesOf(path).stat(path)
  }

  syncDirectory(directory: string): Promise<void> {
    return this.#filesOf(directory).syncDirectory(directory)
  }

  lock(directory: string, mode?: LockMode): Promise<DirectoryLock> {
    return this.#filesOf(directory).lock(directory, mode)
  }

  #filesOf(path: string): SlotFileSystem {
    if (this.#folders.size === 0) return this.#own
    const names = pathNames(path)
    if (isWithin(names, this.#location)) return this.#own
    for (const folder of this.#folders) if (isWithin(names, folder.names) || isWithin(folder.names, names)) return folder.files
    return this.#own
  }

  #commonFiles(operation: string, from: string, to: string): SlotFileSystem {
    const files = this.#filesOf(to)
    if (files !== this.#filesOf(from)) throw new FileSystemError('EXDEV', { operation, path: to })
    return files
  }
}

/** Whether a path is that of a directory or leads into it. */
function isWithin(path: readonly string[], directory: readonly string[]): boolean {
  return directory.every((name, index) => name === path[index])
}
