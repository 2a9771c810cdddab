/** Stores of a page that are in a dedicated worker. The worker's side is `kvarium/browser/worker`. */
import type { KvariumOptions } from '../store/store-options.js'
import type { RepairReport } from '../repair/repair.js'
import { connectTo } from './connect.js'
import type { Arguments, Result } from './calls.js'
import { WorkerHealth, type WorkerLike } from './worker-health.js'
import { WorkerLink } from './worker-link.js'
import { assertEngineName, WorkerStore } from './worker-store.js'

export { ConflictError, CorruptionError, FormatError, IoError, KvariumError, LockedError, MisuseError, PoisonedError } from '../errors.js'
export { WorkerStore } from './worker-store.js'
export type { CheckpointOptions } from '../store/checkpoint.js'
export type { RepairReport } from '../repair/repair.js'
export type { WorkerLike } from './worker-health.js'
export type { WorkerSnapshot } from './worker-iterators.js'

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
  return new WorkerStore<K, V>(location, options, WorkerHealth.of(worker), () => connectTo(worker))
}

/** What a page says of a store that is not open. */
export interface ClosedStoreOptions {
  /** The name of its engine; needed only if its file `KVARIUM` is lost. */
  readonly engine?: string | undefined
}

export interface RepairInWorkerOptions extends ClosedStoreOptions {
  /** Options of the engine for the new store. Default: the engine's defaults. */
  readonly engineOptions?: Readonly<Record<string, unknown>> | undefined
}

/**
 * Removes a store, and its folder of OPFS if nothing else is in it, as `Kvarium.destroy` does. Does nothing if there is none. Rejects with
 * `LEVEL_LOCKED` while the store is open.
 */
export async function destroyInWorker(worker: WorkerLike, location: string, { engine }: ClosedStoreOptions = {}): Promise<void> {
  await onceInWorker(worker, 'destroy', location, { engine })
}

/**
 * Replaces a store that is not open by a new one with everything that can still be read of it, as `Kvarium.repair` does. Rejects with
 * `LEVEL_LOCKED` while the store is open, and with `LEVEL_NOT_FOUND` if there is none.
 */
export async function repairInWorker(
  worker: WorkerLike,
  location: string,
  { engine, engineOptions }: RepairInWorkerOptions = {},
): Promise<RepairReport> {
  return onceInWorker(worker, 'repair', location, { engine, engineOptions })
}

/** One request for a store that is not open. */
async function onceInWorker<M extends 'destroy' | 'repair'>(
  worker: WorkerLike,
  method: M,
  location: string,
  options: RepairInWorkerOptions,
): Promise<Result<M>> {
  assertEngineName(options.engine)
  const health = WorkerHealth.of(worker)
  const link = new WorkerLink(location, health, connectTo(worker))
  try {
    await link.request('ready', [])
    health.waitForEnd()
    return await link.request(method, [location, options] as Arguments<M>)
  } finally {
    link.close()
  }
}
