/**
 * Backs up a store that is not open for writing as a store of its own. An incremental backup takes the place of an earlier one in the same
 * directory.
 *
 * Invariants:
 * 1. Nothing of the store changes: it is opened to be read, beside others that read it.
 * 2. The target is the earlier backup, or no store, until the new one is whole and durable, and verified where that is asked for. An engine may
 *    bring the files of the earlier one to the new moment (`update` of the contract). Otherwise the new one is made in the folder of repairs,
 *    and moved as repaired stores are: see store/replacement.ts.
 * 3. Only a backup of the same directory that has not been written to is replaced. A file or a page of it is used again only if every byte is
 *    that of the store.
 * 4. While an update commits, `KVARIUM` has the sequence numbers of both moments. So what a kill leaves is known to be one of them.
 */
import { loadHash32, type Hash32 } from '../codec/checksum.js'
import type { CheckpointUpdate, Engine, EngineFactory } from '../engine/contract.js'
import { resolveOptions } from '../engine/options.js'
import type { EngineRegistry } from '../engine/registry.js'
import { AbortError, CorruptionError, KvariumError, MisuseError } from '../errors.js'
import { assertCheckpointTarget, assertOutside, isSamePath, writeCheckpoint } from '../store/checkpoint.js'
import { destroyDirectory } from '../store/directory.js'
import {
  encodeIdentity,
  IDENTITY,
  isLockName,
  occupancyOf,
  STORE_VERSION,
  UNFINISHED_CHECKPOINT,
  type BackupNote,
  type Identity,
} from '../store/identity.js'
import { directoryOf } from '../store/platform.js'
import { openDirectoryToRead } from '../store/read-only-directory.js'
import { finishReplacement, markReplaced, removeFolder, REPAIR_DIRECTORY, replaceIdentity } from '../store/replacement.js'
import { wallTimeOf, type Environment } from '../vfs/environment.js'
import { fileClassOf } from '../vfs/file-classes.js'
import { joinPath, type FileSystem } from '../vfs/file-system.js'
import { OverlayFileSystem } from '../vfs/overlay-file-system.js'
import { errorCode, typedError } from '../vfs/vfs-error.js'
import { BackupFileSystem } from './backup-file-system.js'
import { compareBackup } from './compare-backup.js'

export interface BackupOptions {
  /** An earlier backup of the same store may be at the target: it is replaced by the new one, which uses its files and pages where they are the same. */
  readonly incremental?: boolean | undefined
  /** Opens and checks the backup, and compares it with the store entry by entry, before it counts. */
  readonly verify?: boolean | undefined
  /** Ends the backup, which then leaves nothing, or the earlier one. */
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: ((progress: BackupProgress) => void) | undefined
}

export interface BackupProgress {
  readonly phase: 'write' | 'check' | 'compare'
  /** Bytes of the backup that are written, linked or kept so far. */
  readonly bytes: number
  /** Size of the files of the store. */
  readonly totalBytes: number
  /** Entries that are compared so far. */
  readonly entries: number
}

export interface BackupReport {
  readonly directory: string
  readonly target: string
  readonly engine: string
  /** Whether the backup has taken the place of an earlier one. */
  readonly incremental: boolean
  /** Sequence number of the last operation in the backup. */
  readonly sequence: number
  /** Size of the files of the backup. */
  readonly bytes: number
  /** Bytes that were written. */
  readonly writtenBytes: number
  /** Bytes of files of the store that have a second name in the backup. */
  readonly linkedBytes: number
  /** Bytes of files and pages that stay from the earlier backup. */
  readonly keptBytes: number
  /** Pages of the data file that stay from the earlier backup, and those that were written. Present where the engine has brought it up to date in place. */
  readonly pages?: { readonly kept: number; readonly written: number }
  /** Entries that were compared; absent without `verify`. */
  readonly entries?: number
}

export interface BackupPlatform {
  readonly environment: Environment
  readonly registry: EngineRegistry
}

/** What all steps of one backup know. */
interface Work extends BackupPlatform {
  readonly files: BackupFileSystem
  readonly hash32: Hash32
  /** Both are absolute. */
  readonly from: string
  readonly to: string
  readonly options: BackupOptions
}

const LONGEST_PATH = 1000

