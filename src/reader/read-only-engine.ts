/** A reader's engine as the store knows engines: it reads while the store's thread holds the version, and refuses to write. */
import type { ByteView } from '../codec/entry.js'
import type {
  Cursor,
  Engine,
  EngineShape,
  EngineSnapshot,
  EngineStats,
  KeyRange,
  ReaderEngine,
  SharedVersion,
  Violation,
} from '../engine/contract.js'
import { readOnly } from './reader-file-system.js'

export class ReadOnlyEngine implements Engine {
  readonly name: string
  readonly expiresAt?: NonNullable<Engine['expiresAt']>
  readonly #reader: ReaderEngine
  readonly #requireHeld: () => void
  #closing: Promise<void> | undefined

  /** @param requireHeld throws when the store does not hold the version any more */
  constructor(reader: ReaderEngine, requireHeld: () => void) {
    this.name = reader.name
    this.#reader = reader
    this.#requireHeld = requireHeld
    const expiresAt = reader.expiresAt?.bind(reader)
    if (expiresAt === undefined) return
    this.expiresAt = (key, snapshot) => {
      this.#requireHeld()
      return expiresAt(key, snapshot)
    }
  }

  get(key: Uint8Array, snapshot?: EngineSnapshot): Uint8Array | undefined {
    this.#requireHeld()
    return this.#reader.get(key, snapshot)
  }

  getView(key: Uint8Array, out: ByteView, snapshot?: EngineSnapshot): boolean {
    this.#requireHeld()
    return this.#reader.getView(key, out, snapshot)
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

  /** Goes on with a newer version. */
  advance(version: SharedVersion): void {
    this.#requireHeld()
    this.#reader.advance(version)
  }

  write(): never {
    throw readOnly()
  }

  clear(): never {
    throw readOnly()
  }

  flush(): Promise<void> {
    return Promise.reject(readOnly())
  }

  compact(): Promise<void> {
    return Promise.reject(readOnly())
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
