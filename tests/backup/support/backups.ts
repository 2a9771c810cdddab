/** What tests of backups share: stores of a few entries, and what is in a directory. */
import { expect } from 'vitest'
import { META_BYTES } from '../../../src/btree/pages/meta-page.js'
import { backup, builtInEngines, Kvarium, verify, type BackupOptions } from '../../../src/index.js'
import type { FileHandle, FileSystem } from '../../../src/vfs/file-system.js'
import { ForwardingFileSystem } from '../../../src/vfs/forwarding-file-system.js'
import { FileSystemError, type MemoryFileSystem } from '../../../src/vfs/index.js'
import { changesImage, FaultyFileSystem } from '../../../src/vfs/testing/faulty-file-system.js'
import { DIRECTORY } from '../../damage/support/small-store.js'
import { SMALL } from '../../repair/support/cut-sweep.js'

export const TARGET = '/backups/store'

export type Contents = readonly [string, string][]

/** The store and its backup are on different disks: no file has names on both. */
export class TwoDisks extends ForwardingFileSystem {
  override link(from: string, to: string): void {
    if (from.startsWith(TARGET) !== to.startsWith(TARGET)) throw new FileSystemError('EXDEV', { operation: 'link', path: to })
    super.link(from, to)
  }
}

/** Changes a byte of each large write of a table or a page. */
export class BadDisk extends ForwardingFileSystem {
  override create(path: string): FileHandle {
    return this.#bad(super.create(path))
  }

  override openWrite(path: string): FileHandle {
    return this.#bad(super.openWrite(path))
  }

  #bad(file: FileHandle): FileHandle {
    const { write } = file
    file.write = (source, position, start = 0, end = source.length) => {
      const bytes = source.slice(start, end)
      if (bytes.length >= 300 && bytes.length !== META_BYTES) bytes[100] ^= 1
      write.call(file, bytes, position, 0, bytes.length)
    }
    return file
  }
}

/** Writes entries from `first` on. What was flushed before is not merged with them. */
export async function write(fileSystem: FileSystem, engine: string, first: number, count: number): Promise<void> {
  const db = new Kvarium(DIRECTORY, { engine: builtInEngines.resolve(engine), fileSystem, ...SMALL, idleCompaction: false })
  for (let i = first; i < first + count; i++) {
    await db.put(`key${String(i).padStart(4, '0')}`, 'v'.repeat(100))
    if (i % 50 === 40) await db.flush()
  }
  await db.del(`key${String(first).padStart(4, '0')}`)
  await db.close()
}

export async function contentsOf(fileSystem: FileSystem, location: string, engine: string): Promise<Contents> {
  const db = new Kvarium(location, { engine: builtInEngines.resolve(engine), fileSystem, readOnly: true })
  try {
    return await db.iterator().all()
  } finally {
    await db.close()
  }
}

export function filesOf(fileSystem: MemoryFileSystem, directory: string): ReadonlyMap<string, string> {
  const files = new Map<string, string>()
  for (const [path, size] of fileSystem.files()) {
    if (!path.startsWith(`${directory}/`)) continue
    const file = fileSystem.openRead(path)
    const bytes = new Uint8Array(size)
    file.read(bytes, 0)
    file.close()
    files.set(path, Buffer.from(bytes).toString('latin1'))
  }
  return files
}

export async function soundBackup(fileSystem: FileSystem, engine: string, expected: Contents): Promise<void> {
  expect((await verify(TARGET, { fileSystem })).findings).toEqual([])
  expect(await contentsOf(fileSystem, TARGET, engine)).toEqual(expected)
}

export const run = (fileSystem: FileSystem, options: BackupOptions = {}): ReturnType<typeof backup> =>
  backup(DIRECTORY, TARGET, { fileSystem, ...options })

/** Makes a backup, and returns what crashes of the process and of the machine leave before each operation of it that changes a file. */
export async function crashImages(memory: MemoryFileSystem, options: BackupOptions = {}): Promise<MemoryFileSystem[]> {
  const images: MemoryFileSystem[] = []
  const faulty = new FaultyFileSystem(memory)
  faulty.before = operation => {
    if (!changesImage(operation)) return
    const kind = images.length % 3
    images.push(kind === 0 ? memory.processCrashClone() : memory.crashClone(kind === 1 ? 'none' : images.length))
  }
  await run(new TwoDisks(faulty), options)
  return images
}
