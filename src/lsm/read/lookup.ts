/**
 * Finding one key: the memtable, the immutable ones, then each level's runs, from newest to oldest; the first version met is the newest that the
 * reader may see.
 */
import type { Hash32 } from '../../codec/checksum.js'
import { KIND_PUT, KIND_PUT_EXPIRING, type ByteView, type EntryKind } from '../../codec/entry.js'
import { EXPIRY_BYTES, readExpiry } from '../../codec/expiry.js'
import type { ExpiryClock } from '../../engine/expiry-clock.js'
import { keyHash } from '../../sstable/bloom-filter.js'
import { TableHit } from '../../sstable/table.js'
import type { ProbeOutcome } from '../../trace/events.js'
import type { ReadCounts } from '../../trace/ledger.js'
import type { Tracer } from '../../trace/span.js'
import { GetTrace, IN_MEMTABLE } from './get-trace.js'
import type { Memtable } from '../memtable/memtable.js'
import type { ReadState } from './read-state.js'
import { IN_MEMTABLES, NOWHERE, type TablesAhead } from './tables-ahead.js'
import type { TableSet } from '../versions/table-set.js'
import { tableFor } from '../versions/version.js'

export class Lookup {
  /** Gives the state that a read looks at. */
  readonly #versions: { readonly state: ReadState }
  readonly #tables: TableSet
  readonly #hash32: Hash32
  readonly #clock: ExpiryClock
  /** Null below level step. */
  readonly #probes: GetTrace | null
  /** Null where keys are looked up one after the other. */
  readonly #ahead: TablesAhead | null
  readonly #touched: ReadCounts
  readonly #hit = new TableHit()
  /** When the value that `find` found last expires. */
  expiry: number | undefined
  /** Kind and sequence number of the entry that `#findIn` met last. */
  #kind: EntryKind = KIND_PUT
  #sequence = 0

  constructor(
    {
      versions,
      tables,
      hash32,
      expiryClock,
      touched,
    }: {
      readonly versions: { readonly state: ReadState }
      readonly tables: TableSet
      readonly hash32: Hash32
      readonly expiryClock: ExpiryClock
      readonly touched: ReadCounts
    },
    step: Tracer | null,
    ahead: TablesAhead | null = null,
  ) {
    this.#versions = versions
    this.#tables = tables
    this.#hash32 = hash32
    this.#clock = expiryClock
    this.#ahead = ahead
    this.#touched = touched
    this.#probes = step === null ? null : new GetTrace(step, touched)
  }

