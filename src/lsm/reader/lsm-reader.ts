/**
 * The reading half of an LSM tree, over a version that an LSM engine in another thread shares. Tables stay open from version to version, with
 * their blocks in the cache.
 *
 * Invariant: no file is written or removed. The engine that shares a version keeps its tables until the version is released.
 */
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
import { countTouched, Ledger, newReadCounts, type ReadCounts } from '../../trace/ledger.js'
import type { Scheduler } from '../../vfs/environment.js'
import { checkTree } from '../check.js'
import { CodeLoader } from '../code-loader.js'
import type { LsmOptions } from '../options.js'
import { approximateBytes, liveBytesEstimate, shapeOf } from '../shape.js'
import * as tableCode from '../table-code.js'
import { TableSet } from '../versions/table-set.js'
import { Version } from '../versions/version.js'
import { Lookup } from '../read/lookup.js'
import { LsmCursor, withValues } from '../read/lsm-cursor.js'
import { ReadState } from '../read/read-state.js'
import { receivedMemtable, type LsmVersionDescription } from './shared-version.js'

/** A version as reads look at it. */
interface Moment {
  readonly state: ReadState
  readonly sequence: number
}

type Received = ReceivedVersion<Moment>

const CODE = new CodeLoader(tableCode)

/** No reader but the cursors of this thread asks for a moment. */
const NO_MOMENTS: readonly number[] = []

export async function openLsmReader(context: ReaderContext, version: SharedVersion): Promise<ReaderEngine> {
  return new LsmReader(context, await loadHash32(), version)
}

class LsmReader implements ReaderEngine {
  readonly name = 'lsm'
  readonly #scheduler: Scheduler
  readonly #hash32: Hash32
  readonly #clock: ExpiryClock
  readonly #ledger = new Ledger()
  readonly #tables: TableSet
  readonly #versions: ReceivedVersions<Moment>
  readonly #lookup: Lookup
  /** What the lookup under way looks at. */
  readonly #looked: { state: ReadState }
  /** What the get under way has touched. */
  readonly #touched = newReadCounts()
  /** Reads of checks. */
  readonly #checked = newReadCounts()
  readonly #view = new ByteView()
  #latest: Version

  constructor({ environment, directory, options }: ReaderContext, hash32: Hash32, version: SharedVersion) {
    const { fileSystem, deflate, zstd, scheduler } = environment
    const { cacheSize, maxOpenFiles } = options as unknown as LsmOptions
    const ledger = this.#ledger
    const counters = this.#touched
    this.#scheduler = scheduler
    this.#hash32 = hash32
    this.#clock = new ExpiryClock(environment.clock)
    this.#tables = new TableSet({
      fileSystem,
      directory,
      hash32,
      loader: CODE,
      cacheBytes: cacheSize,
      counters,
      deflate,
      zstd,
      maxOpenFiles,
      ledger,
      trace: null,
      keepsFiles: true,
    })
    this.#versions = new ReceivedVersions(({ state }) => state.release())
    this.#latest = new Version()
    this.advance(version)
    this.#looked = { state: this.#versions.present.state.state }
    this.#lookup = new Lookup(
      { versions: this.#looked, tables: this.#tables, loader: CODE, hash32, expiryClock: this.#clock, touched: counters },
      null,
    )
  }

  advance(version: SharedVersion): void {
    const { sequence, tables, blobs, memtables } = version.description as LsmVersionDescription
    // A table that is in both versions stays open.
    const known = this.#latest.blobs
    const deleted = [...this.#latest.files()].map(file => file.meta.number)
    this.#latest = this.#latest.apply({ deleted, added: tables, blobs: blobs.filter(({ number }) => !known.has(number)) })
    const [memtable, ...immutable] = memtables.map(receivedMemtable)
    const state = ReadState.of(memtable, immutable, this.#latest, this.#tables, NO_MOMENTS)
    this.#ledger.resize([...tables, ...blobs].reduce((sum, { fileBytes }) => sum + fileBytes, 0) - this.#ledger.fileBytes)
    this.#versions.advance({ state, sequence }, version)
  }

  get(key: Uint8Array, snapshot?: EngineSnapshot): Uint8Array | undefined {
    const view = this.#view
    return this.getView(key, view, snapshot) ? view.copy() : undefined
  }

  getView(key: Uint8Array, out: ByteView, snapshot?: EngineSnapshot): boolean {
    const { state, sequence } = this.#versions.resolve(snapshot).state
    this.#looked.state = state
    const found = this.#lookup.find(key, sequence, out, snapshot && this.#versions.timeOf(snapshot, this.#clock))
    const counts = found ? this.#ledger.found : this.#ledger.missing
    counts.operations++
    countTouched(this.#touched, counts)
    return found
  }

  expiresAt(key: Uint8Array, snapshot?: EngineSnapshot): number | undefined {
    return this.getView(key, this.#view, snapshot) ? this.#lookup.expiry : undefined
  }

  cursor(range: KeyRange, snapshot?: EngineSnapshot): Cursor {
    const version = this.#versions.resolve(snapshot)
    const time = this.#versions.timeOf(snapshot, this.#clock)
    const entries = new ReaderCursor(version, time, this.#tables, halfOpen(range), this.#ledger.scan)
    return withValues(entries, version.state.state, this.#tables, this.#ledger.scan)
  }

  snapshot(): EngineSnapshot {
    return this.#versions.snapshot(this.#clock.now())
  }

  approximateSize(range: KeyRange): number {
    return approximateBytes(this.#versions.present.state.state, this.#tables, halfOpen(range))
  }

  async close(): Promise<void> {
    this.#versions.close()
    await this.#tables.closeAll()
  }

  stats(): EngineStats {
    const ledger = this.#ledger
    const cache = this.#tables.cacheCounts
    const { memtable, immutable, version } = this.#versions.present.state.state
    const memtables = [memtable, ...immutable]
    ledger.read.get = ledger.found.bytesFromDisk + ledger.missing.bytesFromDisk
    ledger.read.scan = ledger.scan.bytesFromDisk + this.#checked.bytesFromDisk
    return {
      engine: this.name,
      ledger: ledger.counts(liveBytesEstimate(version, memtables)),
      memoryBytes: memtables.reduce((sum, { list }) => sum + list.bytesUsed, 0) + cache.usedBytes + this.#tables.residentBytes,
      cache,
      pending: { memoryBytes: 0, jobs: 0 },
      stalls: { count: 0, totalMs: 0 },
    }
  }

  shape(): EngineShape {
    const { state, sequence } = this.#versions.present.state
    return { ...shapeOf(state), sequence }
  }

  async *check(): AsyncGenerator<Violation> {
    const version = this.#versions.present.hold()
    const { state, sequence } = version.state
    try {
      yield* checkTree({
        state,
        newest: () => sequence,
        tables: this.#tables,
        hash32: this.#hash32,
        counters: this.#checked,
        bookGet: () => countTouched(this.#touched, this.#checked),
        scheduler: this.#scheduler,
      })
    } finally {
      version.release()
    }
  }
}

/** Holds its version until it is closed. */
class ReaderCursor extends LsmCursor {
  #version: Received | undefined

  constructor(version: Received, time: number, tables: TableSet, range: HalfOpenRange, counts: ReadCounts) {
    const { state, sequence } = version.state
    super(state, tables, range, { sequence, time }, counts, () => NO_MOMENTS)
    this.#version = version.hold()
  }

  override close(): void {
    super.close()
    this.#version?.release()
    this.#version = undefined
  }
}
