import { CacheEntry } from '../cache/eviction-policy.js'
import { NO_PLACE } from '../cache/slab-list.js'
import type { SlabFrame, SlabPool } from '../cache/slab-pool.js'
import type { SortedBlock } from '../codec/sorted-block.js'

/** Approximate memory of the objects around a cached block. */
const OVERHEAD_BYTES = 256

/** The cached blocks of an open table, by number, and where their memory is. */
export interface BlockTable {
  readonly blocks: (CachedBlock | undefined)[]
  /** The `block` of each of them: a get needs it first, and reads it beside the entry of the cache instead of behind it. */
  readonly contents: (SortedBlock | undefined)[]
  /** Places in the pool's list of slabs. */
  readonly places: Int32Array
}

/**
 * A data block in the cache, and the pins of the cursors that stand on it.
 *
 * Invariants:
 * 1. While it is in its table's list it is in the cache, and the other way round.
 * 2. Its frame goes back to the pool only once it has left the cache and nothing is pinned: never under a cursor.
 */
export class CachedBlock extends CacheEntry {
  readonly block: SortedBlock
  readonly bytes: number
  referenced = false
  readonly #fileNumber: number
  readonly #table: BlockTable
  readonly #ordinal: number
  readonly #slabs: SlabPool
  readonly #frame: SlabFrame
  #pins = 0
  #dropped = false

  constructor(block: SortedBlock, fileNumber: number, table: BlockTable, ordinal: number, slabs: SlabPool, frame: SlabFrame) {
    super()
    this.block = block
    this.#fileNumber = fileNumber
    this.bytes = CachedBlock.bytesFor(frame.size)
    this.#table = table
    this.#ordinal = ordinal
    this.#slabs = slabs
    this.#frame = frame
  }

  /** What a block of `bytes` bytes of memory takes of the cache's budget. */
  static bytesFor(bytes: number): number {
    return bytes + OVERHEAD_BYTES
  }

  override get tracedFile(): number {
    return this.#fileNumber
  }

  override get tracedId(): number {
    return this.block.offset
  }

  pin(): void {
    this.#pins++
  }

  unpin(): void {
    if (--this.#pins === 0 && this.#dropped) this.#slabs.give(this.#frame)
  }

  evict(): void {
    this.#table.blocks[this.#ordinal] = this.#table.contents[this.#ordinal] = undefined
    this.#table.places[this.#ordinal] = NO_PLACE
    this.#dropped = true
    if (this.#pins === 0) this.#slabs.give(this.#frame)
  }
}
