/**
 * The file `KVARIUM`, which marks a directory as a store and records its engine and format. Text:
 *
 *     line 1  {"kvarium":1,"engine":"lsm"}    JSON; "kvarium" is the format version
 *     line 2  xxh32 5c474a29                  of line 1 with its newline, seed 0x4b564152 ("KVAR"); end of file
 *
 * Every later format begins with these two lines, so that an older kvarium can report the version that it found. Format 2 is that of a
 * store whose repair in place has to be finished before anything else, see replacement.ts; it is format 1 again afterwards. Format 3 is no store:
 * it marks a checkpoint that is being written, or that did not finish, see checkpoint.ts. A finished one has format 1.
 *
 * A backup has in line 1 also what it is one of, "backup": {"of": "/data/planets", "sequence": 128}: the directory of the store, and the sequence
 * number of the last operation in the backup. While a backup in place goes from one moment to another it has both: "next" is the later sequence
 * number. Readers ignore what they do not know there.
 *
 * Creation writes `KVARIUM.tmp`, makes it durable, lets the engine create its files, and then renames it to `KVARIUM`:
 * 1. `KVARIUM` exists: the store is complete. Nothing is acknowledged before that.
 * 2. Only a valid `KVARIUM.tmp`: a creation, a repair (or a destruction, which runs backwards) did not finish. All other files
 *    are the engine's, hold nothing acknowledged, and are overwritten.
 * 3. Neither: at most a creation wrote here that did not reach the engine. Other files are foreign and stay untouched.
 */
import type { Hash32 } from '../codec/checksum.js'
import { encodeUtf8, readUtf8 } from '../codec/text.js'
import { CorruptionError, FormatError, KvariumError } from '../errors.js'
import { joinPath, type FileSystem } from '../vfs/file-system.js'

export const IDENTITY = 'KVARIUM'
export const IDENTITY_TEMPORARY = 'KVARIUM.tmp'
/** The newest format that is understood. */
export const FORMAT_VERSION = 3
/** What a store at rest has. */
export const STORE_VERSION = 1
/** The format of a store that a repaired one replaces. */
export const REPLACING_VERSION = 2
/** The format of a checkpoint that is not a store yet. */
export const CHECKPOINT_VERSION = 3

/** The code of the error for such a checkpoint. */
export const UNFINISHED_CHECKPOINT = 'LEVEL_UNFINISHED_CHECKPOINT'

const SEED = 0x4b564152
const MAX_BYTES = 4096
const LAYOUT = /^(\{[^\n]*\}\n)xxh32 ([0-9a-f]{8})\n/

/** What a store is a backup of. */
export interface BackupNote {
  /** The directory of the store; of a long path the end. */
  readonly of: string
  /** Sequence number of the last operation in the backup. */
  readonly sequence: number
  /** Present where a backup in place has not ended: the last operation may be this one already. */
  readonly next?: number | undefined
}

export interface Identity {
  readonly engine: string
  /** Present in a backup, also once it has been written to. */
  readonly backup?: BackupNote | undefined
  readonly bytes: number
  /** A repaired store in `KVARIUM.repair` is the valid one, and is to be moved here. */
  readonly isReplaced: boolean
}

export function encodeIdentity(engine: string, hash32: Hash32, version = STORE_VERSION, backup?: BackupNote): Uint8Array {
  return encodeChecked({ kvarium: version, engine, ...(backup && { backup }) }, hash32)
}

/** A line of JSON and one with its checksum. */
export function encodeChecked(value: object, hash32: Hash32): Uint8Array {
  const line = `${JSON.stringify(value)}\n`
  return encodeUtf8(`${line}xxh32 ${checksum(line, hash32)}\n`)
}

/** The value of `encodeChecked`, or `undefined` where the bytes are damaged. */
export function decodeChecked(bytes: Uint8Array, hash32: Hash32): unknown {
  const [, line, stored] = LAYOUT.exec(readUtf8(bytes, 0, bytes.length)) ?? []
  return line !== undefined && stored === checksum(line, hash32) ? JSON.parse(line) : undefined
}

/** What a directory is, by its names and its identity file. `foreign` are the names that do not belong to a store. */
export type Occupancy =
  | { readonly kind: 'store'; readonly identity: Identity }
  | { readonly kind: 'unfinished'; readonly identity: Identity }
  | { readonly kind: 'empty' }
  | { readonly kind: 'foreign'; readonly foreign: readonly string[] }

/** Looks at a directory without changing it. Throws a CorruptionError, a FormatError or `LEVEL_UNFINISHED_CHECKPOINT` when `KVARIUM` cannot be used. */
export function occupancyOf(fileSystem: FileSystem, directory: string, hash32: Hash32): Occupancy {
  const names = fileSystem.list(directory)
  if (names.includes(IDENTITY)) return { kind: 'store', identity: readIdentity(fileSystem, joinPath(directory, IDENTITY), hash32) }
  const foreign = names.filter(name => name !== IDENTITY_TEMPORARY && !isLockName(name))
  if (names.includes(IDENTITY_TEMPORARY)) {
    try {
      return { kind: 'unfinished', identity: readIdentity(fileSystem, joinPath(directory, IDENTITY_TEMPORARY), hash32) }
    } catch (error) {
      // Torn: the crash came before the engine wrote anything.
      if (!(error instanceof CorruptionError)) throw error
    }
  }
  return foreign.length === 0 ? { kind: 'empty' } : { kind: 'foreign', foreign }
}

/** Syncs of a creation: of `KVARIUM.tmp`, of its name, and of its final name. */
export const SYNCS_TO_CREATE = 3

