/** The worker's side: opens the stores that pages ask for, and answers their requests. */
import { KvariumError } from '../errors.js'
import { openOpfs } from '../opfs/opfs.js'
import type { FileSystem } from '../vfs/file-system.js'
import type { KvariumStore } from '../store/kvarium.js'
import type { KvariumOptions } from '../store/store-options.js'
import {
  alone,
  errorMessage,
  STORE_METHODS,
  type Answer,
  type CallOptions,
  type Connect,
  type IteratorKind,
  type Port,
  type RangeOptions,
  type Request,
} from './protocol.js'

export interface ServeOptions {
  /**
   * The file system of all stores, under their locations.
   * @defaultValue for each store a folder of OPFS, with the name of its location
   */
  readonly fileSystem?: FileSystem | Promise<FileSystem> | undefined
}

export type StoreConstructor = new (
  location: string,
  options: KvariumOptions<Uint8Array, Uint8Array>,
) => KvariumStore<Uint8Array, Uint8Array>

interface Closable {
  close(): Promise<void>
}

interface PagedIterator extends Closable {
  nextv(size: number): Promise<unknown[]>
  seek(target: unknown, options: object): void
}

/** Answers pages that connect. To be called while the worker's script runs for the first time, so that no message is lost. */
export function serve(Store: StoreConstructor, options: ServeOptions, events: EventTarget = globalThis): void {
  events.addEventListener('message', event => {
    const { data } = event as unknown as { readonly data?: Partial<Connect> }
    if (data?.kvarium === 'connect' && data.port !== undefined) new Connection(Store, options, data.port)
  })
}

class Connection {
  readonly #Store: StoreConstructor
  readonly #options: ServeOptions
  readonly #port: Port
  #store: KvariumStore<Uint8Array, Uint8Array> | undefined
  #files: Closable | undefined
  readonly #snapshots = new Map<number, Closable>()
  readonly #iterators = new Map<number, PagedIterator>()

  constructor(Store: StoreConstructor, options: ServeOptions, port: Port) {
    this.#Store = Store
    this.#options = options
    this.#port = port
    port.onmessage = ({ data }) => void this.#answer(data as Request)
  }

  async #answer(request: Request): Promise<void> {
    const { id } = request
    let answer: Answer
    try {
      answer = { id, result: alone(await this.#run(request)) }
    } catch (error) {
      answer = { id, error: errorMessage(error) }
    }
    this.#port.postMessage(answer)
  }

  /** Begins at once: a request sees what those before it have done. */
  #run({ method, args }: Request): unknown {
    if (method === 'open') return this.#open(...(args as [string, object, boolean]))
    if (method === 'close') return this.#close()
    const store = this.#store
    if (store === undefined) throw new KvariumError('LEVEL_DATABASE_NOT_OPEN', 'Database is not open')
    if ((STORE_METHODS as readonly string[]).includes(method)) return this.#call(store, method, args)
    switch (method) {
      case 'get':
      case 'getMany':
      case 'has':
      case 'hasMany':
        return this.#call(store, method, [args[0], this.#resolved(args[1] as CallOptions)])
      case 'put':
      case 'del':
      case 'batch':
        return this.#call(store, method, args)
      case 'clear':
        return this.#call(store, method, [this.#resolved(args[0] as RangeOptions)])
      case 'snapshot':
        this.#snapshots.set(args[0] as number, store.snapshot())
        return undefined
      case 'releaseSnapshot':
        return this.#release(this.#snapshots, args[0] as number)
      case 'iterator': {
        const [number, kind, options] = args as [number, IteratorKind, RangeOptions]
        this.#iterators.set(number, this.#call(store, kind, [this.#resolved(options)]) as PagedIterator)
        return undefined
      }
      case 'nextv':
        return this.#iterators.get(args[0] as number)?.nextv(args[1] as number) ?? []
      case 'seek': {
        const [number, target, keyEncoding] = args as [number, unknown, string]
        this.#iterators.get(number)?.seek(target, { keyEncoding })
        return undefined
      }
      case 'closeIterator':
        return this.#release(this.#iterators, args[0] as number)
      default:
        throw new KvariumError(
          'LEVEL_NOT_SUPPORTED',
          `The worker does not know the request ${JSON.stringify(method)}: page and worker need one version`,
        )
    }
  }

  #call(store: object, method: string, args: readonly unknown[]): unknown {
    return (store as Readonly<Record<string, (...args: readonly unknown[]) => unknown>>)[method](...args)
  }

  async #open(location: string, options: object, hasHook: boolean): Promise<void> {
    const fileSystem = await this.#options.fileSystem
    const opened = fileSystem === undefined ? await openOpfs(location) : undefined
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

  async #close(): Promise<void> {
    const [store, files] = [this.#store, this.#files]
    this.#store = undefined
    this.#files = undefined
    this.#snapshots.clear()
    this.#iterators.clear()
    try {
      await store?.close()
    } finally {
      await files?.close()
    }
  }

  #release(all: Map<number, Closable>, number: number): Promise<void> | undefined {
    const one = all.get(number)
    all.delete(number)
    return one?.close()
  }

  #resolved<T extends CallOptions>(options: T): object {
    const { snapshot, ...others } = options
    return snapshot === undefined ? others : { ...others, snapshot: this.#snapshots.get(snapshot) }
  }
}
