import { WriteBatch } from '../../../src/engine/batch.js'
import type { Cursor, Engine, EngineFactory, EngineSnapshot, KeyRange, Violation } from '../../../src/engine/contract.js'
import type { Environment } from '../../../src/vfs/environment.js'
import { joinPath } from '../../../src/vfs/file-system.js'

/** The engine under test in a contract run. */
export interface ContractSubject {
  /** Shown in the names of the tests: engine, options, file system. */
  readonly name: string
  readonly factory: EngineFactory
  /** Over the defaults of the factory's table. */
  readonly options?: Readonly<Record<string, unknown>>
  /** A fresh, empty place for one store. The seed is for what the place injects: randomness, scheduling. */
  place(seed: number): ContractPlace | Promise<ContractPlace>
}

export interface ContractPlace {
  readonly environment: Environment
  /** Exists, is empty. */
  readonly directory: string
  dispose?(): void | Promise<void>
}

export type BatchOperation = readonly ['put', string, string | Uint8Array] | readonly ['del', string]

/** Key bounds as text, see {@link keyOf}. */
export interface TextRange {
  readonly gt?: string
  readonly gte?: string
  readonly lt?: string
  readonly lte?: string
}

/** A key in tests is a string of characters up to U+00FF, one per byte: so string order is byte order. */
export function keyOf(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'latin1'))
}

export function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
}

export function rangeOf(range: TextRange): KeyRange {
  return Object.fromEntries(Object.entries(range).map(([bound, key]: [string, string]) => [bound, keyOf(key)]))
}

/** What a cursor is on, as `key=value`; `undefined` when it is not valid. */
export function shown(cursor: Cursor): string | undefined {
  return cursor.valid ? `${textOf(cursor.key.copy())}=${textOf(cursor.value.copy())}` : undefined
}

export function walkForward(cursor: Cursor): string[] {
  const all = []
  for (let valid = cursor.first(); valid; valid = cursor.next()) all.push(shown(cursor) ?? '')
  return all
}

export function walkBackward(cursor: Cursor): string[] {
  const all = []
  for (let valid = cursor.last(); valid; valid = cursor.prev()) all.push(shown(cursor) ?? '')
  return all
}

/** Every option of the factory's table, with its default where none is given. */
export function fillOptions(factory: EngineFactory, options: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  const filled: Record<string, unknown> = {}
  for (const [name, spec] of Object.entries(factory.options)) if ('default' in spec) filled[name] = spec.default
  for (const name of Object.keys(options)) if (!(name in factory.options)) throw new Error(`${factory.name} has no option "${name}"`)
  return { ...filled, ...options }
}

/** An engine with its place, used with text. Acknowledgements are awaited unless stated otherwise. */
export class OpenedEngine {
  engine: Engine
  readonly #subject: ContractSubject
  readonly #place: ContractPlace
  /** Stores in directories beside this one. */
  readonly #copies: OpenedEngine[] = []
  readonly #directories: string[] = []

  private constructor(subject: ContractSubject, place: ContractPlace, engine: Engine) {
    this.#subject = subject
    this.#place = place
    this.engine = engine
  }

  static async open(subject: ContractSubject, seed = 1): Promise<OpenedEngine> {
    const place = await subject.place(seed)
    return new OpenedEngine(subject, place, await openIn(subject, place, true))
  }

  get environment(): Environment {
    return this.#place.environment
  }

  /** Bytes of the files that the engine has in its directory. */
  directoryBytes(): number {
    const { environment, directory } = this.#place
    const { fileSystem } = environment
    return fileSystem.list(directory).reduce((bytes, name) => bytes + (fileSystem.stat(joinPath(directory, name))?.size ?? 0), 0)
  }

