/**
 * The slot files in a folder of the origin's private file system (OPFS), whose synchronous access handles only a dedicated worker gets.
 *
 * A Web Lock has one owner per folder, and ends with its worker. The handles of a worker that has ended stay busy for about 250 ms longer, so
 * opening one is tried again for as long.
 */
import { LockedError, MisuseError } from '../errors.js'
import { slotError } from './slot-error.js'
import type { SlotFile, SlotFiles } from './slot-files.js'
import { SlotFileSystem, type SlotFileSystemOptions } from './slot-file-system.js'

export interface OpfsOptions extends SlotFileSystemOptions {
  /**
   * How long to wait for another owner of the folder, in milliseconds: that of a page that is being reloaded is about to end.
   * @defaultValue `1000`
   */
  readonly lockTimeout?: number | undefined
}

const DEFAULT_LOCK_TIMEOUT = 1000
/** Handles of an owner that has ended: many times what was measured. */
const HANDLE_TIMEOUT = 5000
const RETRY_AFTER = 25

interface Directory {
  getDirectoryHandle(name: string, options?: { readonly create: boolean }): Promise<Directory>
  getFileHandle(name: string, options?: { readonly create: boolean }): Promise<{ createSyncAccessHandle?(): Promise<SlotFile> }>
  removeEntry(name: string, options?: { readonly recursive: boolean }): Promise<void>
  keys(): AsyncIterable<string>
}

interface LockManager {
  request(name: string, options: { readonly signal: AbortSignal }, held: () => Promise<void>): Promise<void>
}

interface Web {
  readonly navigator?: { readonly storage?: { getDirectory?(): Promise<Directory> }; readonly locks?: LockManager }
  setTimeout(callback: () => void, ms: number): unknown
}

const web = globalThis as unknown as Web

/**
 * Opens a file system in a folder of OPFS, which is made if it is missing. Only in a dedicated worker. The folder is the owner's until `close`, or
 * the end of the worker.
 *
 * @param folder - Names separated by `/`, from the root of the origin's file system on.
 *
 * Rejects with `LEVEL_LOCKED` while another tab or worker has the folder open; with `LEVEL_NOT_SUPPORTED` where there is no OPFS; with
 * `LEVEL_INVALID_LOCATION` for a folder without a name; with `LEVEL_CORRUPTION` if files are missing.
 */
export async function openOpfs(folder: string, options: OpfsOptions = {}): Promise<SlotFileSystem> {
  const place = await placeOf(folder)
  const release = await ownFolder(folder, options.lockTimeout)
  let files: SlotFiles
  try {
    files = new OpfsFiles(folder, place, await place.parent.getDirectoryHandle(place.name, { create: true }), release)
  } catch (error) {
    await release()
    throw slotError(error, 'makeDirectory', folder)
  }
  return SlotFileSystem.open(files, options)
}

/** Removes a folder of OPFS with everything in it. Does nothing if it is missing. Rejects with `LEVEL_LOCKED` while it is open. */
export async function removeOpfs(folder: string, options: Pick<OpfsOptions, 'lockTimeout'> = {}): Promise<void> {
  const { parent, name } = await placeOf(folder)
  const release = await ownFolder(folder, options.lockTimeout)
  try {
    await patiently(folder, () => parent.removeEntry(name, { recursive: true }))
  } catch (error) {
    if (!isNamed(error, 'NotFoundError')) throw slotError(error, 'removeDirectory', folder)
  } finally {
    await release()
  }
}

/** Whether there is a folder of OPFS. Makes nothing. */
export async function hasOpfs(folder: string): Promise<boolean> {
  const names = namesOf(folder)
  let directory = await rootFolder(folder)
  try {
    for (const name of names) directory = await directory.getDirectoryHandle(name)
    return true
  } catch (error) {
    if (isNamed(error, 'NotFoundError')) return false
    throw slotError(error, 'stat', folder)
  }
}

class OpfsFiles implements SlotFiles {
  readonly path: string
  readonly #parent: Directory
  readonly #name: string
  readonly #directory: Directory
  readonly #release: () => Promise<void>

  constructor(path: string, { parent, name }: Place, directory: Directory, release: () => Promise<void>) {
    this.path = path
    this.#parent = parent
    this.#name = name
    this.#directory = directory
    this.#release = release
  }

