/**
 * The messages between a page and the worker that has its stores. A page connects with a port for each store; on it each request has a number, and
 * its answer has the same. The worker begins requests in the order in which they were made. `calls.ts` lists the requests.
 */
import { ConflictError, CorruptionError, FormatError, IoError, KvariumError, LockedError, MisuseError, PoisonedError } from '../errors.js'
import type { Stored, StoredFormat } from '../store/owned-bytes.js'

/** What a page sends to the worker itself, with the port. */
export interface Connect {
  readonly kvarium: 'connect'
  readonly port: Port
  /** The name of a Web Lock that the worker holds for as long as it lives. */
  readonly lock: string | undefined
}

/** A MessagePort, as far as it is used. */
export interface Port {
  onmessage: ((event: { readonly data: unknown }) => void) | null
  onmessageerror: ((event: never) => void) | null
  addEventListener(type: 'close', listener: () => void): void
  postMessage(message: unknown): void
  close(): void
}

/** The Web Locks of a page or a worker; `undefined` where there are none. */
export interface Locks {
  request(name: string, options: { readonly signal?: AbortSignal }, held: () => Promise<void>): Promise<void>
}

export function webLocks(): Locks | undefined {
  return (globalThis as { readonly navigator?: { readonly locks?: Locks } }).navigator?.locks
}

export type Answer =
  { readonly id: number; readonly result: unknown; readonly error?: undefined } | { readonly id: number; readonly error: ErrorMessage }

/** Options of reads: keys and values are encoded by the page. */
export interface ReadCall {
  readonly keyEncoding?: StoredFormat
  readonly valueEncoding?: StoredFormat
  /** The number of a snapshot. */
  readonly snapshot?: number
  /** The number of a transaction, which reads instead of the store. */
  readonly transaction?: number
}

export interface WriteCall {
  readonly keyEncoding?: StoredFormat
  readonly valueEncoding?: StoredFormat
  readonly sync?: boolean | undefined
  readonly ttl?: number | undefined
}

export interface BatchCall extends WriteCall {
  readonly conditions?: readonly ({ readonly key: Stored; readonly value: Stored } | { readonly key: Stored; readonly absent: true })[]
}

export type WriteOperation =
  | {
      readonly type: 'put'
      readonly key: Stored
      readonly value: Stored
      readonly keyEncoding?: StoredFormat
      readonly valueEncoding?: StoredFormat
      readonly ttl?: number | undefined
    }
  | { readonly type: 'del'; readonly key: Stored; readonly keyEncoding?: StoredFormat }

export interface RangeCall extends ReadCall {
  readonly gt?: Stored
  readonly gte?: Stored
  readonly lt?: Stored
  readonly lte?: Stored
  readonly reverse: boolean
  readonly limit: number
  readonly keys?: boolean
  readonly values?: boolean
  readonly highWaterMarkBytes?: number
  readonly sync?: boolean
}

export type IteratorKind = 'iterator' | 'keys' | 'values'

/** An error, which a message would reduce to its text. */
interface ErrorMessage {
  readonly name: string
  readonly message: string
  readonly code: unknown
  readonly stack: string | undefined
  readonly cause: ErrorMessage | undefined
  /** The further properties of an error of kvarium: `file`, `offset`, `key` and so on. */
  readonly properties: Readonly<Record<string, unknown>>
}

const CLASSES: Readonly<Record<string, { readonly prototype: object }>> = {
  ConflictError,
  CorruptionError,
  FormatError,
  IoError,
  KvariumError,
  LockedError,
  MisuseError,
  PoisonedError,
  TypeError,
  RangeError,
}
const PROPERTIES = ['file', 'offset', 'key', 'operation', 'path', 'quota', 'requested'] as const

export function errorMessage(error: unknown): ErrorMessage {
  if (!(error instanceof Error))
    return { name: 'Error', message: String(error), code: undefined, stack: undefined, cause: undefined, properties: {} }
  const given = error as unknown as Readonly<Record<string, unknown>>
  const properties: Record<string, unknown> = {}
  for (const name of PROPERTIES) if (['string', 'number'].includes(typeof given[name])) properties[name] = given[name]
  const cause = error.cause === undefined ? undefined : errorMessage(error.cause)
  const code = typeof given['code'] === 'string' ? given['code'] : undefined
  return { name: error.name, message: error.message, code, stack: error.stack, cause, properties }
}

/** The error again, of its class. Its stack is that of the worker. */
export function errorOf({ name, message, code, stack, cause, properties }: ErrorMessage): Error {
  const error = new Error(message, cause === undefined ? undefined : { cause: errorOf(cause) })
  const known = CLASSES[name]
  if (known !== undefined) Object.setPrototypeOf(error, known.prototype)
  Object.assign(error, properties)
  const hidden = { configurable: true, writable: true }
  Object.defineProperty(error, 'name', { ...hidden, value: name })
  if (stack !== undefined) Object.defineProperty(error, 'stack', { ...hidden, value: stack })
  if (code !== undefined) Object.assign(error, { code })
  return error
}

/** Bytes in a buffer of their own: a message copies the whole buffer of what it has. */
export function alone<T>(data: T): T {
  if (data instanceof Uint8Array && data.byteLength !== data.buffer.byteLength) return data.slice() as unknown as T
  return Array.isArray(data) ? (data.map(alone) as T) : data
}
