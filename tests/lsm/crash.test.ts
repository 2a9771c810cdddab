import { describe, expect, it } from 'vitest'
import type { Engine } from '../../src/engine/contract.js'
import type { MemoryFileSystem } from '../../src/vfs/index.js'
import { SeededRandom } from '../../src/vfs/index.js'
import { rangeOf, textOf } from '../contract/support/opened-engine.js'
import { HookedFileSystem, isChange } from './support/hooked-file-system.js'
import { batchOf, emptyFileSystem, filler, get, leftovers, openLsm, put, sizeOf, violations, type Operation } from './support/opened-lsm.js'

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

/** Values are one character over and over: comparing their ends and lengths costs a tenth of comparing all of it. */
function outlineOf(model: ReadonlyMap<string, string>): string {
  return Array.from(model, ([key, value]) => `${key}=${value.charAt(0)}${value.slice(-1)}${value.length}`)
    .sort()
    .join(' ')
}

function outline(engine: Engine): string {
  const entries = []
  const cursor = engine.cursor({})
  for (let valid = cursor.first(); valid; valid = cursor.next()) {
    const { bytes, start, end } = cursor.value
    const ends = end > start ? String.fromCharCode(bytes[start], bytes[end - 1]) : ''
    entries.push(`${textOf(cursor.key.copy())}=${ends}${end - start}`)
  }
  cursor.close()
  return entries.sort().join(' ')
}

/** A history of numbered batches: key `n` holds the number of the last one, so that a state shows how many it contains. */
class History {
  readonly fileSystem = emptyFileSystem()
  readonly hooked = new HookedFileSystem(this.fileSystem)
  /** Possible contents after each number of batches: as the batch left them, then after each clear that followed it. */
  readonly states: ReadonlyMap<string, string>[][] = [[new Map()]]
  readonly #images: Image[] = []
  readonly #random: SeededRandom
  readonly #settings: { readonly manifestBytes: number; readonly options: Readonly<Record<string, unknown>> }
  #engine: Engine | undefined
  #synced = 0
  #acknowledged = 0
  #operations = 0
  #opened = false
  /** Images verified. */
  verified = 0

  constructor(seed: number, compaction: 'leveled' | 'tiered') {
    this.#random = new SeededRandom(seed)
    this.#settings = { manifestBytes: 700, options: { compaction, maxFileSize: 8 << 10, level1Size: 16 << 10 } }
    this.hooked.before = operation => {
      if (isChange(operation)) this.#takeImages(`${operation.kind} ${operation.path}`)
    }
  }

  async open(): Promise<void> {
    this.#engine = await openLsm({ ...this.#settings, fileSystem: this.hooked, created: !this.#opened, seed: this.#random.uint32() })
    this.#opened = true
  }

  async reopen(): Promise<void> {
    await this.#engine!.close()
    // A clean close makes everything durable.
    this.#synced = this.states.length - 1
    await this.open()
  }

  async step(): Promise<void> {
    const roll = this.#random.uniform(100)
    const engine = this.#engine!
    if (roll < 3) await engine.flush()
    else if (roll < 5) await engine.compact()
    else if (roll < 7) await this.reopen()
    else if (roll < 9) await this.#clear()
    else await this.#write(roll < 30)
  }

  close(): Promise<void> {
    return this.#engine!.close()
  }

  async verifyImages(): Promise<void> {
    for (const image of this.#images.splice(0)) {
      if (this.verified++ % 24 === 0) await this.#verifyRecovery(image)
      await this.#verify(image)
    }
  }

  /** Opens an image, with a crash at every operation of that, and verifies what these leave. Then the image itself. */
  async #verifyRecovery(image: Image): Promise<void> {
    const fileSystem = image.fileSystem.processCrashClone()
    const hooked = new HookedFileSystem(fileSystem)
    const nested: Image[] = []
    hooked.before = operation => {
      if (!isChange(operation)) return
      const seed = this.#random.uint32()
      nested.push({
        ...image,
        at: `${operation.kind} ${operation.path} in the recovery from ${image.at}`,
        fileSystem: fileSystem.crashClone(seed),
      })
    }
    const engine = await openLsm({ ...this.#settings, fileSystem: hooked, created: image.creating })
    hooked.before = () => {}
    await engine.close()
    this.verified += nested.length
    for (const each of nested) await this.#verify(each)
  }

  async #verify({ at, fileSystem, creating, atLeast, atMost }: Image): Promise<void> {
    try {
      const engine = await openLsm({ ...this.#settings, fileSystem, created: creating })
      const batches = Number(get(engine, 'n') ?? 0)
      expect(batches).toBeGreaterThanOrEqual(atLeast)
      expect(batches).toBeLessThanOrEqual(atMost)
      expect(this.states[batches].map(outlineOf)).toContain(outline(engine))
      await engine.settle()
      expect(leftovers(engine, fileSystem)).toEqual([])
      expect(engine.stats().ledger.fileBytes).toBe(sizeOf(fileSystem))
      expect(await violations(engine)).toEqual([])
      await put(engine, 'after', 'the crash', true)
      expect(get(engine, 'after')).toBe('the crash')
      await engine.close()
    } catch (error) {
      throw new Error(`After a crash before ${at}, with ${atLeast} to ${atMost} batches: ${String(error)}`, { cause: error })
    }
  }

  #takeImages(at: string): void {
    const issued = this.states.length - 1
    const seed = this.#random.uint32()
    const known = { at: `operation ${++this.#operations}, ${at}`, creating: !this.#opened, atMost: issued }
    this.#images.push({ ...known, fileSystem: this.fileSystem.crashClone(seed), atLeast: this.#synced })
    if (seed % 6 === 0) this.#images.push({ ...known, fileSystem: this.fileSystem.crashClone('none'), atLeast: this.#synced })
    if (seed % 6 === 1) this.#images.push({ ...known, fileSystem: this.fileSystem.processCrashClone(), atLeast: this.#acknowledged })
  }

  async #write(sync: boolean): Promise<void> {
    const number = this.states.length
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
    this.states.push([state])
    const written = Promise.resolve(this.#engine!.write(batchOf(operations), { sync })).then(() => this.#acknowledge(number, sync))
    // Some syncs are still under way at the next writes.
    if (!sync || this.#random.uniform(2) === 0) await written
  }

  /** Everything but the counter goes. */
  async #clear(): Promise<void> {
    this.states.at(-1)!.push(new Map([...this.#present].filter(([key]) => key === 'n')))
    await this.#engine!.clear(rangeOf({ lt: 'n' }), { sync: false })
  }

  get #present(): ReadonlyMap<string, string> {
    return this.states.at(-1)!.at(-1)!
  }

  #acknowledge(number: number, sync: boolean): void {
    this.#acknowledged = Math.max(this.#acknowledged, number)
    if (sync) this.#synced = Math.max(this.#synced, number)
  }
}

const HISTORIES = Number(process.env['KVARIUM_CRASH_HISTORIES'] ?? 1)

describe.each(['leveled', 'tiered'] as const)('a crash of a %s tree', compaction => {
  it(
    'at any file operation leaves a prefix of the batches that has all synced ones, and a sound store',
    async () => {
      for (let seed = 1; seed <= HISTORIES; seed++) {
        const history = new History(seed, compaction)
        await history.open()
        for (let step = 0; step < 70; step++) {
          await history.step()
          await history.verifyImages()
        }
        await history.close()
        await history.verifyImages()
        expect(history.verified).toBeGreaterThan(400)
      }
    },
    120_000 * HISTORIES,
  )
})
