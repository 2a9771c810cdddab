/**
 * A store that follows the changes of another one, while either is killed, loses power or is reopened, again and again.
 *
 * It checks: each change that the follower gets is the next one after its place, none skipped and none repeated; the follower holds what the
 * first store held at that place, also behind its own crashes; the first store, behind its own, has everything that the follower has. Where
 * changes are gone, the follower starts over from a snapshot, and that is allowed only where few are kept.
 */
import { Kvarium } from '../../../src/store/portable-kvarium.js'
import type { Change, Changes } from '../../../src/store/changes.js'
import { SeededRandom, simulatedEnvironment, type MemoryFileSystem } from '../../../src/vfs/index.js'
import { nodeDeflate } from '../../../src/vfs/node.js'
import { bounded } from './bounded.js'
import { emptyFileSystem, SweepFailure } from './crash-sweep.js'
import { DIRECTORY, SUBJECTS, type Subject } from './subjects.js'

export interface FollowCounts {
  /** Changes that followers got. */
  followed: number
  crashes: number
  /** Times that a follower started over. */
  restarts: number
}

export interface FollowerSweepOptions {
  /** The engine that is followed; the follower has another. */
  readonly subject: Subject
  readonly seed: number
  readonly steps: number
  readonly counts: FollowCounts
}

/** What is kept of the changes: all, or less than a follower may be behind. */
const RETAINED = [1 << 22, 1 << 22, 1]
const KEYS = 30
const POSITION = 'position'

type Entries = Readonly<Record<string, string>>
type Operations = Change<string, string>['operations']

/** The first store after one of its changes. */
interface Moment {
  readonly sequence: number
  readonly operations: Operations
  readonly entries: Entries
}

export async function followerSweep({ subject, seed, steps, counts }: FollowerSweepOptions): Promise<void> {
  try {
    await new Pair(subject, seed, counts).run(steps)
  } catch (error) {
    const reason = error instanceof Error ? (error.stack ?? error.message) : String(error)
    const replay = `npm run torture -- --engine ${subject.name} --seed ${seed} --steps ${steps} --only follow`
    throw new SweepFailure(`A follower of changes: ${reason}\nReplay: ${replay}`, { cause: error })
  }
}

class Pair {
  readonly #random: SeededRandom
  readonly #counts: FollowCounts
  readonly #first: Side
  readonly #second: Side
  readonly #retained: number
  /** What the first store held, by ascending sequence numbers. */
  readonly #moments: Moment[] = [{ sequence: 0, operations: [], entries: {} }]
  /** The last moment that a power loss leaves. */
  #synced = 0
  #feed: Changes<string, string> | undefined
  /** Where the follower is; `undefined` if it has to start over. */
  #position: number | undefined

  constructor(subject: Subject, seed: number, counts: FollowCounts) {
    const other = [...SUBJECTS.values()].find(({ name }) => name !== subject.name)!
    this.#random = new SeededRandom(seed)
    this.#counts = counts
    this.#retained = this.#pick(RETAINED)
    this.#first = new Side(subject, seed, { changesRetainBytes: this.#retained })
    this.#second = new Side(other, seed + 1, {})
  }

