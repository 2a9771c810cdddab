/**
 * A program that uses a store, step by step, and records every acknowledgement in the oracle. It runs on a file system that
 * may fail: then every error must say so, every read must still be right, and no call may hang.
 */
import type { Hash32 } from '../../../src/codec/checksum.js'
import { compareKeys } from '../../../src/codec/entry.js'
import { WriteBatch } from '../../../src/engine/batch.js'
import type { Engine, EngineCheckpoint, EngineSnapshot } from '../../../src/engine/contract.js'
import { type FaultyFileSystem, FileSystemError, MemoryFileSystem, SeededRandom, type Environment } from '../../../src/vfs/index.js'
import { keyOf } from '../../contract/support/opened-engine.js'
import { bounded } from './bounded.js'
import { Oracle, type Change, type State } from './oracle.js'
import type { Subject } from './subjects.js'
import type { Step } from './workload.js'

interface HeldSnapshot {
  readonly snapshot: EngineSnapshot
  readonly state: State
}

/** What works on a full disk. */
const READS: ReadonlySet<string> = new Set(['open', 'a reopened store', 'a scan', 'a scan in reverse', 'a scan of a snapshot', 'a get'])
/** Steps that a store which takes no more writes still has to serve, before it is reopened. */
const STEPS_WHEN_STOPPED = 3

/** Each failed write doubles the states that the store may be in; with this many, no more writes are tried. */
const MOST_STATES = 1024

export interface SessionOptions {
  readonly subject: Subject
  readonly seed: number
  readonly fileSystem: FaultyFileSystem
  readonly hash32: Hash32
  /** Syncs take a while, and other things happen meanwhile. */
  readonly delays: boolean
  /** All that may fail is what needs space: a store that was created opens, and is read. */
  readonly isDiskFull?: boolean
}

export class Session {
  readonly oracle: Oracle
  engine: Engine | undefined
  /** An open has succeeded. */
  created = false
  environment: Environment | undefined
  readonly #options: SessionOptions
  readonly #random: SeededRandom
  #snapshots: HeldSnapshot[] = []
  /** What was begun and not waited for. */
  #underWay: Promise<void>[] = []
  #stoppedFor = 0
  #checkpoints = 0
  /** The directory of the last checkpoint, if the next one is to go there, as after each flush. */
  #copy: string | undefined
  /** The file system has failed, so that errors may come; and as what: damage, too, or only as failures. */
  hasFailed = false
  mayLookDamaged = false
  /** What is wrong, first come first. */
  readonly faults: string[] = []

  constructor(options: SessionOptions) {
    this.#options = options
    this.oracle = new Oracle(options.hash32)
    this.#random = new SeededRandom(options.seed)
    if (options.delays) options.fileSystem.delay = () => this.#delay()
  }