  /** Closes the engine and opens it again on what it left. */
  async reopen(): Promise<void> {
    await this.engine.close()
    this.engine = await openIn(this.#subject, this.#place, false)
  }

  /** A new, empty directory beside the engine's. */
  newDirectory(): string {
    const { environment, directory } = this.#place
    const path = `${directory}-${this.#directories.length + 1}`
    environment.fileSystem.makeDirectory(path)
    this.#directories.push(path)
    return path
  }

  /** Opens the store in a directory; it is disposed of with this one. */
  async openCopy(directory: string): Promise<OpenedEngine> {
    const { environment } = this.#place
    const place = { environment, directory }
    const copy = new OpenedEngine(this.#subject, place, await openIn(this.#subject, place, false))
    this.#copies.push(copy)
    return copy
  }

  async dispose(): Promise<void> {
    for (const copy of this.#copies) await copy.dispose()
    await this.engine.close()
    this.#removeDirectories()
    await this.#place.dispose?.()
  }

  #removeDirectories(): void {
    const { fileSystem } = this.#place.environment
    for (const directory of this.#directories.splice(0)) {
      for (const name of fileSystem.list(directory)) fileSystem.remove(joinPath(directory, name))
      fileSystem.removeDirectory(directory)
    }
  }

  async put(key: string, value: string | Uint8Array, sync = false): Promise<void> {
    await this.batch([['put', key, value]], sync)
  }

  async del(key: string): Promise<void> {
    await this.batch([['del', key]])
  }

  async batch(operations: readonly BatchOperation[], sync = false): Promise<void> {
    const batch = new WriteBatch()
    for (const [kind, key, value] of operations) {
      if (kind === 'del') batch.del(keyOf(key))
      else batch.put(keyOf(key), typeof value === 'string' ? keyOf(value) : value)
    }
    await this.engine.write(batch, { sync })
  }

  async clear(range: TextRange = {}, sync = false): Promise<void> {
    await this.engine.clear(rangeOf(range), { sync })
  }

  async compact(range?: TextRange): Promise<void> {
    await (range === undefined ? this.engine.compact() : this.engine.compact(rangeOf(range)))
  }

  get(key: string, snapshot?: EngineSnapshot): string | undefined {
    const value = this.engine.get(keyOf(key), snapshot)
    return value === undefined ? undefined : textOf(value)
  }

  cursor(range: TextRange = {}, snapshot?: EngineSnapshot): Cursor {
    return this.engine.cursor(rangeOf(range), snapshot)
  }

  /** The range as `key=value`, walked forward, after a walk backward has seen the same. */
  scan(range: TextRange = {}, snapshot?: EngineSnapshot): string[] {
    const cursor = this.cursor(range, snapshot)
    const forward = walkForward(cursor)
    const backward = walkBackward(cursor).reverse()
    cursor.close()
    const differs = Array.from({ length: Math.max(forward.length, backward.length) }, (_, i) => i).find(i => forward[i] !== backward[i])
    if (differs !== undefined) {
      const [one, other] = [forward[differs], backward[differs]].map(entry => JSON.stringify(entry?.slice(0, 60)))
      throw new Error(`Entry ${differs} of ${forward.length} is ${one} walking forward and ${other} walking backward`)
    }
    return forward
  }

  async violations(): Promise<Violation[]> {
    const all = []
    for await (const violation of this.engine.check()) all.push(violation)
    return all
  }
}

async function openIn(subject: ContractSubject, place: ContractPlace, created: boolean): Promise<Engine> {
  const { factory, options } = subject
  const { environment, directory } = place
  return factory.open({ environment, directory, created, options: fillOptions(factory, options) })
}

/** The body of a test on a fresh engine, which is closed and disposed of in any case. */
export function withEngine(subject: ContractSubject, body: (store: OpenedEngine) => Promise<void>): () => Promise<void> {
  return async () => {
    const store = await OpenedEngine.open(subject)
    try {
      await body(store)
    } finally {
      await store.dispose()
    }
  }
}

/**
 * The places where data can be in an engine. Each function moves the written data to another one, and none may change reads.
 */
export function movesOf(subject: ContractSubject): readonly Move[] {
  const moves: Move[] = [
    ['as written', async () => {}],
    ['after a flush', store => store.engine.flush()],
    ['after a compaction', store => store.compact()],
  ]
  if (subject.factory.durable) moves.push(['after opening it again', store => store.reopen()])
  return moves
}

export type Move = readonly [when: string, move: (store: OpenedEngine) => Promise<void>]
