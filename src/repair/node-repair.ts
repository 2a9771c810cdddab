/** `verify` and `repair` on Node, and the store with `repair`. */
import { directoryOf, settledPath } from '../store/platform.js'
import { Kvarium as NodeStore, nodePlatform } from '../store/node-kvarium.js'
import type { Environment } from '../vfs/environment.js'
import type { FileSystem } from '../vfs/file-system.js'
import type { RepairOptions, RepairReport } from './repair.js'
import type { VerifyOptions, VerifyReport } from './verify.js'

/** The file system of the store, if not the disk. */
export interface InspectionPlace {
  readonly environment?: Environment | undefined
  readonly fileSystem?: FileSystem | undefined
}

/**
 * A key-value store in a directory: an abstract-level database over an engine of choice.
 *
 * ```ts
 * const db = new Kvarium('./people', { valueEncoding: 'json' })
 * await db.put('ada', { born: 1815 })
 * db.getSync('ada') // { born: 1815 }
 * ```
 */
export class Kvarium<K = string, V = string> extends NodeStore<K, V> {
  /**
   * Replaces a store that is not open by a new one with everything that can still be read of it, and says what could not be read. Old files
   * that were damaged are kept in the folder `KVARIUM.lost`. Needs space for the new store beside the old one. A crash leaves the
   * old store or the new one. Rejects like `verify`.
   */
  static async repair(location: string, options: RepairOptions & InspectionPlace = {}): Promise<RepairReport> {
    const platform = nodePlatform(options)
    const directory = directoryOf(location, platform)
    const { repairStoreInPlace } = await import('./repair-in-place.js')
    return repairStoreInPlace(directory, location, platform, options)
  }
}

/**
 * Reads and checks everything in a store that is not open, without changing a file of it. Rejects with `LEVEL_LOCKED` when the store is
 * open, with `LEVEL_NOT_FOUND` when there is none, and with `LEVEL_INVALID_ENGINE` when its engine cannot be identified.
 */
export async function verify(directory: string, options: VerifyOptions & InspectionPlace = {}): Promise<VerifyReport> {
  const platform = nodePlatform(options)
  // Relative paths are resolved before the first await.
  const place = settledPath(directory, 'The directory of the store', platform)
  const { verifyStore } = await import('./verify.js')
  return { ...(await verifyStore(place, platform, options)), directory }
}

/**
 * Writes a new store at `target` with everything that can still be read of the one in `directory`, which does not change, and
 * reports what could not be read. Rejects like `verify`, and with `LEVEL_ALREADY_EXISTS` when something is at `target`.
 */
export async function repair(directory: string, target: string, options: RepairOptions & InspectionPlace = {}): Promise<RepairReport> {
  const platform = nodePlatform(options)
  const from = settledPath(directory, 'The directory of the store', platform)
  const to = settledPath(target, 'The target of a repair', platform)
  const { repairStore } = await import('./repair.js')
  return { ...(await repairStore(from, to, platform, options)), directory, target }
}
