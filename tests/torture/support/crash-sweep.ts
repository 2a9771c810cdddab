/**
 * Crashes a workload at every file operation that changes what a power loss would leave, and opens what it leaves: nothing of the
 * unsynced, all of it, and seeded mixes, torn at sectors and bytes. Some of these opens are crashed at every operation again.
 *
 * It checks of each image: it opens; every write that was acknowledged with `sync` is there; its contents are those after some number
 * of batches; reads agree with each other; `check()` finds nothing; the store takes a durable write, and loses nothing in
 * another power loss or a clean reopen.
 *
 * Invariants:
 * 1. The path to an image (operation and choice, for each crash on the way) and the seed give the same image again.
 * 2. An image equal to one that was opened before is not opened again; its expected contents are compared with those found.
 */
import { mix32, type Hash32 } from '../../../src/codec/checksum.js'
import { WriteBatch } from '../../../src/engine/batch.js'
import {
  changesImage,
  FaultyFileSystem,
  type Fault,
  type FileOperation,
  type FileSystem,
  MemoryFileSystem,
  SeededRandom,
} from '../../../src/vfs/index.js'
import { keyOf } from '../../contract/support/opened-engine.js'
import { bounded } from './bounded.js'
import type { Change, Oracle, State } from './oracle.js'
import { Session } from './session.js'
import { DIRECTORY, type Opened, type Subject } from './subjects.js'
import { workload } from './workload.js'

export type ImageChoice = 'none' | 'all' | number

/** One crash: before that operation that changes the image (counted from 1; one more than there are: at the end). */
export interface CrashPoint {
  readonly operation: number
  readonly choice: ImageChoice
}

export interface SweepCounts {
  /** Moments of a crash. */
  points: number
  /** Images taken, and those that differ from every other of their workload and were opened. */
  images: number
  opened: number
  /** Opened images by the number of crashes behind them. */
  byDepth: number[]
}

export interface CrashSweepOptions {
  readonly subject: Subject
  readonly hash32: Hash32
  readonly seed: number
  readonly steps: number
  /** Seeded images at each moment, besides those with none and all of the unsynced. */
  readonly seededImages: number
  /** One in this many images has its recovery crashed at every operation. */
  readonly nestOneIn: number
  /** Most crashes on the path to an image. */
  readonly depth: number
  readonly counts: SweepCounts
}

/** This many numbers in a row include everything that is done with one image in three or in four. */
const WAYS_TO_VERIFY = 12

export class SweepFailure extends Error {}

interface Image {
  readonly path: readonly CrashPoint[]
  readonly at: string
  readonly fileSystem: MemoryFileSystem
  readonly created: boolean
  readonly floor: number
}

export function newCounts(): SweepCounts {
  return { points: 0, images: 0, opened: 0, byDepth: [] }
}

export function replayCommand(kind: 'crash' | 'fault' | 'full', subject: Subject, seed: number, steps: number, path: string): string {
  return `npm run torture -- --engine ${subject.name} --seed ${seed} --steps ${steps} --${kind} ${path}`
}

export function formatPath(path: readonly CrashPoint[]): string {
  return path.map(({ operation, choice }) => `${operation}:${choice}`).join('/')
}

export function parsePath(text: string): CrashPoint[] {
  return text.split('/').map(part => {
    const match = /^(\d+):(none|all|\d+)$/.exec(part)
    if (match === null) throw new TypeError(`"${part}" is not a crash point: write operation:choice, with the choice none, all or a number`)
    const choice = match[2]
    return { operation: Number(match[1]), choice: choice === 'none' || choice === 'all' ? choice : Number(choice) }
  })
}

export class CrashSweep {
  readonly #options: CrashSweepOptions
  /** What was found in the images opened so far, by their hash. */
  readonly #found = new Map<string, State>()
  #oracle!: Oracle

  constructor(options: CrashSweepOptions) {
    this.#options = options
  }

  /** Tries every image of the workload, or those that there is time for; throws a `SweepFailure` for the first bad one. */
  async run(until = Infinity): Promise<void> {
    const images: Image[] = []
    await this.#work(image => images.push(image))
    for (const image of images) {
      if (performance.now() > until) return
      await this.#verify(image)
    }
  }

