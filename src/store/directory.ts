/**
 * Opens, creates and destroys the directory of a durable engine; read-only-directory.ts opens one for reading alone. Policy:
 * 1. The lock is taken before the first write and before any read that decides. Only a directory that is evidently foreign is
 *    refused without it, so that not even a lock file is left there.
 * 2. A refusal changes nothing, and every failure releases lock and engine.
 * 3. A crash at any step leaves a state that the next open (or destroy) accepts; see identity.ts.
 */
import type { Hash32 } from '../codec/checksum.js'
import type { Engine, EngineFactory } from '../engine/contract.js'
import type { EngineRegistry } from '../engine/registry.js'
import { FormatError, IoError, KvariumError, MisuseError } from '../errors.js'
import type { Diagnostics } from '../trace/diagnostics.js'
import type { Tracer } from '../trace/span.js'
import type { Environment } from '../vfs/environment.js'
import { fileClassOf } from '../vfs/file-classes.js'
import { joinPath, type DirectoryLock, type FileSystem } from '../vfs/file-system.js'
import { errorCode } from '../vfs/vfs-error.js'
import { finishReplacement, LOST_DIRECTORY, removeFolder, REPAIR_DIRECTORY } from './replacement.js'
import {
  IDENTITY,
  IDENTITY_TEMPORARY,
  occupancyOf,
  isLockName,
  keepUnfinished,
  markFinished,
  markUnfinished,
  removeEarlierLocks,
  SYNCS_TO_CREATE,
  UNFINISHED_CHECKPOINT,
  writeUnfinished,
  type Identity,
  type Occupancy,
} from './identity.js'

export interface DirectoryRequest {
  readonly environment: Environment
  readonly location: string
  readonly factory: EngineFactory
  readonly engineOptions: Readonly<Record<string, unknown>>
  readonly createIfMissing: boolean
  readonly errorIfExists: boolean
  /** Compiles while the lock is taken. */
  readonly hash32: Hash32 | Promise<Hash32>
  readonly trace?: Tracer | undefined
  readonly diagnostics?: Diagnostics | undefined
  /** Writes the initial contents of a new store to its engine, durably; until this has ended the directory is not a store. */
  readonly fill?: ((engine: Engine) => Promise<void>) | undefined
}

export interface OpenedDirectory {
  readonly engine: Engine
  readonly lock: DirectoryLock
  /** Traffic of the store itself (not the engine) during the open, for the ledger. */
  readonly identity: IdentityTraffic
}

/** What a store that was opened to be read needs to write elsewhere. */
export interface PassingThrough {
  /** From now on what the engine does in a directory happens there, and not in memory. */
  passThrough(directory: string): void
}

export interface IdentityTraffic {
  readonly fileBytes: number
  readonly bytesWritten: number
  readonly bytesRead: number
  /** Syncs of files and directories. */
  readonly syncs: number
}

export async function openDirectory(request: DirectoryRequest): Promise<OpenedDirectory> {
  const { environment, location, createIfMissing, hash32 } = request
  const { fileSystem } = environment
  try {
    const syncs = createIfMissing ? await makeDurableDirectory(fileSystem, location) : 0
    assertDirectory(fileSystem, location)
    if (!(await mayBeStore(fileSystem, location, hash32)) && !createIfMissing) throw doesNotExist(location)
    const lock = await fileSystem.lock(location)
    try {
      const { engine, identity } = await openLocked(request)
      return { lock, engine, identity: { ...identity, syncs: identity.syncs + syncs } }
    } catch (error) {
      await lock.release()
      throw error
    }
  } catch (error) {
    throw explained(error, location)
  }
}

