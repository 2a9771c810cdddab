/**
 * The reader's side of a handle: asks the store's thread for newer versions, and releases those that it has read.
 *
 * Invariants:
 * 1. A handle is opened once, in one thread: `state` decides between two readers, and between a reader and a release.
 * 2. One refresh is under way at a time, so that versions arrive in their order.
 */
import type { SharedVersion } from '../engine/contract.js'
import { KvariumError, MisuseError } from '../errors.js'
import {
  HANDLE_FORMAT,
  OPENED,
  READY,
  RELEASED,
  STORE_CLOSED,
  type ReaderHandle,
  type ReaderMessage,
  type StoreMessage,
  type VersionMessage,
} from '../store/node-reader-handle.js'
import { restoreError } from '../vfs/error-message.js'

interface Waiting {
  readonly resolve: (version: SharedVersion) => void
  readonly reject: (error: Error) => void
}

export class ReaderConnection {
  /** The version in the handle. */
  readonly first: SharedVersion
  readonly #handle: ReaderHandle
  #waiting: Waiting | undefined
  #refreshing: Promise<unknown> = Promise.resolve()
  #isClosed = false
  #hasEnded = false

  /**
   * Opens a handle.
   * Throws a MisuseError: `LEVEL_INVALID_HANDLE`, `LEVEL_SHARE_RELEASED`; or a KvariumError `LEVEL_READER_DETACHED`.
   */
  constructor(handle: ReaderHandle) {
    assertHandle(handle)
    const before = Atomics.compareExchange(handle.state, 0, READY, OPENED)
    this.#handle = handle
    if (before === STORE_CLOSED) throw this.#detached()
    if (before === RELEASED) {
      throw new MisuseError(
        'LEVEL_SHARE_RELEASED',
        'The share was released before its handle was opened: keep it until its readers are open',
      )
    }
    if (before === OPENED) {
      throw new MisuseError(
        'LEVEL_INVALID_HANDLE',
        'The handle has been opened before: make one for each reader with handle() of the share',
      )
    }
    const { port, version } = handle
    this.first = this.#received(version)
    port.on('message', (message: StoreMessage) => this.#answered(message))
    port.on('close', () => this.#ended())
    // A thread with nothing left to do may end: that closes the port.
    port.unref()
  }

  /** Throws a KvariumError (`LEVEL_READER_DETACHED`) when the store does not hold the version any more. */
  readonly requireHeld = (): void => {
    if (this.#hasEnded || Atomics.load(this.#handle.state, 0) !== OPENED) throw this.#detached()
  }

  /** The store's present version. */
  refresh(): Promise<SharedVersion> {
    const refreshed = this.#refreshing.then(() => this.#ask())
    this.#refreshing = refreshed.catch(() => undefined)
    return refreshed
  }

  /** Releases every version. */
  close(): void {
    this.#isClosed = true
    this.#handle.port.close()
  }

  #ask(): Promise<SharedVersion> {
    return new Promise((resolve, reject) => {
      this.requireHeld()
      this.#waiting = { resolve, reject }
      this.#handle.port.ref()
      this.#send({ type: 'refresh' })
    })
  }

  #answered(message: StoreMessage): void {
    this.#handle.port.unref()
    const waiting = this.#waiting
    this.#waiting = undefined
    if (message.type === 'version') waiting?.resolve(this.#received(message.version))
    else waiting?.reject(restoreError(message.error))
  }

  #received({ number, description }: VersionMessage): SharedVersion {
    return { description, release: () => this.#send({ type: 'release', version: number }) }
  }

  #send(message: ReaderMessage): void {
    this.#handle.port.postMessage(message)
  }

  #ended(): void {
    this.#hasEnded = true
    this.#waiting?.reject(this.#isClosed ? closed() : this.#detached())
    this.#waiting = undefined
  }

  #detached(): KvariumError {
    return new KvariumError(
      'LEVEL_READER_DETACHED',
      `The store ${this.#handle.location} was closed, or its thread has ended, and with it this reader: share the store anew once it is open`,
    )
  }
}

export function closed(): KvariumError {
  return new KvariumError('LEVEL_DATABASE_NOT_OPEN', 'The reader is closed: open another one with a handle of its own')
}

function assertHandle(handle: unknown): asserts handle is ReaderHandle {
  const given = handle as Partial<ReaderHandle> | null | undefined
  if (typeof given !== 'object' || given === null || given.kvariumReader === undefined || !(given.state instanceof Int32Array)) {
    throw new MisuseError(
      'LEVEL_INVALID_HANDLE',
      'openReader() takes a handle: what handle() of a share of the store returned, with its port',
    )
  }
  if (given.kvariumReader !== HANDLE_FORMAT) {
    throw new MisuseError('LEVEL_INVALID_HANDLE', 'The handle was made by another version of kvarium: use one version in all threads')
  }
}
