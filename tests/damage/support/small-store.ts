/**
 * Small stores with all kinds of entries, as bytes in memory, and the answers they must give.
 *
 * Three states of one history: `clean` was closed; `unclean` is what a killed process left of it; `reopened` was opened and closed
 * twice more, so that it holds logs of earlier sessions.
 */
import { loadHash32 } from '../../../src/codec/checksum.js'
import { BatchReader, WriteBatch } from '../../../src/engine/batch.js'
import type { Engine, EngineFactory } from '../../../src/engine/contract.js'
import { logName, parseLogName } from '../../../src/engine/durable/log-names.js'
import { MemoryFileSystem, SeededRandom, simulatedEnvironment } from '../../../src/vfs/index.js'
import { nodeDeflate } from '../../../src/vfs/node/node-deflate.js'
import { LogReader } from '../../../src/wal/reader.js'
import { fillOptions, keyOf, rangeOf } from '../../contract/support/opened-engine.js'

export const DIRECTORY = '/store'
/** The last writes stay in the log of the unclean and of the clean store. */
const STEPS = 46
const LAST_FLUSH = 34

/** Expiries of entries: most have none, some expire later than any test, some have expired when they are put. */
const GONE = Date.UTC(2000, 0, 1)
const EXPIRIES = [undefined, undefined, undefined, Date.UTC(2500, 0, 1), GONE]

/** An engine under damage. */
export interface DamageSubject {
  readonly name: string
  readonly factory: EngineFactory
  /** Small, over the defaults of the factory's table. */
  readonly options: Readonly<Record<string, unknown>>
}

export type Files = ReadonlyMap<string, Uint8Array>

export interface SmallStore {
  readonly state: 'clean' | 'unclean' | 'reopened'
  readonly files: Files
  /** What files of these names held before, oldest first. */
  readonly older: ReadonlyMap<string, readonly Uint8Array[]>
  /** What is in the store as `key=value`, and every key that was ever in it, with some that never were. */
  readonly contents: readonly string[]
  readonly keys: readonly string[]
  /** For an unclean store: the contents before each record in its logs; damage there may be taken for an unsynced tail. */
  readonly records: readonly RecordPlace[]
}

export interface RecordPlace {
  readonly file: string
  readonly offset: number
  readonly end: number
  /** Bytes of its log that were known durable when it was written. */
  readonly synced: number
  readonly contentsBefore: readonly string[]
}

export async function openSubject(subject: DamageSubject, fileSystem: MemoryFileSystem, created: boolean): Promise<Engine> {
  const { factory, options } = subject
  const environment = simulatedEnvironment({ seed: 1, fileSystem, deflate: nodeDeflate })
  return factory.open({ environment, directory: DIRECTORY, created, options: fillOptions(factory, options) })
}

export function filesOf(fileSystem: MemoryFileSystem): Map<string, Uint8Array> {
  const files = new Map<string, Uint8Array>()
  for (const name of fileSystem.list(DIRECTORY)) {
    const file = fileSystem.openRead(`${DIRECTORY}/${name}`)
    const bytes = new Uint8Array(file.size())
    file.read(bytes, 0)
    file.close()
    files.set(name, bytes)
  }
  return files
}

export function fileSystemOf(files: Files): MemoryFileSystem {
  const fileSystem = new MemoryFileSystem()
  fileSystem.makeDirectory(DIRECTORY)
  for (const [name, bytes] of files) {
    const file = fileSystem.create(`${DIRECTORY}/${name}`)
    file.write(bytes, 0)
    file.close()
  }
  return fileSystem
}

/** Every state of the history with this seed. Some of the entries expire. */
export function smallStores(subject: DamageSubject, seed = 1): Promise<readonly SmallStore[]> {
  return new History(subject, seed, EXPIRIES).run()
}

/** The same without expiries: what files hold is what readers see. */
export function lastingStores(subject: DamageSubject, seed = 1): Promise<readonly SmallStore[]> {
  return new History(subject, seed, []).run()
}

class History {
  readonly #stores: SmallStore[] = []
  readonly #subject: DamageSubject
  readonly #expiries: readonly (number | undefined)[]
  readonly #random: SeededRandom
  readonly #fileSystem = new MemoryFileSystem()
  readonly #model = new Map<string, string>()
  /** Contents after each write, the first empty. */
  readonly #states: string[][] = [[]]
  readonly #keys = new Set(['', '!', 'k05x', '~'])
  readonly #older = new Map<string, Uint8Array[]>()

  constructor(subject: DamageSubject, seed: number, expiries: readonly (number | undefined)[]) {
    this.#subject = subject
    this.#expiries = expiries
    this.#random = new SeededRandom(seed)
    this.#fileSystem.makeDirectory(DIRECTORY)
  }

