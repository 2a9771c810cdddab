/**
 * Prepares a store that recovery has read for writes: cuts off what replay dropped of the logs that go on, begins a new log, puts a new
 * manifest in force, and removes leftovers. On a full disk the store opens without, for reading. So it does while long logs are loaded; see
 * deferred-load.ts.
 *
 * Invariants:
 * 1. The header of the new log is durable before the manifest names it. Logs that only a killed process wrote stay as durable as they are, and
 *    are not named: nothing here takes time in proportion to what is to be flushed.
 * 2. The new log is durable only after those before it; see log-set.ts.
 */
import { cutLog } from '../../engine/durable/log-durability.js'
import type { LogSet } from '../../engine/durable/log-set.js'
import { WriteStart } from '../../engine/durable/write-start.js'
import type { Ledger } from '../../trace/ledger.js'
import type { FileSystem } from '../../vfs/file-system.js'
import { isOutOfSpace } from '../../vfs/vfs-error.js'
import type { VersionSet } from '../versions/version-set.js'
import { removeObsolete, removeStrays } from './leftovers.js'
import type { Recovered } from './recovered.js'

export interface StartOptions {
  readonly fileSystem: FileSystem
  readonly directory: string
  readonly ledger: Ledger
  readonly logs: LogSet
  readonly versions: VersionSet
  readonly recovered: Recovered
}

export class Start extends WriteStart {
  readonly #options: StartOptions
  #newLog: number | undefined

  constructor(options: StartOptions) {
    super(options.logs)
    this.#options = options
  }

  protected async attempt(): Promise<void> {
    const { fileSystem, directory, recovered } = this.#options
    await recovered.deferred?.finishInSlices()
    try {
      await this.#prepare()
    } catch (error) {
      if (!isOutOfSpace(error) || !removeStrays(fileSystem, directory, recovered.firstStray)) throw error
      await this.#prepare()
    }
  }

  async #prepare(): Promise<void> {
    const { fileSystem, directory, ledger, logs, versions, recovered } = this.#options
    const { replayed } = recovered
    for (const number of recovered.logs.keys()) ledger.written.log += cutLog(fileSystem, directory, number, replayed!)
    const newLog = this.#beginLog()
    await logs.firstDurable()
    const live = [...recovered.logs.keys(), newLog]
    await versions.begin([...recovered.listedLogs, newLog], live[0], recovered.wholeLogs)
    removeObsolete(fileSystem, directory, { version: versions.state.version, logs: logs.numbers, manifest: versions.manifestNumber })
  }

  /** Begins the new log, unless an earlier attempt did. Returns its number. */
  #beginLog(): number {
    const { logs, versions } = this.#options
    if (this.#newLog !== undefined) return this.#newLog
    const number = versions.allocateFiles(1)
    logs.begin(number)
    const { memtable, immutable } = versions.state
    // Otherwise it begins with the first log of all.
    if (memtable.isEmpty && immutable.length > 0) memtable.firstLog = number
    this.#newLog = number
    return number
  }
}