  /**
   * Points `out` at the value that the key has as of `sequence`; false if it has none, or if that has expired at `time`, in milliseconds since the
   * Unix epoch, by default now.
   */
  find(key: Uint8Array, sequence: number, out: ByteView, time?: number): boolean {
    this.expiry = undefined
    const probes = this.#probes
    const { memtable, immutable, version } = this.#versions.state
    let isThere = this.#findIn(memtable, key, sequence, out)
    if (probes !== null) probes.searched(IN_MEMTABLE, memtable.list, key, sequence, this.#outcome(isThere, key, sequence, out, time))
    if (isThere) return this.#isLive(key, sequence) && (this.#kind === KIND_PUT || this.#isInTime(out, time))
    for (let index = 0; index < immutable.length; index++) {
      isThere = this.#findIn(immutable[index], key, sequence, out)
      if (probes !== null) {
        probes.searched({ in: 'frozen', index }, immutable[index].list, key, sequence, this.#outcome(isThere, key, sequence, out, time))
      }
      if (isThere) return this.#isLive(key, sequence) && (this.#kind === KIND_PUT || this.#isInTime(out, time))
    }
    if (version.levels.length === 0) return false
    return this.#findInTables(0, 0, key, keyHash(this.#hash32, key), sequence, out, time)
  }

  /**
   * `find` of several keys in their order, until `each` returns true. Returns how many were looked up. Waits for memory are most of what a look-up
   * takes. So whatever leads to the versions is read for all keys before the next step, as far as it is in memory: then the waits overlap.
   */
  findMany(
    keys: readonly Uint8Array[],
    count: number,
    sequence: number,
    out: ByteView,
    each: (found: boolean) => boolean,
    time?: number,
  ): number {
    const ahead = this.#ahead
    const known = ahead === null ? 0 : ahead.look(this.#versions.state, keys, count, sequence)
    try {
      for (let i = 0; i < count; i++) {
        const found = i < known ? this.#findAhead(ahead!, i, keys[i], sequence, out, time) : this.find(keys[i], sequence, out, time)
        if (each(found)) return i + 1
      }
      return count
    } finally {
      ahead?.clear()
    }
  }

  #findAhead(ahead: TablesAhead, i: number, key: Uint8Array, sequence: number, out: ByteView, time: number | undefined): boolean {
    const level = ahead.levels[i]
    if (level === IN_MEMTABLES) return this.find(key, sequence, out, time)
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
    return this.#findInTables(level, ahead.runs[i] + 1, key, ahead.hashes[i], sequence, out, time)
  }

  /** `find` in the tables from a level and a run in it on. */
  #findInTables(
    level: number,
    run: number,
    key: Uint8Array,
    hash: number,
    sequence: number,
    out: ByteView,
    time: number | undefined,
  ): boolean {
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

  #findIn({ list }: Memtable, key: Uint8Array, sequence: number, out: ByteView): boolean {
    const node = list.find(key, 0, key.length, sequence)
    if (node === 0) return false
    this.#kind = list.kindAt(node)
    this.#sequence = list.sequenceAt(node)
    list.setValueView(node, out)
    return true
  }

  /** Whether the version that `#findIn` met is a value that no range tombstone deletes. */
  #isLive(key: Uint8Array, sequence: number): boolean {
    if (this.#kind !== KIND_PUT && this.#kind !== KIND_PUT_EXPIRING) return false
    const { tombstones } = this.#versions.state
    return tombstones === undefined || tombstones.newestOver(key, 0, key.length, sequence) <= this.#sequence
  }

  /** Whether the version in `#hit` is a value that a reader sees. Points `out` at it. */
  #isShown(key: Uint8Array, sequence: number, out: ByteView, time: number | undefined): boolean {
    const { kind, value } = this.#hit
    out.set(value.bytes, value.start, value.end)
    if (kind === KIND_PUT) return this.#versions.state.tombstones === undefined || !this.#isCovered(key, sequence)
    return kind === KIND_PUT_EXPIRING && !this.#isCovered(key, sequence) && this.#isInTime(out, time)
  }

  /** Whether a range tombstone deletes the version in `#hit`. */
  #isCovered(key: Uint8Array, sequence: number): boolean {
    const { tombstones } = this.#versions.state
    return tombstones !== undefined && tombstones.newestOver(key, 0, key.length, sequence) > this.#hit.sequence
  }

  /** Why the version in `#hit` is not shown. */
  #hiddenBy(key: Uint8Array, sequence: number): ProbeOutcome {
    const { kind } = this.#hit
    if (kind !== KIND_PUT && kind !== KIND_PUT_EXPIRING) return 'tombstone'
    return this.#isCovered(key, sequence) ? 'covered' : 'expired'
  }

  /** Whether a value with an expiry is shown; takes the expiry off it. */
  #isInTime(out: ByteView, time = this.#clock.now()): boolean {
    const expiry = readExpiry(out.bytes, out.start)
    if (expiry <= time) return false
    out.start += EXPIRY_BYTES
    this.expiry = expiry
    return true
  }

  /** What a search of a memtable met. */
  #outcome(isThere: boolean, key: Uint8Array, sequence: number, { bytes, start }: ByteView, time?: number): ProbeOutcome {
    if (!isThere) return 'miss'
    const hasExpiry = this.#kind === KIND_PUT_EXPIRING
    if (this.#kind !== KIND_PUT && !hasExpiry) return 'tombstone'
    if (!this.#isLive(key, sequence)) return 'covered'
    return hasExpiry && readExpiry(bytes, start) <= (time ?? this.#clock.now()) ? 'expired' : 'hit'
  }
}
