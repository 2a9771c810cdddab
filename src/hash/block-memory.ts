/**
 * Memory for cached blocks of the files, cut from chunks and numbered from 1 on. Behind each block are the marks of the values in it that were
 * checked, on the same page as a rule, so that a get finds them by the same translation of its address.
 *
 * A value is marked by the four bytes of the block in which it begins: the shortest header before a value has three bytes, so no other value
 * with bytes begins there. Of a value that goes on in further blocks their first four bytes are marked, too: they belong to no other value.
 *
 * Invariant: a block has marks only of values whose bytes in it were checked since it was read.
 */
export const BLOCK_BITS = 12
export const BLOCK_BYTES = 1 << BLOCK_BITS
export const BLOCK_MASK = BLOCK_BYTES - 1
const MARK_BYTES = BLOCK_BYTES / 4 / 8
/** What a block takes, with its marks. */
export const BLOCK_MEMORY_BYTES = BLOCK_BYTES + MARK_BYTES

const CHUNK_BITS = 6
const CHUNK_BLOCKS = 1 << CHUNK_BITS
const CHUNK_MASK = CHUNK_BLOCKS - 1
const POISON = 0xdb

export class BlockMemory {
  readonly chunks: Uint8Array[] = []
  /** By block, whether it was read since the cache looked. */
  referenced = new Uint8Array(CHUNK_BLOCKS)
  readonly #idle: number[] = []
  readonly #poison: boolean
  #last = 0

  /** With `poison`, blocks that were given back are overwritten, so that a reader that keeps a view too long sees nonsense: for tests. */
  constructor(poison: boolean) {
    this.#poison = poison
  }

  /** The number of a block with arbitrary contents and no marks. */
  take(): number {
    const block = this.#idle.pop() ?? ++this.#last
    if (block >> CHUNK_BITS === this.chunks.length) {
      this.chunks.push(new Uint8Array(CHUNK_BLOCKS * BLOCK_MEMORY_BYTES))
      if (block >= this.referenced.length) {
        const { referenced } = this
        this.referenced = new Uint8Array(2 * referenced.length)
        this.referenced.set(referenced)
      }
    }
    return block
  }

  give(block: number): void {
    const start = this.startOf(block)
    if (this.#poison) this.bytesOf(block).fill(POISON, start, start + BLOCK_BYTES)
    this.bytesOf(block).fill(0, start + BLOCK_BYTES, start + BLOCK_MEMORY_BYTES)
    this.#idle.push(block)
  }

  bytesOf(block: number): Uint8Array {
    return this.chunks[block >> CHUNK_BITS]
  }

  startOf(block: number): number {
    return (block & CHUNK_MASK) * BLOCK_MEMORY_BYTES
  }

  /** Whether a value was checked that begins at this byte of the block, or goes on there if that is the first one. */
  isChecked(block: number, at: number): boolean {
    return ((this.bytesOf(block)[this.startOf(block) + BLOCK_BYTES + (at >> 5)] >> ((at >> 2) & 7)) & 1) === 1
  }

  setChecked(block: number, at: number): void {
    this.bytesOf(block)[this.startOf(block) + BLOCK_BYTES + (at >> 5)] |= 1 << ((at >> 2) & 7)
  }
}