  /** Tries the one image at the end of the path. */
  async replay(path: readonly CrashPoint[]): Promise<void> {
    let image: Image | undefined
    const wanted = (taken: Image): void => {
      if (formatPath(taken.path) === formatPath(path.slice(0, taken.path.length))) image = taken
    }
    await this.#work(wanted, path[0].choice)
    for (let depth = 1; depth < path.length && image !== undefined; depth++) await this.#recover(image, wanted, path[depth].choice)
    if (image === undefined || image.path.length < path.length) throw new TypeError(`no crash point ${formatPath(path)} in this workload`)
    // What is done with an image depends on its number: here, everything.
    for (let number = 1; number <= WAYS_TO_VERIFY; number++) {
      await this.#open({ ...image, fileSystem: image.fileSystem.processCrashClone() }, number)
    }
  }

  /** Runs the workload and takes images. */
  async #work(take: (image: Image) => void, choice?: ImageChoice): Promise<void> {
    const { subject, hash32, seed, steps } = this.#options
    const memory = emptyFileSystem()
    const fileSystem = new FaultyFileSystem(memory)
    refuseGrowth(fileSystem, seed)
    const session = new Session({ subject, seed, fileSystem, hash32, delays: seed % 3 !== 0 })
    this.#oracle = session.oracle
    let operation = 0
    const crash = (at: string): void => {
      operation++
      this.#options.counts.points++
      for (const each of choice === undefined ? this.#choices(seed, operation) : [choice]) {
        const floor = each === 'all' ? session.oracle.acknowledged : session.oracle.synced
        const path = [{ operation, choice: each }]
        take({ path, at, fileSystem: memory.crashClone(each), created: !session.created, floor })
      }
    }
    fileSystem.before = next => {
      if (changesImage(next)) crash(`before ${next.kind} ${next.path}`)
    }
    await session.open()
    for (const step of workload(seed, steps)) {
      await session.step(step)
      if (session.faults.length > 0) break
    }
    await session.close()
    crash('at the end')
    if (session.faults.length > 0)
      throw new SweepFailure(`Without any crash, ${session.faults[0]}\n${this.#replayAs([{ operation, choice: 'all' }])}`)
  }

  async #verify(image: Image): Promise<void> {
    const { counts, nestOneIn, depth } = this.#options
    counts.images++
    const key = `${image.created} ${hashOf(image.fileSystem, this.#options.hash32)}`
    const before = this.#found.get(key)
    if (before !== undefined) {
      if (this.#oracle.allows(before.hash, image.floor) === undefined) throw this.#failure(image, this.#oracle.explain(before, image.floor))
      return
    }
    const number = ++counts.opened
    counts.byDepth[image.path.length] = (counts.byDepth[image.path.length] ?? 0) + 1
    if (image.path.length < depth && number % nestOneIn === 0) {
      const nested: Image[] = []
      await this.#recover(image, taken => nested.push(taken))
      for (const each of nested) await this.#verify(each)
    }
    this.#found.set(key, await this.#open(image, number))
  }

  /** Opens a copy of the image, and takes images at every operation of that. */
  async #recover(image: Image, take: (image: Image) => void, choice?: ImageChoice): Promise<void> {
    const memory = image.fileSystem.processCrashClone()
    const fileSystem = new FaultyFileSystem(memory)
    let operation = 0
    fileSystem.before = next => {
      if (!changesImage(next)) return
      operation++
      this.#options.counts.points++
      const seed = mix32(image.path.at(-1)!.operation, operation)
      for (const each of choice === undefined ? this.#choices(seed, operation) : [choice]) {
        const path = [...image.path, { operation, choice: each }]
        take({
          ...image,
          path,
          at: `before ${next.kind} ${next.path} in the recovery from a crash ${image.at}`,
          fileSystem: memory.crashClone(each),
        })
      }
    }
    try {
      const { engine } = await bounded(this.#subjectOpens(fileSystem, image.created), 'an open')
      fileSystem.before = undefined
      await bounded(engine.close(), 'a close')
    } catch (error) {
      throw this.#failure(image, error)
    }
  }

  /** Opens the image itself and checks everything. Returns its contents. */
  async #open(image: Image, number: number): Promise<State> {
    const { floor, fileSystem } = image
    try {
      const { engine, environment } = await this.#opened(fileSystem, image.created)
      const found = this.#oracle.read(engine.cursor({}))
      if (this.#oracle.allows(found.hash, floor) === undefined) throw new Error(this.#oracle.explain(found, floor))
      this.#verifyReads(engine, found, number)
      if (number % 4 === 0) await bounded(engine.settle(), 'settling')
      for await (const { path, message } of engine.check()) throw new Error(`check: ${path}: ${message}`)
      await environment.scheduler.turn()
      const changes: Change[] = [{ kind: 'put', key: 'after the crash', value: Uint8Array.of(number & 255, number >>> 8) }]
      const batch = new WriteBatch()
      batch.put(keyOf('after the crash'), Uint8Array.of(number & 255, number >>> 8))
      await bounded(Promise.resolve(engine.write(batch, { sync: true })), 'a write')
      const after = this.#oracle.after(found, changes)
      if (number % 4 === 1) await this.#expect(fileSystem.crashClone('none'), after, 'after a power loss behind the recovery')
      await bounded(engine.close(), 'a close')
      if (number % 4 === 3) await this.#expect(fileSystem.crashClone('none'), after, 'after a clean close behind the recovery')
      return found
    } catch (error) {
      throw this.#failure(image, error)
    }
  }

  #verifyReads(engine: Opened['engine'], found: State, number: number): void {
    if (number % 3 === 0 && this.#oracle.read(engine.cursor({}), true).hash !== found.hash) throw new Error('a scan in reverse differs')
    let seen = 0
    for (const [key, hash] of found.contents) {
      if (++seen > 4) break
      const value = engine.get(keyOf(key))
      if (value === undefined || this.#oracle.valueHash(value) !== hash)
        throw new Error(`a get of ${JSON.stringify(key)} differs from the scan`)
      if (engine.expiresAt!(keyOf(key)) !== this.#oracle.expiryOf(hash)) throw new Error(`the expiry of ${JSON.stringify(key)} is wrong`)
    }
    if (engine.get(keyOf('absent')) !== undefined) throw new Error('a get finds a key that was never written')
  }

  async #expect(fileSystem: MemoryFileSystem, expected: State, when: string): Promise<void> {
    const { engine } = await this.#opened(fileSystem, false)
    const found = this.#oracle.read(engine.cursor({}))
    if (found.hash !== expected.hash)
      throw new Error(`${when} there are ${found.contents.size} keys and not the ${expected.contents.size} from before`)
    await bounded(engine.close(), 'a close')
  }

  #opened(fileSystem: MemoryFileSystem, created: boolean): Promise<Opened> {
    return bounded(this.#subjectOpens(fileSystem, created), 'an open')
  }

  #subjectOpens(fileSystem: FileSystem, created: boolean): Promise<Opened> {
    const { subject, seed } = this.#options
    return subject.open(seed, fileSystem, created, { wallTime: () => this.#oracle.now })
  }

  #choices(seed: number, operation: number): ImageChoice[] {
    const random = new SeededRandom(mix32(seed, operation))
    return ['none', 'all', ...Array.from({ length: this.#options.seededImages }, () => random.uint32())]
  }

  #failure({ path, at }: Image, cause: unknown): SweepFailure {
    const reason = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause)
    return new SweepFailure(`After a crash ${at}: ${reason}\n${this.#replayAs(path)}`, { cause })
  }

  #replayAs(path: readonly CrashPoint[]): string {
    const { subject, seed, steps } = this.#options
    return `Replay: ${replayCommand('crash', subject, seed, steps, formatPath(path))}`
  }
}

