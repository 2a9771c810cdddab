/**
 * Finding keys in the tables: each level's runs, from newest to oldest; the first version met is the newest that the reader may see. Memtables are
 * before that, see lookup.ts.
 */
import type { Cache } from '../../cache/cache.js'
import type { Hash32 } from '../../codec/checksum.js'
import { KIND_BLOB, KIND_DELETE, KIND_PUT, KIND_PUT_EXPIRING, type ByteView } from '../../codec/entry.js'
import { readExpiry, takeExpiry } from '../../codec/expiry.js'
import type { ExpiryClock } from '../../engine/expiry-clock.js'
import { keyHash } from '../../sstable/bloom-filter.js'
import { TableHit, type Table } from '../../sstable/table.js'
import type { ProbeOutcome } from '../../trace/events.js'
import type { ReadCounts } from '../../trace/ledger.js'
import type { BlobFiles } from '../blobs/blob-files.js'
import { tableFor } from '../versions/run-bounds.js'
import type { TableFile } from '../versions/table-file.js'
import type { GetTrace } from './get-trace.js'
import type { ReadState } from './read-state.js'
import { IN_MEMTABLES, NOWHERE, TablesAhead } from './tables-ahead.js'

export interface TableLookupOptions {
  /** Gives the state that a read looks at. */
  readonly versions: { readonly state: ReadState }
  readonly tables: { open(file: TableFile): Table; readonly cache: Cache; readonly blobs: BlobFiles }
  readonly hash32: Hash32
  readonly clock: ExpiryClock
  readonly touched: ReadCounts
  /** Null below level step. */
  readonly probes: GetTrace | null
  /** Whether several keys are looked up at once, or one after the other. */
  readonly looksAhead: boolean
}

export class TableLookup {
  readonly #versions: TableLookupOptions['versions']
  readonly #tables: TableLookupOptions['tables']
  readonly #hash32: Hash32
  readonly #clock: ExpiryClock
  readonly #touched: ReadCounts
  readonly #probes: GetTrace | null
  readonly #ahead: TablesAhead | null
  readonly #hit = new TableHit()
  /** When the value that was found last expires. */
  expiry: number | undefined

  constructor({ versions, tables, hash32, clock, touched, probes, looksAhead }: TableLookupOptions) {
    this.#versions = versions
    this.#tables = tables
    this.#hash32 = hash32
    this.#clock = clock
    this.#touched = touched
    this.#probes = probes
    this.#ahead = looksAhead ? new TablesAhead(hash32, tables.cache.slabs.list) : null
  }

  /**
   * Points `out` at the value that the key has as of `sequence`; false if it has none, or if that has expired at `time`, in milliseconds since the
   * Unix epoch, by default now.
   */
  find(key: Uint8Array, sequence: number, out: ByteView, time: number | undefined): boolean {
    this.expiry = undefined
    return this.#findFrom(0, 0, key, keyHash(this.#hash32, key), sequence, out, time)
  }

  /** Looks up to where the keys are in memory. Returns for how many, from the first one on, `findAhead` knows. */
  look(keys: readonly Uint8Array[], count: number, sequence: number): number {
    return this.#ahead === null ? 0 : this.#ahead.look(this.#versions.state, keys, count, sequence)
  }

  /** Whether the key that was looked at as number `i` is in a memtable. */
  isInMemtables(i: number): boolean {
    return this.#ahead!.levels[i] === IN_MEMTABLES
  }

  /** `find` of the key that was looked at as number `i`, which is in no memtable. */
  findAhead(i: number, key: Uint8Array, sequence: number, out: ByteView, time: number | undefined): boolean {
    const ahead = this.#ahead!
    const level = ahead.levels[i]
    this.expiry = undefined
    const touched = this.#touched
    const negatives = ahead.negatives[i]
    touched.filterProbes += negatives
    touched.filterNegatives += negatives
    if (level === NOWHERE) return false
    const table = ahead.tables[i]!
    if (table.hasFilter) touched.filterProbes++
    const hit = this.#hit
    if (table.getFrom(ahead.ordinals[i], ahead.entries[i], key, sequence, hit)) return this.#isShown(key, sequence, out, time)
    return this.#findFrom(level, ahead.runs[i] + 1, key, ahead.hashes[i], sequence, out, time)
  }

  /** Forgets what `look` has found. */
  clear(): void {
    this.#ahead?.clear()
  }

  /** `find` from a level and a run in it on. */
  #findFrom(level: number, run: number, key: Uint8Array, hash: number, sequence: number, out: ByteView, time: number | undefined): boolean {
    const probes = this.#probes
    const { levels } = this.#versions.state.version
    for (; level < levels.length; level++, run = 0) {
      const runs = levels[level]
      for (; run < runs.length; run++) {
        const file = tableFor(runs[run], key)
        if (file === undefined) {
          if (probes !== null) probes.skipped(level, runs[run])
          continue
        }
        if (probes !== null) probes.asks()
        if (!this.#tables.open(file).get(key, hash, sequence, this.#hit)) {
          if (probes !== null) probes.missed(level, file)
          continue
        }
        const isShown = this.#isShown(key, sequence, out, time)
        if (probes !== null) probes.found(level, file, isShown ? 'hit' : this.#hiddenBy(key, sequence))
        return isShown
      }
    }
    return false
  }

  /** Whether the version in `#hit` is a value that a reader sees. Points `out` at it. */
  #isShown(key: Uint8Array, sequence: number, out: ByteView, time: number | undefined): boolean {
    const { kind, value } = this.#hit
    out.set(value.bytes, value.start, value.end)
    if (kind === KIND_PUT) return this.#versions.state.tombstones === undefined || !this.#isCovered(key, sequence)
    if (kind === KIND_BLOB) return !this.#isCovered(key, sequence) && this.#isBlobShown(key, out, time)
    return kind === KIND_PUT_EXPIRING && !this.#isCovered(key, sequence) && this.#isInTime(out, time)
  }

  /** Whether a value in a blob file has not expired. Points `out`, which is at the pointer, at it. */
  #isBlobShown(key: Uint8Array, out: ByteView, time = this.#clock.now()): boolean {
    if (readExpiry(out.bytes, out.start) <= time) return false
    this.expiry = this.#tables.blobs.get(this.#versions.state.version.blobs, key, out, this.#touched)
    return true
  }

  /** Whether a range tombstone deletes the version in `#hit`. */
  #isCovered(key: Uint8Array, sequence: number): boolean {
    const { tombstones } = this.#versions.state
    return tombstones !== undefined && tombstones.newestOver(key, 0, key.length, sequence) > this.#hit.sequence
  }

  /** Why the version in `#hit` is not shown. */
  #hiddenBy(key: Uint8Array, sequence: number): ProbeOutcome {
    const { kind } = this.#hit
    if (kind === KIND_DELETE) return 'tombstone'
    return this.#isCovered(key, sequence) ? 'covered' : 'expired'
  }

  /** Whether a value with an expiry is shown; takes the expiry off it. */
  #isInTime(out: ByteView, time = this.#clock.now()): boolean {
    this.expiry = takeExpiry(out, time)
    return this.expiry !== undefined
  }
}
