/** Figures of a run at a position: plain data by which a goal can be checked. */
import type { ProbeOutcome } from 'kvarium/trace'
import type { Operation } from '../run/operation.js'
import type { Run } from '../run/run.js'
import type { LaneSettings } from '../run/settings.js'
import type { Pictures } from '../views/catalog.js'
import type { LedgerSample } from '../views/ledger-fold.js'
import { TransactionWrites } from './transaction-writes.js'

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
  /** Bytes of keys and values that a reader would find, of what the run has written; absent after a crash, of which no outcome says what is left, and after a put that expires. */
  readonly heldBytes?: number
  /** Bytes of files per held byte; absent where nothing is held. */
  readonly spaceAmplification?: number
  readonly unsyncedBytes: number
  /** Searches of memtables by gets, and the keys that they compared. */
  readonly searches: number
  readonly comparisons: number
  /** What gets found where they looked in an LSM tree, by outcome. */
  readonly probes: Readonly<Partial<Record<ProbeOutcome, number>>>
  /** Expired entries that were dropped. */
  readonly expired: number
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
  /** Its entries. */
  readonly treeEntries?: number
  /** Live bytes ÷ bytes of its leaves. */
  readonly leafFill?: number | undefined
  /** Bytes of its pages that are changed in memory and not in the file. */
  readonly unwrittenBytes?: number
  /** Found in the cache, and not found there: blocks or pages. */
  readonly cacheHits: number
  readonly cacheMisses: number
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
  expired: number
  readonly probes: Partial<Record<ProbeOutcome, number>>
  readonly keys: Set<string>
  readonly transactions: TransactionWrites
  /** The length of each entry by its key. */
  held: Map<string, number> | undefined
  readonly events: Record<string, number>
}

/** @param looks - With the pictures `ledger`, `files`, `levels` and `pages` of the position. */
export function factsAt(
  { moments, first, operations, settings }: Run,
  position: number,
  script: readonly string[],
  looks: readonly Pictured[],
): Facts {
  const counts = settings.lanes.map((): Counts => ({
    failed: 0,
    found: 0,
    missing: 0,
    comparisons: 0,
    expired: 0,
    probes: {},
    keys: new Set(),
    transactions: new TransactionWrites(),
    held: new Map(),
    events: {},
  }))
  let begun = 0
  for (const moment of moments.slice(0, position - first)) {
    const count = counts[moment.lane]
    for (const write of count.transactions.take(moment, operations)?.writes ?? []) hold(count, write)
    if (moment.kind === 'call') begun = moment.operation + 1
    else if (moment.kind === 'event') {
      const { event } = moment
      count.events[event.type] = (count.events[event.type] ?? 0) + 1
      if (event.type === 'memtable.search') count.comparisons += event.path.reduce((sum, { comparisons }) => sum + comparisons, 0)
      if (event.type === 'entries.expire') count.expired += event.entries
      if (event.type === 'get.probe') count.probes[event.outcome] = (count.probes[event.outcome] ?? 0) + 1
    } else {
      const { outcome } = moment
      const operation = operations[moment.operation]
      if (outcome.status === 'failed') count.failed++
      else if (moment.operation >= 0) hold(count, operation)
      if (outcome.status === 'missing') count.missing++
      if (outcome.status !== 'found') continue
      count.found++
      const get = operation.type === 'in' ? operation.operation : operation
      if (get.type === 'get') count.keys.add(get.key)
    }
  }
  const lanes = settings.lanes.map((lane, index) => ({ ...lane, ...laneFacts(counts[index], looks[index]) }))
  return { position, operations: begun, script, lanes }
}

/** What an operation changes of what is held. */
function hold(count: Counts, operation: Operation): void {
  const { held } = count
  switch (operation.type) {
    case 'put':
      if (operation.ttl !== undefined) count.held = undefined
      held?.set(operation.key, utf8Length(operation.key) + utf8Length(operation.value))
      return
    case 'del':
      held?.delete(operation.key)
      return
    case 'batch':
      for (const write of operation.operations) hold(count, write)
      return
    case 'clear':
      for (const key of held?.keys() ?? []) {
        if ((operation.from === undefined || key >= operation.from) && (operation.to === undefined || key < operation.to)) held!.delete(key)
      }
      return
    case 'crash':
      count.held = undefined
      return
    default:
      return
  }
}

const encoder = new TextEncoder()

function utf8Length(text: string): number {
  return encoder.encode(text).length
}

function laneFacts(
  { failed, found, missing, comparisons, expired, probes, keys, held, events }: Counts,
  { pictures }: Pictured,
): Omit<LaneFacts, keyof LaneSettings> {
  const ledger = pictures.ledger!.now
  const bytesWritten = Object.values(ledger.written).reduce((sum, bytes) => sum + bytes, 0)
  const heldBytes = held === undefined ? undefined : [...held.values()].reduce((sum, bytes) => sum + bytes, 0)
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
    ...(heldBytes !== undefined && { heldBytes }),
    ...(heldBytes !== undefined && heldBytes > 0 && { spaceAmplification: ledger.fileBytes / heldBytes }),
    unsyncedBytes: pictures.files!.files.reduce((sum, file) => sum + file.unsyncedBytes, 0),
    searches: events['memtable.search'] ?? 0,
    comparisons,
    probes,
    expired,
    events,
    ...(levels !== undefined && {
      tables: levels.levels.reduce((sum, level) => sum + level.tables, 0),
      runs: levels.levels.reduce((sum, level) => sum + level.runs, 0),
      memtableEntries: levels.memtable.entries,
    }),
    cacheHits: events['cache.hit'] ?? 0,
    cacheMisses: events['cache.miss'] ?? 0,
    ...(pages !== undefined && {
      height: pages.shape.height,
      treeEntries: pages.shape.entries,
      leafFill: pages.shape.tree.at(-1)?.fill,
      unwrittenBytes: pages.shape.memory.dirtyBytes,
    }),
  }
}
