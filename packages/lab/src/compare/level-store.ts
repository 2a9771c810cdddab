/**
 * Any abstract-level database as a store of a comparison. It has no ledger, so it is measured from outside: the bytes that the process
 * passes to write calls, and the sizes of the files. A comparison runs one store at a time, so these are the database's own, with a little
 * of the program's.
 */
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { MisuseError } from 'kvarium'
import type { EngineShape, EngineStats, Violation } from 'kvarium/engine'
import { Ledger } from 'kvarium/trace'
import type { MeasuredIterator, MeasuredStore } from './measured-store.js'
import type { DelOperation, PutOperation } from './operation.js'
import { directoryBytes, quiet, writtenBytes } from './process-meter.js'

/** What a comparison calls of an abstract-level database. */
type LevelDatabase = Pick<MeasuredStore, 'status' | 'put' | 'del' | 'batch' | 'clear' | 'get' | 'close' | 'iterator'> & {
  readonly supports: { readonly permanence?: boolean; readonly getSync?: boolean }
  open(options?: object): Promise<void>
  getSync?(key: Uint8Array): Uint8Array | undefined
  compactRange?(start: Uint8Array, end: Uint8Array): Promise<void>
}

export type LevelClass = new (location: string, options: object) => LevelDatabase

/** In `--engine`, before the name of a package. */
export const LEVEL_PREFIX = 'level:'

const METHODS = ['open', 'close', 'put', 'del', 'batch', 'get', 'iterator', 'clear'] as const
const LIST_EVERY_MS = 20
const CALIBRATION_CALLS = 200
const LEAST_KEY = new Uint8Array(0)
/** At or after most keys. */
const MOST_KEY = new Uint8Array(32).fill(255)

/**
 * The class of an installed package that is an abstract-level database.
 * @param name - Of the package: `classic-level`.
 * @param places - Folders from which it is looked for.
 * @throws MisuseError when the package is not installed, or has no such class.
 */
