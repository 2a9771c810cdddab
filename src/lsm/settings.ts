import type { EntryCachePace } from '../engine/entry-cache.js'
import type { ExecutorFactory } from './compaction/executor.js'
import type { CustomParts } from './custom/custom-parts.js'

export interface LsmSettings {
  /** Parts to use instead of the built-in ones. */
  readonly parts?: CustomParts
  readonly executor?: ExecutorFactory
  /** Size in bytes beyond which a manifest is begun anew; default 4 MiB. */
  readonly manifestBytes?: number
  /** Logs of this many bytes and more go into memtables once the store is open; default 1 MiB. */
  readonly leastDeferredBytes?: number
  /** When the cache of entries looks whether it is of use: for tests. */
  readonly entryCachePace?: EntryCachePace
}
