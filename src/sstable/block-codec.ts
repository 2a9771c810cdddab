/**
 * Data blocks written and searched by a custom part, in the engine's format (codec/sorted-block.ts), so that everything
 * else that reads tables understands them. Without such a part nothing in this file is used.
 *
 * Invariants:
 * 1. The part gets bytes and returns bytes or an index. Checksums, compression, the cache, and which entries share a block are not up to it.
 * 2. What it returns is checked only as far as it could lead outside of the block.
 */
import { SortedBlockBuilder } from '../codec/sorted-block-builder.js'
import { SortedBlock } from '../codec/sorted-block.js'
import { copyBytes } from '../codec/entry.js'
import { MisuseError } from '../errors.js'

/** An entry of a data block. */
export interface BlockEntry {
  /** The user key. In a block it may occur several times, its newest version first. */
  readonly key: Uint8Array
  /** Tag and value: opaque bytes to the block. */
  readonly payload: Uint8Array
}

/** Writes and searches data blocks instead of the engine. Pure: the same input gives the same result. */
export interface BlockCodec {
  /** The block of these entries, of which there is at least one, in the order of their keys. */
  build(entries: readonly BlockEntry[]): Uint8Array
  /** Index of the first entry of the block whose key is not less than `key`; the number of entries if there is none. */
  lowerBound(block: Uint8Array, key: Uint8Array): number
}

/** Collects entries as the built-in builder does, sizes included; the codec makes the block. */
export class CodecBlockBuilder extends SortedBlockBuilder {
  readonly #codec: BlockCodec
  #entries: BlockEntry[] = []

  constructor(codec: BlockCodec) {
    super()
    this.#codec = codec
  }

  override add(
    key: Uint8Array,
    keyStart: number,
    keyEnd: number,
    tag: Uint8Array,
    tagEnd: number,
    value: Uint8Array,
    valueStart: number,
    valueEnd: number,
  ): void {
    super.add(key, keyStart, keyEnd, tag, tagEnd, value, valueStart, valueEnd)
    const payload = new Uint8Array(tagEnd + valueEnd - valueStart)
    payload.set(tag.subarray(0, tagEnd))
    payload.set(value.subarray(valueStart, valueEnd), tagEnd)
    this.#entries.push({ key: copyBytes(key, keyStart, keyEnd), payload })
  }

  override finish(out: Uint8Array, start: number): number {
    const room = this.estimatedBytes
    const block = this.#codec.build(this.#entries)
    if (!(block instanceof Uint8Array) || block.length > room) {
      const built = block instanceof Uint8Array ? `${block.length} bytes` : 'no Uint8Array'
      throw new MisuseError(
        'LEVEL_INVALID_BLOCK',
        `The block codec built ${built} out of ${this.count} entries, which take at most ${room} bytes`,
      )
    }
    out.set(block, start)
    this.clear()
    return start + block.length
  }

  override clear(): void {
    super.clear()
    this.#entries = []
  }
}

/** A block that the codec searches. */
export class CodecBlock extends SortedBlock {
  readonly #codec: BlockCodec
  readonly #contents: Uint8Array

  constructor(codec: BlockCodec, bytes: Uint8Array, end: number, file: string, offset: number, base = 0) {
    super(bytes, end, file, offset, base)
    this.#codec = codec
    this.#contents = bytes.subarray(base, end)
  }

  override lowerBound(key: Uint8Array, start: number, end: number): number {
    const index = this.#codec.lowerBound(this.#contents, key.subarray(start, end))
    if (Number.isInteger(index) && index >= 0 && index <= this.count) return index
    throw new MisuseError('LEVEL_INVALID_BLOCK', `The block codec found a key at ${index} in a block of ${this.count} entries`)
  }

  override find(key: Uint8Array, start: number, end: number): number {
    const index = this.lowerBound(key, start, end)
    return index < this.count && this.keyEquals(index, key, start, end) ? index : -1 - index
  }
}