  async open(): Promise<void> {
    const { subject, seed, fileSystem } = this.#options
    await this.#attempt('open', async () => {
      const { engine, environment } = await subject.open(seed, fileSystem, !this.created, { wallTime: () => this.oracle.now })
      this.engine = engine
      this.environment = environment
      this.created = true
      this.#stoppedFor = 0
      this.#see(
        'a reopened store',
        () => this.oracle.read(engine.cursor({})),
        state => this.oracle.settle(state),
      )
    })
  }

  async step(step: Step): Promise<void> {
    if (this.engine === undefined) await this.open()
    if (this.#stoppedFor > 0 && ++this.#stoppedFor > STEPS_WHEN_STOPPED) {
      await this.close()
      await this.open()
    }
    if (this.engine !== undefined) await this.#perform(this.engine, step)
  }

  /** Closes, with calls still under way or after them. */
  async close(): Promise<void> {
    const { engine } = this
    if (engine === undefined) return
    if (this.#random.uniform(2) === 0) await this.rest()
    this.engine = undefined
    this.#snapshots = []
    const closed = this.#attempt('close', async () => {
      await engine.close()
      // After a failure a store may close without another try to make what it holds durable.
      if (!this.hasFailed) this.oracle.acknowledge(this.oracle.issued, true)
    })
    await this.rest()
    await closed
    const { openHandles } = this.#options.fileSystem
    if (openHandles.size > 0) this.faults.push(`after close handles are open: ${[...openHandles].map(handle => handle.path).join(', ')}`)
    openHandles.clear()
  }

  /** Whether the store took a write, or said clearly that it takes none. */
  async tryWrite(): Promise<'taken' | 'stopped' | 'failed'> {
    const { engine } = this
    if (engine === undefined) return 'failed'
    const batch = new WriteBatch()
    const changes = [{ kind: 'put', key: 'tried', value: Uint8Array.of(this.oracle.issued & 255, this.oracle.issued >>> 8) }] as const
    batch.put(keyOf('tried'), changes[0].value)
    let outcome: 'taken' | 'stopped' | 'failed' = 'failed'
    await this.#write(
      'write',
      changes,
      true,
      async () => engine.write(batch, { sync: true }),
      result => (outcome = result),
    )
    return outcome
  }

  /** Reads everything, forwards and backwards, and every key by itself. */
  verifyReads(): boolean {
    const { engine, oracle } = this
    if (engine === undefined) return false
    const forwards = this.#see('a scan', () => oracle.read(engine.cursor({})))
    const backwards = this.#see('a scan in reverse', () => oracle.read(engine.cursor({}), true))
    return forwards && backwards && this.#verifyGets(engine)
  }

  async #perform(engine: Engine, step: Step): Promise<void> {
    if ((step.kind === 'write' || step.kind === 'clear' || step.kind === 'ingest') && this.oracle.latest.length > MOST_STATES) return
    switch (step.kind) {
      case 'write':
        return this.#writeStep(engine, step)
      case 'clear':
        return this.#clearStep(engine, step)
      case 'ingest':
        // Writes under way may come before its commit or after it.
        await this.rest()
        return this.#write('ingest', step.changes, true, () => engine.ingest!(sortedBatches(step.changes)))
      case 'in the background':
        this.#underWay.push(this.#attempt(step.job, () => engine[step.job]()))
        return
      case 'pass':
        await this.rest()
        return this.oracle.pass(step.ms)
      case 'flush':
        await this.#attempt('flush', () => engine.flush())
        return this.#copy === undefined ? undefined : this.#checkpoint(engine)
      case 'compact':
        return this.#attempt('compact', () => engine.compact())
      case 'settle':
        return this.#attempt('settle', () => engine.settle())
      case 'checkpoint':
        return this.#checkpoint(engine)
      case 'reopen':
        await this.close()
        return this.open()
      case 'scan':
        await this.rest()
        this.#see('a scan', () => this.oracle.read(engine.cursor({})))
        return
      case 'get':
        await this.rest()
        this.#verifyGets(engine)
        return
      case 'snapshot':
        await this.rest()
        if (this.#snapshots.length < 2 && this.oracle.latest.length === 1) {
          this.#snapshots.push({ snapshot: engine.snapshot(), state: this.oracle.latest[0] })
        }
        return
      case 'release':
        return this.#release(engine)
    }
  }

  /**
   * A checkpoint that resolves has what the engine showed at the call, and a power loss right afterwards takes nothing of it. One that can goes
   * to the place of the one before, which holds its own moment or this one, whatever fails.
   */
  async #checkpoint(engine: Engine): Promise<void> {
    const { inner } = this.#options.fileSystem
    if (!(inner instanceof MemoryFileSystem)) return
    const earlier = this.#copy
    this.#copy = undefined
    const directory = earlier ?? `/copies/${++this.#checkpoints}`
    if (earlier === undefined) {
      inner.makeDirectory(directory)
      for (const parent of ['/', '/copies']) await inner.syncDirectory(parent)
    }
    await this.#attempt('checkpoint', async () => {
      const before = earlier && (await this.#hashOf(inner.crashClone('none'), earlier))
      const expected = this.oracle.read(engine.cursor({}))
      const checkpoint = engine.checkpoint!()
      let isWritten = false
      try {
        isWritten = await write(checkpoint, directory, earlier !== undefined)
      } finally {
        checkpoint.release()
        if (isWritten || earlier !== undefined) {
          const seen = await this.#hashOf(inner.crashClone('none'), directory)
          if (seen !== expected.hash && (isWritten || seen !== before)) this.faults.push('a checkpoint differs from its moment')
        }
      }
      if (isWritten && checkpoint.update !== undefined) this.#copy = directory
    })
  }

  /** What a checkpoint holds on a file system without faults; `undefined` if it cannot be opened. */
  async #hashOf(fileSystem: MemoryFileSystem, directory: string): Promise<number | undefined> {
    const { subject, seed } = this.#options
    try {
      const { engine } = await subject.open(seed, fileSystem, false, { directory, wallTime: () => this.oracle.now })
      const { hash } = this.oracle.read(engine.cursor({}))
      await engine.close()
      return hash
    } catch (error) {
      this.faults.push(`a checkpoint cannot be opened: ${String(error)}`)
      return undefined
    }
  }

  #release(engine: Engine): void {
    const held = this.#snapshots.shift()
    if (held === undefined) return
    try {
      const seen = this.oracle.read(engine.cursor({}, held.snapshot))
      if (seen.hash !== held.state.hash) this.faults.push('a snapshot has changed')
    } catch (error) {
      this.#judge('a scan of a snapshot', error)
    }
    held.snapshot.release()
  }

  async #writeStep(engine: Engine, { changes, sync, awaited }: Step & { kind: 'write' }): Promise<void> {
    const batch = new WriteBatch()
    for (const change of changes) {
      if (change.kind === 'put') batch.put(keyOf(change.key), change.value, change.expiry)
      else if (change.kind === 'del') batch.del(keyOf(change.key))
    }
    const written = this.#write('write', changes, sync, async () => engine.write(batch, { sync }))
    if (awaited) await written
    else this.#underWay.push(written)
  }

  async #clearStep(engine: Engine, { first, last, sync, awaited }: Step & { kind: 'clear' }): Promise<void> {
    const range = { gte: keyOf(first), lte: keyOf(last) }
    const cleared = this.#write('clear', [{ kind: 'clear', first, last }], sync, async () => engine.clear(range, { sync }))
    if (awaited) await cleared
    else this.#underWay.push(cleared)
  }

  async #write(
    what: string,
    changes: Parameters<Oracle['issue']>[0],
    sync: boolean,
    work: () => Promise<void>,
    outcome: (result: 'taken' | 'stopped' | 'failed') => void = () => {},
  ): Promise<void> {
    const number = this.oracle.issue(changes)
    try {
      await bounded(work(), what)
      this.oracle.acknowledge(number, sync)
      outcome('taken')
    } catch (error) {
      this.oracle.fail(number)
      this.#judge(what, error)
      const isStopped = codeOf(error) === 'LEVEL_WRITES_STOPPED'
      if (isStopped && this.#stoppedFor === 0) this.#stoppedFor = 1
      outcome(isStopped ? 'stopped' : 'failed')
    }
  }

  #verifyGets(engine: Engine): boolean {
    const { latest } = this.oracle
    const expected = new Set(latest.flatMap(state => [...state.contents.keys()]))
    let isRead = true
    for (const key of [...expected, 'absent', 'key 15x']) {
      try {
        const value = engine.get(keyOf(key))
        const hash = value === undefined ? undefined : this.oracle.valueHash(value)
        if (!latest.some(state => state.contents.get(key) === hash)) this.faults.push(`a get of ${JSON.stringify(key)} is wrong`)
        if (engine.expiresAt!(keyOf(key)) !== this.oracle.expiryOf(hash)) this.faults.push(`the expiry of ${JSON.stringify(key)} is wrong`)
      } catch (error) {
        this.#judge('a get', error)
        isRead = false
      }
    }
    return isRead
  }

  /** What is seen must be right; not to see it for a reason is allowed. */
  #see(what: string, look: () => State, onSeen?: (state: State) => void): boolean {
    let state: State
    try {
      state = look()
    } catch (error) {
      this.#judge(what, error)
      return false
    }
    const { oracle } = this
    if (!oracle.latest.some(({ hash }) => hash === state.hash)) {
      this.faults.push(`${what} is wrong: ${oracle.explain(state, oracle.issued)}`)
    } else onSeen?.(state)
    return true
  }

  /** Waits for what is under way. */
  async rest(): Promise<void> {
    const underWay = this.#underWay
    this.#underWay = []
    await Promise.all(underWay)
  }

  async #attempt(what: string, work: () => Promise<void>): Promise<void> {
    try {
      await bounded(work(), what)
    } catch (error) {
      this.#judge(what, error)
    }
  }

  /** An error is right if a fault was injected and the error says what it is. */
  #judge(what: string, error: unknown): void {
    const code = codeOf(error)
    if (this.#options.isDiskFull === true && this.created && READS.has(what)) {
      this.faults.push(`${what} failed on a full disk: ${stackOf(error)}`)
      return
    }
    const isTyped = error instanceof FileSystemError || (code?.startsWith('LEVEL_') === true && code !== 'LEVEL_INTERNAL')
    if (this.hasFailed && isTyped && !(code === 'LEVEL_CORRUPTION' && !this.mayLookDamaged)) return
    this.faults.push(`${what} failed: ${stackOf(error)}`)
  }

  #delay(): Promise<void> | undefined {
    const turns = this.#random.uniform(4)
    if (turns === 0 || this.environment === undefined) return undefined
    return this.#turns(this.environment, turns)
  }

  async #turns({ scheduler }: Environment, turns: number): Promise<void> {
    for (let i = 0; i < turns; i++) await scheduler.turn()
  }
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}

function codeOf(error: unknown): string | undefined {
  const code = error instanceof Error ? (error as { readonly code?: unknown }).code : undefined
  return typeof code === 'string' ? code : undefined
}

/** Puts in the order of their keys, a few in each batch. */
async function* sortedBatches(changes: readonly Change[]): AsyncGenerator<WriteBatch> {
  const puts = changes.flatMap(change => (change.kind === 'put' ? [{ key: keyOf(change.key), value: change.value }] : []))
  puts.sort((a, b) => compareKeys(a.key, b.key))
  for (let from = 0; from < puts.length; from += 5) {
    const batch = new WriteBatch()
    for (const { key, value } of puts.slice(from, from + 5)) batch.put(key, value)
    batch.seal(0)
    yield batch
    await Promise.resolve()
  }
}

/** Writes a checkpoint into an empty directory, or to the place of an earlier one. Resolves to whether that was possible. */
async function write(checkpoint: EngineCheckpoint, directory: string, isUpdate: boolean): Promise<boolean> {
  if (!isUpdate) {
    await checkpoint.write(directory)
    return true
  }
  const update = await checkpoint.update!(directory, { onKept: () => undefined })
  try {
    await update?.commit()
  } finally {
    update?.close()
  }
  return update !== undefined
}
