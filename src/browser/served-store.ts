/** A store that a page uses, with what the page holds of it by numbers: snapshots, iterators and so on. */
import type { Violation } from '../engine/contract.js'
import { KvariumError } from '../errors.js'
import { hasOpfs, openOpfs } from '../opfs/opfs.js'
import type { RepairOptions, RepairReport } from '../repair/repair.js'
import type { ReachedCheckpoint } from '../store/checkpoint.js'
import type { KvariumStore } from '../store/kvarium.js'
import type { SequencedSnapshot } from '../store/level-types.js'
import type { Stored } from '../store/owned-bytes.js'
import { assertLocation } from '../store/platform.js'
import type { DestroyOptions, KvariumOptions } from '../store/store-options.js'
import type { FileSystem } from '../vfs/file-system.js'
import { MemoryFileSystem } from '../vfs/memory/memory-file-system.js'
import { FolderFileSystem } from './folder-file-system.js'
import type { IteratorKind, ReadCall } from './protocol.js'
import type { ServedFeed } from './served-feed.js'
import { ServedIngest } from './served-ingest.js'
import type { ServedTransaction } from './served-transaction.js'

export interface ServeOptions {
  /**
   * The file system of all stores, under their locations.
   * @defaultValue for each store a folder of OPFS, with the name of its location
   */
  readonly fileSystem?: FileSystem | Promise<FileSystem> | undefined
}

type Store = KvariumStore<Stored, Stored>

export interface StoreConstructor {
  new (location: string, options: KvariumOptions<Stored, Stored>): Store
  destroy(location: string, options: DestroyOptions): Promise<void>
  repair(location: string, options: RepairOptions & DestroyOptions): Promise<RepairReport>
}

interface PagedIterator {
  nextv(size: number): Promise<unknown[]>
  seek(target: Stored, options: object): void
  close(): Promise<void>
}

/** What reads: the store, or a transaction. */
type Reader = Pick<Store, 'get' | 'getMany' | 'has' | 'hasMany'> & Record<IteratorKind, (options: object) => PagedIterator>

/** Things that the page made, by the numbers that it gave them. One that could not be made answers with the reason. */
export class Numbered<T> {
  readonly #all = new Map<number, { readonly made: T } | { readonly error: unknown }>()

  add(number: number, make: () => T): T {
    try {
      const made = make()
      this.#all.set(number, { made })
      return made
    } catch (error) {
      this.#all.set(number, { error })
      throw error
    }
  }

  of(number: number): T {
    const found = this.#all.get(number)
    if (found === undefined) throw notOpen()
    if ('error' in found) throw found.error
    return found.made
  }

  remove(number: number): T | undefined {
    const found = this.#all.get(number)
    this.#all.delete(number)
    return found !== undefined && 'made' in found ? found.made : undefined
  }

  clear(): void {
    this.#all.clear()
  }
}

export class ServedStore {
  readonly snapshots = new Numbered<SequencedSnapshot>()
  readonly iterators = new Numbered<PagedIterator>()
  readonly checks = new Numbered<AsyncIterator<Violation>>()
  readonly transactions = new Numbered<ServedTransaction>()
  readonly feeds = new Numbered<ServedFeed>()
  readonly ingests = new Numbered<ServedIngest>()
  readonly checkpoints = new Numbered<AbortController>()
  readonly #Store: StoreConstructor
  readonly #options: ServeOptions
  #store: Store | undefined
  /** Those of the store, if they are in a folder of OPFS. */
  #files: FolderFileSystem | undefined
  readonly #underway = new Set<Promise<void>>()

  constructor(Store: StoreConstructor, options: ServeOptions) {
    this.#Store = Store
    this.#options = options
  }

