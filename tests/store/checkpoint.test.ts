import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { builtInEngines, Kvarium, repair, verify, type StoreOptions } from '../../src/index.js'
import type { TraceEvent } from '../../src/trace/events.js'
import { Trace } from '../../src/trace/span.js'
import {
  changesImage,
  FaultyFileSystem,
  LimitedFileSystem,
  MemoryFileSystem,
  simulatedEnvironment,
  type FileSystem,
} from '../../src/vfs/index.js'
import { slice } from '../support/thoroughness.js'
import { ledgerSums, sumsOf } from '../trace/support/traced-runs.js'

const ENGINES = ['lsm', 'btree'] as const
/** So that a few hundred entries make several tables, or pages. */
const SMALL = { lsm: { writeBufferSize: 16 << 10, maxFileSize: 8 << 10 }, btree: {} }
const TARGET = '/copies/one'

type Engine = keyof typeof SMALL

function open(
  engine: Engine,
  location: string,
  fileSystem: FileSystem,
  options: StoreOptions<string, string> & Record<string, unknown> = {},
): Kvarium {
  return new Kvarium(location, {
    engine: builtInEngines.resolve(engine),
    environment: simulatedEnvironment({ seed: 1, fileSystem }),
    ...SMALL[engine],
    ...options,
  })
}

async function fill(db: Kvarium, count = 140): Promise<void> {
  const batch = Array.from({ length: count }, (_, i) => ({ type: 'put', key: `k${1000 + i}`, value: `${i}`.padEnd(150, '.') }) as const)
  for (let at = 0; at < count; at += 20) await db.batch(batch.slice(at, at + 20), { sync: true })
}

async function filled(
  engine: Engine,
  fileSystem: FileSystem,
  options?: StoreOptions<string, string> & Record<string, unknown>,
): Promise<Kvarium> {
  const db = open(engine, '/store', fileSystem, options)
  await fill(db)
  await db.compactRange()
  await db.put('last', 'in the log', { sync: true })
  return db
}

async function contentOf(db: Kvarium): Promise<[string, string][]> {
  return db.iterator().all()
}

const failure = (work: Promise<unknown>): Promise<unknown> => work.then(() => undefined).catch((error: unknown) => error)

/** What opening a directory finds: its content, or the code of the refusal. */
async function found(engine: Engine, location: string, fileSystem: FileSystem): Promise<[string, string][] | string> {
  const db = open(engine, location, fileSystem, { createIfMissing: false })
  try {
    await db.open()
    for await (const violation of db.check()) throw new Error(violation.message)
    return await contentOf(db)
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
    return (cause as { readonly code?: string }).code ?? String(cause)
  } finally {
    await db.close()
  }
}

/** The whole content, or no store: nothing there yet, or a refusal that holds for every way to open, and that a destroy ends. */
async function expectWholeOrNone(engine: Engine, image: MemoryFileSystem, content: [string, string][], at: string): Promise<string> {
  const result = await found(engine, TARGET, image)
  if (typeof result !== 'string') {
    expect(result, at).toEqual(content)
    return 'whole'
  }
  const names = image.stat(TARGET) === undefined ? [] : image.list(TARGET)
  if (result === 'LEVEL_NOT_FOUND') {
    expect(names, at).toEqual([])
    return 'none'
  }
  const db = open(engine, TARGET, image)
  expect(await failure(db.open()), at).toMatchObject({ cause: { code: result } })
  expect(image.list(TARGET), at).toEqual(names)
  if (result === 'LEVEL_UNFINISHED_CHECKPOINT') {
    await Kvarium.destroy(TARGET, { environment: simulatedEnvironment({ seed: 1, fileSystem: image }) })
    expect(image.stat(TARGET), at).toBeUndefined()
  }
  return result
}

