/**
 * The requests of a page to a store in a worker, and their answers.
 *
 * Invariants:
 * 1. Requests arrive in the order of the calls.
 * 2. At most `WINDOW_CALLS` calls with `WINDOW_BYTES` of keys and values are under way. The others wait here, as copies, so that a page which does
 *    not await its writes fills its own memory and not that of the worker. Calls that wait for something the page does are not counted.
 * 3. Once the worker has failed every call rejects, those under way too.
 */
import { AbortError, KvariumError } from '../errors.js'
import type { Arguments, Method, Request, Result } from './calls.js'
import { alone, errorOf, type Answer, type Port } from './protocol.js'
import { workerFailed, type WorkerHealth } from './worker-health.js'

/** The calls that the worker works on at most. */
export const WINDOW_CALLS = 1024
/** The bytes that they carry at most; a call that alone has more waits for all others. */
const WINDOW_BYTES = 4 << 20
/** Calls whose end depends on later ones. */
const UNCOUNTED: ReadonlySet<Method> = new Set(['ingest', 'nextBatches'])

interface Waiting {
  /** 0 for a call that is not counted. */
  readonly weight: number
  resolve(result: never): void
  reject(error: Error): void
}

export class WorkerLink {
  readonly #location: string
  readonly #health: WorkerHealth
  readonly #port: Port
  readonly #waiting = new Map<number, Waiting>()
  /** Requests that have not been sent: those from `#next` on. */
  #queue: Request[] = []
  #next = 0
  #requests = 0
  #calls = 0
  #bytes = 0
  #failure: Error | undefined
  readonly #onFailure = (reason: string): void => {
    this.#fail(workerFailed(this.#location, reason))
    // One that has failed may still live, and hold the store.
    this.#port.postMessage({ id: this.#requests++, method: 'close', args: [] })
  }
  #isClosed = false

  constructor(location: string, health: WorkerHealth, port: Port) {
    this.#location = location
    this.#health = health
    this.#port = port
    port.onmessage = ({ data }) => this.#answered(data as Answer)
    port.onmessageerror = () => this.#onFailure('an answer of it could not be read')
    port.addEventListener('close', () => this.#isClosed || health.fail())
    health.watch(this.#onFailure)
  }

  get hasFailed(): boolean {
    return this.#failure !== undefined
  }

  /** Sends a request; its answer is dropped once `signal` is aborted. */
  async request<M extends Method>(method: M, args: Arguments<M>, signal?: AbortSignal | null): Promise<Result<M>> {
    if (this.#failure !== undefined) throw this.#failure
    if (this.#isClosed) throw new KvariumError('LEVEL_DATABASE_NOT_OPEN', 'Database is not open')
    const answer = this.#send(method, args)
    return signal === undefined || signal === null ? answer : unlessAborted(signal, answer)
  }

  /** Ends the link, and what waits. */
  close(): void {
    this.#isClosed = true
    this.#health.unwatch(this.#onFailure)
    this.#port.close()
    this.#fail(new KvariumError('LEVEL_DATABASE_NOT_OPEN', 'Database is not open'))
  }

  #send<M extends Method>(method: M, args: Arguments<M>): Promise<Result<M>> {
    const request = { id: this.#requests++, method, args: alone(args) } as Request
    const weight = UNCOUNTED.has(method) ? 0 : 1 + weightOf(args)
    return new Promise((resolve, reject) => {
      const waiting: Waiting = { weight, resolve, reject }
      if (this.#queue.length > 0 || !this.#hasRoom(weight)) {
        this.#queue.push(structuredClone(request))
      } else {
        this.#port.postMessage(request)
        this.#begin(weight)
      }
      this.#waiting.set(request.id, waiting)
    })
  }

  #hasRoom(weight: number): boolean {
    return weight === 0 || this.#calls === 0 || (this.#calls < WINDOW_CALLS && this.#bytes + weight <= WINDOW_BYTES)
  }

  #begin(weight: number): void {
    if (weight === 0) return
    this.#calls++
    this.#bytes += weight
  }

  #answered(answer: Answer): void {
    const waiting = this.#waiting.get(answer.id)
    if (waiting === undefined) return
    this.#waiting.delete(answer.id)
    if (waiting.weight > 0) {
      this.#calls--
      this.#bytes -= waiting.weight
    }
    if (answer.error === undefined) waiting.resolve(answer.result as never)
    else waiting.reject(errorOf(answer.error))
    if (this.#queue.length > 0) this.#sendQueued()
  }

  #sendQueued(): void {
    for (; this.#next < this.#queue.length; this.#next++) {
      const request = this.#queue[this.#next]
      const { weight } = this.#waiting.get(request.id)!
      if (!this.#hasRoom(weight)) return this.#dropSent()
      this.#port.postMessage(request)
      this.#begin(weight)
      // Its memory, before the queue is empty.
      this.#queue[this.#next] = undefined as never
    }
    this.#queue = []
    this.#next = 0
  }

  /** Shortens the queue once most of it has been sent. */
  #dropSent(): void {
    if (2 * this.#next < this.#queue.length) return
    this.#queue = this.#queue.slice(this.#next)
    this.#next = 0
  }

  #fail(error: Error): void {
    if (this.#failure !== undefined) return
    this.#failure = error
    this.#queue = []
    for (const { reject } of this.#waiting.values()) reject(error)
    this.#waiting.clear()
  }
}

/** The bytes of keys and values, roughly. */
function weightOf(data: unknown): number {
  if (typeof data === 'string') return data.length
  if (data instanceof Uint8Array) return data.byteLength
  if (typeof data !== 'object' || data === null) return 0
  let sum = 0
  for (const part of Object.values(data)) sum += weightOf(part)
  return sum
}

async function unlessAborted<T>(signal: AbortSignal, answer: Promise<T>): Promise<T> {
  let abort!: () => void
  const aborted = new Promise<never>((_resolve, reject) => {
    abort = () => reject(new AbortError())
    signal.addEventListener('abort', abort)
  })
  try {
    return await Promise.race([answer, aborted])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}
