/**
 * Prepares a store that recovery has read for writes: flushes memtables that recovery found no room for, makes the logs that go on durable,
 * begins a new log, puts a new manifest in force, and removes leftovers. On a full disk the store opens without, for reading.
 *
 * Invariants:
 * 1. The memtables are flushed oldest first, and all of them before the manifest is begun: the logs that they came from go with it.
 * 2. The logs that the manifest names are whole and durable before it is in force.
 */
import { makeLogDurable } from '../../engine/durable/log-replay.js'
import type { LogSet } from '../../engine/durable/log-set.js'
import { WriteStart } from '../../engine/durable/write-start.js'
import type { Ledger } from '../../trace/ledger.js'
import type { Trace } from '../../trace/span.js'
import type { FileSystem } from '../../vfs/file-system.js'
import { MeteredFileSystem } from '../../vfs/metered-file-system.js'
import type { JobRunner } from '../compaction/job-runner.js'
import type { MemtablePool } from '../memtable/memtable-pool.js'
import { emitDropped } from '../memtable/memtable-trace.js'
import type { VersionSet } from '../versions/version-set.js'
import { flushRecovered, removeObsolete, type Recovered } from './recovery.js'

export interface StartOptions {
  readonly fileSystem: FileSystem
  readonly directory: string
  readonly ledger: Ledger
  readonly pool: MemtablePool
  readonly runner: JobRunner
  readonly logs: LogSet
  readonly versions: VersionSet
  readonly recovered: Recovered
  readonly trace: Trace | null
}

export class Start extends WriteStart {
  readonly #options: StartOptions
  #newLog: number | undefined

  constructor(options: StartOptions) {
    super(options.logs)
    this.#options = options
  }

  protected async attempt(): Promise<void> {
    const { fileSystem, directory, logs, versions, recovered } = this.#options
    await this.#flush()
    await this.#makeLogsDurable()
    const live = [...recovered.logs.keys(), this.#beginLog()]
    await logs.sync()
    await versions.begin(live, recovered.wholeLogs)
    removeObsolete(fileSystem, directory, { version: versions.state.version, logs: new Set(live), manifest: versions.manifestNumber })
  }

  async #flush(): Promise<void> {
    const { pool, versions, runner, trace } = this.#options
    for (let memtable = versions.state.immutable.at(-1); memtable !== undefined; memtable = versions.state.immutable.at(-1)) {
      const added = await flushRecovered(runner, trace, memtable, versions.state.version, versions.allocateFiles(1), versions.moments())
      versions.flushed(memtable, added)
      if (trace !== null) emitDropped(trace, memtable)
      pool.retire(memtable)
    }
  }

  async #makeLogsDurable(): Promise<void> {
    const { directory, ledger, recovered } = this.#options
    const fileSystem = new MeteredFileSystem(this.#options.fileSystem)
    for (const number of recovered.undurableLogs) {
      ledger.written.log += await makeLogDurable(fileSystem, directory, number, recovered.replayed)
      ledger.syncs++
    }
    ledger.read.open += fileSystem.counts().total.bytesRead
  }

  /** Begins the new log, unless an earlier attempt did. Returns its number. */
  #beginLog(): number {
    const { logs, versions } = this.#options
    if (this.#newLog !== undefined) return this.#newLog
    const number = versions.allocateFiles(1)
    logs.begin(number)
    this.#newLog = number
    return number
  }
}
