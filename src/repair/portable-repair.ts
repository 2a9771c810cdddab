import { directoryOf } from '../store/platform.js'
import { Kvarium as PortableStore, portablePlatform } from '../store/portable-kvarium.js'
import type { DestroyOptions } from '../store/store-options.js'
import type { RepairOptions, RepairReport } from './repair.js'

/**
 * A key-value store that runs anywhere JavaScript does, a browser for example: an abstract-level database over an engine
 * of choice. Its files are in memory, and gone with the store, unless it is given a `fileSystem` or an `environment`.
 *
 * ```ts
 * const db = new Kvarium('people', { valueEncoding: 'json' })
 * await db.put('ada', { born: 1815 })
 * db.getSync('ada') // { born: 1815 }
 * ```
 */
export class Kvarium<K = string, V = string> extends PortableStore<K, V> {
  /**
   * Replaces a store that is not open by a new one with everything that can still be read of it, and says what could not be read. Old files
   * that were damaged are kept in the folder `KVARIUM.lost`. Needs space for the new store beside the old one. A crash leaves the
   * old store or the new one. Rejects with `LEVEL_LOCKED` when the store is open, with `LEVEL_NOT_FOUND` when there is none, and with
   * `LEVEL_INVALID_ENGINE` when its engine cannot be told.
   */
  static async repair(location: string, options: RepairOptions & DestroyOptions = {}): Promise<RepairReport> {
    const platform = portablePlatform(options)
    const directory = directoryOf(location, platform)
    const { repairStoreInPlace } = await import('./repair-in-place.js')
    return repairStoreInPlace(directory, location, platform, options)
  }
}