  async list(): Promise<string[]> {
    const names: string[] = []
    try {
      for await (const name of this.#directory.keys()) names.push(name)
    } catch (error) {
      throw slotError(error, 'list', this.path)
    }
    return names
  }

  async open(name: string): Promise<SlotFile> {
    try {
      const file = await this.#directory.getFileHandle(name, { create: true })
      const open = file.createSyncAccessHandle?.bind(file)
      if (open === undefined) throw notSupported('this thread has no synchronous access to files: open the store in a dedicated worker')
      return await patiently(this.path, open)
    } catch (error) {
      if (error instanceof MisuseError || error instanceof LockedError) throw error
      throw slotError(error, 'open', `${this.path}/${name}`)
    }
  }

  async remove(name: string): Promise<void> {
    try {
      await patiently(this.path, () => this.#directory.removeEntry(name))
    } catch (error) {
      throw slotError(error, 'remove', `${this.path}/${name}`)
    }
  }

  async removeFolder(): Promise<void> {
    try {
      await this.#parent.removeEntry(this.#name)
    } catch (error) {
      // Something else is in it, another store for one.
      if (!isNamed(error, 'InvalidModificationError')) throw slotError(error, 'removeDirectory', this.path)
    }
  }

  close(): Promise<void> {
    return this.#release()
  }
}

interface Place {
  readonly parent: Directory
  readonly name: string
}

function namesOf(folder: string): string[] {
  const names = typeof folder === 'string' ? folder.split('/').filter(name => name !== '') : []
  if (names.length === 0) throw new MisuseError('LEVEL_INVALID_LOCATION', 'The folder of OPFS must be a string that is not empty')
  return names
}

async function placeOf(folder: string): Promise<Place> {
  const names = namesOf(folder)
  const name = names.pop()!
  let parent = await rootFolder(folder)
  try {
    for (const above of names) parent = await parent.getDirectoryHandle(above, { create: true })
    return { parent, name }
  } catch (error) {
    throw slotError(error, 'makeDirectory', folder)
  }
}

async function rootFolder(folder: string): Promise<Directory> {
  const storage = web.navigator?.storage
  if (storage?.getDirectory === undefined) {
    throw notSupported(
      'this thread has no file system of its origin (OPFS): it takes a browser with one, and a page from https: or localhost',
    )
  }
  try {
    return await storage.getDirectory()
  } catch (error) {
    throw slotError(error, 'makeDirectory', folder)
  }
}

/** Waits for the lock of the folder; resolves with what releases it. */
async function ownFolder(folder: string, timeout = DEFAULT_LOCK_TIMEOUT): Promise<() => Promise<void>> {
  const locks = web.navigator?.locks
  // Without locks the handles exclude a second owner.
  if (locks === undefined) return async () => {}
  let release = (): void => {}
  const held = new Promise<void>(resolve => (release = resolve))
  const abort = new AbortController()
  web.setTimeout(() => abort.abort(), timeout)
  return new Promise((resolve, reject) => {
    const ended = locks.request(`kvarium:${folder}`, { signal: abort.signal }, () => {
      resolve(async () => {
        release()
        await ended
      })
      return held
    })
    ended.catch(() => reject(locked(folder)))
  })
}

/** Tries again while files are busy. */
async function patiently<T>(folder: string, work: () => Promise<T>): Promise<T> {
  for (let waited = 0; ; waited += RETRY_AFTER) {
    try {
      return await work()
    } catch (error) {
      if (!isNamed(error, 'NoModificationAllowedError')) throw error
      if (waited >= HANDLE_TIMEOUT) throw locked(folder, error)
    }
    await new Promise<void>(resolve => web.setTimeout(resolve, RETRY_AFTER))
  }
}

function isNamed(error: unknown, name: string): boolean {
  return error instanceof Error && error.name === name
}

function locked(folder: string, cause?: unknown): LockedError {
  const message = `${folder} is open in another tab or worker: close it there, or use it through its worker`
  return new LockedError(message, cause === undefined ? { file: folder } : { file: folder, cause })
}

function notSupported(why: string): MisuseError {
  return new MisuseError('LEVEL_NOT_SUPPORTED', `The store cannot be opened, because ${why}`)
}
