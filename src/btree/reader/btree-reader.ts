/**
 * The reading half of a B+tree, over a version that a B+tree in another thread shares: pages come from the data file, through a cache of the
 * reader's own.
 *
 * Invariant: no file is written. The engine that shares a version keeps its pages in the data file until the version is released.
 */
import { Cache } from '../../cache/cache.js'
import { loadHash32, type Hash32 } from '../../codec/checksum.js'
import { ByteView } from '../../codec/entry.js'
import type {
  Cursor,
  EngineShape,
  EngineSnapshot,
  EngineStats,
  KeyRange,
  ReaderContext,
  ReaderEngine,
  SharedVersion,
  Violation,
} from '../../engine/contract.js'
import { ExpiryClock } from '../../engine/expiry-clock.js'
import { halfOpen, type HalfOpenRange } from '../../engine/range.js'
import { ReceivedVersions, type ReceivedVersion } from '../../engine/received-versions.js'
import { Ledger, newReadCounts, type ReadCounts } from '../../trace/ledger.js'
import { joinPath } from '../../vfs/file-system.js'
import { PageCheck } from '../check-pages.js'
import { DATA_FILE } from '../file-names.js'
import type { BtreeOptions } from '../options.js'
import { LiveVersions, type LiveVersion } from '../pages/live-versions.js'
import type { Page } from '../pages/page.js'
import { PageFile } from '../pages/page-file.js'
import { PageStore } from '../pages/page-store.js'
import { treeOnDisk } from '../recovery/recovery.js'
import { approximateBytes, levelShapes } from '../shape.js'
import { PointReads } from '../tree/point-reads.js'
import { TreeCursor } from '../tree/tree-cursor.js'
import type { Tree } from '../tree/tree.js'
import { carryOver } from './carry-over.js'
import type { BtreeVersionDescription } from './shared-tree.js'

/** A version as reads look at it. */
interface Moment {
  readonly tree: Tree
  /** Held as long as the moment is. */
  readonly version: LiveVersion
}

export async function openBtreeReader(context: ReaderContext, version: SharedVersion): Promise<ReaderEngine> {
  return new BtreeReader(context, await loadHash32(), version)
}

class BtreeReader implements ReaderEngine {
  readonly name = 'btree'
  readonly #context: ReaderContext
  readonly #ledger = new Ledger()
  readonly #cache: Cache
  readonly #file: PageFile
  readonly #store: PageStore
  readonly #reads: PointReads
  readonly #clock: ExpiryClock
  /** Reads of neither a get nor a scan. */
  readonly #inner = newReadCounts()
  readonly #live: LiveVersions
  readonly #versions: ReceivedVersions<Moment>
  readonly #view = new ByteView()
  /** The root of the present version. */
  #root: Page | undefined

  constructor(context: ReaderContext, hash32: Hash32, version: SharedVersion) {
    const { environment, directory, options } = context
    const { unitBytes, pageBytes, identity } = version.description as BtreeVersionDescription
    const ledger = this.#ledger
    this.#context = context
    const file = environment.fileSystem.openRead(joinPath(directory, DATA_FILE))
    try {
      this.#file = new PageFile({ file, unitBytes, pageBytes, identity, hash32, ledger })
      this.#cache = new Cache((options as unknown as BtreeOptions).cacheSize)
      this.#store = new PageStore(this.#file, this.#cache, this.#inner)
      this.#clock = new ExpiryClock(environment.clock)
      this.#reads = new PointReads({ store: this.#store, ledger, inner: this.#inner, expiryClock: this.#clock }, null)
      this.#live = new LiveVersions(page => this.#store.discard(page))
      this.#versions = new ReceivedVersions(({ version }) => this.#live.release(version, true))
      this.advance(version)
    } catch (error) {
      file.close()
      throw error
    }
  }

