/**
 * The store's side of readers in other threads: holds the versions that they read.
 *
 * Invariants:
 * 1. A version is held by the share that made it, and by each connection that has handed it out. It is released when the last of them is.
 * 2. A connection ends when its port closes: the reader was closed, or its thread has ended. Then it holds nothing.
 * 3. A close of the store ends every connection before the engine is closed. Readers learn it from `state` before a file can change.
 */
import type { Engine, SharedVersion } from '../engine/contract.js'
import { KvariumError, MisuseError } from '../errors.js'
import { describeError } from '../vfs/error-message.js'
import { MessageChannel, type MessagePort } from '../vfs/node/message-channel.js'
import { typedError } from '../vfs/vfs-error.js'
import type { StoreFacts } from './kvarium.js'
import {
  HANDLE_FORMAT,
  READY,
  RELEASED,
  STORE_CLOSED,
  type ReaderHandle,
  type ReaderMessage,
  type StoreMessage,
  type VersionMessage,
} from './node-reader-handle.js'

/** A version of a store, held for readers in other threads of the process. */
export class Share {
  readonly #shares: Shares
  readonly #facts: StoreFacts
  readonly #version: HeldVersion
  readonly #connections = new Set<Connection>()
  #isReleased = false

  /** @internal Made by `share()` of a store. */
  constructor(shares: Shares, facts: StoreFacts, version: HeldVersion) {
    this.#shares = shares
    this.#facts = facts
    this.#version = version
  }

  /**
   * A handle for one reader, to be sent to a thread with its port: `worker.postMessage(handle, [handle.port])`. Throws a MisuseError
   * (`LEVEL_SHARE_RELEASED`) after `release()`, and when the store is closed.
   */
  handle(): ReaderHandle {
    if (this.#isReleased || !this.#shares.has(this.#version)) {
      throw new MisuseError('LEVEL_SHARE_RELEASED', 'The share was released, or its store was closed: call share() of the store again')
    }
    const connection = this.#shares.connect(this.#version, ended => this.#connections.delete(ended))
    this.#connections.add(connection)
    const { remotePort: port, state } = connection
    return { kvariumReader: HANDLE_FORMAT, ...this.#facts, version: this.#version.message, state, port }
  }

  /**
   * Ends the share. Handles that no reader has opened are void; readers that are open go on, and hold what they read. Releasing twice is
   * harmless.
   */
  release(): void {
    if (this.#isReleased) return
    this.#isReleased = true
    for (const connection of [...this.#connections]) connection.endUnopened()
    this.#version.release()
  }

  [Symbol.dispose](): void {
    this.release()
  }
}

/** A version of the engine and its holders. */
class HeldVersion {
  readonly message: VersionMessage
  readonly #shared: SharedVersion
  readonly #onEnd: (version: HeldVersion) => void
  #holders = 1

  constructor(number: number, shared: SharedVersion, onEnd: (version: HeldVersion) => void) {
    this.message = { number, description: shared.description }
    this.#shared = shared
    this.#onEnd = onEnd
  }

  hold(): this {
    this.#holders++
    return this
  }

  release(): void {
    if (--this.#holders === 0) this.end()
  }

  /** Regardless of its holders. */
  end(): void {
    this.#onEnd(this)
    this.#shared.release()
  }
}

/** One handle, and the reader that opens it. */
class Connection {
  readonly state = new Int32Array(new SharedArrayBuffer(4))
  readonly remotePort: MessagePort
  readonly #port: MessagePort
  readonly #versions = new Map<number, HeldVersion>()
  readonly #refresh: () => Promise<HeldVersion>
  readonly #onEnd: (connection: Connection) => void
  #isEnded = false

  constructor(version: HeldVersion, refresh: () => Promise<HeldVersion>, onEnd: (connection: Connection) => void) {
    const { port1, port2 } = new MessageChannel()
    this.#port = port1
    this.remotePort = port2
    this.#refresh = refresh
    this.#onEnd = onEnd
    this.#versions.set(version.message.number, version.hold())
    port1.on('message', (message: ReaderMessage) => {
      if (message.type === 'release') this.#release(message.version)
      else void this.#answer()
    })
    port1.on('close', () => this.#end())
    // The thread of the reader keeps the process alive, as long as it lives.
    port1.unref()
  }

  /** Ends the connection if no reader has opened the handle. */
  endUnopened(): void {
    if (Atomics.compareExchange(this.state, 0, READY, RELEASED) === READY) this.#end()
  }

  /** Ends the connection, whatever its reader does. */
  endForClose(): void {
    Atomics.store(this.state, 0, STORE_CLOSED)
    this.#end()
  }

  async #answer(): Promise<void> {
    try {
      const version = await this.#refresh()
      if (this.#isEnded) {
        version.release()
        return
      }
      this.#versions.set(version.message.number, version)
      this.#port.postMessage({ type: 'version', version: version.message } satisfies StoreMessage)
    } catch (error) {
      if (!this.#isEnded) this.#port.postMessage({ type: 'failure', error: describeError(error) } satisfies StoreMessage)
    }
  }

  #release(number: number): void {
    const version = this.#versions.get(number)
    this.#versions.delete(number)
    version?.release()
  }

  #end(): void {
    if (this.#isEnded) return
    this.#isEnded = true
    this.#port.close()
    this.#onEnd(this)
    for (const number of [...this.#versions.keys()]) this.#release(number)
  }
}

/** What a store shares with other threads, until it is closed. */
export class Shares {
  readonly #versions = new Set<HeldVersion>()
  readonly #connections = new Set<Connection>()
  /** Closes of the store so far. */
  #closes = 0
  #lastNumber = 0
  /** How to make a version of the open store. */
  #share: () => Promise<SharedVersion> = () => Promise.reject(notOpen())

  /** Handles and readers that hold a version. */
  get connections(): number {
    return this.#connections.size
  }

  /** Holds the present version of the engine. */
  async share(engine: Engine, facts: StoreFacts): Promise<Share> {
    if (engine.share === undefined) throw notShareable(engine.name)
    this.#share = () => engine.share!()
    return new Share(this, facts, await this.#hold())
  }

  has(version: HeldVersion): boolean {
    return this.#versions.has(version)
  }

  connect(version: HeldVersion, onEnd: (connection: Connection) => void): Connection {
    const connection = new Connection(
      version,
      () => this.#hold(),
      ended => {
        this.#connections.delete(ended)
        onEnd(ended)
      },
    )
    this.#connections.add(connection)
    return connection
  }

  /** Ends all that is shared: the store is about to close. */
  close(): void {
    this.#closes++
    this.#share = () => Promise.reject(notOpen())
    for (const connection of [...this.#connections]) connection.endForClose()
    for (const version of [...this.#versions]) version.end()
  }

  async #hold(): Promise<HeldVersion> {
    const closes = this.#closes
    const shared = await this.#share().catch((error: unknown) => Promise.reject(typedError(error)))
    if (this.#closes !== closes) {
      shared.release()
      throw notOpen()
    }
    const version = new HeldVersion(++this.#lastNumber, shared, ended => this.#versions.delete(ended))
    this.#versions.add(version)
    return version
  }
}

function notOpen(): KvariumError {
  return new KvariumError('LEVEL_DATABASE_NOT_OPEN', 'Database is not open')
}

function notShareable(engine: string): MisuseError {
  return new MisuseError(
    'LEVEL_NOT_SUPPORTED',
    `The engine "${engine}" cannot be shared: other threads do not reach its data. Use another engine`,
  )
}