export async function loadLevel(name: string, places: readonly string[] = [process.cwd()]): Promise<LevelClass> {
  let module: Readonly<Record<string, unknown>>
  try {
    module = (await import(/* @vite-ignore */ pathToFileURL(resolveFrom(name, places)).href)) as typeof module
  } catch (error) {
    if (error instanceof MisuseError) throw error
    throw new MisuseError('LEVEL_INVALID_OPTION', `The package ${name} cannot be imported: ${(error as Error).message}`)
  }
  const all = Object.entries({ ...(module.default as object | undefined), ...module }).filter(([, value]) => isLevelClass(value))
  const classes = [...new Map(all.map(([exported, value]) => [value, exported]))]
  const plain = name.replace(/^@[^/]+\//, '').replaceAll('-', '')
  const [own] = classes.length === 1 ? classes : classes.filter(([, exported]) => exported.toLowerCase() === plain)
  if (own !== undefined) return own[0] as LevelClass
  const found = classes.length === 0 ? 'no class' : `several (${classes.map(([, exported]) => exported).join(', ')})`
  throw new MisuseError(
    'LEVEL_INVALID_OPTION',
    `The package ${name} exports ${found} that is an abstract-level database: a class with ${METHODS.join(', ')}`,
  )
}

function resolveFrom(name: string, places: readonly string[]): string {
  for (const place of places) {
    try {
      return createRequire(join(place, 'package.json')).resolve(name)
    } catch {
      // The next place may have it.
    }
  }
  throw new MisuseError('LEVEL_INVALID_OPTION', `The package ${name} is not installed in ${places[0]}: npm install ${name}`)
}

function isLevelClass(value: unknown): value is LevelClass {
  if (typeof value !== 'function') return false
  const methods = value.prototype as Readonly<Record<string, unknown>> | undefined
  return methods !== undefined && METHODS.every(method => typeof methods[method] === 'function')
}

export class LevelStore implements MeasuredStore {
  readonly engine: string
  readonly #create: () => LevelDatabase
  #database: LevelDatabase | undefined
  readonly #directory: string
  readonly #ledger = new Ledger()
  /** Before the first open. */
  #writtenBefore = 0
  /** What an awaited call writes to wake the event loop, which is not the database's; `undefined` before the first open. */
  #wakeUpBytes: number | undefined
  #calls = 0
  #listedMs = -Infinity
  #peakFileBytes = 0

  constructor(name: string, database: LevelClass, directory: string, options: object) {
    this.engine = name
    this.#directory = directory
    // Not yet: a database begins to open as soon as it is created.
    this.#create = () => new database(directory, { ...options, keyEncoding: 'view', valueEncoding: 'view' })
  }

  get #db(): LevelDatabase {
    return (this.#database ??= this.#create())
  }

  get status(): string {
    return this.#database?.status ?? 'closed'
  }

  /** Known after the first open. */
  get supports(): { readonly permanence: boolean } {
    return { permanence: this.#database?.supports.permanence === true }
  }

  async open(options: { readonly errorIfExists: boolean } = { errorIfExists: false }): Promise<void> {
    if (this.#wakeUpBytes === undefined) this.#writtenBefore = writtenBytes()
    await this.#db.open(options)
    if (!this.supports.permanence || this.#wakeUpBytes !== undefined) return
    const before = writtenBytes()
    for (let i = 0; i < CALIBRATION_CALLS; i++) await this.#db.get(MOST_KEY)
    this.#wakeUpBytes = Math.round((writtenBytes() - before) / CALIBRATION_CALLS)
    this.#calls = CALIBRATION_CALLS
  }

  close(): Promise<void> {
    return this.#db.close()
  }

  put(key: Uint8Array, value: Uint8Array, options: { readonly sync: boolean } = { sync: false }): Promise<void> {
    this.#calls++
    this.#ledger.userBytes += key.length + value.length
    return this.#db.put(key, value, options)
  }

  del(key: Uint8Array, options: { readonly sync: boolean } = { sync: false }): Promise<void> {
    this.#calls++
    this.#ledger.userBytes += key.length
    return this.#db.del(key, options)
  }

  batch(operations: (PutOperation | DelOperation)[], options: { readonly sync: boolean } = { sync: false }): Promise<void> {
    this.#calls++
    for (const write of operations) this.#ledger.userBytes += write.key.length + (write.type === 'put' ? write.value.length : 0)
    return this.#db.batch(operations, options)
  }

  clear(options: Parameters<MeasuredStore['clear']>[0]): Promise<void> {
    this.#calls++
    this.#ledger.userBytes += (options.gte?.length ?? 0) + (options.lt?.length ?? 0)
    return this.#db.clear(options)
  }

  get(key: Uint8Array): Promise<Uint8Array | undefined> {
    this.#calls++
    return this.#db.get(key)
  }

  getSync(key: Uint8Array): Uint8Array | undefined | Promise<Uint8Array | undefined> {
    return this.#db.supports.getSync === true && this.#db.getSync !== undefined ? this.#db.getSync(key) : this.get(key)
  }

  iterator(options: Parameters<MeasuredStore['iterator']>[0]): MeasuredIterator {
    return this.#db.iterator(options)
  }

  async flush(): Promise<void> {
    // abstract-level has no such call.
  }

  async compactRange(): Promise<void> {
    await this.#db.compactRange?.(LEAST_KEY, MOST_KEY)
  }

  /** When the process has been idle for a while. */
  async settle(): Promise<void> {
    if (this.supports.permanence) await quiet()
  }

  /** All bytes are counted as those of the log: a better split is not known. */
  stats(): EngineStats {
    const ledger = this.#ledger
    const bytes = writtenBytes() - this.#writtenBefore - this.#calls * (this.#wakeUpBytes ?? 0)
    // Never less than before, as a rounded wake-up could make it.
    if (this.supports.permanence && bytes > ledger.written.log) ledger.written.log = bytes
    this.#list()
    return {
      engine: this.engine,
      ledger: { ...ledger.counts(0), peakFileBytes: this.#peakFileBytes },
      memoryBytes: 0,
      pending: { memoryBytes: 0, jobs: 0 },
      stalls: { count: 0, totalMs: 0 },
    }
  }

  shape(): EngineShape {
    return { engine: this.engine }
  }

  async *check(): AsyncGenerator<Violation> {
    // Its invariants are not known.
  }

  #list(): void {
    const now = performance.now()
    if (now - this.#listedMs < LIST_EVERY_MS || !existsSync(this.#directory)) return
    this.#listedMs = now
    this.#ledger.fileBytes = directoryBytes(this.#directory)
    this.#peakFileBytes = Math.max(this.#peakFileBytes, this.#ledger.fileBytes)
  }
}
