/**
 * The last part of a repair in place: a repaired store takes the place of the one around it, in steps that any open can finish. A new backup takes
 * the place of an earlier one in the same way.
 *
 *     KVARIUM          format 2 says that the store in KVARIUM.repair is the valid one, and replaces the files beside it
 *     KVARIUM.repair   the repaired store; its file LOST names the old files to keep, and is there until the old files are gone
 *     KVARIUM.lost     old files that could not be read in full
 *
 * Invariants:
 * 1. Until `KVARIUM` of format 2 has its name, the old store is untouched, and `KVARIUM.repair` is a leftover.
 * 2. From then on each step can be repeated: old files go while LOST is there, new ones are moved in when it is durably gone.
 * 3. The `KVARIUM` of the repaired store, of format 1, is moved last.
 */
import type { Hash32 } from '../codec/checksum.js'
import { CorruptionError } from '../errors.js'
import { fileClassOf, type FileNames } from '../vfs/file-classes.js'
import { joinPath, removeLeftover, type FileSystem } from '../vfs/file-system.js'
import { decodeChecked, encodeChecked, encodeIdentity, IDENTITY, IDENTITY_TEMPORARY, REPLACING_VERSION, writeDurably } from './identity.js'

/** Where a repair in place writes the new store. */
export const REPAIR_DIRECTORY = 'KVARIUM.repair'
/** Where it leaves old files that could not be read in full. */
export const LOST_DIRECTORY = 'KVARIUM.lost'

const LOST_LIST = 'LOST'
const MARKER = 'MARKER'

/** What finishing moved, for the ledger. */
export interface ReplacementTraffic {
  readonly bytesRead: number
  readonly syncs: number
}

/**
 * The moment of a repair in place: the store in `KVARIUM.repair`, durable and closed, becomes the valid one. Of the old files, those
 * named in `lost` are to be kept; all of them without it.
 */
export async function markReplaced(
  fileSystem: FileSystem,
  directory: string,
  engine: string,
  lost: readonly string[] | undefined,
  hash32: Hash32,
): Promise<void> {
  const from = joinPath(directory, REPAIR_DIRECTORY)
  await writeDurably(fileSystem, joinPath(from, LOST_LIST), encodeChecked({ lost }, hash32))
  await moveIdentity(fileSystem, directory, encodeIdentity(engine, hash32, REPLACING_VERSION))
}

/** Puts other bytes in the place of `KVARIUM`, which is the earlier or the new one at every moment. The caller holds the lock. */
export async function replaceIdentity(fileSystem: FileSystem, directory: string, bytes: Uint8Array): Promise<void> {
  const folder = joinPath(directory, REPAIR_DIRECTORY)
  removeFolder(fileSystem, folder)
  fileSystem.makeDirectory(folder)
  try {
    await moveIdentity(fileSystem, directory, bytes)
  } finally {
    removeFolder(fileSystem, folder)
  }
}

/** By way of the folder of repairs, which has its name already. */
async function moveIdentity(fileSystem: FileSystem, directory: string, bytes: Uint8Array): Promise<void> {
  const from = joinPath(directory, REPAIR_DIRECTORY)
  const marker = joinPath(from, MARKER)
  await writeDurably(fileSystem, marker, bytes)
  await fileSystem.syncDirectory(from)
  fileSystem.rename(marker, joinPath(directory, IDENTITY))
  await fileSystem.syncDirectory(directory)
}

