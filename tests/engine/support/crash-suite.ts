/**
 * Histories of batches, with a power loss or a kill at every file operation. Each image must open, hold a prefix of the batches with all
 * synced ones, and be a sound store; of some images the recovery is crashed at every operation, too.
 */
import { expect } from 'vitest'
import type { Engine } from '../../../src/engine/contract.js'
import type { ByteView } from '../../../src/codec/entry.js'
import { SeededRandom, type MemoryFileSystem } from '../../../src/vfs/index.js'
import { rangeOf, textOf } from '../../contract/support/opened-engine.js'
import { slice } from '../../support/thoroughness.js'
import { HookedFileSystem, isChange } from '../../lsm/support/hooked-file-system.js'
import { batchOf, emptyFileSystem, filler, get, put, sizeOf, type Operation } from './engine-calls.js'

/** An engine under the suite. */
export interface CrashSubject {
  readonly open: (place: {
    readonly fileSystem: MemoryFileSystem | HookedFileSystem
    readonly created: boolean
    readonly seed?: number
  }) => Promise<Engine>
  /** The length of a history, and how many in a hundred of its steps are what; the others write. */
  readonly steps: number
  readonly shares: { readonly flush: number; readonly compact: number; readonly reopen: number; readonly clear: number }
  /** Every N-th operation is also crashed with nothing unsynced kept, and another one by a kill. */
  readonly extremesEvery: number
  /** What holds of a store that was just opened; settles it. */
  readonly verifyOpened: (engine: Engine, fileSystem: MemoryFileSystem) => Promise<void>
  /** What holds after one more write. */
  readonly verifyWritten?: (engine: Engine) => Promise<void>
  readonly beforeClose?: (engine: Engine) => void
}

/** How many histories a suite runs; `npm run torture` crashes many more. */
export const HISTORIES = slice(1, 10)

/** Runs one history; resolves with the number of images that were verified. */
export async function crashAnywhere(subject: CrashSubject, seed: number): Promise<number> {
  const history = new History(subject, seed)
  await history.open()
  for (let step = 0; step < subject.steps; step++) {
    await history.step()
    await history.verifyImages()
  }
  await history.close()
  await history.verifyImages()
  return history.verified
}

/** A crash image, and the writer's state at that moment. */
interface Image {
  readonly at: string
  readonly fileSystem: MemoryFileSystem
  /** No open had been acknowledged yet. */
  readonly creating: boolean
  /** Batches that must be there, and batches that may be there. */
  readonly atLeast: number
  readonly atMost: number
}

/** Values are one character over and over, as long as they are longer than a number: that and the length stand for them. */
const longestNumber = 4

function outlineOf(model: ReadonlyMap<string, string>): string {
  return Array.from(model, ([key, value]) => `${key}=${value.length > longestNumber ? `${value.charAt(0)}*${value.length}` : value}`)
    .sort()
    .join(' ')
}

function outline(engine: Engine): string {
  const entries = []
  const cursor = engine.cursor({})
  for (let valid = cursor.first(); valid; valid = cursor.next())
    entries.push(`${textOf(cursor.key.copy())}=${outlineOfBytes(cursor.value)}`)
  cursor.close()
  return entries.sort().join(' ')
}

function outlineOfBytes({ bytes, start, end }: ByteView): string {
  if (end - start <= longestNumber) return textOf(bytes.subarray(start, end))
  for (let at = start; at < end; at++) if (bytes[at] !== bytes[start]) return textOf(bytes.subarray(start, end))
  return `${String.fromCharCode(bytes[start])}*${end - start}`
}

/** A history of numbered batches: key `n` holds the number of the last one, so that a state shows how many batches it contains. */
class History {
  /** Images verified. */
  verified = 0
  readonly #subject: CrashSubject
  readonly #fileSystem = emptyFileSystem()
  readonly #hooked = new HookedFileSystem(this.#fileSystem)
  /** Possible contents after each number of batches: as the batch left them, then after each clear that followed it. */
  readonly #states: ReadonlyMap<string, string>[][] = [[new Map()]]
  readonly #images: Image[] = []
  readonly #random: SeededRandom
  #engine: Engine | undefined
  #synced = 0
  #acknowledged = 0
  #operations = 0
  #opened = false

