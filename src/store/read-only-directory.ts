/**
 * Opens the directory of a durable engine for reading alone. Apart from directory.ts, so that a store that is opened for writing loads nothing of
 * it. Policy: an open changes nothing on disk, and so needs no more rights than to read.
 */
import { ReadOnlyEngine } from '../engine/read-only-engine.js'
import { LockedError } from '../errors.js'
import type { DirectoryLock, FileSystem } from '../vfs/file-system.js'
import { OverlayFileSystem } from '../vfs/overlay-file-system.js'
import { isOutOfDescriptors, typedError } from '../vfs/vfs-error.js'
import {
  alreadyExists,
  assertDirectory,
  assertSameEngine,
  doesNotExist,
  explained,
  foreignDirectory,
  mayBeStore,
  type DirectoryRequest,
  type OpenedDirectory,
  type PassingThrough,
} from './directory.js'
import { occupancyOf } from './identity.js'
import { finishReplacement } from './replacement.js'

/**
 * Opens a store that exists for reading, with other readers. What an open would write goes to memory, over the files: the end of a repair in
 * place, and what a custom engine writes. The lock is absent where none can be taken.
 */
export async function openDirectoryToRead(
  request: DirectoryRequest,
): Promise<Partial<Pick<OpenedDirectory, 'lock'>> & Omit<OpenedDirectory, 'lock'> & PassingThrough> {
  try {
    return await openToRead(request)
  } catch (error) {
    throw explained(error, request.location)
  }
}

async function openToRead(request: DirectoryRequest): ReturnType<typeof openDirectoryToRead> {
  const { environment, location, factory, engineOptions, errorIfExists, trace, diagnostics } = request
  const { fileSystem } = environment
  if (fileSystem.stat(location) === undefined) throw doesNotExist(location, 'readOnly is true')
  assertDirectory(fileSystem, location)
  // Refused without the lock, of which a file may stay.
  if (!(await mayBeStore(fileSystem, location, request.hash32))) throw doesNotExist(location, 'readOnly is true')
  const lock = await lockToRead(fileSystem, location)
  try {
    const hash32 = await request.hash32
    const occupancy = occupancyOf(fileSystem, location, hash32)
    if (occupancy.kind === 'foreign') throw foreignDirectory(location, occupancy.foreign)
    if (occupancy.kind !== 'store') throw doesNotExist(location, 'readOnly is true')
    assertSameEngine(occupancy.identity, factory, location)
    if (errorIfExists) throw alreadyExists(location)
    const { bytes, isReplaced } = occupancy.identity
    const overlay = new OverlayFileSystem(fileSystem)
    if (isReplaced) await finishReplacement(overlay, location, factory.files ?? {}, hash32)
    const engine = await factory.open({
      environment: { ...environment, fileSystem: overlay },
      directory: location,
      options: engineOptions,
      created: false,
      inspecting: true,
      diagnostics,
      ...(trace && { trace }),
    })
    return {
      engine: new ReadOnlyEngine(engine),
      passThrough: directory => overlay.passThrough(directory),
      ...(lock && { lock }),
      identity: { fileBytes: bytes, bytesWritten: 0, bytesRead: bytes, syncs: 0 },
    }
  } catch (error) {
    await lock?.release()
    throw error
  }
}

/** A lock that readers share. Where none can be taken because nothing can be written, no process writes either. */
export async function lockToRead(fileSystem: FileSystem, directory: string): Promise<DirectoryLock | undefined> {
  try {
    return await fileSystem.lock(directory, 'shared')
  } catch (error) {
    if (error instanceof LockedError || isOutOfDescriptors(error)) throw typedError(error)
    return undefined
  }
}
