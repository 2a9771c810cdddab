/**
 * Crashes a store at file operations while transactions, conditional batches and plain writes run side by side, some of which conflict, fail or
 * throw, and opens what a power loss or a kill leaves. In some runs a write to a file fails, too.
 *
 * Each item moves an amount between two accounts and puts entries that name it, so what is there says which items took effect. It checks of each
 * image: an item is there as a whole or not at all; the accounts are what the items that are there make of them, so no update was lost;
 * one that threw or was refused is not there; one acknowledged with `sync` is; an item comes with all that were acknowledged before it
 * began; `check()` finds nothing.
 */
import { Kvarium } from '../../../src/store/portable-kvarium.js'
import {
  FaultyFileSystem,
  changesImage,
  SeededRandom,
  simulatedEnvironment,
  type Environment,
  type FileSystem,
  type MemoryFileSystem,
} from '../../../src/vfs/index.js'
import { nodeDeflate } from '../../../src/vfs/node.js'
import { bounded } from './bounded.js'
import { emptyFileSystem, refuseGrowth, SweepFailure, type ImageChoice } from './crash-sweep.js'
import { DIRECTORY, type Subject } from './subjects.js'

export interface TransactionCounts {
  /** Items that were acknowledged. */
  committed: number
  /** Images opened. */
  crashes: number
}

export interface TransactionSweepOptions {
  readonly subject: Subject
  readonly seed: number
  /** Items of a run. */
  readonly steps: number
  readonly counts: TransactionCounts
}

const ACCOUNTS = ['ann', 'ben', 'cat', 'dan', 'eve']
const OPENING = 1000
/** Items that are under way at a time. */
const LANES = 4
/** One in this many operations that change what a crash leaves has its images opened. */
const CRASH_ONE_IN = 9
/** One in this many runs has a write to a file that fails. */
const FAULT_ONE_IN = 3

interface Item {
  readonly number: number
  readonly from: string
  readonly to: string
  readonly amount: number
  readonly entries: number
  /** Acknowledged items when it began: as a prefix of the list. */
  readonly began: number
  /** It threw, or was refused: it has no effect. */
  isRefused: boolean
}

interface Image {
  readonly at: string
  readonly fileSystem: MemoryFileSystem
  /** The items that must be there, as prefixes of the lists. */
  readonly acknowledged: number
  readonly synced: number
}

class Thrown extends Error {}

export async function transactionSweep(options: TransactionSweepOptions): Promise<void> {
  const { subject, seed, steps, counts } = options
  try {
    const run = new Run(subject, seed)
    await run.work(steps)
    counts.committed += run.acknowledged.length
    for (const image of run.images) {
      counts.crashes++
      await run.verify(image)
    }
  } catch (error) {
    const reason = error instanceof Error ? (error.stack ?? error.message) : String(error)
    const replay = `npm run torture -- --engine ${subject.name} --seed ${seed} --steps ${steps} --only transaction`
    throw new SweepFailure(`With transactions: ${reason}\nReplay: ${replay}`, { cause: error })
  }
}

class Run {
  readonly images: Image[] = []
  /** Items in the order in which they were acknowledged, and those with `sync` among them. */
  readonly acknowledged: Item[] = []
  readonly #synced: Item[] = []
  readonly #items: Item[] = []
  readonly #subject: Subject
  readonly #seed: number
  readonly #random: SeededRandom
  readonly #hasFault: boolean
  readonly #memory = emptyFileSystem()
  #db!: Kvarium
  #environment!: Environment

  constructor(subject: Subject, seed: number) {
    this.#subject = subject
    this.#seed = seed
    this.#random = new SeededRandom(seed)
    this.#hasFault = seed % FAULT_ONE_IN === 0
  }

