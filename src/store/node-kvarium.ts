import { registry } from '../node-engines.js'
import { nodeEnvironment } from '../vfs/node/node-environment.js'
import { KvariumStore } from './kvarium.js'
import { destroyStore, type Platform } from './platform.js'
import type { Share, Shares } from './node-share.js'
import type { KvariumStats } from './stats.js'
import type { DestroyOptions, KvariumOptions, UntypedOptions } from './store-options.js'

/** The store on Node. `kvarium` exports it with `repair`, which is of the layer above; see repair/node-repair.ts. */
export class Kvarium<K = string, V = string> extends KvariumStore<K, V> {
  /** From the first `share()` on. */
  #shares: Shares | undefined

  /**
   * @param location Directory of the store, made if it is missing.
   * @param options Options of the store and of its engine.
   * @throws MisuseError with code `LEVEL_INVALID_OPTION`, `LEVEL_INVALID_ENGINE` or `LEVEL_INVALID_LOCATION`.
   */
  constructor(location: string, options?: KvariumOptions<K, V>) {
    super(location, options as UntypedOptions<K, V> | undefined, nodePlatform(options))
    this.supports.additionalMethods['share'] = true
  }

  /**
   * Holds a version of the store for readers in other threads of the process: `openReader` of `kvarium/reader` opens a handle of the share
   * there. Everything that was acknowledged before the call is in the version. Call `release()` of the share when no more readers are to
   * be opened from it. Closing the store ends its shares and their readers.
   *
   * Rejects with `LEVEL_NOT_SUPPORTED` where other threads do not reach the data: the engine `memory`, a file system other than Node's, an
   * engine with parts of your own.
   */
  async share(): Promise<Share> {
    if (this.status === 'opening') return this.deferAsync(() => this.share())
    const { Shares } = await import('./node-share.js')
    this.#shares ??= new Shares()
    return this.#shares.share(...this._shareable())
  }

  override stats(): KvariumStats {
    return { ...super.stats(), readers: this.#shares?.connections ?? 0 }
  }

  override async _close(): Promise<void> {
    this.#shares?.close()
    await super._close()
  }

  /**
   * Removes the files of a store, and its directory if nothing else is in it. Other files are left alone. Does nothing if
   * there is nothing. Rejects with `LEVEL_LOCKED` when the store is open, and with `LEVEL_UNSUPPORTED_FORMAT` when the
   * directory is not a store. The store must not be opened meanwhile.
   */
  static destroy(location: string, options?: DestroyOptions): Promise<void> {
    return destroyStore(location, nodePlatform(options))
  }
}

export function nodePlatform(options: DestroyOptions | undefined): Platform {
  const environment = options?.environment ?? nodeEnvironment()
  const fileSystem = options?.fileSystem
  return { environment: fileSystem === undefined ? environment : { ...environment, fileSystem }, registry }
}