  advance(version: SharedVersion): void {
    const bytesRead = this.#file.bytesRead
    const tree = treeOnDisk(version.description as BtreeVersionDescription, this.#store, this.#live)
    const root = this.#root
    if (root?.block !== undefined) carryOver(this.#store, root, tree.root)
    this.#root = tree.root
    this.#ledger.read.open += this.#file.bytesRead - bytesRead
    this.#file.bytesRead = bytesRead
    this.#versions.advance({ tree, version: this.#live.hold(tree.root, true) }, version)
  }

  get(key: Uint8Array, snapshot?: EngineSnapshot): Uint8Array | undefined {
    const view = this.#view
    return this.getView(key, view, snapshot) ? view.copy() : undefined
  }

  getView(key: Uint8Array, out: ByteView, snapshot?: EngineSnapshot): boolean {
    const { tree } = this.#versions.resolve(snapshot).state
    return this.#reads.find(tree, tree.root, key, out, snapshot && this.#versions.timeOf(snapshot, this.#clock))
  }

  expiresAt(key: Uint8Array, snapshot?: EngineSnapshot): number | undefined {
    const { tree } = this.#versions.resolve(snapshot).state
    return this.#reads.expiresAt(tree, tree.root, key, this.#view, snapshot && this.#versions.timeOf(snapshot, this.#clock))
  }

  cursor(range: KeyRange, snapshot?: EngineSnapshot): Cursor {
    const version = this.#versions.resolve(snapshot)
    const time = this.#versions.timeOf(snapshot, this.#clock)
    return new ReaderCursor(version, this.#store, this.#live, halfOpen(range), this.#ledger.scan, time)
  }

  snapshot(): EngineSnapshot {
    return this.#versions.snapshot(this.#clock.now())
  }

  approximateSize(range: KeyRange): number {
    return approximateBytes({ tree: this.#present.tree, store: this.#store }, halfOpen(range))
  }

  async close(): Promise<void> {
    this.#versions.close()
    this.#file.close()
  }

  stats(): EngineStats {
    const ledger = this.#ledger
    const cache = this.#cache
    const { read, found, missing, scan } = ledger
    read.get = found.bytesFromDisk + missing.bytesFromDisk
    read.scan = scan.bytesFromDisk
    read.compaction = this.#file.bytesRead - read.get - read.scan
    return {
      engine: this.name,
      ledger: ledger.counts(this.#present.tree.root.liveBytes),
      memoryBytes: cache.usedBytes,
      cache: { hits: cache.hits, misses: cache.misses, usedBytes: cache.usedBytes, capacityBytes: cache.capacityBytes },
      pending: { memoryBytes: 0, jobs: 0 },
      stalls: { count: 0, totalMs: 0 },
    }
  }

  shape(): EngineShape {
    const { tree } = this.#present
    const { root, height, levels, sequence } = tree
    const { unitBytes, pageBytes } = this.#store
    return {
      engine: this.name,
      height,
      entries: root.entries,
      liveBytes: root.liveBytes,
      pageBytes,
      tree: levelShapes(height, levels, unitBytes, root.liveBytes),
      sequence,
    }
  }

  async *check(): AsyncGenerator<Violation> {
    const version = this.#versions.present.hold()
    const { scheduler } = this.#context.environment
    try {
      const check = new PageCheck(this.#store, this.#file, () => scheduler.turn())
      await check.walk(version.state.tree.root, 'btree')
      yield* check.violations
    } finally {
      version.release()
    }
  }

  get #present(): Moment {
    return this.#versions.present.state
  }
}

/** Holds its version until it is closed. */
class ReaderCursor extends TreeCursor {
  #received: ReceivedVersion<Moment> | undefined

  constructor(
    received: ReceivedVersion<Moment>,
    store: PageStore,
    live: LiveVersions,
    range: HalfOpenRange,
    counts: ReadCounts,
    time: number,
  ) {
    const { version } = received.state
    live.retain(version, true)
    super(store, live, version, range, counts, time)
    this.#received = received.hold()
  }

  override close(): void {
    super.close()
    this.#received?.release()
    this.#received = undefined
  }
}
