/**
 * Prepares a store that was opened for writes: cuts off what replay dropped of the logs, makes them durable, begins a new log, and removes
 * leftovers. On a full disk the store opens without, for reading.
 *
 * Invariant: what was dropped of a log is cut off, and that is durable, before a new log has a record: no later opening meets a gap.
 */
import type { DirectoryTrace } from './directory-trace.js'
import type { EngineContext } from '../engine/contract.js'
import { cutLog, makeLogDurable } from '../engine/durable/log-durability.js'
import { logName, parseLogName } from '../engine/durable/log-names.js'
import type { ReplayedLogs } from '../engine/durable/log-replay.js'
import type { LogSet } from '../engine/durable/log-set.js'
import { WriteStart } from '../engine/durable/write-start.js'
import type { Ledger } from '../trace/ledger.js'
import { joinPath, removeLeftover } from '../vfs/file-system.js'
import { MeteredFileSystem } from '../vfs/metered-file-system.js'
import type { DataFiles } from './data-file.js'
import { hintName, numberIn, parseDataName, parseHintName, type FileNumbers } from './file-names.js'

export interface HashStartOptions {
  readonly context: EngineContext
  readonly ledger: Ledger
  readonly files: DataFiles
  readonly numbers: FileNumbers
  readonly logs: LogSet
  readonly replayed: ReplayedLogs | undefined
  readonly traced: DirectoryTrace
  /** The sequence number that the first record of the new log will have. */
  readonly nextSequence: () => number
}

export class HashStart extends WriteStart {
  readonly #options: HashStartOptions
  #number: number | undefined

  constructor(options: HashStartOptions) {
    super(options.logs)
    this.#options = options
  }

  protected async attempt(): Promise<void> {
    const { context, ledger, logs, replayed, numbers, files, traced } = this.#options
    const { environment, directory } = context
    const fileSystem = new MeteredFileSystem(environment.fileSystem)
    if (!logs.isBegun) {
      for (const number of replayed?.filled ?? []) {
        ledger.written.log += cutLog(fileSystem, directory, number, replayed!)
        ledger.syncs++
        ledger.written.log += await makeLogDurable(fileSystem, directory, number, replayed)
      }
      ledger.read.open += fileSystem.counts().total.bytesRead
      this.#number ??= numbers.take()
      removeLeftover(environment.fileSystem, joinPath(directory, logName(this.#number)))
      logs.begin(this.#number)
      const number = this.#number
      const file = files.open({ number, from: number, to: number }, logName(number))
      file.bytes = logs.size
      file.firstSequence = this.#options.nextSequence()
      file.lastSequence = file.firstSequence - 1
      files.list.push(file)
      traced.changed()
    }
    await logs.sync()
    ledger.syncs++
    await environment.fileSystem.syncDirectory(directory)
    this.#removeLeftovers()
  }

  #removeLeftovers(): void {
    const { context, files, logs } = this.#options
    const { fileSystem } = context.environment
    const needed = new Set(files.all.flatMap(file => [file.name, hintName(file.number)]))
    for (const name of fileSystem.list(context.directory)) {
      const number = numberIn(name)
      if (number === undefined || needed.has(name)) continue
      const log = parseLogName(name)
      const isLeftover =
        log !== undefined
          ? !logs.numbers.has(log)
          : parseDataName(name) !== undefined || parseHintName(name) !== undefined || name.endsWith('.new')
      if (isLeftover) removeLeftover(fileSystem, joinPath(context.directory, name))
    }
  }
}
