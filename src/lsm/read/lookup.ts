/**
 * Finding one key: the memtable, the immutable ones, then each level's runs, from newest to oldest; the first version met is the newest that the
 * reader may see.
 */
import type { Hash32 } from '../../codec/checksum.js'
import { KIND_PUT, KIND_PUT_EXPIRING, type ByteView, type EntryKind } from '../../codec/entry.js'
import { readExpiry, takeExpiry } from '../../codec/expiry.js'
import type { ExpiryClock } from '../../engine/expiry-clock.js'
import type { ProbeOutcome } from '../../trace/events.js'
import type { ReadCounts } from '../../trace/ledger.js'
import type { Tracer } from '../../trace/span.js'
import type { CodeLoader } from '../code-loader.js'
import { GetTrace, IN_MEMTABLE } from './get-trace.js'
import type { Memtable } from '../memtable/memtable.js'
import type { ReadState } from './read-state.js'
import type { TableLookup } from './table-lookup.js'
import type { TableSet } from '../versions/table-set.js'

export class Lookup {
  /** Gives the state that a read looks at. */
  readonly #versions: { readonly state: ReadState }
  readonly #tables: TableSet
  readonly #hash32: Hash32
  readonly #clock: ExpiryClock
  /** Null below level step. */
  readonly #probes: GetTrace | null
  readonly #loader: CodeLoader
  readonly #touched: ReadCounts
  readonly #looksAhead: boolean
  /** From the first look into tables on. */
  #inTables: TableLookup | undefined
  /** When the value that `find` found last expires. */
  expiry: number | undefined
  /** Kind and sequence number of the entry that `#findIn` met last. */
  #kind: EntryKind = KIND_PUT
  #sequence = 0

  constructor(
    {
      versions,
      tables,
      loader,
      hash32,
      expiryClock,
      touched,
    }: {
      readonly versions: { readonly state: ReadState }
      readonly tables: TableSet
      readonly loader: CodeLoader
      readonly hash32: Hash32
      readonly expiryClock: ExpiryClock
      readonly touched: ReadCounts
    },
    step: Tracer | null,
    looksAhead = false,
  ) {
    this.#versions = versions
    this.#tables = tables
    this.#hash32 = hash32
    this.#clock = expiryClock
    this.#loader = loader
    this.#looksAhead = looksAhead
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
    const inTables = this.#tableLookup
    if (!inTables.find(key, sequence, out, time)) return false
    this.expiry = inTables.expiry
    return true
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
    const inTables = this.#versions.state.version.levels.length === 0 ? undefined : this.#tableLookup
    const known = inTables === undefined ? 0 : inTables.look(keys, count, sequence)
    try {
      for (let i = 0; i < count; i++) {
        const key = keys[i]
        const isInTables = i < known && !inTables!.isInMemtables(i)
        if (each(isInTables ? this.#findAhead(inTables!, i, key, sequence, out, time) : this.find(key, sequence, out, time))) return i + 1
      }
      return count
    } finally {
      inTables?.clear()
    }
  }

  #findAhead(inTables: TableLookup, i: number, key: Uint8Array, sequence: number, out: ByteView, time: number | undefined): boolean {
    this.expiry = undefined
    if (!inTables.findAhead(i, key, sequence, out, time)) return false
    this.expiry = inTables.expiry
    return true
  }

  get #tableLookup(): TableLookup {
    return (this.#inTables ??= this.#newTableLookup())
  }

  #newTableLookup(): TableLookup {
    const { TableLookup } = this.#loader.code
    return new TableLookup({
      versions: this.#versions,
      tables: this.#tables,
      hash32: this.#hash32,
      clock: this.#clock,
      touched: this.#touched,
      probes: this.#probes,
      looksAhead: this.#looksAhead,
    })
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

  /** Whether a value with an expiry is shown; takes the expiry off it. */
  #isInTime(out: ByteView, time = this.#clock.now()): boolean {
    this.expiry = takeExpiry(out, time)
    return this.expiry !== undefined
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