  constructor(subject: CrashSubject, seed: number) {
    this.#subject = subject
    this.#random = new SeededRandom(seed)
    this.#hooked.before = operation => {
      if (isChange(operation)) this.#takeImages(`${operation.kind} ${operation.path}`)
    }
  }

  async open(): Promise<void> {
    this.#engine = await this.#subject.open({ fileSystem: this.#hooked, created: !this.#opened, seed: this.#random.uint32() })
    this.#opened = true
  }

  async close(): Promise<void> {
    this.#subject.beforeClose?.(this.#engine!)
    await this.#engine!.close()
    // A clean close makes everything durable.
    this.#synced = this.#states.length - 1
  }

  async step(): Promise<void> {
    const { flush, compact, reopen, clear } = this.#subject.shares
    let roll = this.#random.uniform(100)
    const engine = this.#engine!
    if ((roll -= flush) < 0) await engine.flush()
    else if ((roll -= compact) < 0) await engine.compact()
    else if ((roll -= reopen) < 0) {
      await this.close()
      await this.open()
    } else if ((roll -= clear) < 0) await this.#clear()
    else await this.#write(roll < 20)
  }

  async verifyImages(): Promise<void> {
    for (const image of this.#images.splice(0)) {
      if (this.verified++ % 24 === 0) await this.#verifyRecovery(image)
      await this.#verify(image)
    }
  }

  /** Opens an image, with a crash at every operation of that, and verifies what these leave. */
  async #verifyRecovery(image: Image): Promise<void> {
    const fileSystem = image.fileSystem.processCrashClone()
    const hooked = new HookedFileSystem(fileSystem)
    const nested: Image[] = []
    hooked.before = operation => {
      if (!isChange(operation)) return
      const at = `${operation.kind} ${operation.path} in the recovery from ${image.at}`
      nested.push({ ...image, at, fileSystem: fileSystem.crashClone(this.#random.uint32()) })
    }
    const engine = await this.#subject.open({ fileSystem: hooked, created: image.creating })
    hooked.before = () => {}
    await engine.close()
    this.verified += nested.length
    for (const each of nested) await this.#verify(each)
  }

  async #verify({ at, fileSystem, creating, atLeast, atMost }: Image): Promise<void> {
    try {
      const engine = await this.#subject.open({ fileSystem, created: creating })
      const batches = Number(get(engine, 'n') ?? 0)
      expect(batches).toBeGreaterThanOrEqual(atLeast)
      expect(batches).toBeLessThanOrEqual(atMost)
      expect(this.#states[batches].map(outlineOf)).toContain(outline(engine))
      await this.#subject.verifyOpened(engine, fileSystem)
      expect(engine.stats().ledger.fileBytes).toBe(sizeOf(fileSystem))
      await put(engine, 'after', 'the crash', true)
      await this.#subject.verifyWritten?.(engine)
      expect(get(engine, 'after')).toBe('the crash')
      await engine.close()
    } catch (error) {
      throw new Error(`After a crash before ${at}, with ${atLeast} to ${atMost} batches: ${String(error)}`, { cause: error })
    }
  }

  #takeImages(at: string): void {
    const seed = this.#random.uint32()
    const kind = seed % this.#subject.extremesEvery
    const known = { at: `operation ${++this.#operations}, ${at}`, creating: !this.#opened, atMost: this.#states.length - 1 }
    this.#images.push({ ...known, fileSystem: this.#fileSystem.crashClone(seed), atLeast: this.#synced })
    if (kind === 0) this.#images.push({ ...known, fileSystem: this.#fileSystem.crashClone('none'), atLeast: this.#synced })
    if (kind === 1) this.#images.push({ ...known, fileSystem: this.#fileSystem.processCrashClone(), atLeast: this.#acknowledged })
  }

  async #write(sync: boolean): Promise<void> {
    const number = this.#states.length
    const state = new Map(this.#present)
    const operations: Operation[] = [['put', 'n', String(number)]]
    for (let left = 1 + this.#random.uniform(6); left > 0; left--) {
      const key = `k${String(this.#random.uniform(60)).padStart(2, '0')}`
      if (this.#random.uniform(4) === 0) operations.push(['del', key])
      else operations.push(['put', key, filler(this.#random.uniform(900), number)])
    }
    for (const [kind, key, value] of operations) {
      if (kind === 'put') state.set(key, value)
      else state.delete(key)
    }
    this.#states.push([state])
    const written = Promise.resolve(this.#engine!.write(batchOf(operations), { sync })).then(() => this.#acknowledge(number, sync))
    // Some syncs are still under way at the next writes.
    if (!sync || this.#random.uniform(2) === 0) await written
  }

  /** Everything but the counter goes. */
  async #clear(): Promise<void> {
    this.#states.at(-1)!.push(new Map([...this.#present].filter(([key]) => key === 'n')))
    await this.#engine!.clear(rangeOf({ lt: 'n' }), { sync: false })
  }

  get #present(): ReadonlyMap<string, string> {
    return this.#states.at(-1)!.at(-1)!
  }

  #acknowledge(number: number, sync: boolean): void {
    this.#acknowledged = Math.max(this.#acknowledged, number)
    if (sync) this.#synced = Math.max(this.#synced, number)
  }
}
