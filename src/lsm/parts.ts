import type { Hash32 } from '../codec/checksum.js'
import type { EngineContext } from '../engine/contract.js'
import type { EntryCache } from '../engine/entry-cache.js'
import type { ExpiryClock } from '../engine/expiry-clock.js'
import type { LogSet } from '../engine/durable/log-set.js'
import type { Ledger, ReadCounts } from '../trace/ledger.js'
import type { Trace } from '../trace/span.js'
import type { CodeLoader } from './code-loader.js'
import type { JobRunner } from './compaction/job-runner.js'
import type { CompactionPicker } from './compaction/pickers/compaction-picker.js'
import type { MemtablePool } from './memtable/memtable-pool.js'
import type { LsmOptions } from './options.js'
import type { MakeMergingCursor } from './read/merging-cursor.js'
import type { DeferredLoad } from './recovery/deferred-load.js'
import type { Start } from './recovery/start.js'
import type { TableSet } from './versions/table-set.js'
import type { VersionSet } from './versions/version-set.js'

/** What an open engine is made of. */
export interface LsmParts {
  readonly context: EngineContext
  readonly options: LsmOptions
  readonly picker: CompactionPicker
  /** A custom merging cursor for scans. */
  readonly makeMergingCursor?: MakeMergingCursor | undefined
  readonly hash32: Hash32
  readonly ledger: Ledger
  readonly expiryClock: ExpiryClock
  /** Absent where it is not wanted, too small, or would hide steps from the trace. */
  readonly entries: EntryCache | undefined
  /** What the get under way has touched; tables count into it. */
  readonly touched: ReadCounts
  readonly tables: TableSet
  readonly loader: CodeLoader
  readonly pool: MemtablePool
  readonly runner: JobRunner
  readonly logs: LogSet
  readonly versions: VersionSet
  /** What is to be written before the store takes writes. */
  readonly start: Start
  /** Fills the memtables, where opening has not. */
  readonly deferred: DeferredLoad | undefined
  readonly trace: Trace | null
  /** Parts of the user's are in use. */
  readonly hasCustomParts: boolean
}
