/**
 * Where the versions of several keys most likely are, looked up step by step for all of them. Loads of memory that depend on each other wait
 * for each other, at 100 ns or more each; those of different keys do not, as long as the processor gets to them. So each loop here does little.
 *
 * Invariant: counts nothing, opens no table and reads no file. What is found here is where a look-up goes on, and no answer.
 */
import type { CacheEntry } from '../../cache/eviction-policy.js'
import { NO_PLACE, type SlabList } from '../../cache/slab-list.js'
import type { Hash32 } from '../../codec/checksum.js'
import type { SortedBlock } from '../../codec/sorted-block.js'
import { keyHash } from '../../sstable/bloom-filter.js'
import type { Table } from '../../sstable/table.js'
import { tableFor } from '../versions/run-bounds.js'
import type { Run } from '../versions/version.js'
import type { ReadState } from './read-state.js'

const LINE_BYTES = 64
/** Keys that are looked up together. */
const MOST_KEYS = 32
/** The state of a key that no table may hold, and of one that a memtable holds. Others are numbers of levels. */
export const NOWHERE = -1
export const IN_MEMTABLES = -2

export class TablesAhead {
  /** The newest table that may hold the key, as its filter says, and where that is: `NOWHERE`, `IN_MEMTABLES`, or a level and a run. */
  readonly tables = new Array<Table | undefined>(MOST_KEYS).fill(undefined)
  readonly levels = new Int32Array(MOST_KEYS)
  readonly runs = new Int32Array(MOST_KEYS)
  /** Filters that were asked, and said no before the one of `tables`. */
  readonly negatives = new Int32Array(MOST_KEYS)
  readonly hashes = new Int32Array(MOST_KEYS)
  /** The block where the key is in `tables`, and the entry where it most likely is. */
  readonly ordinals = new Int32Array(MOST_KEYS)
  readonly entries = new Int32Array(MOST_KEYS)
  readonly #blocks = new Array<SortedBlock | undefined>(MOST_KEYS).fill(undefined)
  readonly #cached = new Array<CacheEntry | undefined>(MOST_KEYS).fill(undefined)
  readonly #places = new Int32Array(MOST_KEYS)
  /** Keys that no table was found for yet. */
  readonly #open = new Int32Array(MOST_KEYS)
  readonly #hash32: Hash32
  readonly #slabs: SlabList

  constructor(hash32: Hash32, slabs: SlabList) {
    this.#hash32 = hash32
    this.#slabs = slabs
  }

  /** Returns for how many keys, from the first one on, this is known. */
  look({ memtable, immutable, version }: ReadState, keys: readonly Uint8Array[], count: number, sequence: number): number {
    count = Math.min(count, MOST_KEYS)
    let open = 0
    for (let i = 0; i < count; i++) {
      const key = keys[i]
      let isInMemory = memtable.list.find(key, 0, key.length, sequence) !== 0
      for (let at = 0; at < immutable.length && !isInMemory; at++) isInMemory = immutable[at].list.find(key, 0, key.length, sequence) !== 0
      this.levels[i] = isInMemory ? IN_MEMTABLES : NOWHERE
      this.negatives[i] = 0
      if (!isInMemory) this.#open[open++] = i
    }
    for (let at = 0; at < open; at++) this.hashes[this.#open[at]] = keyHash(this.#hash32, keys[this.#open[at]])
    let ahead = count
    const { levels } = version
    for (let level = 0; level < levels.length && open > 0; level++) {
      const runs = levels[level]
      for (let run = 0; run < runs.length && open > 0; run++) {
        ahead = this.#findTables(runs[run], keys, open, ahead)
        open = this.#askFilters(level, run, open)
      }
    }
    this.#findBlocks(keys, ahead)
    this.#findEntries(keys, ahead)
    return ahead
  }

  clear(): void {
    this.tables.fill(undefined)
    this.#blocks.fill(undefined)
    this.#cached.fill(undefined)
  }

  /** Ends before the first key for which a table has to be opened. */
  #findTables(run: Run, keys: readonly Uint8Array[], open: number, ahead: number): number {
    const { tables } = this
    for (let at = 0; at < open; at++) {
      const i = this.#open[at]
      const file = tableFor(run, keys[i])
      const table = file?.resource.table
      tables[i] = table
      if (table === undefined && file !== undefined && i < ahead) ahead = i
    }
    return ahead
  }

  /** Returns how many keys are left to look for. */
  #askFilters(level: number, run: number, open: number): number {
    const { tables, hashes, levels, runs, negatives } = this
    const places = this.#open
    let left = 0
    for (let at = 0; at < open; at++) {
      const i = places[at]
      const table = tables[i]
      if (table?.mayContain(hashes[i]) === true) {
        levels[i] = level
        runs[i] = run
        continue
      }
      if (table !== undefined) negatives[i]++
      places[left++] = i
    }
    return left
  }

  #findBlocks(keys: readonly Uint8Array[], ahead: number): void {
    const { tables, levels, ordinals } = this
    const blocks = this.#blocks
    const cached = this.#cached
    const places = this.#places
    for (let i = 0; i < ahead; i++) {
      if (levels[i] >= 0) ordinals[i] = tables[i]!.source.index.lowerBound(keys[i], 0, keys[i].length)
    }
    for (let i = 0; i < ahead; i++) {
      const source = levels[i] < 0 ? undefined : tables[i]!.source
      const ordinal = ordinals[i]
      const isThere = source !== undefined && ordinal < source.index.count
      places[i] = isThere ? source.places[ordinal] : NO_PLACE
      blocks[i] = isThere ? source.contents[ordinal] : undefined
      cached[i] = isThere ? source.blocks[ordinal] : undefined
    }
    this.#slabs.touchAll(places, ahead)
  }

  #findEntries(keys: readonly Uint8Array[], ahead: number): void {
    const { entries } = this
    const blocks = this.#blocks
    const cached = this.#cached
    const places = this.#places
    for (let i = 0; i < ahead; i++) {
      const block = blocks[i]
      places[i] = block === undefined ? 0 : block.count
      const entry = cached[i]
      if (entry !== undefined && !entry.referenced) entry.referenced = true
    }
    for (let i = 0; i < ahead; i++) {
      const block = blocks[i]
      const entry = places[i] === 0 ? -1 : block!.byHead(keys[i], 0, keys[i].length)
      entries[i] = entry
      if (entry >= 0) places[i] = block!.cellStart(entry)
    }
    this.#slabs.touched ^= this.#touchEntries(ahead)
  }

  /** Returns what it read, to be used, since a compiler leaves out a read without a use. */
  #touchEntries(ahead: number): number {
    const { entries } = this
    const blocks = this.#blocks
    const places = this.#places
    let touched = 0
    for (let i = 0; i < ahead; i++) {
      if (entries[i] < 0) continue
      const { bytes } = blocks[i]!
      const at = places[i]
      touched ^= bytes[at]
      if (at + LINE_BYTES < bytes.length) touched ^= bytes[at + LINE_BYTES]
    }
    return touched
  }
}
