import type { EntryCursor } from '../../codec/entry.js'
import type { HalfOpenRange } from '../../engine/range.js'
import type { Cursor } from '../../engine/contract.js'
import { VersionCursor } from '../../engine/version-cursor.js'
import type { ReadCounts } from '../../trace/ledger.js'
import { compareKeys } from '../../codec/entry.js'
import { mergeCursors, type MakeMergingCursor } from './merging-cursor.js'
import type { CursorTombstones } from './range-tombstones.js'
import type { ReadState } from './read-state.js'
import type { TableFile } from '../versions/table-file.js'
import type { TableSet } from '../versions/table-set.js'

/** What a reader sees: versions up to a sequence number that have not expired by a time, in milliseconds since the Unix epoch. */
export interface ReadMoment {
  readonly sequence: number
  readonly time: number
}

/** The live keys of a range at one moment, over all sources. Holds its read state until closed. */
export class LsmCursor extends VersionCursor {
  #state: ReadState | undefined
  readonly #view: CursorTombstones | undefined

  /** @param moments of the live snapshots, asked for when a stretch without live keys is noted */
  constructor(
    state: ReadState,
    tables: TableSet,
    range: HalfOpenRange,
    { sequence, time }: ReadMoment,
    counts: ReadCounts,
    moments: () => readonly number[],
    makeMergingCursor?: MakeMergingCursor,
  ) {
    const view = state.tombstones?.at(sequence)
    const noteDead = (start: Uint8Array, end: Uint8Array | undefined): void => state.noteDead(start, end, sequence, moments())
    super(mergedEntries(state, tables, range, counts, makeMergingCursor), sequence, range, view, counts, noteDead, time)
    this.#view = view
    this.#state = state.hold()
  }

  override close(): void {
    super.close()
    this.#view?.close()
    this.#state?.release()
    this.#state = undefined
  }
}

/** The cursor, with the values that its state has in blob files. */
export function withValues(cursor: LsmCursor, { version }: ReadState, tables: TableSet, counts: ReadCounts): Cursor {
  return version.blobs.size === 0 ? cursor : new tables.code.BlobCursor(cursor, tables.blobs, version.blobs, counts)
}

/** All versions of the range, from every source, in internal order. */
function mergedEntries(
  state: ReadState,
  tables: TableSet,
  range: HalfOpenRange,
  counters: ReadCounts,
  make?: MakeMergingCursor,
): EntryCursor {
  const cursors: EntryCursor[] = [state.memtable, ...state.immutable]
    .filter(memtable => memtable.list.count > 0 || memtable === state.memtable)
    .map(memtable => memtable.list.cursor())
  for (const level of state.version.levels) {
    for (const run of level) {
      const files = range.lower === undefined && range.upper === undefined ? run.tables : run.tables.filter(file => meets(file, range))
      if (files.length > 0) cursors.push(new tables.code.RunCursor(files, file => tables.open(file).cursor({ counters })))
    }
  }
  return mergeCursors(cursors, make)
}

function meets({ meta }: TableFile, { lower, upper }: HalfOpenRange): boolean {
  return (lower === undefined || compareKeys(meta.largest, lower) >= 0) && (upper === undefined || compareKeys(meta.smallest, upper) < 0)
}