  get store(): Store {
    if (this.#store === undefined) throw notOpen()
    return this.#store
  }

  async open(location: string, options: object, hasHook: boolean): Promise<void> {
    const fileSystem = await this.#options.fileSystem
    const opened = fileSystem === undefined ? new FolderFileSystem(await openOpfs(location), location) : undefined
    try {
      const store = new this.#Store(location, { ...options, fileSystem: fileSystem ?? opened, keyEncoding: 'view', valueEncoding: 'view' })
      // Options that no engine knows are for a hook.
      if (hasHook) store.hooks.postopen.add(async () => {})
      await store.open()
      this.#store = store
      this.#files = opened
    } catch (error) {
      await opened?.close()
      // The reason, instead of an error that says that the store is not open.
      throw error instanceof Error && error.cause instanceof Error ? error.cause : error
    }
  }

  async close(): Promise<void> {
    const [store, files] = [this.#store, this.#files]
    this.#store = undefined
    this.#files = undefined
    for (const held of [this.snapshots, this.iterators, this.checks, this.transactions, this.feeds, this.ingests]) held.clear()
    try {
      await store?.close()
      await Promise.allSettled(this.#underway)
    } finally {
      await files?.close()
    }
  }

  /** Removes a store that is not open, and its folder of OPFS if nothing else is in it. */
  async destroy(location: string, options: DestroyOptions): Promise<void> {
    await this.#withFiles(location, fileSystem => this.#Store.destroy(location, { ...options, fileSystem }))
  }

  /** Repairs a store that is not open. */
  repair(location: string, options: RepairOptions): Promise<RepairReport> {
    return this.#withFiles(location, fileSystem => this.#Store.repair(location, { ...options, fileSystem }))
  }

  /** Makes a checkpoint of the store as it is at the call, which a page can end by its number. */
  async checkpoint(number: number, target: string): Promise<void> {
    const { signal } = this.checkpoints.add(number, () => new AbortController())
    const work = this.#checkpoint(target, signal)
    this.#underway.add(work)
    try {
      await work
    } finally {
      this.#underway.delete(work)
      this.checkpoints.remove(number)
    }
  }

  async #checkpoint(target: string, signal: AbortSignal): Promise<void> {
    const { store } = this
    const files = this.#files
    if (files === undefined) return store.checkpoint(target, { signal })
    let leave: ((isDiscarded: boolean) => Promise<void>) | undefined
    const reach = async (): Promise<void> => {
      const { assertOutside } = await import('../store/checkpoint.js')
      assertOutside(files, store.location, target)
      leave = await files.enter(target)
    }
    try {
      await store.checkpoint(target, { signal, reach } as ReachedCheckpoint)
    } catch (error) {
      // The error before is the one to report.
      await leave?.(true).catch(() => undefined)
      throw error
    }
    await leave?.(false)
  }

  /** Works on a store that is not open, which makes no folder where there is none. */
  async #withFiles<T>(location: string, work: (fileSystem: FileSystem) => Promise<T>): Promise<T> {
    assertLocation(location)
    const fileSystem = await this.#options.fileSystem
    if (fileSystem !== undefined) return work(fileSystem)
    if (!(await hasOpfs(location))) return work(new MemoryFileSystem())
    const files = await openOpfs(location)
    try {
      return await work(files)
    } finally {
      await (files.isEmpty ? files.discard() : files.close())
    }
  }

  /** Resolves when everything that the page gives under the number is in the store. */
  async ingest(number: number): Promise<void> {
    const entries = this.ingests.add(number, () => new ServedIngest())
    try {
      await this.store.ingest(entries)
    } finally {
      entries.stop()
    }
  }

  /** What runs a read with these options: the store, or a transaction. */
  readerOf({ transaction }: ReadCall): Reader {
    return transaction === undefined ? this.store : this.transactions.of(transaction).transaction
  }

  /** The options with the snapshot itself. */
  ownOptions<T extends ReadCall>(options: T): Omit<T, 'snapshot' | 'transaction'> & { snapshot?: SequencedSnapshot } {
    const { snapshot, transaction: _transaction, ...others } = options
    return snapshot === undefined ? others : { ...others, snapshot: this.snapshots.of(snapshot) }
  }
}

function notOpen(): KvariumError {
  return new KvariumError('LEVEL_DATABASE_NOT_OPEN', 'Database is not open')
}
