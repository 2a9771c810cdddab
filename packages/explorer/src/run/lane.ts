/**
 * One store of a run: a real engine on a file system in memory, in a world where time passes only with the run.
 *
 * Invariants:
 * 1. The same settings, seed and operations give the same events, byte for byte, in any JavaScript engine.
 * 2. After an operation the clock moves on by a fixed number of turns, in which the background works; then the lane stands still.
 * 3. An operation that fails changes nothing of the lane but what the engine's own events say.
 */
import { Kvarium, type EngineFactory } from 'kvarium'
import { loadHash32 } from 'kvarium/codec'
import { shortText } from 'kvarium/observe'
import { Trace, type TraceListener } from 'kvarium/trace'
import { MemoryFileSystem, portableEnvironment, SeededRandom, type Environment } from 'kvarium/vfs'
import { codeOf, ExplorerError } from './explorer-error.js'
import { shortWord } from './command.js'
import { engineOf, engineOfLane } from './engines.js'
import type { LaneSettings } from './settings.js'
import { quotedName, someNames } from './names.js'
import { isConflict, OpenTransactions } from './open-transactions.js'
import type { KeyInterval, Operation, Outcome, Range, TransactionStep } from './operation.js'
import { SteppedTime } from './stepped-time.js'

/** Directory of every lane, in its own file system. */
export const LOCATION = '/store'

/** Characters of a value that an outcome shows. */
const LONGEST_VALUE = 60
/** Entries of a range that an outcome keeps. */
const KEPT_ENTRIES = 20
/** Turns of the background after each operation. */
const TURNS_PER_OPERATION = 2
/** How long an operation may wait, in real milliseconds, while nothing in the lane can carry it on: code may be loading. */
const MOST_IDLE_MS = 30_000

type Store = Kvarium<string, string>
type StoreSnapshot = ReturnType<Store['snapshot']>
type StoreTransaction = ReturnType<OpenTransactions['get']>

/** A turn of the real event loop: every promise chain has gone on as far as it can. */
const { turn } = portableEnvironment({ fileSystem: new MemoryFileSystem() }).scheduler

export class Lane {
  readonly settings: LaneSettings
  readonly #seed: number
  readonly #listener: TraceListener
  /** What the lane began with; never changed. */
  readonly #base: MemoryFileSystem
  readonly #fileSystem: MemoryFileSystem
  /** What the wall clock shows at its beginning; absent for that of a run. */
  readonly #wallStart: number | undefined
  readonly #time: SteppedTime
  readonly #environment: Environment
  readonly #snapshots = new Map<string, StoreSnapshot>()
  readonly #transactions = new OpenTransactions()
  /** Entries that the last commit of a transaction has written. */
  #committed = 0
  readonly #done: Operation[] = []
  #factory: EngineFactory | string | undefined
  #store: Store | undefined

  /** @param base - The files that it finds; they stay as they are. */
  constructor(settings: LaneSettings, seed: number, listener: TraceListener, base = new MemoryFileSystem(), wallStart?: number) {
    this.settings = settings
    this.#seed = seed
    this.#listener = listener
    this.#base = base
    this.#wallStart = wallStart
    this.#time = new SteppedTime(wallStart)
    this.#fileSystem = base.processCrashClone()
    this.#environment = { fileSystem: this.#fileSystem, clock: this.#time, scheduler: this.#time, random: new SeededRandom(seed) }
  }

