/**
 * Finding one key: the memtable, the immutable ones, then each level's runs, from newest to oldest; the first version met is the newest that the
 * reader may see.
 */
import type { Hash32 } from '../../codec/checksum.js'
import { KIND_PUT, type ByteView, type EntryKind } from '../../codec/entry.js'
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
  /** Null below level step. */
  readonly #probes: GetTrace | null
  readonly #hit = new TableHit()
  /** Sequence number of the entry that `#findIn` met last. */
  #kind: EntryKind = KIND_PUT
  #sequence = 0

  constructor(
    {
      versions,
      tables,
      hash32,
      touched,
    }: {
      readonly versions: { readonly state: ReadState }
      readonly tables: TableSet
      readonly hash32: Hash32
      readonly touched: ReadCounts
    },
    step: Tracer | null,
  ) {
    this.#versions = versions
    this.#tables = tables
    this.#hash32 = hash32
    this.#probes = step === null ? null : new GetTrace(step, touched)
  }

  /** Points `out` at the value that the key has as of `sequence`; false if it has none. */
  find(key: Uint8Array, sequence: number, out: ByteView): boolean {
    const probes = this.#probes
    const { memtable, immutable, version, tombstones } = this.#versions.state
    let isThere = this.#findIn(memtable, key, sequence, out)
    if (probes !== null) probes.searched(IN_MEMTABLE, memtable.list, key, sequence, this.#outcome(isThere, key, sequence))
    if (isThere) return this.#isLive(key, sequence)
    for (let index = 0; index < immutable.length; index++) {
      isThere = this.#findIn(immutable[index], key, sequence, out)
      if (probes !== null) {
        probes.searched({ in: 'frozen', index }, immutable[index].list, key, sequence, this.#outcome(isThere, key, sequence))
      }
      if (isThere) return this.#isLive(key, sequence)
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
        const isPut = hit.kind === KIND_PUT
        const isCovered = isPut && tombstones !== undefined && tombstones.newestOver(key, 0, key.length, sequence) > hit.sequence
        if (probes !== null) probes.found(level, file, isCovered ? 'covered' : isPut ? 'hit' : 'tombstone')
        if (!isPut || isCovered) return false
        out.set(hit.value.bytes, hit.value.start, hit.value.end)
        return true
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
    if (this.#kind !== KIND_PUT) return false
    const { tombstones } = this.#versions.state
    return tombstones === undefined || tombstones.newestOver(key, 0, key.length, sequence) <= this.#sequence
  }

  /** What a search of a memtable met. */
  #outcome(isThere: boolean, key: Uint8Array, sequence: number): ProbeOutcome {
    if (!isThere) return 'miss'
    if (this.#kind !== KIND_PUT) return 'tombstone'
    return this.#isLive(key, sequence) ? 'hit' : 'covered'
  }
}
