/** Stores of a page that are in a dedicated worker. The worker's side is `kvarium/browser/worker`. */
import type { KvariumOptions } from '../store/store-options.js'
import type { Connect, Port } from './protocol.js'
import { WorkerHealth, type WorkerLike } from './worker-health.js'
import { WorkerStore } from './worker-store.js'

export { ConflictError, CorruptionError, FormatError, IoError, KvariumError, LockedError, MisuseError, PoisonedError } from '../errors.js'
export { WorkerStore } from './worker-store.js'
export type { WorkerLike } from './worker-health.js'
export type { WorkerSnapshot } from './worker-iterators.js'

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
  const health = WorkerHealth.of(worker)
  return new WorkerStore<K, V>(location, options, health, () => {
    const { port1, port2 } = new (globalThis as unknown as Channels).MessageChannel()
    const connect: Connect = { kvarium: 'connect', port: port2, lock: health.lock }
    worker.postMessage(connect, [port2 as never])
    return port1
  })
}
