/** Figures of a run at a position: plain data by which a goal can be checked. */
import type { Run } from '../run/run.js'
import type { LaneSettings } from '../run/settings.js'
import type { Pictures } from '../views/catalog.js'
import type { LedgerSample } from '../views/ledger-fold.js'

export interface LaneFacts extends LaneSettings {
  /** Operations of the run that failed in this lane. */
  readonly failed: number
  /** Gets of the run that found their key, and those that did not. */
  readonly found: number
  readonly missing: number
  /** Different keys that gets have found. */
  readonly keysFound: number
  readonly ledger: LedgerSample
  /** By all causes together. */
  readonly bytesWritten: number
  /** Bytes written per user byte; absent before the first write. */
  readonly writeAmplification?: number
  /** Blocks or pages that gets took from cache and disk, per get; absent before the first get. */
  readonly readAmplification?: number
  /** Bytes of files per live byte; absent where nothing is live. */
  readonly spaceAmplification?: number
  readonly unsyncedBytes: number
  /** Searches of memtables by gets, and the keys that they compared. */
  readonly searches: number
  readonly comparisons: number
  /** How many events of a type there were, by type. */
  readonly events: Readonly<Record<string, number>>
  /** Tables of an LSM tree. */
  readonly tables?: number
  /** Its sorted runs of tables. */
  readonly runs?: number
  /** Entries in its memtable, versions and tombstones included. */
  readonly memtableEntries?: number
  /** Levels of pages of a B+tree. */
  readonly height?: number
}

export interface Facts {
  readonly position: number
  /** Operations that have begun. */
  readonly operations: number
  /** The lines that make them, as `format` writes them. */
  readonly script: readonly string[]
  /** In the order of the lanes. */
  readonly lanes: readonly LaneFacts[]
}

interface Pictured {
  readonly pictures: Pictures
}

interface Counts {
  failed: number
  found: number
  missing: number
  comparisons: number
  readonly keys: Set<string>
  readonly events: Record<string, number>
}

/** @param looks - With the pictures `ledger`, `files`, `levels` and `pages` of the position. */
export function factsAt(
  { moments, first, operations, settings }: Run,
  position: number,
  script: readonly string[],
  looks: readonly Pictured[],
): Facts {
  const counts = settings.lanes.map((): Counts => ({ failed: 0, found: 0, missing: 0, comparisons: 0, keys: new Set(), events: {} }))
  let begun = 0
  for (const moment of moments.slice(0, position - first)) {
    const count = counts[moment.lane]
    if (moment.kind === 'call') begun = moment.operation + 1
    else if (moment.kind === 'event') {
      const { event } = moment
      count.events[event.type] = (count.events[event.type] ?? 0) + 1
      if (event.type === 'memtable.search') count.comparisons += event.path.reduce((sum, { comparisons }) => sum + comparisons, 0)
    } else {
      const { outcome } = moment
      const operation = operations[moment.operation]
      if (outcome.status === 'failed') count.failed++
      if (outcome.status === 'missing') count.missing++
      if (outcome.status !== 'found') continue
      count.found++
      if (operation.type === 'get') count.keys.add(operation.key)
    }
  }
  const lanes = settings.lanes.map((lane, index) => ({ ...lane, ...laneFacts(counts[index], looks[index]) }))
  return { position, operations: begun, script, lanes }
}

function laneFacts(
  { failed, found, missing, comparisons, keys, events }: Counts,
  { pictures }: Pictured,
): Omit<LaneFacts, keyof LaneSettings> {
  const ledger = pictures.ledger!.now
  const bytesWritten = Object.values(ledger.written).reduce((sum, bytes) => sum + bytes, 0)
  const { levels, pages } = pictures
  return {
    failed,
    found,
    missing,
    keysFound: keys.size,
    ledger,
    bytesWritten,
    ...(ledger.userBytes > 0 && { writeAmplification: bytesWritten / ledger.userBytes }),
    ...(ledger.gets > 0 && { readAmplification: ledger.blocks / ledger.gets }),
    ...(ledger.liveBytes > 0 && { spaceAmplification: ledger.fileBytes / ledger.liveBytes }),
    unsyncedBytes: pictures.files!.files.reduce((sum, file) => sum + file.unsyncedBytes, 0),
    searches: events['memtable.search'] ?? 0,
    comparisons,
    events,
    ...(levels !== undefined && {
      tables: levels.levels.reduce((sum, level) => sum + level.tables, 0),
      runs: levels.levels.reduce((sum, level) => sum + level.runs, 0),
      memtableEntries: levels.memtable.entries,
    }),
    ...(pages !== undefined && { height: pages.shape.height }),
  }
}