async function openLocked(request: DirectoryRequest): Promise<Omit<OpenedDirectory, 'lock'>> {
  const { environment, location, factory, engineOptions, createIfMissing, errorIfExists, trace, diagnostics } = request
  const { fileSystem } = environment
  const hash32 = await request.hash32
  const context = { environment, directory: location, options: engineOptions, diagnostics, ...(trace && { trace }) }
  const occupancy = occupancyOf(fileSystem, location, hash32)
  if (occupancy.kind === 'foreign') throw foreignDirectory(location, occupancy.foreign)
  if (occupancy.kind === 'store' || occupancy.kind === 'unfinished') assertSameEngine(occupancy.identity, factory, location)
  if (occupancy.kind === 'store') {
    if (errorIfExists) throw alreadyExists(location)
    const { bytes, isReplaced } = occupancy.identity
    let identity: IdentityTraffic = { fileBytes: bytes, bytesWritten: 0, bytesRead: bytes, syncs: 0 }
    if (isReplaced) identity = await replace(fileSystem, location, factory, bytes, hash32)
    removeLeftovers(fileSystem, location)
    const engine = await factory.open({ ...context, created: false })
    return { engine, identity }
  }
  if (!createIfMissing) throw doesNotExist(location)

  removeLeftovers(fileSystem, location)
  let traffic: IdentityTraffic
  if (occupancy.kind === 'unfinished') {
    await keepUnfinished(fileSystem, location)
    const { bytes } = occupancy.identity
    traffic = { fileBytes: bytes, bytesWritten: 0, bytesRead: bytes, syncs: SYNCS_TO_CREATE }
  } else {
    const bytes = await writeUnfinished(fileSystem, location, factory.name, hash32)
    traffic = { fileBytes: bytes, bytesWritten: bytes, bytesRead: 0, syncs: SYNCS_TO_CREATE }
  }
  const engine = await factory.open({ ...context, created: true })
  try {
    await request.fill?.(engine)
    await markFinished(fileSystem, location)
  } catch (error) {
    await engine.close().catch(() => undefined)
    throw error
  }
  return { engine, identity: traffic }
}

/** Finishes a repair in place. `read` is what the marker had in bytes. */
async function replace(
  fileSystem: FileSystem,
  location: string,
  factory: EngineFactory,
  read: number,
  hash32: Hash32,
): Promise<IdentityTraffic> {
  const { bytesRead, syncs } = await finishReplacement(fileSystem, location, factory.files ?? {}, hash32)
  const fileBytes = fileSystem.stat(joinPath(location, IDENTITY))?.size ?? 0
  return { fileBytes, bytesWritten: 0, bytesRead: read + bytesRead, syncs }
}

/** Removes what locks of earlier versions and repairs that did not end have left. */
function removeLeftovers(fileSystem: FileSystem, location: string): void {
  const names = fileSystem.list(location)
  removeEarlierLocks(fileSystem, location, names)
  if (names.includes(REPAIR_DIRECTORY)) removeFolder(fileSystem, joinPath(location, REPAIR_DIRECTORY))
}

/**
 * Removes a store's files, and the directory if nothing else is in it. Does nothing if there is nothing. Rejects when
 * the store is open somewhere, and when the directory is not a store.
 */
export async function destroyDirectory(fileSystem: FileSystem, location: string, registry: EngineRegistry, hash32: Hash32): Promise<void> {
  try {
    if (fileSystem.stat(location) === undefined) return
    assertDirectory(fileSystem, location)
    await mayBeStore(fileSystem, location, hash32)
    const lock = await fileSystem.lock(location)
    try {
      await removeFiles(fileSystem, location, registry, hash32)
    } finally {
      await lock.release()
    }
    const lockFile = joinPath(location, 'LOCK')
    if (fileSystem.stat(lockFile) !== undefined) fileSystem.remove(lockFile)
    if (fileSystem.list(location).length === 0) fileSystem.removeDirectory(location)
  } catch (error) {
    throw explained(error, location)
  }
}

async function removeFiles(fileSystem: FileSystem, location: string, registry: EngineRegistry, hash32: Hash32): Promise<void> {
  const occupancy = inspectEvenDamaged(fileSystem, location, hash32)
  if (occupancy.kind === 'foreign') throw foreignDirectory(location, occupancy.foreign)
  // Where the engine cannot be known, the files are those of any engine.
  const engines = 'identity' in occupancy ? [registry.engineOf(`The store ${location}`, occupancy.identity.engine)] : registry.factories
  if (occupancy.kind === 'store') await markUnfinished(fileSystem, location, occupancy.identity, hash32)
  for (const name of fileSystem.list(location)) {
    if (engines.some(({ files = {} }) => fileClassOf(files, name) !== undefined)) fileSystem.remove(joinPath(location, name))
  }
  // The identity file goes last, and only after the others are durably gone: without it they would look foreign.
  removeLeftovers(fileSystem, location)
  removeFolder(fileSystem, joinPath(location, LOST_DIRECTORY))
  await fileSystem.syncDirectory(location)
  for (const marker of [IDENTITY, IDENTITY_TEMPORARY]) {
    const path = joinPath(location, marker)
    if (fileSystem.stat(path) !== undefined) fileSystem.remove(path)
  }
  await fileSystem.syncDirectory(location)
}

/** A store whose `KVARIUM` is damaged is still a store to destroy, and so is a checkpoint that did not finish; one of a newer format is not. */
function inspectEvenDamaged(fileSystem: FileSystem, location: string, hash32: Hash32): Occupancy | { readonly kind: 'damaged' } {
  try {
    return occupancyOf(fileSystem, location, hash32)
  } catch (error) {
    if (['LEVEL_CORRUPTION', UNFINISHED_CHECKPOINT].includes(errorCode(error) ?? '')) return { kind: 'damaged' }
    throw error
  }
}

