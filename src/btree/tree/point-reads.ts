import type { ByteView } from '../../codec/entry.js'
import { newReadCounts, type Ledger, type ReadCounts } from '../../trace/ledger.js'
import type { Trace } from '../../trace/span.js'
import type { Page } from '../pages/page.js'
import type { PageStore } from '../pages/page-store.js'
import type { Tree } from './tree.js'

/** Gets of single keys, counted in the ledger by what they have found and touched. */
export class PointReads {
  readonly #store: PageStore
  readonly #ledger: Ledger
  readonly #inner: ReadCounts
  readonly #touched = newReadCounts()
  /** Records what each read has touched; null below level io. */
  readonly #trace: Trace | null

  /** @param inner counts what the store reads outside of a get */
  constructor(
    { store, ledger, inner }: { readonly store: PageStore; readonly ledger: Ledger; readonly inner: ReadCounts },
    trace: Trace | null,
  ) {
    this.#store = store
    this.#ledger = ledger
    this.#inner = inner
    this.#trace = trace
  }

  /** Points `out` at the value of a key under a root of the tree; false if it has none. */
  find(tree: Tree, root: Page, key: Uint8Array, out: ByteView): boolean {
    const store = this.#store
    const touched = this.#touched
    store.counts = touched
    try {
      const found = tree.find(root, key, 0, key.length, out)
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
}
