/** Opens a damaged store, reads everything in every way, and judges: the right data or a typed error with its place, nothing else. */
import { CorruptionError, FormatError } from '../../../src/errors.js'
import type { Cursor, Engine } from '../../../src/engine/contract.js'
import type { MemoryFileSystem } from '../../../src/vfs/index.js'
import { keyOf, textOf, walkBackward, walkForward } from '../../contract/support/opened-engine.js'
import { fileSystemOf, filesOf, openSubject, sameBytes, type DamageSubject, type Files, type SmallStore } from './small-store.js'

export interface Damage {
  /** For the report. */
  readonly what: string
  readonly files: Files
  /** Contents that are right besides those of the store: what is before an unsynced tail that damage looks like. */
  readonly alsoRight?: readonly string[]
  /** Damage within a file must be reported with the offset, not only with the file. */
  readonly needsOffset: boolean
}

/** How a store dealt with damage. */
export type Outcome = 'refused to open' | 'refused a read' | 'right'

/** Throws if the store dealt with the damage in any other way than it may. */
export async function judge(subject: DamageSubject, store: SmallStore, damage: Damage): Promise<Outcome> {
  try {
    return await new Judge(subject, store, damage).run()
  } catch (cause) {
    throw new Error(`${subject.name}, ${store.state}, ${damage.what}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
  }
}

class Judge {
  readonly #subject: DamageSubject
  readonly #store: SmallStore
  readonly #damage: Damage
  #refused = 0

  constructor(subject: DamageSubject, store: SmallStore, damage: Damage) {
    this.#subject = subject
    this.#store = store
    this.#damage = damage
  }

  async run(): Promise<Outcome> {
    const fileSystem = fileSystemOf(this.#damage.files)
    let engine: Engine
    try {
      engine = await openSubject(this.#subject, fileSystem, false)
    } catch (error) {
      this.#assertTyped(error, fileSystem)
      assertUntouched(this.#damage.files, filesOf(fileSystem))
      return 'refused to open'
    }
    try {
      this.#read(engine, fileSystem)
    } finally {
      // What is damaged may also fail the background and the close; they must end.
      await engine.close().catch((error: unknown) => this.#assertTyped(error, fileSystem))
    }
    return this.#refused > 0 ? 'refused a read' : 'right'
  }

  #read(engine: Engine, fileSystem: MemoryFileSystem): void {
    const { contents, keys } = this.#store
    const { alsoRight } = this.#damage
    const gets = keys.map(key => this.#attempt(fileSystem, () => engine.get(keyOf(key))))
    const scans = [walkForward, (cursor: Cursor) => walkBackward(cursor).reverse()].map(walk =>
      this.#attempt(fileSystem, () => {
        const cursor = engine.cursor({})
        try {
          return walk(cursor)
        } finally {
          cursor.close()
        }
      }),
    )
    const problem = this.#difference(contents, gets, scans)
    if (problem === undefined) return
    if (alsoRight !== undefined && this.#difference(alsoRight, gets, scans) === undefined) return
    throw new Error(problem)
  }

  #attempt<T>(fileSystem: MemoryFileSystem, read: () => T): T | Refusal {
    try {
      return read()
    } catch (error) {
      this.#assertTyped(error, fileSystem)
      this.#refused++
      return REFUSED
    }
  }

  #difference(
    contents: readonly string[],
    gets: readonly (Uint8Array | undefined | Refusal)[],
    scans: readonly (string[] | Refusal)[],
  ): string | undefined {
    const right = new Map(contents.map(entry => [entry.slice(0, entry.indexOf('=')), entry.slice(entry.indexOf('=') + 1)]))
    for (const [i, value] of gets.entries()) {
      const key = this.#store.keys[i]
      if (value === REFUSED) continue
      const got = value === undefined ? undefined : textOf(value)
      if (got !== right.get(key)) return `get ${key} answered ${JSON.stringify(got)} instead of ${JSON.stringify(right.get(key))}`
    }
    for (const scan of scans) {
      if (scan !== REFUSED && JSON.stringify(scan) !== JSON.stringify(contents)) {
        return `a scan answered ${JSON.stringify(scan).slice(0, 200)} instead of ${JSON.stringify(contents).slice(0, 200)}`
      }
    }
    return undefined
  }

  #assertTyped(error: unknown, fileSystem: MemoryFileSystem): void {
    if (!(error instanceof CorruptionError || error instanceof FormatError)) {
      throw new Error(`an error of no type: ${String(error)}`, { cause: error })
    }
    if (error.file === undefined) throw new Error(`an error without a file: ${error.message}`, { cause: error })
    const isMissing = fileSystem.stat(error.file) === undefined
    // An error about the length of a whole file, or about one that is not there, has no place in it.
    const isWhole = isMissing || /\d bytes (where|instead)/.test(error.message)
    if (this.#damage.needsOffset && error.offset === undefined && !isWhole) throw new Error(`an error without an offset: ${error.message}`)
  }
}

const REFUSED = Symbol('refused')
type Refusal = typeof REFUSED

/** An open that is refused leaves every file as it was. */
function assertUntouched(before: Files, after: Files): void {
  for (const [name, bytes] of before) {
    const now = after.get(name)
    if (now === undefined) throw new Error(`opening failed, and removed ${name}`)
    if (!sameBytes(bytes, now)) throw new Error(`opening failed, and changed ${name}`)
  }
}