/**
 * Rejects with `LEVEL_NOT_FOUND` where there is no store, with `LEVEL_LOCKED` when it is open for writing or the target is open, with
 * `LEVEL_ALREADY_EXISTS` when something is at the target, with `LEVEL_INVALID_TARGET` when an incremental backup finds something else than an
 * earlier backup there, with `LEVEL_BACKUP_DIFFERS` when `verify` finds fault with the backup, and with `LEVEL_ABORTED`.
 */
export async function backupStore(
  directory: string,
  target: string,
  platform: BackupPlatform,
  options: BackupOptions,
): Promise<BackupReport> {
  const [from, to] = [directory, target].map(path => directoryOf(path, platform))
  const { environment, registry } = platform
  const files = new BackupFileSystem(environment.fileSystem)
  try {
    const work: Work = { environment: atOneTime(environment, files), registry, files, hash32: await loadHash32(), from, to, options }
    const report = await fromSource(work, identityOf(work, from, directory))
    return { directory, target, ...report }
  } catch (error) {
    throw typedError(error)
  }
}

type Outcome = Omit<BackupReport, 'directory' | 'target'>

/** The store and its backup are compared at one time, so that no entry expires in between. */
function atOneTime(environment: Environment, fileSystem: FileSystem): Environment {
  const { clock } = environment
  const now = wallTimeOf(clock)()
  return { ...environment, fileSystem, clock: { now: () => clock.now(), wallTime: () => now } }
}

function identityOf({ files, hash32 }: Work, path: string, shown: string): Identity {
  const kind = files.stat(path)?.kind
  const occupancy = kind === 'directory' ? occupancyOf(files, path, hash32) : undefined
  if (occupancy?.kind === 'store') return occupancy.identity
  throw new KvariumError('LEVEL_NOT_FOUND', `There is no store ${shown}`)
}

async function fromSource(work: Work, { engine: name }: Identity): Promise<Outcome> {
  const { from, to, registry, files } = work
  const factory = registry.engineOf(`The store ${from}`, name)
  const source = await openToRead(work, from, factory, reporting(work))
  try {
    const { engine, passThrough } = source
    assertOutside(files, from, to)
    if (engine.checkpoint === undefined) {
      throw new MisuseError('LEVEL_NOT_SUPPORTED', `The engine "${name}" makes no checkpoints; copy the store with "kvarium copy"`)
    }
    passThrough(to)
    await removeUnfinished(work)
    const found = work.options.incremental === true && isThere(files, to)
    return await (found ? replaceEarlier(work, engine, factory) : writeNew(work, engine, factory))
  } finally {
    await source.engine.close()
    await source.lock?.release()
  }
}

function openToRead(
  { hash32, files }: Work,
  location: string,
  factory: EngineFactory,
  environment: Environment,
): ReturnType<typeof openDirectoryToRead> {
  return openDirectoryToRead({
    environment: { ...environment, fileSystem: files },
    location,
    factory,
    engineOptions: resolveOptions(factory.options, {}),
    createIfMissing: false,
    errorIfExists: false,
    hash32,
  })
}

/** Reports how far the backup is at each turn of the event loop. */
function reporting({ environment, files, from, options }: Work): Environment {
  const { onProgress } = options
  if (onProgress === undefined) return environment
  const { scheduler } = environment
  const totalBytes = sizeOf(files, from)
  const turn = (): Promise<void> => {
    onProgress({ phase: 'write', bytes: files.writtenBytes + files.linkedBytes + files.keptBytes, totalBytes, entries: 0 })
    return scheduler.turn()
  }
  return { ...environment, scheduler: { turn, sleep: ms => scheduler.sleep(ms) } }
}

/** Removes what a backup that was killed has left at the target: it says of itself that it is no store, or has nothing but that file, torn. */
async function removeUnfinished({ files, to, registry, hash32 }: Work): Promise<void> {
  if (files.stat(to)?.kind !== 'directory') return
  try {
    occupancyOf(files, to, hash32)
  } catch (error) {
    const isTorn = error instanceof CorruptionError && files.list(to).every(name => name === IDENTITY || isLockName(name))
    if (isTorn || errorCode(error) === UNFINISHED_CHECKPOINT) await destroyDirectory(files, to, registry, hash32)
  }
}

function isThere(files: FileSystem, path: string): boolean {
  const kind = files.stat(path)?.kind
  return kind !== undefined && (kind !== 'directory' || files.list(path).length > 0)
}

