import type { ReplayedLogs } from '../../engine/durable/log-replay.js'
import type { Tracer } from '../../trace/span.js'
import type { FileSystem } from '../../vfs/file-system.js'
import { parseFileName } from '../file-names.js'
import type { MemtablePool } from '../memtable/memtable-pool.js'
import { emitNew } from '../memtable/memtable-trace.js'
import type { Memtable } from '../memtable/memtable.js'
import { Version } from '../versions/version.js'
import type { DeferredLoad } from './deferred-load.js'

/** What an opening goes on from. */
export interface Recovered {
  readonly version: Version
  readonly memtable: Memtable
  /** Memtables that are to be flushed; newest first. */
  readonly immutable: readonly Memtable[]
  /** What fills the memtables, which are empty; `undefined` where they are filled. */
  readonly deferred: DeferredLoad | undefined
  /** Logs that the memtables come from, with their sizes once they are cut. */
  readonly logs: ReadonlyMap<number, number>
  /** Those among them that the manifest names. */
  readonly listedLogs: readonly number[]
  readonly unlistedLogs: readonly number[]
  /** Where the last frame of each of those ends that are known to be complete. */
  readonly wholeLogs: ReadonlyMap<number, number>
  /** Those that are not, which may be in the system's memory only. */
  readonly undurableLogs: readonly number[]
  /** What replay found; `undefined` where there was nothing to replay. */
  readonly replayed: ReplayedLogs | undefined
  /** Logs with smaller numbers are obsolete. */
  readonly firstLog: number
  /** No manifest names a file with this number or a larger one. */
  readonly firstStray: number
  readonly nextFile: number
  readonly sequence: number
  /** Sequence number of the last operation that is in tables. */
  readonly flushedSequence: number
}

export interface NewTree {
  readonly fileSystem: FileSystem
  readonly directory: string
  readonly pool: MemtablePool
  readonly trace: Tracer | null
}

/** A new tree. The directory may hold what a creation left that was cut short: its numbers are not used again. */
export function nothingRecovered({ fileSystem, directory, pool, trace }: NewTree): Recovered {
  const memtable = pool.take(0, 0)
  if (trace !== null) emitNew(trace, memtable)
  return {
    version: new Version(),
    memtable,
    immutable: [],
    deferred: undefined,
    logs: new Map(),
    listedLogs: [],
    unlistedLogs: [],
    wholeLogs: new Map(),
    undurableLogs: [],
    replayed: undefined,
    firstLog: 0,
    firstStray: 1,
    nextFile: nextFileOf(fileSystem, directory, 1),
    sequence: 0,
    flushedSequence: 0,
  }
}

/** The next number of a file. None is used twice, not even that of a file which no manifest got to mention. */
export function nextFileOf(fileSystem: FileSystem, directory: string, least: number): number {
  const present = fileSystem.list(directory).flatMap(name => parseFileName(name)?.number ?? [])
  return Math.max(least, ...present.map(number => number + 1))
}
