/**
 * Whether a worker still answers. A browser says so of a script that fails, and not of a worker that was terminated. So the worker holds a Web Lock
 * which the page waits for: the page gets it when the worker has gone. Node has no such locks, but its ports have a `close` event then.
 */
import { KvariumError } from '../errors.js'
import { webLocks } from './protocol.js'

/** A dedicated worker, as far as it is used. */
export interface WorkerLike {
  postMessage(message: unknown, transfer: never[]): void
  addEventListener(type: 'error', listener: (event: unknown) => void): void
}

const GONE = 'it has ended'

export class WorkerHealth {
  static readonly #all = new WeakMap<WorkerLike, WorkerHealth>()

  /** The one of a worker. */
  static of(worker: WorkerLike): WorkerHealth {
    const known = WorkerHealth.#all.get(worker) ?? new WorkerHealth(worker)
    WorkerHealth.#all.set(worker, known)
    return known
  }

  /** The lock that the worker is to take. */
  readonly lock: string | undefined = webLocks() && `kvarium-worker-${crypto.randomUUID()}`
  readonly #watchers = new Set<(reason: string) => void>()
  #reason: string | undefined
  #isWaiting = false

  private constructor(worker: WorkerLike) {
    worker.addEventListener('error', event => {
      const { message } = event as { readonly message?: string }
      this.fail(message ?? 'its script could not be loaded')
    })
  }

  /** Calls the watcher once the worker fails, and at once if it has. */
  watch(watcher: (reason: string) => void): void {
    this.#watchers.add(watcher)
    if (this.#reason !== undefined) watcher(this.#reason)
  }

  unwatch(watcher: (reason: string) => void): void {
    this.#watchers.delete(watcher)
  }

  /** From here on the lock says when the worker ends: the worker has it. */
  waitForEnd(): void {
    if (this.#isWaiting || this.lock === undefined) return
    this.#isWaiting = true
    webLocks()!
      .request(this.lock, {}, async () => this.fail())
      .catch(() => undefined)
  }

  fail(reason = GONE): void {
    this.#reason ??= reason
    for (const watcher of this.#watchers) watcher(this.#reason)
  }
}

export function workerFailed(location: string, reason: string): KvariumError {
  return new KvariumError('LEVEL_WORKER_FAILED', `The worker of ${location} has failed: ${reason}`)
}
