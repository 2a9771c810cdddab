import type { Cache } from '../cache/cache.js'
import type { Hash32 } from '../codec/checksum.js'
import type { EngineContext } from '../engine/contract.js'
import type { EntryCache } from '../engine/entry-cache.js'
import type { ExpiryClock } from '../engine/expiry-clock.js'
import type { LogSet } from '../engine/durable/log-set.js'
import type { Ledger, ReadCounts } from '../trace/ledger.js'
import type { Checkpointer } from './checkpoint/checkpoint.js'
import type { CurrentLog } from './checkpoint/current-log.js'
import type { DroppedSubtrees } from './pages/dropped-subtrees.js'
import type { FreeSpace } from './pages/free-space.js'
import type { DeferredReplay } from './recovery/deferred-replay.js'
import type { LogStart } from './recovery/log-start.js'
import type { BtreeOptions } from './options.js'
import type { PageFile } from './pages/page-file.js'
import type { PageStore } from './pages/page-store.js'
import type { Tree } from './tree/tree.js'

/** What an open engine is made of. */
export interface BtreeParts {
  readonly context: EngineContext
  readonly options: BtreeOptions
  readonly hash32: Hash32
  readonly ledger: Ledger
  readonly cache: Cache
  /** Absent where it is too small, not wanted, or would hide steps from the trace. */
  readonly entries: EntryCache | undefined
  readonly file: PageFile
  readonly free: FreeSpace
  readonly dropped: DroppedSubtrees
  readonly store: PageStore
  readonly expiryClock: ExpiryClock
  readonly tree: Tree
  readonly checkpointer: Checkpointer
  readonly logs: LogSet
  readonly log: CurrentLog
  readonly logStart: LogStart
  /** The rest of a long replay. */
  readonly deferred: DeferredReplay | undefined
  /** Counts the reads of neither a get nor a scan. */
  readonly inner: ReadCounts
}
