import fc from 'fast-check'
import { beforeAll, expect, test } from 'vitest'
import type { Hash32 } from '../../src/codec/checksum.js'
import { loadHash32 } from '../../src/codec/checksum.js'
import type { FileHandle } from '../../src/vfs/file-system.js'
import { MemoryFileSystem } from '../../src/vfs/memory/memory-file-system.js'
import { LogReader, LogWriter } from '../../src/wal/index.js'

let hash32: Hash32
beforeAll(async () => {
  hash32 = await loadHash32()
})

const PATH = '/store/000007.log'
const NUMBER = 7

/** A handle that reports the moments before and after each change, where a crash may come. */
class WatchedFile implements FileHandle {
  readonly #file: FileHandle
  readonly #boundary: () => void

  constructor(file: FileHandle, boundary: () => void) {
    this.#file = file
    this.#boundary = boundary
  }

  get path(): string {
    return this.#file.path
  }

  size(): number {
    return this.#file.size()
  }

  read(target: Uint8Array, position: number, start?: number, end?: number): number {
    return this.#file.read(target, position, start, end)
  }

  write(source: Uint8Array, position: number, start?: number, end?: number): void {
    this.#file.write(source, position, start, end)
    this.#boundary()
  }

  truncate(size: number): void {
    this.#file.truncate(size)
    this.#boundary()
  }

  async sync(): Promise<void> {
    this.#boundary()
    await this.#file.sync()
    this.#boundary()
  }

  close(): void {
    this.#file.close()
    this.#boundary()
  }
}

/** One log under test: what has been appended, what has been acknowledged as durable, and what every crash must leave. */
class CrashRun {
  readonly fileSystem = new MemoryFileSystem()
  readonly appended: string[] = []
  durable = 0
  images = 0
  #writer: LogWriter | undefined
  #seed: number
  readonly #seedsPerBoundary: number

  constructor(seed: number, seedsPerBoundary: number) {
    this.#seed = seed
    this.#seedsPerBoundary = seedsPerBoundary
  }

  async start(recycled: boolean): Promise<void> {
    this.fileSystem.makeDirectory('/store')
    const file = this.fileSystem.create(PATH)
    await this.fileSystem.syncDirectory('/')
    await this.fileSystem.syncDirectory('/store')
    if (recycled) await this.#fillWithOldLog(file)
    this.#writer = new LogWriter(recycled ? file : this.#watched(file), { logNumber: NUMBER, hash32 })
    if (!recycled) return
    await file.sync()
    // The header of a recycled file is durable before the file gets its name, so crashes count from here.
    await this.#writer.close({ marker: false })
    this.#writer = new LogWriter(this.#watched(this.fileSystem.openWrite(PATH)), { logNumber: NUMBER, hash32 })
  }

  append(length: number): void {
    const payload = new Uint8Array(length).fill(this.appended.length + 1)
    this.appended.push(summary(payload))
    this.#writer!.append(payload)
  }

  async sync(): Promise<void> {
    const covered = this.appended.length
    await this.#writer!.sync()
    this.durable = Math.max(this.durable, covered)
    this.crash()
  }

  async close(): Promise<void> {
    await this.#writer!.close({ marker: true })
    this.durable = this.appended.length
    this.crash()
  }

  /** Looks at the images that crashes at this moment may leave. */
  crash(): void {
    this.#verify('none')
    for (let i = 0; i < this.#seedsPerBoundary; i++) this.#verify(this.#seed++)
    expect(this.#verify('all')).toBeGreaterThanOrEqual(this.appended.length - 1)
  }

  #verify(seed: number | 'none' | 'all'): number {
    this.images++
    const delivered: string[] = []
    const reader = new LogReader({ fileSystem: this.fileSystem.crashClone(seed), path: PATH, logNumber: NUMBER, hash32 })
    const result = reader.replay(payload => delivered.push(summary(payload)))
    expect(delivered).toEqual(this.appended.slice(0, delivered.length))
    expect(delivered.length).toBeGreaterThanOrEqual(result.cleanlyClosed ? this.appended.length : this.durable)
    return delivered.length
  }

  #watched(file: FileHandle): FileHandle {
    return new WatchedFile(file, () => this.crash())
  }

  async #fillWithOldLog(file: FileHandle): Promise<void> {
    const old = new LogWriter(file, { logNumber: NUMBER - 1, hash32 })
    for (let i = 0; i < 60; i++) {
      old.append(new Uint8Array(50).fill(i))
      await old.sync()
    }
  }
}

const summary = (payload: Uint8Array): string => `${payload.length} x ${payload[0]}..${payload.at(-1)}`

const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ append: fc.oneof(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 400, max: 1500 })) }) },
  { weight: 1, arbitrary: fc.constant({ append: 300_000 }) },
  { weight: 2, arbitrary: fc.constant('sync' as const) },
  { weight: 2, arbitrary: fc.constant('sync and wait' as const) },
  { weight: 2, arbitrary: fc.constant('turn' as const) },
)

test('power loss at any moment leaves a prefix with everything acknowledged as durable, never an error', async () => {
  let images = 0
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25 }), fc.nat(), fc.boolean(), async (steps, seed, recycled) => {
      const run = new CrashRun(seed, 4)
      await run.start(recycled)
      const pending: Promise<void>[] = []
      for (const next of steps) {
        if (next === 'sync') pending.push(run.sync())
        else if (next === 'sync and wait') await run.sync()
        else if (next === 'turn') await Promise.resolve()
        else run.append(next.append)
      }
      pending.push(run.close())
      await Promise.all(pending)
      images += run.images
    }),
  )
  expect(images).toBeGreaterThan(1000)
}, 600_000)

test('the death of the process loses nothing that was appended', async () => {
  const run = new CrashRun(1, 0)
  await run.start(false)
  for (let i = 1; i < 50; i++) run.append(i)
  const delivered: string[] = []
  const image = run.fileSystem.processCrashClone()
  new LogReader({ fileSystem: image, path: PATH, logNumber: NUMBER, hash32 }).replay(payload => delivered.push(summary(payload)))
  expect(delivered).toEqual(run.appended)
})

test('a log is created under a name of its own, and a taken name is refused', async () => {
  const fileSystem = new MemoryFileSystem()
  fileSystem.makeDirectory('/store')
  const options = { fileSystem, path: PATH, logNumber: NUMBER, hash32 }
  const log = LogWriter.create(options)
  expect(log).toMatchObject({ path: PATH, logNumber: NUMBER, size: 16, poisoned: false })
  expect(() => LogWriter.create(options)).toThrow(/EEXIST/)
  log.append(new Uint8Array(3))
  await log.close({ marker: true })
  expect(new LogReader(options).replay(() => {})).toMatchObject({ records: 1, cleanlyClosed: true })
})
