/**
 * A power loss at every operation on the files below, and the death of the process. The rule: the names are those after a first part of the changes,
 * with every change before a `syncDirectory` that has resolved; a file has its own bytes, and those that were synced.
 */
import { describe, expect, it } from 'vitest'
import { SlotFileSystem } from '../../src/opfs/slot-file-system.js'
import { changesImage, FaultyFileSystem, type FileOperation } from '../../src/vfs/testing/faulty-file-system.js'
import type { FileHandle, FileSystem } from '../../src/vfs/file-system.js'
import { MemoryFileSystem } from '../../src/vfs/memory/memory-file-system.js'
import { SeededRandom } from '../../src/vfs/seeded-random.js'
import { slice } from '../support/thoroughness.js'
import { simulatedSlotFiles } from './support/simulated-slot-files.js'

const HISTORIES = slice(6, 60)
const STEPS = slice(30, 80)
const DIRECTORIES = ['/a', '/a/b']
const OPTIONS = { spareFiles: 2 }

interface ModelFile {
  /** Every byte of the file is this one, so that those of another file show. */
  readonly fill: number
  size: number
  /** Bytes at the start that are durable. */
  synced: number
}

type ModelNames = ReadonlyMap<string, ModelFile>

/** What may be left. */
interface Expected {
  /** After each change of names, from the latest durable one on. */
  readonly states: readonly ModelNames[]
  readonly synced: ReadonlyMap<ModelFile, number>
  readonly sizes: ReadonlyMap<ModelFile, number>
}

interface Image {
  readonly at: string
  readonly fileSystem: MemoryFileSystem
  readonly expected: Expected
  /** Everything that was written is there: only the process has died. */
  readonly isWhole: boolean
}

const namesOf = (names: ModelNames): string => [...names.keys()].sort().join(' ')

function filesIn(fileSystem: FileSystem, directory: string): string[] {
  return fileSystem.list(directory).flatMap(name => {
    const path = `${directory === '/' ? '' : directory}/${name}`
    return fileSystem.stat(path)!.kind === 'file' ? [path] : filesIn(fileSystem, path)
  })
}

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await Promise.resolve()
}

class History {
  verified = 0
  readonly #random: SeededRandom
  #disk = new MemoryFileSystem()
  #faulty!: FaultyFileSystem
  #files!: SlotFileSystem
  /** Whether writes and syncs of the names fail now and then. */
  readonly #fails: boolean
  #states: ModelNames[] = [new Map()]
  #durable = 0
  readonly #open = new Map<ModelFile, FileHandle>()
  #images: Image[] = []
  #fill = 0
  #operations = 0
  /** Which of the possible states a crash has left is not known yet. */
  #isOpening = false
  /** Which of the states it goes on from is not known. */
  #isOver = false

  constructor(seed: number) {
    this.#random = new SeededRandom(seed)
    this.#fails = seed % 2 === 0
  }

  async run(): Promise<void> {
    await this.#start(this.#disk)
    for (const path of DIRECTORIES) this.#files.makeDirectory(path)
    for (let step = 0; step < STEPS && !this.#isOver; step++) {
      if (this.#fails && this.#random.uniform(6) === 0) this.#injectFault()
      await this.#step()
      this.#faulty.heal()
      await this.#files.settle()
      await this.#verifyImages()
    }
  }

  get #names(): ModelNames {
    return this.#states.at(-1)!
  }

  async #start(disk: MemoryFileSystem): Promise<void> {
    this.#disk = disk
    const faulty = new FaultyFileSystem(disk)
    faulty.before = operation => {
      if (changesImage(operation)) this.#takeImages(`${operation.kind} ${operation.path}`)
    }
    // Other work goes on during a sync, and what a failed one has not written is never written.
    faulty.delay = () => turns(this.#random.uniform(4))
    faulty.failed = operation => {
      if (operation.kind === 'sync') disk.loseUnsynced(operation.path)
    }
    this.#faulty = faulty
    this.#files = await SlotFileSystem.open(simulatedSlotFiles(faulty), OPTIONS)
  }

