/**
 * Prepares an opened store for writes: makes the logs of earlier sessions durable, begins a new log, and names it in the meta page. On a full
 * disk the store opens without, for reading; see write-start.ts. So it does while a long replay goes on; see deferred-replay.ts.
 *
 * Invariants:
 * 1. The meta page in force may be in the system's memory only, written by a process that was killed before it was synced. It is written
 *    again, and synced, before anything that only an older one needs is removed, and before the other one is overwritten.
 * 2. What replay dropped of a log is cut off, and that is durable before the new log is: no later recovery meets the same torn log with a
 *    new one behind it.
 */
import type { EngineContext } from '../../engine/contract.js'
import { cutLog, makeLogDurable } from '../../engine/durable/log-durability.js'
import { parseLogName } from '../../engine/durable/log-names.js'
import type { ReplayedLogs } from '../../engine/durable/log-replay.js'
import type { LogSet } from '../../engine/durable/log-set.js'
import { WriteStart } from '../../engine/durable/write-start.js'
import type { Ledger } from '../../trace/ledger.js'
import { joinPath, removeLeftover } from '../../vfs/file-system.js'
import { MeteredFileSystem } from '../../vfs/metered-file-system.js'
import type { Checkpointer } from '../checkpoint/checkpoint.js'
import type { CurrentLog } from '../checkpoint/current-log.js'
import type { DeferredReplay } from './deferred-replay.js'

export interface LogStartOptions {
  readonly context: EngineContext
  readonly ledger: Ledger
  readonly checkpointer: Checkpointer
  readonly logs: LogSet
  readonly log: CurrentLog
  readonly replayed: ReplayedLogs
  readonly deferred: DeferredReplay | undefined
}

export class LogStart extends WriteStart {
  readonly #options: LogStartOptions

  constructor(options: LogStartOptions) {
    super(options.logs)
    this.#options = options
  }

  protected async attempt(): Promise<void> {
    const { checkpointer, logs, log, replayed, deferred } = this.#options
    await deferred?.finishInSlices()
    await checkpointer.rewriteMeta()
    this.#removeObsolete()
    checkpointer.cut()
    if (!logs.isBegun) await this.#begin()
    await logs.sync()
    await log.syncNames()
    const firstLog = replayed.logs.size > 0 ? checkpointer.meta.firstLog : log.number
    await checkpointer.startLog(firstLog, log.number, replayed.keptBytes)
  }

  async #begin(): Promise<void> {
    const { context, ledger, logs, log, replayed } = this.#options
    const fileSystem = new MeteredFileSystem(context.environment.fileSystem)
    for (const number of replayed.logs.keys()) {
      ledger.written.log += cutLog(fileSystem, context.directory, number, replayed)
      ledger.syncs++
      ledger.written.log += await makeLogDurable(fileSystem, context.directory, number, replayed)
    }
    ledger.read.open += fileSystem.counts().total.bytesRead
    log.begin(logs)
  }

  /** Removes logs that the meta page in force does not ask for. */
  #removeObsolete(): void {
    const { context, checkpointer, logs } = this.#options
    const { fileSystem } = context.environment
    const { firstLog } = checkpointer.meta
    const { numbers } = logs
    for (const name of fileSystem.list(context.directory)) {
      const number = parseLogName(name) ?? Infinity
      if (number < firstLog && !numbers.has(number)) removeLeftover(fileSystem, joinPath(context.directory, name))
    }
  }
}