/** Makes the `KVARIUM.tmp` that a process left behind durable. It is never rewritten: it identifies the files beside it. */
export async function keepUnfinished(fileSystem: FileSystem, directory: string): Promise<void> {
  const file = fileSystem.openWrite(joinPath(directory, IDENTITY_TEMPORARY))
  try {
    await file.sync()
  } finally {
    file.close()
  }
  await fileSystem.syncDirectory(directory)
}

/** Writes `KVARIUM.tmp` into an empty directory and makes it durable; returns its size in bytes. */
export async function writeUnfinished(fileSystem: FileSystem, directory: string, engine: string, hash32: Hash32): Promise<number> {
  const bytes = encodeIdentity(engine, hash32)
  await writeDurably(fileSystem, joinPath(directory, IDENTITY_TEMPORARY), bytes)
  await fileSystem.syncDirectory(directory)
  return bytes.length
}

/** Writes a file anew and syncs it. Its name is not durable before the directory is synced. */
export async function writeDurably(fileSystem: FileSystem, path: string, bytes: Uint8Array): Promise<void> {
  if (fileSystem.stat(path) !== undefined) fileSystem.remove(path)
  const file = fileSystem.create(path)
  try {
    file.write(bytes, 0)
    await file.sync()
  } finally {
    file.close()
  }
}

/** The moment of creation: from here on the directory is a store. */
export async function markFinished(fileSystem: FileSystem, directory: string): Promise<void> {
  fileSystem.rename(joinPath(directory, IDENTITY_TEMPORARY), joinPath(directory, IDENTITY))
  await fileSystem.syncDirectory(directory)
}

/** The reverse, with which a destruction begins. */
export async function markUnfinished(
  fileSystem: FileSystem,
  directory: string,
  { engine, isReplaced }: Identity,
  hash32: Hash32,
): Promise<void> {
  if (isReplaced) {
    await writeUnfinished(fileSystem, directory, engine, hash32)
    fileSystem.remove(joinPath(directory, IDENTITY))
    await fileSystem.syncDirectory(directory)
    return
  }
  fileSystem.rename(joinPath(directory, IDENTITY), joinPath(directory, IDENTITY_TEMPORARY))
  await fileSystem.syncDirectory(directory)
}

/** The lock's own files, which do not show what the directory is. Current versions make only `LOCK`, and not on Linux. */
export function isLockName(name: string): boolean {
  return name === 'LOCK' || isEarlierLockName(name)
}

/** Files of the locks of earlier versions on Linux: a counter, sockets, and either of them under its temporary name. */
function isEarlierLockName(name: string): boolean {
  return /^LOCK\.(generation|\d+|new-.+)$/.test(name)
}

/**
 * Removes the files of an earlier version's lock, which would keep the directory from being copied: not every program copies a socket.
 * The caller holds the lock. A plain file with the name of a socket is not the lock's.
 */
export function removeEarlierLocks(fileSystem: FileSystem, directory: string, names: readonly string[]): void {
  for (const name of names) {
    if (!isEarlierLockName(name)) continue
    const path = joinPath(directory, name)
    const kind = fileSystem.stat(path)?.kind
    if (kind === 'other' || (kind === 'file' && !/^LOCK\.\d+$/.test(name))) fileSystem.remove(path)
  }
}

function readIdentity(fileSystem: FileSystem, path: string, hash32: Hash32): Identity {
  const file = fileSystem.openRead(path)
  let bytes: Uint8Array
  try {
    const size = file.size()
    if (size > MAX_BYTES) throw new CorruptionError(`The file has ${size} bytes, more than any version writes`, { file: path })
    bytes = new Uint8Array(size)
    if (file.read(bytes, 0) !== size) throw new CorruptionError('The file is shorter than its size', { file: path })
  } finally {
    file.close()
  }
  const text = readUtf8(bytes, 0, bytes.length)
  const parts = LAYOUT.exec(text)
  if (parts === null) throw new CorruptionError('The file that identifies the store is damaged', { file: path, offset: 0 })
  const [whole, line, stored] = parts as unknown as [string, string, string]
  if (stored !== checksum(line, hash32)) {
    throw new CorruptionError('The file that identifies the store is damaged: its checksum is wrong', { file: path, offset: 0 })
  }
  const { kvarium: version, engine, backup } = JSON.parse(line) as { readonly [name in 'kvarium' | 'engine' | 'backup']?: unknown }
  if (typeof version !== 'number' || typeof engine !== 'string') {
    throw new CorruptionError('The file that identifies the store does not name a version and an engine', { file: path, offset: 0 })
  }
  if (version > FORMAT_VERSION) {
    throw new FormatError(
      `The store was made by a newer kvarium: its format is ${version}, this kvarium knows up to ${FORMAT_VERSION}. Update kvarium (${path})`,
      { file: path },
    )
  }
  if (version === CHECKPOINT_VERSION) {
    const directory = path.slice(0, path.lastIndexOf('/'))
    throw new KvariumError(
      UNFINISHED_CHECKPOINT,
      `${directory} is a checkpoint that was not finished, and not a store. It may be deleted: destroy it, or remove the directory`,
      { file: path },
    )
  }
  if (encodeUtf8(whole).length !== bytes.length) {
    throw new CorruptionError('The file that identifies the store has bytes after its end', { file: path, offset: whole.length })
  }
  return { engine, bytes: bytes.length, isReplaced: version === REPLACING_VERSION, ...(isNote(backup) && { backup }) }
}

function isNote(value: unknown): value is BackupNote {
  if (typeof value !== 'object' || value === null) return false
  const { of, sequence, next } = value as { readonly [name in keyof BackupNote]?: unknown }
  return typeof of === 'string' && typeof sequence === 'number' && (next === undefined || typeof next === 'number')
}

function checksum(line: string, hash32: Hash32): string {
  return (hash32(encodeUtf8(line), SEED) >>> 0).toString(16).padStart(8, '0')
}