  #injectFault(): void {
    const done = (['nothing', 'all', 20] as const)[this.#random.uniform(3)]
    const kind = this.#random.uniform(2) === 0 ? 'write' : 'sync'
    const on = (operation: FileOperation): boolean => operation.kind === kind && operation.path.includes('names-')
    this.#faulty.inject({ on, effect: { kind: 'error', code: 'EIO', done: kind === 'sync' && done === 20 ? 'all' : done } })
  }

  #takeImages(at: string): void {
    const files = new Set(this.#states.slice(this.#durable).flatMap(names => [...names.values()]))
    const expected: Expected = {
      states: this.#states.slice(this.#durable),
      synced: new Map([...files].map(file => [file, file.synced])),
      sizes: new Map([...files].map(file => [file, file.size])),
    }
    this.#operations++
    const take = (fileSystem: MemoryFileSystem, kind: string): void => {
      this.#images.push({
        at: `${kind} before ${this.#operations} ${at}`,
        fileSystem,
        expected,
        isWhole: kind === 'kill' && !this.#isOpening,
      })
    }
    take(this.#disk.crashClone(this.#random.uint32()), 'power loss')
    if (this.#operations % 4 === 0) take(this.#disk.crashClone('none'), 'nothing unsynced')
    if (this.#operations % 4 === 1) take(this.#disk.processCrashClone(), 'kill')
  }

  #change(change: (names: Map<string, ModelFile>) => void, act: () => void): void {
    const names = new Map(this.#names)
    change(names)
    // A crash image that is taken on the way may have it.
    this.#states.push(names)
    const before = this.#states.at(-2)!
    try {
      act()
    } catch (error) {
      expect(error).toMatchObject({ name: 'FileSystemError', code: 'EIO' })
      // It may be there after a crash, but for now nothing has changed.
      this.#states.push(before)
    }
  }

  #pick<T>(among: readonly T[]): T | undefined {
    return among[this.#random.uniform(Math.max(1, among.length))]
  }

  #newPath(): string {
    return `${this.#pick(['', ...DIRECTORIES])}/${'uvwxyz'.charAt(this.#random.uniform(6))}`
  }

  async #step(): Promise<void> {
    const random = this.#random
    const path = this.#pick([...this.#names.keys()].sort())
    const free = this.#newPath()
    const roll = random.uniform(100)
    if (roll < 25 || path === undefined) {
      if (!this.#names.has(free)) this.#create(free)
    } else if (roll < 45) this.#write(path)
    else if (roll < 58) await this.#sync(path)
    else if (roll < 68) {
      if (free !== path)
        this.#change(
          names => rename(names, path, free),
          () => this.#files.rename(path, free),
        )
    } else if (roll < 80) {
      this.#change(
        names => names.delete(path),
        () => this.#files.remove(path),
      )
    } else if (roll < 85 && !this.#names.has(free)) {
      this.#change(
        names => names.set(free, names.get(path)!),
        () => this.#files.link(path, free),
      )
    } else if (roll < 96) await this.#syncNames()
    else await this.#reopen()
  }

  #create(path: string): void {
    const file = { fill: 1 + (this.#fill++ % 255), size: 0, synced: 0 }
    this.#change(
      names => names.set(path, file),
      () => this.#open.set(file, this.#files.create(path)),
    )
  }

  #write(path: string): void {
    const file = this.#names.get(path)!
    if (!this.#open.has(file)) this.#open.set(file, this.#files.openWrite(path))
    const bytes = new Uint8Array(1 + this.#random.uniform(1500)).fill(file.fill)
    const at = file.size
    file.size += bytes.length
    this.#open.get(file)!.write(bytes, at)
    if (this.#random.uniform(3) > 0) return
    this.#open.get(file)!.close()
    this.#open.delete(file)
  }

  async #sync(path: string): Promise<void> {
    const file = this.#names.get(path)!
    const handle = this.#open.get(file) ?? this.#files.openWrite(path)
    this.#open.set(file, handle)
    const { size } = file
    await handle.sync()
    file.synced = size
  }

  /** A later write may be there, and an earlier one not. */
  async #cut(path: string, file: ModelFile, size: number): Promise<void> {
    const handle = this.#files.openWrite(path)
    handle.truncate(size)
    await handle.sync()
    file.size = size
    handle.close()
  }

  async #syncNames(): Promise<void> {
    const durable = this.#states.length - 1
    const synced = this.#files.syncDirectory('/')
    // Changes that are made meanwhile are not part of it.
    const path = this.#newPath()
    if (this.#random.uniform(3) === 0 && !this.#names.has(path)) this.#create(path)
    const error: unknown = await synced.then(
      () => undefined,
      (reason: unknown) => reason,
    )
    if (error === undefined) this.#durable = durable
    else expect(error).toMatchObject({ name: 'FileSystemError', code: 'EIO', operation: 'syncDirectory', path: '/' })
  }

  /** Goes on with what a crash has left. */
  async #reopen(): Promise<void> {
    const isWhole = this.#random.uniform(2) === 0
    const disk = isWhole ? this.#disk.processCrashClone() : this.#disk.crashClone(this.#random.uint32())
    await this.#files.close()
    this.#images = []
    this.#open.clear()
    this.#isOpening = true
    await this.#start(disk)
    this.#isOpening = false
    const left = filesIn(this.#files, '/').sort().join(' ')
    const states = this.#states.slice(this.#durable).filter(names => namesOf(names) === left)
    expect(states.length, left).toBeGreaterThan(0)
    const [state] = states
    // The same names may be those of other files.
    this.#isOver = states.some(names => [...names].some(([path, file]) => state.get(path) !== file))
    if (this.#isOver) return
    this.#states = [state]
    this.#durable = 0
    for (const [path, file] of state) {
      const bytes = contentsOf(this.#files, path)
      file.size = bytes.length
      const hole = bytes.indexOf(0)
      file.synced = hole < 0 ? bytes.length : hole
      if (hole >= 0) await this.#cut(path, file, hole)
    }
    for (const path of DIRECTORIES) this.#files.makeDirectory(path)
  }

  async #verifyImages(): Promise<void> {
    for (const image of this.#images.splice(0)) {
      this.verified++
      await this.#verify(image)
    }
  }

  async #verify({ at, fileSystem, expected, isWhole }: Image): Promise<void> {
    const files = await SlotFileSystem.open(simulatedSlotFiles(fileSystem), OPTIONS)
    const left = filesIn(files, '/').sort()
    // A change that has failed may be there until the names are in a new log.
    const possible = isWhole && !this.#fails ? expected.states.slice(-2) : expected.states
    const states = possible.filter(names => namesOf(names) === left.join(' '))
    expect(states.length, `${at}: ${left.join(' ')} is none of ${possible.map(namesOf).join(' | ')}`).toBeGreaterThan(0)
    const wrong = states.map(names => left.flatMap(path => wrongIn(files, path, names.get(path)!, expected)))
    if (!wrong.some(all => all.length === 0)) expect(wrong[0], at).toEqual([])
    await files.close()
  }
}

