/**
 * The messages between a page and the worker that has its stores. A page connects with a port for each store; on it each request has a number, and
 * its answer has the same. The worker begins requests in the order in which they were made.
 */
import { ConflictError, CorruptionError, FormatError, IoError, KvariumError, LockedError, MisuseError, PoisonedError } from '../errors.js'
import type { Stored, StoredFormat } from '../store/owned-bytes.js'

/** What a page sends to the worker itself, with the port. */
export interface Connect {
  readonly kvarium: 'connect'
  readonly port: Port
}

/** A MessagePort, as far as it is used. */
export interface Port {
  onmessage: ((event: { readonly data: unknown }) => void) | null
  postMessage(message: unknown): void
  close(): void
}

export interface Request {
  readonly id: number
  readonly method: Method
  readonly args: readonly unknown[]
}

export type Answer =
  { readonly id: number; readonly result: unknown; readonly error?: undefined } | { readonly id: number; readonly error: ErrorMessage }

/** Methods of the store itself, by name, with arguments that are plain data. */
export const STORE_METHODS = ['approximateSize', 'compactRange', 'expiresAt', 'flush', 'getProperty', 'settle', 'shape', 'stats'] as const
export type StoreMethod = (typeof STORE_METHODS)[number]
export type Method =
  | StoreMethod
  | ('open' | 'close' | 'get' | 'getMany' | 'has' | 'hasMany' | 'put' | 'del' | 'batch' | 'clear')
  | ('snapshot' | 'releaseSnapshot' | 'iterator' | 'nextv' | 'seek' | 'closeIterator')

/** Options of reads and writes: keys and values are encoded by the page. */
export interface CallOptions {
  readonly keyEncoding: StoredFormat
  readonly valueEncoding?: StoredFormat
  /** The number of a snapshot. */
  readonly snapshot?: number
  readonly sync?: boolean | undefined
  readonly ttl?: number | undefined
}

export interface RangeOptions extends CallOptions {
  readonly gt?: Stored
  readonly gte?: Stored
  readonly lt?: Stored
  readonly lte?: Stored
  readonly reverse: boolean
  readonly limit: number
  readonly keys?: boolean
  readonly values?: boolean
  readonly highWaterMarkBytes?: number
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