  async work(steps: number): Promise<void> {
    const fileSystem = new FaultyFileSystem(this.#memory)
    refuseGrowth(fileSystem, this.#seed)
    const db = (this.#db = await this.#open(fileSystem))
    await db.batch(
      ACCOUNTS.map(key => ({ type: 'put', key, value: String(OPENING) }) as const),
      { sync: true },
    )
    let operation = 0
    fileSystem.before = next => {
      if (changesImage(next) && (this.#seed + ++operation) % CRASH_ONE_IN === 0) this.#crash(`before ${next.kind} ${next.path}`)
    }
    if (this.#hasFault) {
      const effect = { kind: 'error', code: 'EIO', done: this.#random.uniform(40) } as const
      fileSystem.inject({ on: ({ kind }) => kind === 'write', skip: this.#random.uniform(steps), effect })
    }
    let left = steps
    const lane = async (): Promise<void> => {
      while (left-- > 0) await this.#step()
    }
    await bounded(Promise.all(Array.from({ length: LANES }, lane)), 'a transaction')
    this.#crash('at the end')
    await bounded(db.close(), 'a close').catch(this.#allowFault)
    fileSystem.before = undefined
    this.#crash('after the close')
  }

  async verify({ at, fileSystem, acknowledged, synced }: Image): Promise<void> {
    const db = await this.#open(fileSystem)
    const entries = new Map(await bounded(db.iterator().all(), 'a scan'))
    const found = new Map<number, number>()
    for (const [key, value] of entries) {
      const number = Number(/(?:^|!)item (\d+)\//.exec(key)?.[1] ?? NaN)
      if (Number.isNaN(number)) continue
      if (!value.startsWith(`${key.split('!').at(-1)} `)) throw new Error(`after a crash ${at}: ${key} has a value of another`)
      found.set(number, (found.get(number) ?? 0) + 1)
    }
    const fail = (what: string, { number }: Item): never => {
      throw new Error(`after a crash ${at}: item ${number} ${what}`)
    }
    const isThere = (item: Item): boolean => found.has(item.number)
    for (const item of this.#items) {
      const there = found.get(item.number) ?? 0
      if (there !== 0 && there !== item.entries) fail(`is there with ${there} of ${item.entries} entries`, item)
      if (there === 0) continue
      if (item.isRefused) fail('is there, although it was refused', item)
      for (const earlier of this.acknowledged.slice(0, item.began)) {
        if (!isThere(earlier)) fail(`is there, but not ${earlier.number}, which was acknowledged before it began`, item)
      }
    }
    for (const item of this.acknowledged.slice(0, acknowledged)) if (!isThere(item)) fail('was acknowledged, and is gone', item)
    for (const item of this.#synced.slice(0, synced)) if (!isThere(item)) fail('was acknowledged with sync, and is gone', item)
    for (const account of ACCOUNTS) {
      const expected = this.#items.filter(isThere).reduce((sum, item) => sum + effectOn(account, item), OPENING)
      const balance = Number(entries.get(account))
      if (balance !== expected)
        throw new Error(`after a crash ${at}: ${account} has ${balance}, but the items that are there make it ${expected}`)
    }
    for await (const { path, message } of db.check()) throw new Error(`after a crash ${at}: check: ${path}: ${message}`)
    await bounded(db.close(), 'a close')
  }

  #crash(at: string): void {
    const choices: readonly ImageChoice[] = ['none', 'all', this.#random.uint32()]
    for (const choice of choices) {
      const fileSystem = this.#memory.crashClone(choice)
      const acknowledged = choice === 'all' ? this.acknowledged.length : 0
      this.images.push({ at: `${at} (${choice})`, fileSystem, acknowledged, synced: this.#synced.length })
    }
  }

  async #step(): Promise<void> {
    const random = this.#random
    const item: Item = {
      number: this.#items.length,
      from: ACCOUNTS[random.uniform(ACCOUNTS.length)],
      to: ACCOUNTS[random.uniform(ACCOUNTS.length)],
      amount: 1 + random.uniform(50),
      entries: 1 + random.uniform(4),
      began: this.acknowledged.length,
      isRefused: false,
    }
    this.#items.push(item)
    const sync = random.uniform(3) === 0
    try {
      await (random.uniform(3) === 0 ? this.#conditionalBatch(item, sync) : this.#transaction(item, sync))
      this.acknowledged.push(item)
      if (sync) this.#synced.push(item)
    } catch (error) {
      item.isRefused = error instanceof Thrown || isRefusal(error)
      if (!item.isRefused) this.#allowFault(error)
    }
    if (random.uniform(12) === 0) await (random.uniform(2) === 0 ? this.#db.flush() : this.#db.compactRange()).catch(this.#allowFault)
  }

  async #transaction(item: Item, sync: boolean): Promise<void> {
    const random = this.#random
    const sublevel = this.#db.sublevel('items')
    const readsRange = random.uniform(4) === 0
    const throws = random.uniform(8) === 0
    await this.#db.transaction(
      async tx => {
        if (readsRange) await tx.keys({ gte: 'a', lt: 'c' }).all()
        for (const account of new Set([item.from, item.to])) {
          const balance = Number(await tx.get(account))
          await this.#turns()
          await tx.put(account, String(balance + effectOn(account, item)))
        }
        for (let i = 0; i < item.entries; i++) await tx.put(...this.#entry(item, i), { sublevel })
        if (throws) throw new Thrown('rolled back')
      },
      { sync, retries: 3 },
    )
  }

  async #conditionalBatch(item: Item, sync: boolean): Promise<void> {
    const accounts = [...new Set([item.from, item.to])]
    const values = await this.#db.getMany(accounts)
    await this.#turns()
    const conditions = accounts.map((key, i) => ({ key, value: values[i]! }))
    const operations = [
      ...accounts.map((key, i) => [key, String(Number(values[i]) + effectOn(key, item))]),
      ...Array.from({ length: item.entries }, (_, i) => this.#entry(item, i)),
    ].map(([key, value]) => ({ type: 'put', key, value }) as const)
    await this.#db.batch(operations, { sync, conditions })
  }

  #entry({ number }: Item, index: number): [key: string, value: string] {
    const key = `item ${number}/${index}`
    return [key, `${key} ${'x'.repeat(this.#random.uniform(600))}`]
  }

  /** A failed write to a file, and what is refused after it, say so; whether their items took effect is unknown. */
  readonly #allowFault = (error: unknown): void => {
    const code = codeOf(error)
    if (!this.#hasFault || (code !== 'LEVEL_IO_ERROR' && code !== 'LEVEL_WRITES_STOPPED')) throw error
  }

  /** Lets other items come between. */
  async #turns(): Promise<void> {
    for (let left = this.#random.uniform(3); left > 0; left--) await this.#environment.scheduler.turn()
  }

  async #open(fileSystem: FileSystem): Promise<Kvarium> {
    const environment = simulatedEnvironment({ seed: this.#seed, fileSystem, deflate: nodeDeflate })
    this.#environment = environment
    const db = new Kvarium(DIRECTORY, { environment, ...this.#subject.storeOptions(this.#seed) })
    await bounded(db.open(), 'an open')
    return db
  }
}

function effectOn(account: string, { from, to, amount }: Item): number {
  return (account === to ? amount : 0) - (account === from ? amount : 0)
}

function codeOf(error: unknown): unknown {
  return (error as { readonly code?: unknown }).code
}

function isRefusal(error: unknown): boolean {
  return codeOf(error) === 'LEVEL_TRANSACTION_CONFLICT' || codeOf(error) === 'LEVEL_CONDITION_FAILED'
}
