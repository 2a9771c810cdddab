/**
 * Makes a store of its own in another directory that holds what an engine holds at one moment. The engine writes its files; this makes the
 * directory, and decides when it is a store:
 *
 *     KVARIUM      format 3: a checkpoint that is being written, or did not finish. Every open and every command refuses it
 *     KVARIUM.tmp  format 1, which takes the place of the other by a rename when all files are durable: the moment of the new store
 *
 * Invariants:
 * 1. Before the directory has any file of the engine, `KVARIUM` of format 3 is durable. So nothing but the whole is ever a store.
 * 2. A checkpoint that failed removes what it made: the engine's files first, then durably `KVARIUM`, then directories.
 * 3. The directory is locked meanwhile.
 */
import type { Hash32 } from '../codec/checksum.js'
import type { EngineCheckpoint } from '../engine/contract.js'
import { AbortError, KvariumError, MisuseError } from '../errors.js'
import { joinPath, type FileSystem } from '../vfs/file-system.js'
import { makeDurableDirectory, parentOf } from './directory.js'
import {
  CHECKPOINT_VERSION,
  encodeIdentity,
  IDENTITY,
  IDENTITY_TEMPORARY,
  isLockName,
  markFinished,
  STORE_VERSION,
  writeDurably,
  type BackupNote,
} from './identity.js'

export interface CheckpointOptions {
  /** Ends the checkpoint, which then leaves nothing. */
  readonly signal?: AbortSignal | undefined
}

/** A checkpoint whose directory takes time to get at. */
export interface ReachedCheckpoint extends CheckpointOptions {
  /** Gets at the directory. Runs once the moment of the checkpoint is held. */
  readonly reach?: (() => Promise<void>) | undefined
}

export interface CheckpointRequest {
  readonly fileSystem: FileSystem
  readonly hash32: Hash32
  readonly engine: string
  /** Absolute. */
  readonly directory: string
  readonly signal: AbortSignal | undefined
  /** What the checkpoint is a backup of, if it is one. */
  readonly backup?: BackupNote | undefined
}

/** What the store itself wrote and synced. */
export interface CheckpointTraffic {
  readonly bytesWritten: number
  readonly syncs: number
}

/** Throws where a checkpoint of the store in `source` cannot be made. Both are absolute. */
export function assertCheckpointTarget(fileSystem: FileSystem, source: string, directory: string): void {
  assertOutside(fileSystem, source, directory)
  requireEmpty(fileSystem, directory)
}

/** Throws where a directory would lie in the store in `source`, or in another one. A symbolic link may lead to the former. */
export function assertOutside(fileSystem: FileSystem, source: string, directory: string): void {
  const [outer, inner] = [source, directory].map(path => partsOf(path, source))
  if (outer.every((part, index) => part === inner[index])) {
    throw new MisuseError(
      'LEVEL_INVALID_LOCATION',
      `The checkpoint ${directory} would lie in the store itself; choose a directory outside of it`,
    )
  }
  for (let path = parentOf(directory); path !== '.'; path = parentOf(path)) {
    if (fileSystem.stat(joinPath(path, IDENTITY))?.kind === 'file') {
      throw new MisuseError(
        'LEVEL_INVALID_LOCATION',
        `The checkpoint ${directory} would lie in the store ${path}; choose a directory outside of it`,
      )
    }
    if (path === parentOf(path)) return
  }
}

function requireEmpty(fileSystem: FileSystem, directory: string): void {
  const kind = fileSystem.stat(directory)?.kind
  if (kind === undefined || (kind === 'directory' && fileSystem.list(directory).every(isLockName))) return
  throw new KvariumError(
    'LEVEL_ALREADY_EXISTS',
    `${directory} ${kind === 'directory' ? 'is not empty' : 'is a file'}; a checkpoint needs a new or an empty directory. Nothing was changed`,
  )
}

