import type { RangeTombstone } from './range-tombstones.js'
import { RangeTombstones } from './range-tombstones.js'
import type { Memtable } from '../memtable/memtable.js'
import type { TableSet } from '../versions/table-set.js'
import type { Version } from '../versions/version.js'

/**
 * Everything a read looks at, at one moment, newest first: the memtable, those that wait for their flush, the tables. Immutable
 * but for the memtable, whose later entries have higher sequence numbers than any reader of this moment asks for. A cursor
 * holds one for as long as it is open.
 */
export class ReadState {
  readonly memtable: Memtable
  /** Newest first. */
  readonly immutable: readonly Memtable[]
  readonly version: Version
  /**
   * The range tombstones of all of them, and stretches in which a cursor has found nothing but dead keys. Those count as range
   * tombstones of the cursor's moment: what was dead then stays dead until a newer entry comes. `undefined` when there are none.
   */
  tombstones: RangeTombstones | undefined
  /** Range tombstones of the tables. */
  readonly tableRanges: readonly RangeTombstone[]
  #holders = 1
  readonly #tables: TableSet

  private constructor(memtable: Memtable, immutable: readonly Memtable[], version: Version, tables: TableSet) {
    this.memtable = memtable
    this.immutable = immutable
    this.version = version
    this.#tables = tables
    this.tableRanges = [...version.files()].filter(file => file.meta.rangeTombstones > 0).flatMap(file => tables.open(file).rangeTombstones)
    memtable.holders++
    for (const table of immutable) table.holders++
    if (version.holders++ === 0) tables.hold(version)
  }

  /** @param moments sequence numbers of the live snapshots, ascending */
  static of(memtable: Memtable, immutable: readonly Memtable[], version: Version, tables: TableSet, moments: readonly number[]): ReadState {
    const state = new ReadState(memtable, immutable, version, tables)
    state.tombstones = RangeTombstones.of([...memtable.ranges, ...immutable.flatMap(table => table.ranges), ...state.tableRanges], moments)
    return state
  }

  /** The same tables behind other memtables, which hold together what these held: what is dead stays so. */
  withMemtables(memtable: Memtable, immutable: readonly Memtable[]): ReadState {
    const state = new ReadState(memtable, immutable, this.version, this.#tables)
    state.tombstones = this.tombstones
    return state
  }

  /**
   * What holds the same in other tables, after a flush or a compaction. What is dead stays so, whether or not its tombstones are
   * still in a file; it is worth knowing as long as there are any tombstones and it takes few fragments.
   */
  withTables(memtable: Memtable, immutable: readonly Memtable[], version: Version, moments: readonly number[]): ReadState {
    const { tombstones } = this
    if (tombstones === undefined || tombstones.fragments > MAX_KEPT_FRAGMENTS || !mayHideSomething([memtable, ...immutable], version)) {
      return ReadState.of(memtable, immutable, version, this.#tables, moments)
    }
    const state = new ReadState(memtable, immutable, version, this.#tables)
    state.tombstones = tombstones
    return state
  }

  /** Takes in the range tombstones that were just added to the memtable. */
  addTombstones(added: readonly RangeTombstone[], moments: readonly number[]): void {
    this.tombstones ??= new RangeTombstones()
    for (const tombstone of added) this.tombstones.add(tombstone, moments)
  }

  /** Notes that at a moment no key from `start` up to `end` was live; `undefined` is the end of all keys. */
  noteDead(start: Uint8Array, end: Uint8Array | undefined, moment: number, moments: readonly number[]): void {
    this.tombstones ??= new RangeTombstones()
    this.tombstones.addSpan(start, end, moment, moments)
  }

  hold(): this {
    this.#holders++
    return this
  }

  release(): void {
    if (--this.#holders > 0) return
    this.memtable.holders--
    for (const table of this.immutable) table.holders--
    if (--this.version.holders === 0) this.#tables.release(this.version)
  }
}

/** Beyond this number, those that are in no file any more are not worth their memory. */
const MAX_KEPT_FRAGMENTS = 1024

function mayHideSomething(memtables: readonly Memtable[], version: Version): boolean {
  if (memtables.some(memtable => memtable.hasTombstones)) return true
  for (const { meta } of version.files()) if (meta.tombstones > 0 || meta.rangeTombstones > 0) return true
  return false
}
