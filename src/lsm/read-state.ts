import type { RangeTombstone } from './range-tombstones.js'
import { RangeTombstones } from './range-tombstones.js'
import type { Memtable } from './memtable.js'
import type { TableSet } from './table-set.js'
import type { Version } from './version.js'

/**
 * Everything a read looks at, at one moment, newest first: the memtable, those that wait for their flush, the tables. Immutable
 * but for the memtable, whose later entries have higher sequence numbers than any reader of this moment asks for. A cursor
 * holds one for as long as it is open.
 */
export class ReadState {
  readonly memtable: Memtable
  /** Newest first. */
  readonly frozen: readonly Memtable[]
  readonly version: Version
  /** `undefined` when there are none anywhere. */
  tombstones: RangeTombstones | undefined
  /** Range tombstones of the tables. */
  readonly tableRanges: readonly RangeTombstone[]
  #holders = 1
  readonly #tables: TableSet

  constructor(memtable: Memtable, frozen: readonly Memtable[], version: Version, tables: TableSet) {
    this.memtable = memtable
    this.frozen = frozen
    this.version = version
    this.#tables = tables
    memtable.holders++
    for (const table of frozen) table.holders++
    if (version.holders++ === 0) tables.hold(version)
    this.tableRanges = [...version.files()].filter(file => file.meta.rangeTombstones > 0).flatMap(file => tables.open(file).rangeTombstones)
    this.tombstones = RangeTombstones.of([...memtable.ranges, ...frozen.flatMap(table => table.ranges), ...this.tableRanges])
  }

  /** Takes in the range tombstones that were just added to the memtable. */
  addTombstones(added: readonly RangeTombstone[]): void {
    if (this.tombstones === undefined) this.tombstones = RangeTombstones.of(added)
    else for (const tombstone of added) this.tombstones.add(tombstone)
  }

  hold(): this {
    this.#holders++
    return this
  }

  letGo(): void {
    if (--this.#holders > 0) return
    this.memtable.holders--
    for (const table of this.frozen) table.holders--
    if (--this.version.holders === 0) this.#tables.letGo(this.version)
  }
}
