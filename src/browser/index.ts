/** Stores of a page that are in a dedicated worker. The worker's side is `kvarium/browser/worker`. */
import { KvariumError } from '../errors.js'
import type { KvariumOptions } from '../store/store-options.js'
import type { Connect, Port } from './protocol.js'
import { WorkerStore } from './worker-store.js'

export { ConflictError, CorruptionError, FormatError, IoError, KvariumError, LockedError, MisuseError, PoisonedError } from '../errors.js'
export { WorkerStore } from './worker-store.js'

/** A dedicated worker, as far as it is used. */
export interface WorkerLike {
  postMessage(message: unknown, transfer: never[]): void
  addEventListener(type: 'error', listener: (event: unknown) => void): void
}

interface Channels {
  readonly MessageChannel: new () => { readonly port1: Port; readonly port2: Port }
}

/**
 * A store in a worker whose script calls `serveStores` of `kvarium/browser/worker`. It opens by itself, as every store of Level does, and its files are in
 * the folder of OPFS that `location` names.
 *
 * ```ts
 * const worker = new Worker(new URL('./store-worker.js', import.meta.url), { type: 'module' })
 * const db = openInWorker(worker, 'people', { valueEncoding: 'json' })
 * await db.put('ada', { born: 1815 })
 * ```
 *
 * @param options - Those of `Kvarium`, without `environment`, `fileSystem` and `trace`, and with `engine` as a name.
 * @throws MisuseError with code `LEVEL_INVALID_OPTION`.
 */
export function openInWorker<K = string, V = string>(
  worker: WorkerLike,
  location: string,
  options: KvariumOptions<K, V> = {},
): WorkerStore<K, V> {
  const store = new WorkerStore<K, V>(location, options, () => {
    const { port1, port2 } = new (globalThis as unknown as Channels).MessageChannel()
    const connect: Connect = { kvarium: 'connect', port: port2 }
    worker.postMessage(connect, [port2 as never])
    return port1
  })
  worker.addEventListener('error', event => {
    const { message } = event as { readonly message?: string }
    store.fail(
      new KvariumError('LEVEL_WORKER_FAILED', `The worker of ${location} has failed: ${message ?? 'its script could not be loaded'}`),
    )
  })
  return store
}
