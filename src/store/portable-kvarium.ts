import { builtInEngines } from '../built-in-engines.js'
import { MemoryFileSystem } from '../vfs/memory/memory-file-system.js'
import { portableEnvironment } from '../vfs/portable-environment.js'
import { KvariumStore } from './kvarium.js'
import { destroyStore, type Platform } from './platform.js'
import type { DestroyOptions, KvariumOptions, UntypedOptions } from './store-options.js'

/** The store that needs nothing of Node. `kvarium` exports it with `repair`, which is of the layer above; see repair/portable-repair.ts. */
export class Kvarium<K = string, V = string> extends KvariumStore<K, V> {
  /**
   * @param location Directory of the store in its file system, made if it is missing.
   * @param options Options of the store and of its engine.
   * @throws MisuseError with code `LEVEL_INVALID_OPTION`, `LEVEL_INVALID_ENGINE` or `LEVEL_INVALID_LOCATION`.
   */
  constructor(location: string, options?: KvariumOptions<K, V>) {
    super(location, options as UntypedOptions<K, V> | undefined, portablePlatform(options))
  }

  /**
   * Removes the files of a store, and its directory if nothing else is in it. Other files are left alone. Does nothing if
   * there is nothing. Rejects with `LEVEL_LOCKED` when the store is open, and with `LEVEL_UNSUPPORTED_FORMAT` when the
   * directory is not a store. The store must not be opened meanwhile.
   */
  static destroy(location: string, options?: DestroyOptions): Promise<void> {
    return destroyStore(location, portablePlatform(options))
  }
}

const registry = builtInEngines()

export function portablePlatform(options: DestroyOptions | undefined): Platform {
  const { environment, fileSystem } = options ?? {}
  if (environment === undefined) return { environment: portableEnvironment({ fileSystem: fileSystem ?? new MemoryFileSystem() }), registry }
  return { environment: fileSystem === undefined ? environment : { ...environment, fileSystem }, registry }
}