  async run(): Promise<readonly SmallStore[]> {
    const engine = await this.#open(true)
    for (let step = 0; step < STEPS; step++) {
      if (step === 12 || step === 24) await this.#clear(engine, step)
      else await this.#write(engine, step)
      if (step <= LAST_FLUSH && step % 5 === 4) await engine.flush()
      if (step === 20) await engine.compact()
      await engine.settle()
      this.#remember()
    }
    await this.#take('unclean')
    await this.#close(engine, 'clean')
    for (const state of ['between', 'reopened'] as const) {
      const again = await this.#open(false)
      await this.#write(again, STEPS)
      await this.#close(again, state)
    }
    return this.#stores
  }

  #open(created: boolean): Promise<Engine> {
    return openSubject(this.#subject, this.#fileSystem, created)
  }

  async #close(engine: Engine, state: SmallStore['state'] | 'between'): Promise<void> {
    await engine.close()
    if (state !== 'between') await this.#take(state)
    this.#remember()
  }

  async #write(engine: Engine, step: number): Promise<void> {
    const batch = new WriteBatch()
    for (let left = 1 + this.#random.uniform(4); left > 0; left--) {
      const key = `k${String(this.#random.uniform(40)).padStart(2, '0')}`
      this.#keys.add(key)
      if (this.#random.uniform(5) === 0) {
        batch.del(keyOf(key))
        this.#model.delete(key)
      } else {
        const value = `${step}`.repeat(this.#random.uniform(12))
        const expiry = this.#expiries.length === 0 ? undefined : this.#expiries[this.#random.uniform(this.#expiries.length)]
        batch.put(keyOf(key), keyOf(value), expiry)
        if (expiry === GONE) this.#model.delete(key)
        else this.#model.set(key, value)
      }
    }
    await engine.write(batch, { sync: step % 6 === 0 })
    this.#pushState()
  }

  async #clear(engine: Engine, step: number): Promise<void> {
    // Enough keys that a range tombstone is cheaper than a tombstone for each.
    for (let i = 0; i < 40; i++) {
      const key = `r${step}-${String(i).padStart(2, '0')}`
      this.#keys.add(key)
      const batch = new WriteBatch()
      batch.put(keyOf(key), keyOf('x'))
      await engine.write(batch, { sync: false })
      this.#model.set(key, 'x')
      this.#pushState()
    }
    if (step === 12) await engine.flush()
    const [from, to] = [`r${step}-03`, `r${step}-39`]
    await engine.clear(rangeOf({ gte: from, lt: to }), { sync: true })
    for (const key of [...this.#model.keys()]) if (key >= from && key < to) this.#model.delete(key)
    this.#pushState()
  }

  #pushState(): void {
    this.#states.push([...this.#model].sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, value]) => `${key}=${value}`))
  }

  /** Keeps a copy of every file that has changed. */
  #remember(): void {
    for (const [name, bytes] of filesOf(this.#fileSystem)) {
      const copies = this.#older.get(name) ?? []
      this.#older.set(name, copies)
      const last = copies.at(-1)
      if (last === undefined || !sameBytes(last, bytes)) copies.push(bytes)
    }
  }

  async #take(state: SmallStore['state']): Promise<void> {
    const files = filesOf(this.#fileSystem)
    const older = new Map([...this.#older].map(([name, copies]) => [name, copies.filter(copy => !isFile(files, name, copy))]))
    const records = state === 'unclean' ? await recordsOf(files, this.#states) : []
    const contents = this.#states.at(-1)!
    this.#stores.push({ state, files, older, contents, keys: [...this.#keys].sort(), records })
  }
}

/** The records in the logs: the last one is the last write, and so on backwards. */
async function recordsOf(files: Files, states: readonly (readonly string[])[]): Promise<RecordPlace[]> {
  const hash32 = await loadHash32()
  const fileSystem = fileSystemOf(files)
  const places: Omit<RecordPlace, 'contentsBefore'>[] = []
  for (const file of files.keys()) {
    const logNumber = parseLogName(file)
    if (logNumber === undefined) continue
    const path = `${DIRECTORY}/${logName(logNumber)}`
    for (const { offset, end, synced, payload } of new LogReader({ fileSystem, path, logNumber, hash32 }).records()) {
      // A batch that holds something: otherwise the count from the end is wrong.
      if (!new BatchReader().reset(payload, 0, payload.length).next()) throw new Error('an empty batch')
      places.push({ file, offset, end, synced })
    }
  }
  return places.map((place, i) => ({ ...place, contentsBefore: states[states.length - 1 - (places.length - i)] }))
}

function isFile(files: Files, name: string, bytes: Uint8Array): boolean {
  const now = files.get(name)
  return now !== undefined && sameBytes(now, bytes)
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i])
}