async function writeNew(work: Work, engine: Engine, factory: EngineFactory): Promise<Outcome> {
  const { files, from, to, registry, hash32 } = work
  assertCheckpointTarget(files, from, to)
  const sequence = await writeTo(work, to, engine)
  try {
    const entries = await verified(work, to, engine, factory)
    return { engine: factory.name, incremental: false, sequence, ...bytesOf(work), ...entries }
  } catch (error) {
    await destroyDirectory(files, to, registry, hash32).catch(() => undefined)
    throw error
  }
}

/** Writes a store with the present of the engine to a directory; returns its sequence number. */
async function writeTo({ files, hash32, from, options }: Work, directory: string, engine: Engine): Promise<number> {
  const sequence = sequenceOf(engine)
  const checkpoint = engine.checkpoint!()
  try {
    const backup: BackupNote = { of: endOf(from), sequence }
    await writeCheckpoint({ fileSystem: files, hash32, engine: engine.name, directory, signal: options.signal, backup }, checkpoint)
  } finally {
    checkpoint.release()
  }
  return sequence
}

async function replaceEarlier(work: Work, engine: Engine, factory: EngineFactory): Promise<Outcome> {
  const { files, to, hash32 } = work
  const staging = joinPath(to, REPAIR_DIRECTORY)
  const lock = await files.lock(to)
  try {
    const earlier = await assertEarlier(work, engine, factory)
    removeFolder(files, staging)
    const updated = await updateEarlier(work, engine, factory, earlier)
    if (updated !== undefined) return updated
    files.earlier = to
    let sequence: number
    let entries: Pick<Outcome, 'entries'>
    try {
      sequence = await writeTo(work, staging, engine)
      entries = await verified(work, staging, engine, factory)
    } catch (error) {
      removeFolder(files, staging)
      throw error
    }
    await markReplaced(files, to, factory.name, [], hash32)
    await finishReplacement(files, to, factory.files ?? {}, hash32)
    return { engine: factory.name, incremental: true, sequence, ...bytesOf(work), ...entries }
  } finally {
    await lock.release()
  }
}

/** Brings the earlier backup to the present of the engine, if the engine can. `sequence` is that of the earlier one. */
async function updateEarlier(work: Work, engine: Engine, factory: EngineFactory, sequence: number): Promise<Outcome | undefined> {
  const { files, to, options } = work
  const { signal } = options
  const checkpoint = engine.checkpoint!()
  try {
    const update = await checkpoint.update?.(to, { signal, onKept: bytes => (files.keptBytes += bytes) })
    if (update === undefined) return undefined
    try {
      const { pages } = update
      const entries = await verifiedPreview(work, update, engine, factory)
      if (signal?.aborted === true) throw new AbortError()
      const next = sequenceOf(engine)
      await commit(work, update, factory.name, { sequence, next })
      return { engine: factory.name, incremental: true, sequence: next, pages, ...bytesOf(work), ...entries }
    } finally {
      update.close()
    }
  } finally {
    checkpoint.release()
  }
}

async function commit(
  { files, from, to, hash32 }: Work,
  update: CheckpointUpdate,
  engine: string,
  { sequence, next }: { readonly sequence: number; readonly next: number },
): Promise<void> {
  const note = (backup: Omit<BackupNote, 'of'>): Promise<void> =>
    replaceIdentity(files, to, encodeIdentity(engine, hash32, STORE_VERSION, { of: endOf(from), ...backup }))
  await note({ sequence, next })
  await update.commit()
  await note({ sequence: next })
}

/** `verified`, before the update is committed. */
async function verifiedPreview(
  work: Work,
  update: CheckpointUpdate,
  source: Engine,
  factory: EngineFactory,
): Promise<Pick<Outcome, 'entries'>> {
  if (work.options.verify !== true) return {}
  const copy = await openToInspect(work, update.preview(work.files), factory)
  try {
    return await compared(work, work.to, source, copy)
  } finally {
    await copy.close()
  }
}

/** Opens the target, of which the caller has the lock. */
function openToInspect({ environment, to }: Work, files: FileSystem, factory: EngineFactory): Promise<Engine> {
  return factory.open({
    environment: { ...environment, fileSystem: new OverlayFileSystem(files) },
    directory: to,
    options: resolveOptions(factory.options, {}),
    created: false,
    inspecting: true,
  })
}