  async run(steps: number): Promise<void> {
    await this.#first.open()
    await this.#second.open()
    for (let step = 0; step < steps; step++) {
      const roll = this.#random.uniform(100)
      if (roll < 60) await this.#write()
      else if (roll < 86) await this.#follow(1 + this.#random.uniform(5))
      else if (roll < 90) await bounded(this.#pick([this.#first, this.#second]).db.flush(), 'a flush')
      else if (roll < 95) await this.#crashSecond()
      else await this.#crashFirst()
    }
    await this.#follow(Infinity)
    this.#expect(await this.#copied(), this.#moments.at(-1)!.entries, 'in the end the follower')
    await this.#feed?.close()
    await this.#first.db.close()
    await this.#second.db.close()
  }

  async #write(): Promise<void> {
    const { db } = this.#first
    const last = this.#moments.at(-1)!
    const sync = this.#random.uniform(8) === 0
    let operations: Operations
    if (this.#random.uniform(12) === 0) {
      const [gte, lte] = [this.#key(), this.#key()].sort()
      await bounded(db.clear({ gte, lte, sync }), 'a clear')
      operations = [{ type: 'clear', gte, lte }]
    } else {
      operations = Array.from({ length: 1 + this.#random.uniform(4) }, () =>
        this.#random.uniform(4) === 0
          ? ({ type: 'del', key: this.#key() } as const)
          : ({ type: 'put', key: this.#key(), value: `${this.#random.uint32()} `.padEnd(this.#random.uniform(600), '.') } as const),
      )
      await bounded(db.batch([...operations] as Exclude<Operations[number], { type: 'clear' }>[], { sync }), 'a batch')
    }
    const sequence = await this.#first.sequence()
    // A clear of nothing is no change.
    if (sequence > last.sequence) this.#moments.push({ sequence, operations, entries: after(last.entries, operations) })
    if (sync) this.#synced = this.#moments.length - 1
  }

  /** Gets some changes, and applies them. */
  async #follow(most: number): Promise<void> {
    const last = this.#moments.at(-1)!.sequence
    for (let left = most; left > 0 && (this.#position ?? -1) < last; left--) {
      if (this.#position === undefined) {
        await this.#startOver()
        continue
      }
      let found: IteratorResult<Change<string, string>, undefined>
      try {
        this.#feed ??= this.#first.db.changes({ since: this.#position, live: true })
        found = await bounded(this.#feed.next(), 'a change')
      } catch (error) {
        if ((error as { readonly code?: unknown }).code !== 'LEVEL_CHANGES_GONE' || this.#retained > 1 << 20) throw error
        await this.#startOver()
        continue
      }
      await this.#apply(found.value!)
    }
  }

  async #apply(change: Change<string, string>): Promise<void> {
    const { db } = this.#second
    const at = this.#index(this.#position!) + 1
    const expected = this.#moments[at]
    if (change.sequence !== expected?.sequence) {
      throw new Error(`behind ${this.#position} comes the change ${change.sequence}, and not ${expected?.sequence ?? 'none'}`)
    }
    this.#expect(after(this.#moments[at - 1].entries, change.operations), expected.entries, `the change ${change.sequence}`)
    const copy = db.sublevel('copy')
    for (const operation of change.operations) if (operation.type === 'clear') await bounded(copy.clear(operation), 'a clear of the copy')
    if (this.#random.uniform(20) === 0) return this.#crashSecond()
    const writes = change.operations.filter(operation => operation.type !== 'clear').map(operation => ({ ...operation, sublevel: copy }))
    await bounded(db.batch([...writes, { type: 'put', key: POSITION, value: String(change.sequence) }]), 'a batch of the copy')
    this.#position = change.sequence
    this.#counts.followed++
    this.#synced = Math.max(this.#synced, at)
  }

  async #startOver(): Promise<void> {
    this.#counts.restarts++
    await this.#feed?.close()
    this.#feed = undefined
    const second = this.#second.db
    const copy = second.sublevel('copy')
    await bounded(second.del(POSITION), 'a del')
    await bounded(copy.clear(), 'a clear of the copy')
    const { db } = this.#first
    const snapshot = db.snapshot()
    const entries = await bounded(db.iterator({ snapshot }).all(), 'a scan')
    const sequence = snapshot.sequence!
    await snapshot.close()
    await bounded(db.flush(), 'a flush')
    this.#synced = this.#moments.length - 1
    const writes = entries.map(([key, value]) => ({ type: 'put', key, value, sublevel: copy }) as const)
    await bounded(second.batch([...writes, { type: 'put', key: POSITION, value: String(sequence) }]), 'a copy')
    this.#position = sequence
  }

  async #crashFirst(): Promise<void> {
    this.#counts.crashes++
    await this.#feed?.close()
    this.#feed = undefined
    const kind = await this.#first.crash(this.#random)
    const sequence = await this.#first.sequence()
    const at = this.#index(sequence)
    const floor = kind === 'power loss' ? this.#synced : this.#moments.length - 1
    if (at < floor) throw new Error(`a ${kind} of the first store leaves ${sequence}, but ${this.#moments[floor].sequence} was safe`)
    this.#moments.length = at + 1
    this.#synced = at
    this.#expect(
      Object.fromEntries(await bounded(this.#first.db.iterator().all(), 'a scan')),
      this.#moments[at].entries,
      `the first store after a ${kind}`,
    )
  }

  async #crashSecond(): Promise<void> {
    this.#counts.crashes++
    await this.#feed?.close()
    this.#feed = undefined
    const kind = await this.#second.crash(this.#random)
    const position = await bounded(this.#second.db.get(POSITION), 'a get')
    this.#position = position === undefined ? undefined : Number(position)
    if (this.#position === undefined) return
    const at = this.#index(this.#position)
    const next = this.#moments[at + 1]
    const copied = await this.#copied()
    // A clear of the change that was being applied may be there already: it is applied again.
    if (next?.operations[0]?.type === 'clear' && isEqual(copied, next.entries)) return
    this.#expect(copied, this.#moments[at].entries, `the follower at ${position} after a ${kind}`)
  }

  async #copied(): Promise<Entries> {
    return Object.fromEntries(await bounded(this.#second.db.sublevel('copy').iterator().all(), 'a scan'))
  }

  #index(sequence: number): number {
    const at = this.#moments.findIndex(moment => moment.sequence === sequence)
    if (at < 0) throw new Error(`no batch of the first store ended with the sequence number ${sequence}`)
    return at
  }

  #expect(found: Entries, expected: Entries, what: string): void {
    if (isEqual(found, expected)) return
    const keys = new Set([...Object.keys(found), ...Object.keys(expected)])
    const different = [...keys].filter(key => found[key] !== expected[key])
    throw new Error(`${what}: other values of ${different.slice(0, 5).join(', ')}`)
  }

  #key(): string {
    return `key ${String(this.#random.uniform(KEYS)).padStart(2, '0')}`
  }

  #pick<T>(choices: readonly T[]): T {
    return choices[this.#random.uniform(choices.length)]
  }
}

/** One of the two stores, and its disk. */
class Side {
  readonly #subject: Subject
  readonly #seed: number
  readonly #options: object
  #memory = emptyFileSystem()
  db!: Kvarium

  constructor(subject: Subject, seed: number, options: object) {
    this.#subject = subject
    this.#seed = seed
    this.#options = options
  }

  async open(): Promise<void> {
    const environment = simulatedEnvironment({ seed: this.#seed, fileSystem: this.#memory, deflate: nodeDeflate })
    this.db = new Kvarium(DIRECTORY, { environment, ...this.#subject.storeOptions(this.#seed), ...this.#options })
    await bounded(this.db.open(), 'an open')
  }

  /** Ends the process, and opens what is left. */
  async crash(random: SeededRandom): Promise<'power loss' | 'kill' | 'close'> {
    const kind = (['power loss', 'power loss', 'kill', 'close'] as const)[random.uniform(4)]
    let left: MemoryFileSystem
    if (kind === 'power loss') left = this.#memory.crashClone(random.uint32())
    else if (kind === 'kill') left = this.#memory.processCrashClone()
    else left = this.#memory
    await bounded(this.db.close(), 'a close')
    this.#memory = left
    await this.open()
    return kind
  }

  async sequence(): Promise<number> {
    const snapshot = this.db.snapshot()
    const { sequence } = snapshot
    await snapshot.close()
    return sequence!
  }
}

function after(entries: Entries, operations: Operations): Entries {
  let next = { ...entries }
  for (const operation of operations) {
    if (operation.type === 'put') next[operation.key] = operation.value
    else if (operation.type === 'del') next = without(next, key => key === operation.key)
    else next = without(next, key => key >= operation.gte! && key <= operation.lte!)
  }
  return next
}

function without(entries: Entries, isGone: (key: string) => boolean): Record<string, string> {
  return Object.fromEntries(Object.entries(entries).filter(([key]) => !isGone(key)))
}

function isEqual(a: Entries, b: Entries): boolean {
  const keys = Object.keys(a)
  return keys.length === Object.keys(b).length && keys.every(key => a[key] === b[key])
}
