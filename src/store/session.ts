/**
 * What a store has from its opening to its close: the engine, the lock, and what reads and writes through them.
 *
 * Invariants:
 * 1. The engine is closed after the work that takes several turns, and the lock is released after the engine, whether or not it closed.
 * 2. What began in one session does not go on in the next one.
 */
import { loadHash32 } from '../codec/checksum.js'
import type { BatchFeed, Engine, FeedOptions, Violation } from '../engine/contract.js'
import { TracedEngine } from '../engine/traced-engine.js'
import { KvariumError, MisuseError } from '../errors.js'
import { runJob, type Trace } from '../trace/span.js'
import { wallTimeOf, type Environment } from '../vfs/environment.js'
import type { DirectoryLock } from '../vfs/file-system.js'
import type { CheckpointTraffic, ReachedCheckpoint } from './checkpoint.js'
import type { IdentityTraffic, OpenedDirectory, PassingThrough } from './directory.js'
import type { EventLoopTurns } from './event-loop-turns.js'
import type { StoreFailures } from './failures.js'
import type { IngestEntries, IngestOptions } from './ingest.js'
import type { Awaitable, EncodingLevel } from './level-types.js'
import { StoreReads } from './reads.js'
import { deriveStats, type KvariumStats } from './stats.js'
import { CommitHistory } from './transactions/commit-history.js'
import type { Transactions } from './transactions/transactions.js'
import { StoreWrites } from './writes.js'

/** What an open has made; a lock and what passes through only where there are such. */
export type OpenedStore = Pick<OpenedDirectory, 'engine' | 'identity'> & Partial<Pick<OpenedDirectory, 'lock'> & PassingThrough>

export interface SessionContext {
  /** Absolute. */
  readonly directory: string
  readonly environment: Environment
  readonly trace: Trace | undefined
  readonly failures: StoreFailures
  readonly turns: EventLoopTurns
  /** The default of the writes, in milliseconds. */
  readonly ttl: number | undefined
}

export class Session {
  readonly engine: Engine
  readonly reads: StoreReads
  readonly writes: StoreWrites
  /** From the first transaction on. */
  transactions: Transactions | undefined
  readonly #context: SessionContext
  readonly #lock: DirectoryLock | undefined
  readonly #identity: IdentityTraffic
  readonly #passThrough: PassingThrough['passThrough'] | undefined
  readonly #openedAt: number
  readonly #history: CommitHistory
  readonly #closing = new AbortController()
  /** Work that takes several turns. */
  readonly #underway = new Set<Promise<unknown>>()
  #checkpoints: CheckpointTraffic = { bytesWritten: 0, syncs: 0 }
  #isOpen = true

  constructor(opened: OpenedStore, context: SessionContext) {
    const { environment, failures, trace, ttl, turns } = context
    this.#context = context
    this.#lock = opened.lock
    this.#identity = opened.identity
    this.#passThrough = opened.passThrough
    this.engine = trace === undefined ? opened.engine : new TracedEngine(opened.engine, trace)
    this.#history = new CommitHistory(this.engine)
    // A span would emit each look of a read: under a trace reads run in place.
    this.reads = new StoreReads(this.engine, turns, failures, trace === undefined ? environment.readOffload : undefined)
    this.writes = new StoreWrites(this.engine, turns, failures, { now: wallTimeOf(environment.clock), ttl }, this.#history)
    this.#openedAt = environment.clock.now()
  }

  /** Lets the close wait for work, if it takes several turns. */
  track<T>(work: Awaitable<T>): Awaitable<T> {
    return work instanceof Promise ? this.#trackPromise(work) : work
  }

  /** Ends what goes on, and waits for the rest. Nothing begins in this session after the call. */
  async end(): Promise<void> {
    this.#closing.abort()
    this.transactions?.close()
    this.#history.close()
    await Promise.allSettled(this.#underway)
    this.#isOpen = false
  }

  /** Closes the engine and releases the lock. */
  async close(): Promise<void> {
    try {
      await runJob(this.#context.trace, 'close', () => this.engine.close(), { fallback: true })
    } finally {
      await this.#lock?.release()
    }
  }

  stats(location: string): KvariumStats {
    const traffic = { identity: this.#identity, checkpoints: this.#checkpoints }
    return deriveStats(this.engine.stats(), traffic, location, this.#context.environment.clock.now() - this.#openedAt)
  }

  async *check(): AsyncGenerator<Violation> {
    this.#requireOpen('the check')
    for await (const violation of this.engine.check()) {
      yield violation
      this.#requireOpen('the check')
    }
  }

  feed(options: FeedOptions): BatchFeed {
    const { engine } = this
    if (engine.changes === undefined) {
      throw new MisuseError('LEVEL_NOT_SUPPORTED', `The engine "${engine.name}" has no feed of changes`)
    }
    return engine.changes(options)
  }

  async loadTransactions(): Promise<Transactions> {
    const { Transactions } = await import('./transactions/transactions.js')
    this.#requireOpen('the transaction')
    const { engine, reads, writes } = this
    const { environment, trace } = this.#context
    return (this.transactions ??= new Transactions({ engine, reads, writes, history: this.#history, environment, trace }))
  }

  async ingest<K2, V2>(level: EncodingLevel, entries: IngestEntries<K2, V2>, options: IngestOptions<K2, V2>): Promise<void> {
    const { engine } = this
    if (engine.ingest === undefined) {
      throw new MisuseError('LEVEL_NOT_SUPPORTED', `The engine "${engine.name}" has no ingest; write the entries in batches`)
    }
    const { ingestBatches } = await import('./ingest.js')
    const batches = ingestBatches({ entries, options, level, closing: this.#closing.signal, turns: this.#context.turns })
    return this.writes.unordered(() => engine.ingest!(batches))
  }

  /** @param target - Absolute. */
  async checkpoint(target: string, { signal, reach }: ReachedCheckpoint): Promise<void> {
    const { engine } = this
    if (engine.checkpoint === undefined) {
      throw new MisuseError('LEVEL_NOT_SUPPORTED', `This store on "${engine.name}" cannot make a checkpoint; copy it with copyStore`)
    }
    const { directory, environment } = this.#context
    const { fileSystem } = environment
    const checkpoint = engine.checkpoint()
    try {
      if (reach !== undefined) await reach()
      const { assertCheckpointTarget, writeCheckpoint } = await import('./checkpoint.js')
      assertCheckpointTarget(fileSystem, directory, target)
      const hash32 = await loadHash32()
      this.#passThrough?.(target)
      const request = { fileSystem, hash32, engine: engine.name, directory: target, signal }
      const { bytesWritten, syncs } = await writeCheckpoint(request, checkpoint)
      const before = this.#checkpoints
      this.#checkpoints = { bytesWritten: before.bytesWritten + bytesWritten, syncs: before.syncs + syncs }
    } finally {
      checkpoint.release()
    }
  }

  #requireOpen(work: string): void {
    if (!this.#isOpen) throw new KvariumError('LEVEL_DATABASE_NOT_OPEN', `Database has been closed since ${work} began`)
  }

  async #trackPromise<T>(work: Promise<T>): Promise<T> {
    this.#underway.add(work)
    try {
      return await work
    } finally {
      this.#underway.delete(work)
    }
  }
}
