/**
 * What passes between a store and its readers in other threads: a handle once, then messages over the port in it.
 *
 * The first number of `state` is one of the four below. Both threads change it with atomic operations only:
 * READY -> OPENED by the reader, READY -> RELEASED by the store, and to STORE_CLOSED from any state by the store.
 */
import type { ErrorMessage } from '../vfs/error-message.js'
import type { MessagePort } from '../vfs/node/message-channel.js'
import type { StoreFacts } from './kvarium.js'

/** A reader understands handles of its own format only. */
export const HANDLE_FORMAT = 1

/** No reader has opened the handle. */
export const READY = 0
/** A reader holds the version until it closes its port. */
export const OPENED = 1
/** The share was released before a reader opened the handle. */
export const RELEASED = 2
/** The version is not held any more: files may be removed and pages overwritten. */
export const STORE_CLOSED = 3

/**
 * What one reader needs to open a store's version in another thread: structured-cloneable, with `port` in the transfer list. It is for one
 * reader, in one thread of this process.
 */
export interface ReaderHandle extends StoreFacts {
  readonly kvariumReader: typeof HANDLE_FORMAT
  readonly version: VersionMessage
  readonly state: Int32Array
  /** To be named in the transfer list of the message, or of the worker's `workerData`. */
  readonly port: MessagePort
}

/** A version that the store holds, under a number. */
export interface VersionMessage {
  readonly number: number
  /** The engine's own, see `SharedVersion`. */
  readonly description: object
}

/** From the reader to the store. A closed port releases every version. */
export type ReaderMessage = { readonly type: 'release'; readonly version: number } | { readonly type: 'refresh' }

/** From the store to the reader: the answer to a refresh. */
export type StoreMessage =
  { readonly type: 'version'; readonly version: VersionMessage } | { readonly type: 'failure'; readonly error: ErrorMessage }