function rename(names: Map<string, ModelFile>, from: string, to: string): void {
  const file = names.get(from)!
  if (names.get(to) === file) return
  names.delete(from)
  names.set(to, file)
}

function contentsOf(files: FileSystem, path: string): Uint8Array {
  const handle = files.openRead(path)
  const bytes = new Uint8Array(handle.size())
  handle.read(bytes, 0)
  handle.close()
  return bytes
}

function wrongIn(files: FileSystem, path: string, file: ModelFile, { synced, sizes }: Expected): string[] {
  const bytes = contentsOf(files, path)
  const wrong: string[] = []
  const foreign = bytes.findIndex(byte => byte !== file.fill && byte !== 0)
  if (foreign >= 0) wrong.push(`${path} has ${bytes[foreign]} at ${foreign}, a byte of another file`)
  const least = synced.get(file)!
  if (bytes.length < least || bytes.subarray(0, least).some(byte => byte !== file.fill)) wrong.push(`${path} has lost bytes below ${least}`)
  if (bytes.length > sizes.get(file)!) wrong.push(`${path} is ${bytes.length} bytes long, more than were written`)
  return wrong
}

describe('a crash of the slots and their names', () => {
  it(
    'leaves the names after a first part of the changes, with all that are durable, and to each file its own bytes',
    async () => {
      let verified = 0
      for (let seed = 1; seed <= HISTORIES; seed++) {
        const history = new History(seed)
        await history.run()
        verified += history.verified
      }
      expect(verified).toBeGreaterThan(50 * HISTORIES)
    },
    20_000 * HISTORIES,
  )
})