export async function writeCheckpoint(request: CheckpointRequest, checkpoint: EngineCheckpoint): Promise<CheckpointTraffic> {
  const { fileSystem, directory, signal } = request
  if (signal?.aborted === true) throw new AbortError()
  const made = missingDirectories(fileSystem, directory)
  let syncs = await makeDurableDirectory(fileSystem, directory)
  if (made.length === 0) {
    await fileSystem.syncDirectory(parentOf(directory))
    syncs++
  }
  const lock = await fileSystem.lock(directory)
  let isDone = false
  try {
    requireEmpty(fileSystem, directory)
    const traffic = await writeLocked(request, checkpoint)
    isDone = true
    return { ...traffic, syncs: traffic.syncs + syncs }
  } finally {
    await lock.release()
    if (!isDone) removeDirectories(fileSystem, made)
  }
}

async function writeLocked(request: CheckpointRequest, checkpoint: EngineCheckpoint): Promise<CheckpointTraffic> {
  const { fileSystem, directory, engine, hash32, signal, backup } = request
  const marker = encodeIdentity(engine, hash32, CHECKPOINT_VERSION)
  const identity = encodeIdentity(engine, hash32, STORE_VERSION, backup)
  await createMarker(fileSystem, directory, marker)
  let isStore = false
  try {
    await fileSystem.syncDirectory(directory)
    await checkpoint.write(directory, signal)
    await writeDurably(fileSystem, joinPath(directory, IDENTITY_TEMPORARY), identity)
    if (signal?.aborted === true) throw new AbortError()
    isStore = true
    await markFinished(fileSystem, directory)
  } catch (error) {
    await removeFiles(fileSystem, directory, isStore).catch(() => undefined)
    throw error
  }
  return { bytesWritten: marker.length + identity.length, syncs: 4 }
}

/** Fails where another checkpoint, or a store, has come first. */
async function createMarker(fileSystem: FileSystem, directory: string, bytes: Uint8Array): Promise<void> {
  const path = joinPath(directory, IDENTITY)
  const file = fileSystem.create(path)
  try {
    try {
      file.write(bytes, 0)
      await file.sync()
    } finally {
      file.close()
    }
  } catch (error) {
    await removeFiles(fileSystem, directory, false).catch(() => undefined)
    throw error
  }
}

/** Until its end nothing that a power loss leaves can be opened, or be taken for the beginning of a store. */
async function removeFiles(fileSystem: FileSystem, directory: string, isStore: boolean): Promise<void> {
  const remove = (names: readonly string[]): void => {
    for (const name of names) fileSystem.remove(joinPath(directory, name))
  }
  const names = fileSystem.list(directory).filter(name => !isLockName(name))
  const others = names.filter(name => name !== IDENTITY && (name !== IDENTITY_TEMPORARY || !isStore))
  // What may be a store is to end as one before its files go, and without what marks a creation.
  const order = isStore ? [[IDENTITY_TEMPORARY], [IDENTITY], others] : [others, [IDENTITY]]
  for (const part of order) {
    remove(part.filter(name => names.includes(name)))
    await fileSystem.syncDirectory(directory)
  }
}

/** The directory and those above it that are not there, from the inside out. */
function missingDirectories(fileSystem: FileSystem, directory: string): string[] {
  const missing: string[] = []
  for (let path = directory; fileSystem.stat(path) === undefined; path = parentOf(path)) {
    missing.push(path)
    if (path === parentOf(path)) break
  }
  return missing
}

function removeDirectories(fileSystem: FileSystem, directories: readonly string[]): void {
  try {
    for (const directory of directories) {
      const names = fileSystem.list(directory)
      if (!names.every(isLockName)) return
      for (const name of names) fileSystem.remove(joinPath(directory, name))
      fileSystem.removeDirectory(directory)
    }
  } catch {
    // An empty directory is left, or one that is marked as no store.
  }
}

/** Whether two absolute paths have the same names, however many slashes separate or end them. */
export function isSamePath(one: string, other: string): boolean {
  const [names, otherNames] = [one, other].map(path => partsOf(path, one))
  return names.length === otherNames.length && names.every((name, index) => name === otherNames[index])
}

/** The names on the way to a path. Where the store has a path of Windows, both kinds of slashes separate them. */
function partsOf(path: string, source: string): string[] {
  const parts: string[] = []
  for (const part of path.split(source.startsWith('/') ? '/' : /[\\/]/)) {
    if (part === '..') parts.pop()
    else if (part !== '' && part !== '.') parts.push(part)
  }
  return parts
}
