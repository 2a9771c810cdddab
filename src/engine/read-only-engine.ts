/** An engine of which only the reading half is to be used: every write is refused. */
import type { ByteView } from '../codec/entry.js'
import { MisuseError } from '../errors.js'
import type { Cursor, Engine, EngineShape, EngineSnapshot, EngineStats, KeyRange, ReaderEngine, Violation } from './contract.js'

type ReadingHalf = Omit<ReaderEngine, 'advance' | 'getView'> & Pick<Engine, 'getView' | 'checkpoint'>

export class ReadOnlyEngine implements Engine {
  readonly name: string
  readonly expiresAt?: NonNullable<Engine['expiresAt']>
  readonly checkpoint?: NonNullable<Engine['checkpoint']>
  /** `getView` only where the engine has it. */
  readonly getView?: (key: Uint8Array, out: ByteView, snapshot?: EngineSnapshot) => boolean
  readonly #reader: ReadingHalf
  readonly #refusal: () => Error
  readonly #requireHeld: () => void
  #closing: Promise<void> | undefined

  /**
   * @param refusal - Makes the error of a write.
   * @param requireHeld - Throws when what the engine reads is gone.
   */
  constructor(reader: ReadingHalf, refusal: () => Error = readOnlyStore, requireHeld: () => void = () => {}) {
    this.name = reader.name
    this.#reader = reader
    this.#refusal = refusal
    this.#requireHeld = requireHeld
    const expiresAt = reader.expiresAt?.bind(reader)
    if (expiresAt !== undefined) {
      this.expiresAt = (key, snapshot) => {
        requireHeld()
        return expiresAt(key, snapshot)
      }
    }
    const checkpoint = reader.checkpoint?.bind(reader)
    if (checkpoint !== undefined) this.checkpoint = checkpoint
    if (reader.getView === undefined) return
    this.getView = (key, out, snapshot) => {
      requireHeld()
      return reader.getView!(key, out, snapshot)
    }
  }

  get(key: Uint8Array, snapshot?: EngineSnapshot): Uint8Array | undefined {
    this.#requireHeld()
    return this.#reader.get(key, snapshot)
  }

  cursor(range: KeyRange, snapshot?: EngineSnapshot): Cursor {
    this.#requireHeld()
    return this.#reader.cursor(range, snapshot)
  }

  snapshot(): EngineSnapshot {
    this.#requireHeld()
    return this.#reader.snapshot()
  }

  approximateSize(range: KeyRange): number {
    this.#requireHeld()
    return this.#reader.approximateSize(range)
  }

  stats(): EngineStats {
    return this.#reader.stats()
  }

  shape(): EngineShape {
    this.#requireHeld()
    return this.#reader.shape()
  }

  check(): AsyncIterable<Violation> {
    this.#requireHeld()
    return this.#reader.check()
  }

  write(): never {
    throw this.#refusal()
  }

  clear(): never {
    throw this.#refusal()
  }

  ingest(): never {
    throw this.#refusal()
  }

  flush(): Promise<void> {
    return Promise.reject(this.#refusal())
  }

  compact(): Promise<void> {
    return Promise.reject(this.#refusal())
  }

  /** There is no background work. */
  settle(): Promise<void> {
    return Promise.resolve()
  }

  close(): Promise<void> {
    this.#closing ??= this.#reader.close()
    return this.#closing
  }
}

function readOnlyStore(): MisuseError {
  return new MisuseError('LEVEL_READ_ONLY', 'The store is open for reading only: open it without the option "readOnly" to write')
}
