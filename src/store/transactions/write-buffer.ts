/** The writes of a transaction that is not committed: the last one of each key, which its own reads and scans see. */
import { toBytes, type Stored } from '../owned-bytes.js'
import { isBelow, isBeyond, type HalfOpenRange } from '../../engine/range.js'
import { keyBytes, type KeyText } from './key-text.js'

/** A put, or a deletion where there is no value. */
export class BufferedWrite {
  readonly text: KeyText
  /** Owned by the buffer, as it goes into the engine's batch. */
  readonly key: Stored
  readonly value: Stored | undefined
  /** Milliseconds from the commit to the end of the entry. */
  readonly ttl: number | undefined
  #keyBytes: Uint8Array | undefined
  #valueBytes: Uint8Array | undefined

  constructor(text: KeyText, key: Stored, value: Stored | undefined, ttl?: number) {
    this.text = text
    this.key = key
    this.value = value
    this.ttl = ttl
  }

  get keyBytes(): Uint8Array {
    return (this.#keyBytes ??= keyBytes(this.text))
  }

  /** Requires a value. */
  get valueBytes(): Uint8Array {
    return (this.#valueBytes ??= toBytes(this.value!))
  }
}

export class WriteBuffer {
  /** The write, where there is only one: most transactions need no map, which takes long to make. */
  #write: BufferedWrite | undefined
  #writes: Map<KeyText, BufferedWrite> | undefined
  /** Ascending; made again for a cursor after a write. A cursor keeps its own, so that it sees one moment. */
  #sorted: readonly BufferedWrite[] | undefined

  get size(): number {
    return this.#writes?.size ?? (this.#write === undefined ? 0 : 1)
  }

  get(text: KeyText): BufferedWrite | undefined {
    if (this.#writes !== undefined) return this.#writes.get(text)
    return this.#write?.text === text ? this.#write : undefined
  }

  add(write: BufferedWrite): void {
    this.#sorted = undefined
    if (this.#writes !== undefined) this.#writes.set(write.text, write)
    else if (this.#write === undefined || this.#write.text === write.text) this.#write = write
    else
      this.#writes = new Map([
        [this.#write.text, this.#write],
        [write.text, write],
      ])
  }

  values(): Iterable<BufferedWrite> {
    return this.#writes?.values() ?? (this.#write === undefined ? [] : [this.#write])
  }

  /** The writes in the range, ascending. */
  within({ lower, upper }: HalfOpenRange): readonly BufferedWrite[] {
    if (this.size === 0) return []
    this.#sorted ??= [...this.values()].sort((a, b) => (a.text < b.text ? -1 : 1))
    return this.#sorted.filter(({ keyBytes: key }) => !isBelow(lower, key, 0, key.length) && !isBeyond(upper, key, 0, key.length))
  }
}