/** Creates the directory and the missing ones above it, and makes their names durable. Returns how many syncs that took. */
export async function makeDurableDirectory(fileSystem: FileSystem, location: string): Promise<number> {
  if (fileSystem.stat(location) !== undefined) return 0
  const parents: string[] = []
  let path = location
  do {
    path = parentOf(path)
    parents.push(path)
  } while (fileSystem.stat(path) === undefined && path !== parentOf(path))
  fileSystem.makeDirectory(location)
  const real = parents.filter(parent => fileSystem.stat(parent)?.kind === 'directory')
  for (const parent of real) await fileSystem.syncDirectory(parent)
  return real.length
}

export function parentOf(path: string): string {
  const trimmed = path.replace(/(?<!^)\/+$/, '')
  const slash = trimmed.lastIndexOf('/')
  if (slash > 0) return trimmed.slice(0, slash)
  return slash === 0 ? '/' : '.'
}

export function assertDirectory(fileSystem: FileSystem, location: string): void {
  const stat = fileSystem.stat(location)
  if (stat === undefined) throw doesNotExist(location)
  if (stat.kind !== 'directory') {
    throw new FormatError(
      `${location} is a ${stat.kind === 'file' ? 'file' : 'special file'}; a store needs a directory. Choose another location`,
    )
  }
}

/** A first check without the lock. Throws when the directory is foreign; false when there is nothing of a store in it. */
export async function mayBeStore(fileSystem: FileSystem, location: string, hash32: Hash32 | Promise<Hash32>): Promise<boolean> {
  const names = fileSystem.list(location)
  if (names.includes(IDENTITY) || names.includes(IDENTITY_TEMPORARY)) return true
  if (names.every(isLockName)) return false
  // A listing can miss a name that another process is just renaming: check again before refusing.
  const occupancy = inspectEvenDamaged(fileSystem, location, await hash32)
  if (occupancy.kind === 'foreign') throw foreignDirectory(location, occupancy.foreign)
  return true
}

export function assertSameEngine(identity: Identity, factory: EngineFactory, location: string): void {
  if (identity.engine === factory.name) return
  throw new FormatError(
    `The store ${location} was made with the engine "${identity.engine}" and cannot be opened with "${factory.name}". ` +
      `Open it with { engine: '${identity.engine}' }, or choose another location`,
    { file: joinPath(location, IDENTITY) },
  )
}

export function doesNotExist(location: string, why = 'createIfMissing is false'): KvariumError {
  return new KvariumError('LEVEL_NOT_FOUND', `The store ${location} does not exist (${why})`)
}

export function alreadyExists(location: string): KvariumError {
  return new KvariumError('LEVEL_ALREADY_EXISTS', `The store ${location} already exists (errorIfExists is true)`)
}

export function foreignDirectory(location: string, foreign: readonly string[]): FormatError {
  const shown = foreign.slice(0, 3).join(', ') + (foreign.length > 3 ? `, and ${foreign.length - 3} more` : '')
  return new FormatError(
    `${location} is not a kvarium store: it has no file ${IDENTITY}, but contains ${shown}. ` +
      `Nothing was changed; choose an empty or a new directory, or restore ${IDENTITY} if it was lost`,
  )
}

const ADVICE: Readonly<Record<string, string>> = {
  EACCES: 'Check the permissions of the directory and of the ones above it',
  EPERM: 'Check the permissions of the directory and of the ones above it',
  EROFS: 'The file system is read-only; choose a location that can be written',
  ENOSPC: 'Free some space and open the store again',
  EDQUOT: 'Free some space and open the store again',
  ENOENT: 'A part of the path, or a file of the store, is missing',
  ENOTDIR: 'A part of the path is a file; choose another location',
  ENAMETOOLONG: 'Choose a shorter location',
}

/** A file system error with the store's location and advice; any other error as it is. */
export function explained(error: unknown, location: string): unknown {
  if (error instanceof KvariumError || error instanceof MisuseError) return error
  const code = errorCode(error)
  if (!(error instanceof Error) || code === undefined || !/^E[A-Z0-9]+$/.test(code)) return error
  const advice = ADVICE[code]
  const path = (error as { readonly path?: unknown }).path
  return new IoError(`The store ${location} cannot be used: ${error.message}${advice === undefined ? '' : `. ${advice}`}`, {
    ...(typeof path === 'string' ? { file: path } : {}),
    cause: error,
  })
}
