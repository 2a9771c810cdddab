/**
 * Emits where a get looks, in that order, and what it meets. The engine calls it at every source, so that the events are those of the
 * search itself, not of a second one.
 */
import { Skiplist } from '../../skiplist/skiplist.js'
import { skiplistSearchPath } from '../../skiplist/skiplist-shape.js'
import type { ProbeOutcome, ProbeSource, SearchStep } from '../../trace/events.js'
import type { ReadCounts } from '../../trace/ledger.js'
import type { Tracer } from '../../trace/span.js'
import type { MemtableList } from '../memtable/memtable-list.js'
import { CustomMemtableList } from '../custom/custom-memtable-list.js'
import type { TableFile } from '../versions/table-file.js'
import type { Run } from '../versions/version.js'

export const IN_MEMTABLE: ProbeSource = { in: 'memtable' }

export class GetTrace {
  readonly #trace: Tracer
  /** What the get has touched so far. */
  readonly #touched: Readonly<ReadCounts>
  #negatives = 0
  #falsePositives = 0

  constructor(trace: Tracer, touched: Readonly<ReadCounts>) {
    this.#trace = trace
    this.#touched = touched
  }

  searched(source: ProbeSource, list: MemtableList, key: Uint8Array, sequence: number, outcome: ProbeOutcome): void {
    const found = outcome !== 'miss'
    this.#trace.emit({ type: 'memtable.search', source, path: searchPath(list, key, sequence), found })
    this.#trace.emit({ type: 'get.probe', source, outcome })
  }

  /** None of the run's tables may hold the key. */
  skipped(level: number, { id, tables }: Run): void {
    const source: ProbeSource = tables.length === 1 ? { in: 'table', level, file: tables[0].meta.number } : { in: 'run', level, run: id }
    this.#trace.emit({ type: 'get.probe', source, outcome: 'range-skip' })
  }

  /** A table is about to be asked. */
  asks(): void {
    this.#negatives = this.#touched.filterNegatives
    this.#falsePositives = this.#touched.filterFalsePositives
  }

  found(level: number, file: TableFile, outcome: ProbeOutcome): void {
    this.#trace.emit({ type: 'get.probe', source: { in: 'table', level, file: file.meta.number }, outcome })
  }

  /** The table that was asked does not have the key, as its filter knew, or ought to have known. */
  missed(level: number, file: TableFile): void {
    const { filterNegatives, filterFalsePositives } = this.#touched
    const outcome =
      filterNegatives > this.#negatives ? 'bloom-skip' : filterFalsePositives > this.#falsePositives ? 'false-positive' : 'miss'
    this.found(level, file, outcome)
  }
}

/** A custom index shows only its cost. */
function searchPath(list: MemtableList, key: Uint8Array, sequence: number): SearchStep[] {
  if (list instanceof Skiplist) return skiplistSearchPath(list, key, sequence)
  return list instanceof CustomMemtableList ? [{ level: 0, key: undefined, forward: 0, comparisons: list.comparisons }] : []
}