/** Moves the repaired store to where the old one is, from whichever step an earlier attempt reached. The caller holds the lock. */
export async function finishReplacement(
  fileSystem: FileSystem,
  directory: string,
  files: FileNames,
  hash32: Hash32,
): Promise<ReplacementTraffic> {
  const from = joinPath(directory, REPAIR_DIRECTORY)
  const identity = joinPath(from, IDENTITY)
  if (fileSystem.stat(identity) === undefined) {
    throw new CorruptionError(`The repaired store, which was to replace the files beside ${REPAIR_DIRECTORY}, is missing`, {
      file: identity,
    })
  }
  let traffic: ReplacementTraffic = { bytesRead: 0, syncs: 0 }
  if (fileSystem.stat(joinPath(from, LOST_LIST)) !== undefined) traffic = await removeOld(fileSystem, directory, files, hash32)
  for (const name of fileSystem.list(from)) {
    if (fileClassOf(files, name) !== undefined) moveFile(fileSystem, joinPath(from, name), joinPath(directory, name))
  }
  await fileSystem.syncDirectory(directory)
  await fileSystem.syncDirectory(from)
  moveFile(fileSystem, identity, joinPath(directory, IDENTITY))
  await fileSystem.syncDirectory(directory)
  removeFolder(fileSystem, from)
  return { bytesRead: traffic.bytesRead, syncs: traffic.syncs + 3 }
}

async function removeOld(fileSystem: FileSystem, directory: string, files: FileNames, hash32: Hash32): Promise<ReplacementTraffic> {
  const from = joinPath(directory, REPAIR_DIRECTORY)
  const list = joinPath(from, LOST_LIST)
  const { names: lost, bytes } = readLost(fileSystem, list, hash32)
  const isLost = (name: string): boolean => lost?.includes(name) ?? true
  const old = fileSystem.list(directory).filter(name => fileClassOf(files, name) !== undefined)
  const keep = joinPath(directory, LOST_DIRECTORY)
  let syncs = 2
  if (old.some(isLost)) {
    fileSystem.makeDirectory(keep)
    await fileSystem.syncDirectory(directory)
    for (const name of old.filter(isLost))
      moveFile(fileSystem, joinPath(directory, name), joinPath(keep, unusedName(fileSystem, keep, name)))
    await fileSystem.syncDirectory(keep)
    syncs += 2
  }
  for (const name of old) if (!isLost(name)) fileSystem.remove(joinPath(directory, name))
  const unfinished = joinPath(directory, IDENTITY_TEMPORARY)
  if (fileSystem.stat(unfinished) !== undefined) fileSystem.remove(unfinished)
  await fileSystem.syncDirectory(directory)
  fileSystem.remove(list)
  await fileSystem.syncDirectory(from)
  return { bytesRead: bytes, syncs }
}

/** The names in the list; `undefined` where every old file is to be kept, or the list is damaged. */
function readLost(
  fileSystem: FileSystem,
  path: string,
  hash32: Hash32,
): { readonly names: readonly string[] | undefined; readonly bytes: number } {
  const file = fileSystem.openRead(path)
  try {
    const bytes = new Uint8Array(file.size())
    const length = file.read(bytes, 0)
    const list = decodeChecked(bytes.subarray(0, length), hash32) as { readonly lost?: readonly string[] } | undefined
    return { names: list?.lost, bytes: length }
  } finally {
    file.close()
  }
}

/** An earlier repair may have kept a file of the same name. */
function unusedName(fileSystem: FileSystem, directory: string, name: string): string {
  let unused = name
  for (let copy = 2; fileSystem.stat(joinPath(directory, unused)) !== undefined; copy++) unused = `${name}.${copy}`
  return unused
}

/** Where a crash left a file under both names, renaming one to the other does nothing. */
function moveFile(fileSystem: FileSystem, from: string, to: string): void {
  fileSystem.rename(from, to)
  if (fileSystem.stat(from) !== undefined) fileSystem.remove(from)
}

/** Removes one of the two folders of repairs, if it is there. What cannot be removed is tried again by the next open. */
export function removeFolder(fileSystem: FileSystem, folder: string): void {
  if (fileSystem.stat(folder)?.kind !== 'directory') return
  for (const name of fileSystem.list(folder)) removeLeftover(fileSystem, joinPath(folder, name))
  if (fileSystem.list(folder).length === 0) fileSystem.removeDirectory(folder)
}