/**
 * Throws where the target is not an earlier backup of the store, as it was made. Finishes the replacement of one that was killed. Resolves to the
 * sequence number of its last operation.
 */
async function assertEarlier(work: Work, engine: Engine, factory: EngineFactory): Promise<number> {
  const { files, from, to, hash32 } = work
  let identity = earlierIdentity(work)
  if (identity?.isReplaced === true) {
    await finishReplacement(files, to, factory.files ?? {}, hash32)
    identity = earlierIdentity(work)
  }
  const backup = identity?.backup
  if (identity === undefined || backup === undefined) throw invalidTarget(to, 'is not a backup')
  if (identity.engine !== factory.name) throw invalidTarget(to, `is a backup of a store with the engine "${identity.engine}"`)
  if (!isSamePath(backup.of, endOf(from))) throw invalidTarget(to, `is a backup of ${backup.of}, and not of ${from}`)
  if (backup.sequence > sequenceOf(engine)) throw newer(to)
  const sequence = await sequenceOfEarlier(work, factory)
  // A session that writes to a backup leaves a log.
  const isCommitted = sequence === backup.next && !files.list(to).some(name => fileClassOf(factory.files ?? {}, name) === 'log')
  if (sequence !== backup.sequence && !isCommitted) throw invalidTarget(to, 'has been written to since it was made')
  if (sequence > sequenceOf(engine)) throw newer(to)
  return sequence
}

async function sequenceOfEarlier(work: Work, factory: EngineFactory): Promise<number> {
  const { files, to } = work
  try {
    const earlier = await openToInspect(work, files, factory)
    try {
      return sequenceOf(earlier)
    } finally {
      await earlier.close()
    }
  } catch (error) {
    if (error instanceof CorruptionError) throw invalidTarget(to, `is damaged (${error.message})`, error)
    throw error
  }
}

function earlierIdentity({ files, to, hash32 }: Work): Identity | undefined {
  if (files.stat(to)?.kind !== 'directory') return undefined
  const occupancy = occupancyOf(files, to, hash32)
  return occupancy.kind === 'store' ? occupancy.identity : undefined
}

/** Opens and checks the backup in a directory, and compares it with the store, if that is asked for. */
async function verified(work: Work, directory: string, source: Engine, factory: EngineFactory): Promise<Pick<Outcome, 'entries'>> {
  if (work.options.verify !== true) return {}
  const copy = await openToRead(work, directory, factory, work.environment)
  try {
    return await compared(work, directory, source, copy.engine)
  } finally {
    await copy.engine.close()
    await copy.lock?.release()
  }
}

async function compared(work: Work, directory: string, source: Engine, copy: Engine): Promise<Pick<Outcome, 'entries'>> {
  const { options, environment, from } = work
  const bytes = sizeOf(work.files, directory)
  const onProgress = (phase: 'check' | 'compare', entries: number): void => {
    options.onProgress?.({ phase, bytes, totalBytes: bytes, entries })
  }
  return { entries: await compareBackup({ source, copy, from, directory, signal: options.signal, environment, onProgress }) }
}

function sequenceOf(engine: Engine): number {
  const snapshot = engine.snapshot()
  snapshot.release()
  return snapshot.sequence ?? 0
}

function bytesOf({ files, to }: Work): Pick<Outcome, 'bytes' | 'writtenBytes' | 'linkedBytes' | 'keptBytes'> {
  const { writtenBytes, linkedBytes, keptBytes } = files
  return { bytes: sizeOf(files, to), writtenBytes, linkedBytes, keptBytes }
}

/** Bytes of the files in a directory, without those of its folders. */
function sizeOf(files: FileSystem, directory: string): number {
  return files.list(directory).reduce((sum, name) => {
    const stat = files.stat(joinPath(directory, name))
    return sum + (stat?.kind === 'file' ? stat.size : 0)
  }, 0)
}

/** The end of a path that is too long to be kept. */
function endOf(path: string): string {
  return path.slice(-LONGEST_PATH)
}

function newer(target: string): KvariumError {
  return invalidTarget(target, 'is newer than the store, which may have been restored from an older one')
}

function invalidTarget(target: string, how: string, cause?: Error): KvariumError {
  return new KvariumError('LEVEL_INVALID_TARGET', `${target} ${how}: make a backup in a new directory. Nothing was changed`, { cause })
}
