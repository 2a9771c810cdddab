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
  ) {
    this.#versions = versions
    this.#tables = tables
    this.#hash32 = hash32
    this.#clock = expiryClock
    this.#probes = step === null ? null : new GetTrace(step, touched)
  }

  /**
   * Points `out` at the value that the key has as of `sequence`; false if it has none, or if that has expired at `time`, in milliseconds since the
   * Unix epoch, by default now.
   */
  find(key: Uint8Array, sequence: number, out: ByteView, time?: number): boolean {
    this.expiry = undefined
    const probes = this.#probes
    const { memtable, immutable, version, tombstones } = this.#versions.state
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
    const { levels } = version
    if (levels.length === 0) return false
    const hash = keyHash(this.#hash32, key)
    const hit = this.#hit
    for (let level = 0; level < levels.length; level++) {
      const runs = levels[level]
      for (let run = 0; run < runs.length; run++) {
        const file = tableFor(runs[run], key)
        if (file === undefined) {
          if (probes !== null) probes.skipped(level, runs[run])
          continue
        }
        if (probes !== null) probes.asks()
        if (!this.#tables.open(file).get(key, hash, sequence, hit)) {
          if (probes !== null) probes.missed(level, file)
          continue
        }
        const isPut = hit.kind === KIND_PUT || hit.kind === KIND_PUT_EXPIRING
        const isCovered = isPut && tombstones !== undefined && tombstones.newestOver(key, 0, key.length, sequence) > hit.sequence
        const { bytes, start, end } = hit.value
        out.set(bytes, start, end)
        const isLive = isPut && !isCovered && (hit.kind === KIND_PUT || this.#isInTime(out, time))
        if (probes !== null) probes.found(level, file, isLive ? 'hit' : isCovered ? 'covered' : isPut ? 'expired' : 'tombstone')
        return isLive
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
