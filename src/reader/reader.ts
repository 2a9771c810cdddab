/**
 * A reader: the store in another thread, for reading, at a version that the store's thread holds. It is an abstract-level database over the
 * engine's reading half, so encodings, iterators, snapshots and sublevels are those of the store.
 */
import type { AbstractDatabaseOptions } from 'abstract-level'
import { loadHash32 } from '../codec/checksum.js'
import type { EngineFactory, OptionTable, ReaderEngine } from '../engine/contract.js'
import { ReadOnlyEngine } from '../engine/read-only-engine.js'
import type { EngineRegistry } from '../engine/registry.js'
import { FormatError, KvariumError, MisuseError } from '../errors.js'
import { registry } from '../node-engines.js'
import { occupancyOf } from '../store/identity.js'
import { KvariumStore } from '../store/kvarium.js'
import type { OpenOptions } from '../store/level-types.js'
import type { ReaderHandle } from '../store/node-reader-handle.js'
import type { Environment } from '../vfs/environment.js'
import { nodeEnvironment } from '../vfs/node/node-environment.js'
import { errorCode, typedError } from '../vfs/vfs-error.js'
import { closed, ReaderConnection } from './connection.js'
import { readOnly, ReaderFileSystem } from './reader-file-system.js'

/** Encodings are those of the store where they are not given. One that the store was given as an object has to be given here, too. */
export interface ReaderOptions<K, V> extends Pick<AbstractDatabaseOptions<K, V>, 'keyEncoding' | 'valueEncoding'> {
  /**
   * Budget of the reader's own cache, in bytes, or `'auto'` as for a store.
   * @defaultValue that of the engine
   */
  readonly cacheSize?: number | 'auto' | undefined
  /** Tables kept open at once, of an engine with tables. */
  readonly maxOpenFiles?: number | undefined
}

const READER_OPTIONS = ['cacheSize', 'maxOpenFiles']

/** What a reader is made of before it is open. */
interface Parts {
  readonly connection: ReaderConnection
  readonly environment: Environment
  readonly factory: EngineFactory
}

export class Reader<K = string, V = string> extends KvariumStore<K, V> {
  readonly #connection: ReaderConnection
  readonly #opened: { engine: ReaderEngine | undefined }

  /** @internal Made by `openReader`. */
  constructor(handle: ReaderHandle, options: ReaderOptions<K, V>, { connection, environment, factory }: Parts) {
    const opened: { engine: ReaderEngine | undefined } = { engine: undefined }
    const open = async (context: Parameters<EngineFactory['open']>[0]): Promise<ReadOnlyEngine> => {
      await requireStore(handle, environment)
      opened.engine = await factory.openReader!(context, connection.first)
      return new ReadOnlyEngine(opened.engine, readOnly, connection.requireHeld)
    }
    // Not durable by itself: the store in the other thread has the directory and its lock.
    const readerFactory: EngineFactory = { name: factory.name, durable: false, options: readerOptions(factory.options), open }
    const { keyEncoding = handle.keyEncoding, valueEncoding = handle.valueEncoding, ...others } = options
    super(handle.location, { ...others, keyEncoding, valueEncoding, engine: readerFactory }, { environment, registry })
    this.#connection = connection
    this.#opened = opened
  }

  /**
   * Goes on with the present version of the store: reads that follow see everything that was acknowledged before the call. Iterators and
   * snapshots that are open keep their moment. Rejects with `LEVEL_READER_DETACHED` when the store was closed.
   */
  async refresh(): Promise<void> {
    const { engine } = this.#opened
    if (this.status !== 'open' || engine === undefined) throw closed()
    const version = await this.#connection.refresh()
    if (this.status !== 'open') throw closed()
    try {
      engine.advance(version)
    } catch (error) {
      version.release()
      throw typedError(error)
    }
  }

  override _open(options: OpenOptions): Promise<void> {
    if (this.#opened.engine !== undefined) return this.remembering(() => Promise.reject(closed()))
    return super._open(options)
  }

  override async _close(): Promise<void> {
    try {
      await super._close()
      await this.#opened.engine?.close()
    } finally {
      this.#connection.close()
    }
  }
}

/**
 * Opens a reader of a store in this thread, by a handle of `share()` that another thread, or this one, has made. It takes no lock and writes
 * nothing: writes are refused with `LEVEL_READ_ONLY`.
 *
 * Rejects with a MisuseError `LEVEL_INVALID_HANDLE` if the handle is none, or was opened before; `LEVEL_SHARE_RELEASED` if its share was
 * released; with `LEVEL_READER_DETACHED` if its store was closed; `LEVEL_NOT_FOUND` if there is no store at its location; `LEVEL_CORRUPTION`
 * if what it has to read is damaged.
 */
export async function openReader<K = string, V = string>(handle: ReaderHandle, options: ReaderOptions<K, V> = {}): Promise<Reader<K, V>> {
  const connection = new ReaderConnection(handle)
  try {
    const factory = readableFactory(registry, handle)
    const platform = nodeEnvironment()
    const environment = { ...platform, fileSystem: new ReaderFileSystem(platform.fileSystem, connection.requireHeld) }
    const reader = makeReader(handle, options, { connection, environment, factory })
    await reader.open()
    return reader
  } catch (error) {
    connection.close()
    const cause = error instanceof Error && errorCode(error) === 'LEVEL_DATABASE_NOT_OPEN' ? error.cause : undefined
    throw typedError(cause ?? error)
  }
}

function makeReader<K, V>(handle: ReaderHandle, options: ReaderOptions<K, V>, parts: Parts): Reader<K, V> {
  try {
    return new Reader<K, V>(handle, options, parts)
  } catch (error) {
    if (errorCode(error) !== 'LEVEL_ENCODING_NOT_FOUND') throw error
    const { keyEncoding, valueEncoding } = handle
    throw new MisuseError(
      'LEVEL_ENCODING_NOT_FOUND',
      `The store has an encoding of your own (keyEncoding "${keyEncoding}", valueEncoding "${valueEncoding}"): give it to openReader(), too`,
    )
  }
}

function readableFactory(engines: EngineRegistry, { engine, location }: ReaderHandle): EngineFactory {
  const factory = engines.engineOf(`The store ${location}`, engine)
  if (factory.openReader !== undefined) return factory
  throw new MisuseError('LEVEL_NOT_SUPPORTED', `The engine "${engine}" that is registered in this thread has no readers`)
}

function readerOptions(options: OptionTable): OptionTable {
  return Object.fromEntries(Object.entries(options).filter(([name]) => READER_OPTIONS.includes(name)))
}

/** Throws where the handle's location is not the directory of a store of its engine. */
async function requireStore({ location, engine }: ReaderHandle, { fileSystem }: Environment): Promise<void> {
  const occupancy = fileSystem.stat(location) === undefined ? undefined : occupancyOf(fileSystem, location, await loadHash32())
  if (occupancy?.kind !== 'store') {
    throw new KvariumError('LEVEL_NOT_FOUND', `There is no store at ${location}, where the handle says: it was moved or destroyed`)
  }
  if (occupancy.identity.engine === engine) return
  throw new FormatError(`The store ${location} was made with the engine "${occupancy.identity.engine}", but the handle says "${engine}"`)
}