export function emptyFileSystem(): MemoryFileSystem {
  const fileSystem = new MemoryFileSystem()
  fileSystem.makeDirectory(DIRECTORY)
  // An image is durable, directory included.
  return fileSystem.processCrashClone()
}

export const GROWTH_REFUSED: Fault['effect'] = { kind: 'error', code: 'ENOSPC', done: 'nothing' }

/** Logs grow ahead by zeros, which makes images large; that a disk has no room for it is allowed for, so most runs go without. */
export function refuseGrowth(fileSystem: FaultyFileSystem, seed: number): void {
  if (seed % 16 === 5) return
  const on = ({ kind, path, bytes }: FileOperation): boolean => kind === 'write' && bytes > 128 << 10 && path.endsWith('.log')
  fileSystem.inject({ on, times: Infinity, effect: GROWTH_REFUSED })
}

const buffer = new Uint8Array(1 << 20)
const nameHashes = new Map<string, number>()

function hashOf(fileSystem: MemoryFileSystem, hash32: Hash32): string {
  let first = 0
  let second = 0
  for (const [path, size] of fileSystem.files()) {
    const handle = fileSystem.openRead(path)
    const length = handle.read(buffer, 0, 0, Math.min(size, buffer.length))
    handle.close()
    const content = hash32(buffer.subarray(0, length), size)
    let name = nameHashes.get(path)
    if (name === undefined) nameHashes.set(path, (name = hash32(keyOf(path), 0)))
    first = mix32(mix32(first, name), content)
    second = mix32(content, second ^ name)
  }
  return `${first} ${second}`
}
