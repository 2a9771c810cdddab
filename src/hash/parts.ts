import type { Cache } from '../cache/cache.js'
import type { Hash32 } from '../codec/checksum.js'
import type { EngineContext } from '../engine/contract.js'
import type { LogSet } from '../engine/durable/log-set.js'
import type { ExpiryClock } from '../engine/expiry-clock.js'
import type { Ledger } from '../trace/ledger.js'
import type { DataFiles } from './data-file.js'
import type { DirectoryTrace } from './directory-trace.js'
import type { Entries } from './entries.js'
import type { FileNumbers } from './file-names.js'
import type { HashStart } from './hash-start.js'
import type { HashOptions } from './options.js'

/** What an open engine is made of. */
export interface HashParts {
  readonly context: EngineContext
  readonly options: HashOptions
  readonly hash32: Hash32
  readonly ledger: Ledger
  readonly cache: Cache
  readonly files: DataFiles
  readonly entries: Entries
  readonly logs: LogSet
  readonly start: HashStart
  readonly numbers: FileNumbers
  readonly traced: DirectoryTrace
  readonly expiryClock: ExpiryClock
}