  /** Opens the store; the outcome says why where it cannot be opened. */
  async open(): Promise<Outcome> {
    // What takes real time is loaded before the lane's time begins.
    await loadEngine(this.settings.engine)
    return this.#perform(async () => {
      this.#factory = await engineOfLane(this.settings, this.#seed)
      await this.#openStore()
      return ok(`${this.settings.engine} is open`)
    })
  }

  /** Performs an operation, and lets the background have its turns. */
  execute(operation: Operation): Promise<Outcome> {
    this.#done.push(operation)
    return this.#perform(() => this.#do(operation))
  }

  /** Does everything again up to an event, and takes from its files as they were right after it. Events count from the opening of this lane. */
  async at<T>(event: number, take: (fileSystem: MemoryFileSystem) => T): Promise<T> {
    let count = 0
    let taken: { readonly value: T } | undefined
    const again: Lane = new Lane(
      this.settings,
      this.#seed,
      () => {
        if (++count === event) taken = { value: take(again.#fileSystem) }
      },
      this.#base,
      this.#wallStart,
    )
    if (event === 0) return take(again.#fileSystem)
    await again.open()
    for (const operation of this.#done) {
      if (taken !== undefined) break
      await again.execute(operation)
    }
    if (taken === undefined)
      throw new ExplorerError(
        'KVARIUM_NOTHING_THERE',
        `Lane "${this.settings.name}" has had ${count} events since it was opened; there is no event ${event}`,
      )
    return taken.value
  }

  /** A lane on files that this one has left: its clock and chance begin anew; the wall clock goes on, so what has expired stays so. */
  recovered(image: MemoryFileSystem, listener: TraceListener): Lane {
    return new Lane(this.settings, this.#seed, listener, image, this.#time.wallTime())
  }

  /** All entries that the store holds. */
  async entries(): Promise<readonly (readonly [key: string, value: string])[]> {
    const store = this.#opened()
    return this.#complete(store.iterator().all())
  }

  /** Closes the store, if it is open. */
  async close(): Promise<void> {
    if (this.#store === undefined || this.#store.status === 'closed') return
    await this.#complete(this.#transactions.abortAll())
    await this.#complete(this.#store.close())
  }

  async #openStore(): Promise<void> {
    const { options } = this.settings
    const listener: TraceListener = event => {
      if (event.type === 'transaction.commit') this.#committed = event.entries
      this.#listener(event)
    }
    const trace = new Trace({ level: 'step', payloads: true, listener })
    const store: Store = new Kvarium<string, string>(LOCATION, {
      ...options,
      engine: this.#factory,
      environment: this.#environment,
      trace,
    } as never)
    // Opening begins by itself; only this promise says why it failed.
    await this.#complete(store.open())
    this.#store = store
  }

  async #perform(work: () => Promise<Outcome>): Promise<Outcome> {
    let outcome: Outcome
    try {
      outcome = await work()
    } catch (error) {
      outcome = isConflict(error) ? { ...failed(error), status: 'conflict' } : failed(error)
    }
    for (let turns = 0; turns < TURNS_PER_OPERATION && this.#time.isBusy; turns++) await this.#tick()
    return outcome
  }

  async #do(operation: Operation): Promise<Outcome> {
    const store = this.#opened()
    switch (operation.type) {
      case 'put':
        await this.#complete(store.put(operation.key, operation.value, { ...syncOption(operation), ...ttlOption(operation) }))
        return ok('')
      case 'del':
        await this.#complete(store.del(operation.key, syncOption(operation)))
        return ok('')
      case 'get': {
        const snapshot = operation.snapshot === undefined ? undefined : this.#snapshot(operation.snapshot)
        return gotten(await this.#complete(store.get(operation.key, { snapshot })))
      }
      case 'range':
        return this.#range(store, operation)
      case 'batch':
        await this.#complete(
          store.batch(
            operation.operations.map(write => ({ ...write })),
            syncOption(operation),
          ),
        )
        return ok(`${operation.operations.length} operations`)
      case 'clear':
        await this.#complete(store.clear(bounds(operation)))
        return ok('')
      case 'snapshot':
        if (this.#snapshots.has(operation.name))
          throw new ExplorerError(
            'KVARIUM_INVALID_NAME',
            `There is a snapshot ${quotedName(operation.name)} already: release it, or use another name`,
          )
        this.#snapshots.set(operation.name, store.snapshot())
        return ok(`holds this moment as ${shortWord(operation.name)}`)
      case 'release':
        await this.#complete(this.#snapshot(operation.name).close())
        this.#snapshots.delete(operation.name)
        return ok('')
      case 'begin':
        // The first one loads code, which takes real time: no time passes meanwhile.
        await this.#complete(this.#transactions.begin(store, operation.name, operation.sync === true), false)
        return ok('open: it reads this moment until it ends')
      case 'in':
        return this.#step(operation.name, operation.operation)
      case 'commit':
        await this.#complete(this.#transactions.commit(operation.name))
        return ok(committedText(this.#committed))
      case 'abort':
        await this.#complete(this.#transactions.abort(operation.name))
        return ok('nothing of it is written')
      case 'sync':
        // A clear of no keys: it writes nothing, and its sync makes durable what was written before.
        await this.#complete(store.clear({ gte: '', lt: '', ...syncOption({ sync: true }) }))
        return ok('what was written survives power loss')
      case 'flush':
        await this.#complete(store.flush())
        return ok('')
      case 'compact':
        await this.#complete(store.compactRange(operation.from, operation.to))
        return ok('')
      case 'wait':
        await this.#pass(operation.ms)
        return ok(`${operation.ms} ms later`)
      case 'reopen':
        for (const snapshot of this.#snapshots.values()) await this.#complete(snapshot.close())
        this.#snapshots.clear()
        await this.close()
        await this.#openStore()
        return ok('closed and opened again')
      case 'crash':
        throw new ExplorerError('KVARIUM_NOT_AT_HAND', 'A crash is of the run, which makes another lane of this one: crash it there')
    }
  }

  #opened(): Store {
    if (this.#store === undefined) throw new ExplorerError('KVARIUM_NOTHING_THERE', 'The store is not open: see what its opening said')
    return this.#store
  }

  /** A step of an open transaction. */
  async #step(name: string, step: TransactionStep): Promise<Outcome> {
    const transaction = this.#transactions.get(name)
    switch (step.type) {
      case 'get':
        return gotten(await this.#complete(transaction.get(step.key)))
      case 'range':
        return this.#range(transaction, step)
      case 'put':
        await this.#complete(transaction.put(step.key, step.value, ttlOption(step)))
        break
      case 'del':
        await this.#complete(transaction.del(step.key))
        break
      case 'clear':
        await this.#complete(transaction.clear(bounds(step)))
    }
    return ok('waits for the commit')
  }

  async #range(reads: Pick<Store, 'iterator'> | StoreTransaction, range: Range): Promise<Outcome> {
    const { limit = -1, reverse = false } = range
    const iterator = reads.iterator({ ...bounds(range), limit, reverse })
    const entries: [string, string][] = []
    let count = 0
    try {
      for (;;) {
        const entry = await this.#complete(iterator.next())
        if (entry === undefined) break
        if (count++ < KEPT_ENTRIES) entries.push([entry[0], shortText(entry[1], LONGEST_VALUE)])
      }
    } finally {
      await this.#complete(iterator.close())
    }
    return { status: 'ok', text: count === 1 ? '1 entry' : `${count} entries`, entries }
  }

  #snapshot(name: string): StoreSnapshot {
    const found = this.#snapshots.get(name)
    if (found !== undefined) return found
    const names = someNames(this.#snapshots.keys())
    const held =
      names === '' ? `none is held. Take one by "snapshot NAME"; a reopening ends all of them` : `those held are ${names}. Use one of them`
    throw new ExplorerError('KVARIUM_NOTHING_THERE', `There is no snapshot ${quotedName(name)}: ${held}`)
  }

  /** Waits for work of the store, and takes as many steps as it needs; none for work that needs none. */
  async #complete<T>(work: PromiseLike<T>, needsSteps = true): Promise<T> {
    let isSettled = false
    const settle = (): void => {
      isSettled = true
    }
    void work.then(settle, settle)
    let idleSince: number | undefined
    for (;;) {
      await turn()
      if (isSettled) return work
      if (needsSteps && this.#time.canStep) {
        this.#time.step()
        idleSince = undefined
        continue
      }
      idleSince ??= Date.now()
      if (Date.now() - idleSince > MOST_IDLE_MS)
        throw new ExplorerError(
          'KVARIUM_STALLED',
          'The operation waits for something that does not happen: go back before it, and do something else',
        )
    }
  }

  /** Time passes, in which all jobs that are due have their turns. */
  async #pass(ms: number): Promise<void> {
    const end = this.#time.now() + ms
    while (this.#time.now() < end && this.#time.canStep) await this.#tick(end)
    this.#time.advance(end)
  }

  async #tick(untilMs?: number): Promise<void> {
    this.#time.step(untilMs)
    await turn()
  }
}

/** By engine: whether its code is loaded. */
const loaded = new Map<string, Promise<void>>()

/** Loads all code of an engine that a lane may need: code that came in the middle of an operation would change what happens in which turn. */
function loadEngine(engine: string): Promise<void> {
  let loading = loaded.get(engine)
  if (loading === undefined) loaded.set(engine, (loading = useOnce(engine)))
  return loading
}

/** Uses a store once in all ways that load code: it writes files, reads them, and recovers them. */
async function useOnce(engine: string): Promise<void> {
  await loadHash32()
  const fileSystem = new MemoryFileSystem()
  const useStore = async (files: MemoryFileSystem): Promise<MemoryFileSystem> => {
    const store: Store = new Kvarium<string, string>(LOCATION, {
      engine: engineOf(engine),
      environment: portableEnvironment({ fileSystem: files }),
    } as never)
    await store.open()
    await store.put('a', '1')
    await store.flush()
    await store.put('b', '2', { sync: true })
    const left = files.processCrashClone()
    await store.clear({ gte: 'a' })
    await store.compactRange()
    await store.iterator().all()
    await store.close()
    return left
  }
  try {
    const left = await useStore(fileSystem)
    await useStore(left)
    await useStore(fileSystem)
  } catch {
    // An engine that does not open says why where the lane opens it.
  }
}

function ok(text: string): Outcome {
  return { status: 'ok', text }
}

function committedText(writes: number): string {
  if (writes === 0) return 'ended: it had nothing to write'
  return writes === 1 ? 'committed: 1 write' : `committed: ${writes} writes`
}

function gotten(value: string | undefined): Outcome {
  return value === undefined ? { status: 'missing', text: 'not found' } : { status: 'found', text: shortText(value, LONGEST_VALUE), value }
}

function failed(error: unknown): Outcome {
  if (!(error instanceof Error)) return { status: 'failed', text: String(error) }
  const cause = error.cause instanceof Error ? `: ${error.cause.message}` : ''
  const code = codeOf(error)
  return { status: 'failed', text: error.message + cause, ...(code !== undefined && { code }) }
}

function syncOption({ sync = false }: { readonly sync?: boolean }): { sync: boolean } {
  return { sync }
}

function ttlOption({ ttl }: { readonly ttl?: number }): { ttl?: number } {
  return ttl === undefined ? {} : { ttl }
}

function bounds({ from, to }: KeyInterval): { gte?: string; lt?: string } {
  return { ...(from !== undefined && { gte: from }), ...(to !== undefined && { lt: to }) }
}