describe.each(ENGINES)('a checkpoint of a store on %s', engine => {
  it('cut at any file operation leaves the store as it was, and the whole copy or none', async () => {
    const memory = new MemoryFileSystem()
    const faulty = new FaultyFileSystem(memory)
    const db = await filled(engine, faulty)
    const content = await contentOf(db)
    const images: [string, MemoryFileSystem][] = []
    faulty.before = operation => {
      if (!changesImage(operation)) return
      const at = `${operation.number} ${operation.kind} ${operation.path}`
      images.push([at, memory.crashClone(operation.number)])
      if (operation.number % 4 === 0) images.push([at, memory.crashClone('none')])
      if (operation.number % 4 === 1) images.push([at, memory.processCrashClone()])
    }
    await db.checkpoint(TARGET)
    faulty.before = undefined
    images.push(['the end', memory.crashClone('none')])
    await db.close()
    const seen = new Set<string>()
    for (const [at, image] of images) {
      seen.add(await expectWholeOrNone(engine, image, content, at))
      expect(await found(engine, '/store', image), at).toEqual(content)
    }
    expect([...seen].sort()).toEqual(expect.arrayContaining(['LEVEL_UNFINISHED_CHECKPOINT', 'none', 'whole']))
    expect(await expectWholeOrNone(engine, images.at(-1)![1], content, 'the end')).toBe('whole')
  })

  it('that any file operation fails leaves the store working and no copy, and the next one comes to its end', async () => {
    const memory = new MemoryFileSystem()
    const faulty = new FaultyFileSystem(memory)
    const db = await filled(engine, faulty)
    const content = await contentOf(db)
    const codes = ['EIO', 'ENOSPC', 'EMFILE'] as const
    let failed = 0
    for (let skip = 0, isOver = false; !isOver; skip += slice(codes.length, 1)) {
      for (const [shift, code] of codes.entries()) {
        const images: MemoryFileSystem[] = []
        faulty.failed = () => images.push(memory.processCrashClone())
        faulty.before = operation => {
          if (images.length > 0 && changesImage(operation)) images.push(memory.crashClone(operation.number))
        }
        const { hits } = faulty
        faulty.inject({
          on: ({ path, kind }) => path.startsWith('/copies') && kind !== 'stat',
          skip: skip + shift,
          effect: { kind: 'error', code, done: shift === 0 ? 'all' : 'nothing' },
        })
        const error = await failure(db.checkpoint(TARGET))
        faulty.heal()
        faulty.before = faulty.failed = undefined
        isOver = faulty.hits === hits
        const at = `${code} at ${skip + shift}`
        if (error === undefined) {
          expect(await expectWholeOrNone(engine, memory.processCrashClone(), content, at), at).toBe('whole')
          await Kvarium.destroy(TARGET, { environment: simulatedEnvironment({ seed: 1, fileSystem: memory }) })
        } else {
          failed++
          expect(error, at).toMatchObject({ code: 'LEVEL_IO_ERROR' })
          for (const image of images) await expectWholeOrNone(engine, image, content, at)
        }
        await db.put('last', 'in the log', { sync: true })
        expect(await db.get('k1007'), at).toBe('7'.padEnd(150, '.'))
        if (memory.stat(TARGET) !== undefined) {
          // What could not be removed is marked as no store.
          expect(await expectWholeOrNone(engine, memory, content, at), at).not.toBe('whole')
          if (memory.stat(TARGET) !== undefined) memory.removeDirectory(TARGET)
        }
      }
    }
    expect(failed).toBeGreaterThan(10)
    await db.checkpoint(TARGET)
    await db.close()
    expect(await found(engine, TARGET, memory)).toEqual(content)
    expect(faulty.openHandles.size).toBe(0)
  })

  it('on a full disk fails, frees what it took, and the store goes on', async () => {
    const memory = new MemoryFileSystem()
    const disk = new LimitedFileSystem(memory, Infinity)
    const db = await filled(engine, disk)
    const { usedBytes } = disk
    for (const room of [0, 40, 150, 500]) {
      disk.limitBytes = usedBytes + room
      expect(await failure(db.checkpoint(TARGET)), String(room)).toMatchObject({ code: 'LEVEL_IO_ERROR', message: /no space is left/ })
      expect([disk.usedBytes, memory.stat('/copies')], String(room)).toEqual([usedBytes, undefined])
    }
    disk.limitBytes = Infinity
    await db.checkpoint(TARGET)
    await db.close()
  })

  it('is refused where it would do harm, and changes nothing', async () => {
    const memory = new MemoryFileSystem()
    const db = await filled(engine, memory)
    memory.makeDirectory('/full')
    memory.create('/full/x').close()
    memory.create('/file').close()
    const before = memory.files()
    for (const [location, code] of [
      ['/full', 'LEVEL_ALREADY_EXISTS'],
      ['/file', 'LEVEL_ALREADY_EXISTS'],
      ['/store', 'LEVEL_INVALID_LOCATION'],
      ['/store/', 'LEVEL_INVALID_LOCATION'],
      ['/store/copy', 'LEVEL_INVALID_LOCATION'],
      ['/full/../store/./deep/copy', 'LEVEL_INVALID_LOCATION'],
      ['', 'LEVEL_INVALID_LOCATION'],
    ] as const) {
      expect(await failure(db.checkpoint(location)), location).toMatchObject({ code })
    }
    const signal = AbortSignal.abort()
    expect(await failure(db.checkpoint(TARGET, { signal }))).toMatchObject({ code: 'LEVEL_ABORTED' })
    expect(memory.files()).toEqual(before)
    expect(memory.stat('/copies')).toBeUndefined()
    await db.checkpoint('/storeroom')
    await db.close()
    expect(await failure(db.checkpoint(TARGET))).toMatchObject({ code: 'LEVEL_DATABASE_NOT_OPEN' })
  })

  it('has its directory to itself: another one, or an open, is refused meanwhile', async () => {
    const memory = new MemoryFileSystem()
    const faulty = new FaultyFileSystem(memory)
    const db = await filled(engine, faulty)
    let isUnderWay = (): void => undefined
    let goOn = (): void => undefined
    const underWay = new Promise<void>(resolve => (isUnderWay = resolve))
    const gate = new Promise<void>(resolve => (goOn = resolve))
    faulty.delay = ({ kind, path }, moment) => {
      if (kind !== 'syncDirectory' || path !== TARGET || moment === 'after') return undefined
      isUnderWay()
      return gate
    }
    const first = db.checkpoint(TARGET)
    await underWay
    expect(await failure(db.checkpoint(TARGET))).toMatchObject({ code: 'LEVEL_ALREADY_EXISTS' })
    expect(await failure(open(engine, TARGET, memory).open())).toMatchObject({ cause: { code: 'LEVEL_LOCKED' } })
    goOn()
    await first
    const content = await contentOf(db)
    await db.close()
    expect(await found(engine, TARGET, memory)).toEqual(content)
  })

  it('sees the moment of the call, also of one made while the store opens, and a close waits for it', async () => {
    const memory = new MemoryFileSystem()
    await (await filled(engine, memory)).close()
    const db = open(engine, '/store', memory)
    const early = db.checkpoint(TARGET)
    await db.open()
    const late = db.checkpoint('/copies/two')
    const write = db.put('after', 'the call')
    await Promise.all([early, write])
    await db.close()
    await late
    const content = (await found(engine, '/store', memory)) as [string, string][]
    expect(content).toContainEqual(['after', 'the call'])
    const before = content.filter(([key]) => key !== 'after')
    expect(await found(engine, TARGET, memory)).toEqual(before)
    expect(await found(engine, '/copies/two', memory)).toEqual(before)
  })

  it('has the sublevels and encodings of the store', async () => {
    const memory = new MemoryFileSystem()
    const db = open(engine, '/store', memory)
    await db.sublevel<string, object>('users', { valueEncoding: 'json' }).put('ada', { born: 1815 })
    await db.checkpoint(TARGET)
    const copy = open(engine, TARGET, memory)
    expect(await copy.sublevel<string, object>('users', { valueEncoding: 'json' }).get('ada')).toEqual({ born: 1815 })
    await Promise.all([db.close(), copy.close()])
  })

  it('of a store that is open to be read changes nothing of it', async () => {
    const memory = new MemoryFileSystem()
    const db = await filled(engine, memory)
    const content = await contentOf(db)
    await db.close()
    const before = memory.files()
    const reader = open(engine, '/store', memory, { readOnly: true })
    await reader.checkpoint(TARGET)
    await reader.close()
    expect(new Map([...memory.files()].filter(([path]) => path.startsWith('/store/')))).toEqual(before)
    expect(await found(engine, TARGET, memory)).toEqual(content)
  })

  it.each([true, false])('is in the ledger and the trace, byte by byte (with second names of files: %s)', async hasLinks => {
    const memory = new MemoryFileSystem()
    if (!hasLinks) Object.defineProperty(memory, 'link', { value: undefined })
    const events: TraceEvent[] = []
    const trace = new Trace({ level: 'io', listener: event => events.push(event) })
    const db = await filled(engine, memory, { trace })
    const before = db.stats()
    const from = memory.bytesInUse()
    await db.checkpoint(TARGET)
    const { ledger, amplification } = db.stats()
    expect(sumsOf(events)).toEqual(ledgerSums(ledger))
    const linked = events.flatMap(event => (event.type === 'file.link' ? [memory.stat(event.name)!.size] : [])).reduce((a, b) => a + b, 0)
    expect(linked > 0).toBe(hasLinks && engine === 'lsm')
    // The marker of a checkpoint under way is not there any more.
    const [own, marker] = [memory.bytesInUse() - from - linked, 100]
    // A file of pages is longer than what is written of it.
    if (engine === 'lsm') expect(ledger.written.backup).toBeGreaterThanOrEqual(own)
    expect(ledger.written.backup).toBeLessThan(own + marker)
    if (engine === 'lsm') expect(ledger.read.backup > 0).toBe(!hasLinks)
    expect({ ...ledger.written, backup: 0 }).toEqual(before.ledger.written)
    expect(amplification.write).toEqual(before.amplification.write)
    expect(ledger.fileBytes).toBe(before.ledger.fileBytes)
    expect(events.some(event => event.type === 'operation.end' && event.kind === 'backup' && event.status === 'ok')).toBe(true)
    await db.close()
  })

  it('on a disk shares what never changes, and outlives the store', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'kvarium-checkpoint-'))
    try {
      const db = new Kvarium(join(directory, 'store'), { engine: builtInEngines.resolve(engine), ...SMALL[engine] })
      await fill(db)
      await db.compactRange()
      const content = await contentOf(db)
      const target = join(directory, 'copies', 'one')
      await db.checkpoint(target)
      await db.clear()
      await db.compactRange()
      await db.close()
      await Kvarium.destroy(join(directory, 'store'))
      const copy = new Kvarium(target, { engine, createIfMissing: false })
      expect(await contentOf(copy)).toEqual(content)
      await copy.put('more', 'x')
      await copy.compactRange()
      await copy.close()
    } finally {
      rmSync(directory, { recursive: true, force: true })
    }
  })
})

