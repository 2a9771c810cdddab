/**
 * Logs that recovery needs no more, kept for those who read the changes of the store. With a limit of 0 none is kept.
 *
 * Invariants:
 * 1. The kept logs hold the newest part of the history: none is kept that is older than one that was removed.
 * 2. The limit is what is kept at least, once that much has been written: the oldest log goes when the others reach the limit.
 */
import { joinPath, type FileSystem } from '../../vfs/file-system.js'
import { logName, parseLogName } from './log-names.js'

export interface RetainedLog {
  readonly number: number
  /** Length of the file. */
  readonly bytes: number
}

/** Obsolete logs that are kept for readers of changes. */
export interface Retention {
  /** In bytes; 0 keeps none, until it is begun. */
  readonly limit: number
  /** Those that earlier sessions kept. */
  readonly logs: readonly RetainedLog[]
}

/** What a directory has of obsolete logs, where the option says to keep them: those with numbers below `firstLog`. */
export function retentionOf(fileSystem: FileSystem, directory: string, limit: number, firstLog: number): Retention {
  if (limit === 0) return { limit, logs: [] }
  const numbers = fileSystem.list(directory).flatMap(name => parseLogName(name) ?? [])
  const obsolete = numbers.filter(number => number < firstLog)
  return { limit, logs: obsolete.map(number => ({ number, bytes: fileSystem.stat(joinPath(directory, logName(number)))?.size ?? 0 })) }
}

/** Sessions that write little leave short logs: more of them than this are not kept, whatever the limit. */
const MOST_LOGS = 1000

export class RetainedLogs {
  readonly #remove: (log: RetainedLog) => Promise<void>
  /** The oldest first. */
  #logs: RetainedLog[]
  #bytes: number
  #limit: number
  /** The last log that could not be kept. */
  #floor = -1

  constructor({ limit, logs }: Retention, remove: (log: RetainedLog) => Promise<void>) {
    this.#limit = limit
    this.#logs = [...logs].sort((a, b) => a.number - b.number)
    this.#bytes = logs.reduce((sum, { bytes }) => sum + bytes, 0)
    this.#remove = remove
  }

  get limit(): number {
    return this.#limit
  }

  /** The kept logs, the oldest first. */
  get logs(): readonly RetainedLog[] {
    return this.#logs
  }

  /** Keeps logs from now on. */
  begin(limit: number): void {
    this.#limit = limit
  }

  /** Keeps no log any more. */
  async end(): Promise<void> {
    this.#limit = 0
    await this.#trim(Infinity)
  }

  /** Whether it keeps a log that is obsolete. One that may lose its end would leave a gap: neither it nor an older one is kept. */
  add(log: RetainedLog, isDurable: boolean): boolean {
    if (this.#limit === 0) return false
    if (!isDurable) {
      this.#floor = Math.max(this.#floor, log.number)
      return false
    }
    this.#logs = [...this.#logs, log].sort((a, b) => a.number - b.number)
    this.#bytes += log.bytes
    return true
  }

  /** Removes what is more than the limit asks for. */
  trim(): Promise<void> {
    return this.#trim(this.#floor)
  }

  /** Removes the logs with numbers below `number`: a part of the history is missing behind them. */
  forget(number: number): Promise<void> {
    return this.#trim(number - 1)
  }

  /** Removes the logs up to a number, and as many more as the limit asks for. */
  async #trim(upTo: number): Promise<void> {
    const logs = this.#logs
    let count = 0
    while (count < logs.length && (logs[count].number <= upTo || logs.length - count > MOST_LOGS || this.#isExcess(logs[count]))) {
      this.#bytes -= logs[count].bytes
      count++
    }
    if (count === 0) return
    this.#logs = logs.slice(count)
    for (const log of logs.slice(0, count)) await this.#remove(log)
  }

  #isExcess(oldest: RetainedLog): boolean {
    return this.#bytes - oldest.bytes >= this.#limit
  }
}
