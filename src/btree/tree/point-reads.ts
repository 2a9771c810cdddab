import type { ByteView } from '../../codec/entry.js'
import { readExpiry } from '../../codec/expiry.js'
import type { ExpiryClock } from '../../engine/expiry-clock.js'
import { newReadCounts, type Ledger, type ReadCounts } from '../../trace/ledger.js'
import type { Trace } from '../../trace/span.js'
import type { Page } from '../pages/page.js'
import type { PageStore } from '../pages/page-store.js'
import { LeavesAhead } from './leaves-ahead.js'
import type { Tree } from './tree.js'

/** Gets of single keys, counted in the ledger by what they have found and touched. */
export class PointReads {
  readonly #store: PageStore
  readonly #ledger: Ledger
  readonly #inner: ReadCounts
  readonly #clock: ExpiryClock
  readonly #touched = newReadCounts()
  readonly #ahead = new LeavesAhead()
  /** Misses of the cache when the last look-up of several keys began. */
  #misses = -1
  /** Records what each read has touched; null below level io. */
  readonly #trace: Trace | null

  /** @param inner counts what the store reads outside of a get */
  constructor(
    parts: { readonly store: PageStore; readonly ledger: Ledger; readonly inner: ReadCounts; readonly expiryClock: ExpiryClock },
    trace: Trace | null,
  ) {
    this.#store = parts.store
    this.#ledger = parts.ledger
    this.#inner = parts.inner
    this.#clock = parts.expiryClock
    this.#trace = trace
  }

  /**
   * Points `out` at the value of a key under a root of the tree; false if it has none, or if that has expired at `time`, in milliseconds
   * since the Unix epoch. Without a time, that of the clock counts.
   */
  find(tree: Tree, root: Page, key: Uint8Array, out: ByteView, time?: number): boolean {
    const store = this.#store
    const touched = this.#touched
    store.counts = touched
    try {
      let found = tree.find(root, key, 0, key.length, out)
      if (found && tree.found.expires) found = expiryOf(tree, out) > (time ?? this.#clock.now())
      const counts = found ? this.#ledger.found : this.#ledger.missing
      counts.operations++
      this.#trace?.currentSpan?.touch({ ...touched, operations: 1 })
      counts.blocksFromCache += touched.blocksFromCache
      if (touched.blocksFromDisk > 0) {
        counts.blocksFromDisk += touched.blocksFromDisk
        counts.bytesFromDisk += touched.bytesFromDisk
        touched.blocksFromDisk = touched.bytesFromDisk = 0
      }
      return found
    } finally {
      touched.blocksFromCache = 0
      store.counts = this.#inner
    }
  }

  /**
   * `find` of several keys in their order, until `each` returns true. Returns how many were looked up. Waits for memory are most of what a look-up
   * takes. So whatever leads to the entries is read for all keys before the next step, as far as it is in memory: then the waits overlap.
   */
  findMany(
    tree: Tree,
    root: Page,
    keys: readonly Uint8Array[],
    count: number,
    out: ByteView,
    each: (found: boolean) => boolean,
    time?: number,
  ): number {
    const store = this.#store
    const { misses } = store.cache
    // A key that is read from the file may move out what others would find, and such keys have more to wait for.
    const isResident = misses === this.#misses && this.#trace === null && store.trace === null
    this.#misses = misses
    const ahead = isResident ? this.#ahead.look(store, root, keys, count) : 0
    try {
      for (let i = 0; i < count; i++) {
        const found = i < ahead ? this.#findAhead(tree, root, i, keys[i], out, time) : this.find(tree, root, keys[i], out, time)
        if (each(found)) return i + 1
      }
      return count
    } finally {
      this.#ahead.clear()
    }
  }

  #findAhead(tree: Tree, root: Page, i: number, key: Uint8Array, out: ByteView, time: number | undefined): boolean {
    const ledger = this.#ledger
    const store = this.#store
    const block = this.#ahead.blocks[i]!
    const index = block.count === 0 ? -1 : block.findNear(this.#ahead.indexes[i], key, 0, key.length)
    let isThere = index >= 0
    if (isThere) {
      const { found } = tree
      block.readCell(index, found)
      out.set(block.bytes, found.valueStart, found.payloadEnd)
      if (found.expires) isThere = expiryOf(tree, out) > (time ?? this.#clock.now())
    }
    const counts = isThere ? ledger.found : ledger.missing
    counts.operations++
    counts.blocksFromCache += root.level + 1
    store.cache.hits += root.level + 1
    return isThere
  }

  /** When the value of a key expires; `undefined` if it does not, or if `find` finds none. */
  expiresAt(tree: Tree, root: Page, key: Uint8Array, out: ByteView, time?: number): number | undefined {
    return this.find(tree, root, key, out, time) && tree.found.expires ? expiryOf(tree, out) : undefined
  }
}

/** The expiry of the entry that the tree has found last, whose value `out` points at. */
function expiryOf({ found }: Tree, { bytes }: ByteView): number {
  return readExpiry(bytes, found.payloadStart)
}