describe('a checkpoint that did not finish', () => {
  // As written since 0.1.0: a change takes a new format.
  const marker = '{"kvarium":3,"engine":"lsm"}\nxxh32 74512c5f\n'

  it('is refused by whatever opens, reads or repairs a store, and changes by none of it', async () => {
    const memory = new MemoryFileSystem()
    const environment = simulatedEnvironment({ seed: 1, fileSystem: memory })
    memory.makeDirectory(TARGET)
    const file = memory.create(`${TARGET}/KVARIUM`)
    file.write(Buffer.from(marker), 0)
    file.close()
    const before = memory.files()
    const attempts = [
      () => open('lsm', TARGET, memory).open(),
      () => open('btree', TARGET, memory).open(),
      () => open('lsm', TARGET, memory, { readOnly: true }).open(),
      () => verify(TARGET, { environment }),
      () => repair(TARGET, '/repaired', { environment }),
      () => Kvarium.repair(TARGET, { environment }),
    ]
    for (const attempt of attempts) {
      const error = (await failure(attempt())) as Error
      const { code, message } = (error.cause ?? error) as Error & { readonly code?: string }
      expect([code, message]).toEqual([
        'LEVEL_UNFINISHED_CHECKPOINT',
        expect.stringContaining('/copies/one is a checkpoint that was not finished'),
      ])
    }
    expect(memory.files()).toEqual(before)
    await Kvarium.destroy(TARGET, { environment })
    expect(memory.stat(TARGET)).toBeUndefined()
  })
})

describe('a store whose engine has no files', () => {
  it('makes no checkpoint, and says what does instead', async () => {
    const db = new Kvarium('anywhere', { engine: 'memory' })
    expect(await failure(db.checkpoint('/elsewhere'))).toMatchObject({ code: 'LEVEL_NOT_SUPPORTED', message: /copyStore/ })
    await db.close()
  })
})
