/**
 * Fills the memtables after the store is open. Opening reads long logs once, for where each ends and for the last sequence number; what they hold
 * goes into memtables in the background, or all at once for the first reader of a memtable. See also `VersionSet.state`.
 *
 * Invariants:
 * 1. Every read sees the whole logs: nothing looks at memtables before the load has ended.
 * 2. The store takes no write before the end, and no log of the load is removed.
 * 3. Each record is verified again. One that no longer holds is an error for every reader, now and later. A file that cannot be read is one
 *    until it can.
 */
import type { Hash32 } from '../../codec/checksum.js'
import { BatchReader } from '../../engine/batch.js'
import { logName } from '../../engine/durable/log-names.js'
import { asBatch } from '../../engine/durable/log-replay.js'
import { ReplayJob } from '../../engine/durable/replay-job.js'
import { KvariumError } from '../../errors.js'
import { withSpan, type Trace } from '../../trace/span.js'
import type { Scheduler } from '../../vfs/environment.js'
import { joinPath, type FileHandle, type FileSystem } from '../../vfs/file-system.js'
import { typedError } from '../../vfs/vfs-error.js'
import { LogCursor } from '../../wal/log-cursor.js'
import type { FilledMemtables } from '../memtable/memtable.js'
import type { MemtableLoad } from './memtable-load.js'

/** Bytes of log between two turns of the event loop. */
const SLICE_BYTES = 256 * 1024

export interface DeferredLoadOptions {
  readonly fileSystem: FileSystem
  readonly directory: string
  readonly hash32: Hash32
  readonly scheduler: Scheduler
  readonly trace: Trace | null
  /** Takes the batches. It has none yet. */
  readonly memtables: MemtableLoad
  /** Numbers of the logs that hold records, ascending, and where the last record of each ends. */
  readonly logs: ReadonlyMap<number, number>
  /** Sequence number of the last operation of all. */
  readonly sequence: number
  /** Gets the bytes that a slice has read. */
  readonly onRead: (bytes: number) => void
}

interface OpenLog {
  readonly path: string
  readonly end: number
  readonly file: FileHandle
  readonly cursor: LogCursor
}

export class DeferredLoad {
  readonly #options: DeferredLoadOptions
  readonly #reader = new BatchReader()
  /** Logs that are still to be read. */
  readonly #waiting: [number: number, end: number][]
  #log: OpenLog | undefined
  #lastSequence = 0
  #isDone = false
  #failure: Error | undefined
  readonly #job = new ReplayJob()

  constructor(options: DeferredLoadOptions) {
    this.#options = options
    this.#waiting = [...options.logs]
  }

  /** Runs `work`, which ends the load, as a job that all reads of the load belong to. */
  runAsJob(work: () => Promise<void>): Promise<void> {
    return this.#job.run(this.#options.trace, 'the logs are long', work)
  }

  get isDone(): boolean {
    return this.#isDone
  }

  /** Loads the rest in one step. Throws what keeps a record from being read, at every call. */
  finish(): FilledMemtables {
    while (!this.#isDone) this.#loadSlice()
    return this.#options.memtables
  }

  /** Gives up what is not loaded. */
  close(): void {
    this.#closeLog()
  }

  /** Loads the rest in slices. */
  async finishInSlices(): Promise<void> {
    while (!this.#isDone) {
      // What the caller reads first comes first.
      await this.#options.scheduler.turn()
      if (!this.#isDone) this.#loadSlice()
    }
  }

  #loadSlice(): void {
    if (this.#failure !== undefined) throw this.#failure
    withSpan(this.#job.span, () => {
      const log = (this.#log ??= this.#nextLog())
      if (log === undefined) this.#lasting(() => this.#end())
      else if (!this.#loadFrom(log)) this.#closeLog()
    })
  }

  /** Loads the next records of a log; returns whether there may be more. */
  #loadFrom({ path, end, cursor }: OpenLog): boolean {
    const { memtables, onRead } = this.#options
    const { bytesRead } = cursor
    try {
      for (let bytes = 0; bytes < SLICE_BYTES; bytes += cursor.payload.length) {
        if (!cursor.next(end, true)) return false
        const { payload, offset, base } = cursor
        this.#lasting(() => asBatch(path, offset, () => memtables.apply(this.#reader.reset(payload, 0, payload.length), base)))
        this.#lastSequence = this.#reader.lastSequence
      }
      return true
    } finally {
      onRead(cursor.bytesRead - bytesRead)
    }
  }

  /** A step that cannot be repeated once it failed: half of a batch may be in a memtable. */
  #lasting(step: () => void): void {
    try {
      step()
    } catch (error) {
      this.#failure = typedError(error)
      throw error
    }
  }

  #nextLog(): OpenLog | undefined {
    const { fileSystem, directory, hash32, memtables } = this.#options
    if (this.#waiting.length === 0) return undefined
    const [number, end] = this.#waiting[0]
    const path = joinPath(directory, logName(number))
    const file = fileSystem.openRead(path)
    this.#waiting.shift()
    memtables.beginLog(number, end)
    return { path, end, file, cursor: new LogCursor(file, number, hash32) }
  }

  #closeLog(): void {
    this.#log?.file.close()
    this.#log = undefined
  }

  #end(): void {
    const { memtables, sequence } = this.#options
    if (this.#lastSequence !== sequence) {
      throw new KvariumError(
        'LEVEL_INTERNAL',
        `The logs end at operation ${this.#lastSequence}, and ended at ${sequence} when the store was opened`,
      )
    }
    memtables.end()
    this.#isDone = true
  }
}
