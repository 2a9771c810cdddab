import { createHash } from 'node:crypto'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import type { Engine } from '../../src/engine/contract.js'
import type { EventType, TraceEvent } from '../../src/trace/events.js'
import { newReadCounts, type ReadCounts } from '../../src/trace/ledger.js'
import { ReceiptBook } from '../../src/observe/receipt-book.js'
import { changesImage, FaultyFileSystem } from '../../src/vfs/testing/faulty-file-system.js'
import { SeededRandom, simulatedEnvironment, type MemoryFileSystem } from '../../src/vfs/index.js'
import { keyOf, rangeOf } from '../contract/support/opened-engine.js'
import {
  batchOf,
  DIRECTORY,
  emptyFileSystem,
  filler,
  openBtree,
  put,
  scan,
  shapeOf,
  violations,
  type Operation,
} from './support/opened-btree.js'
import { TracedBtree } from './support/traced-btree.js'

const OPTIONS = { pageSize: 256, cacheSize: 6000, writeBufferSize: 16 << 10 }

/** Writers that overlap with reads, clears, a compaction and a check, while a caller always waits for the background. */
async function busyLoad(engine: Engine, rounds: number): Promise<void> {
  const random = new SeededRandom(7)
  const key = (): string => `key ${100 + random.uniform(600)}`
  for (let round = 0; round < rounds; round++) {
    const settled = engine.settle()
    const writes: Promise<void>[] = []
    for (let i = 0; i < 40; i++) {
      const operation: Operation = i % 6 === 5 ? ['del', key()] : ['put', key(), filler(random.uniform(i % 9 === 0 ? 900 : 150), i)]
      const written = engine.write(batchOf([operation]), { sync: i % 20 === 0 })
      if (written !== undefined) writes.push(written)
      engine.get(keyOf(key()))
    }
    const snapshot = engine.snapshot()
    await Promise.all(writes)
    if (round % 5 === 2) await engine.clear(rangeOf({ gte: key(), lt: 'key 4' }), { sync: false })
    scan(engine)
    if (round % 7 === 3) await Promise.all([engine.compact(), engine.flush()])
    if (round % 7 === 5) expect(await violations(engine)).toEqual([])
    snapshot.release()
    await settled
  }
  await engine.flush()
  await engine.settle()
}

/** One operation after another, so that nothing depends on the order of turns. */
async function quietLoad(engine: Engine): Promise<void> {
  const random = new SeededRandom(11)
  const key = (): string => `key ${100 + random.uniform(600)}`
  for (let i = 0; i < 1500; i++) {
    await engine.write(batchOf([i % 6 === 5 ? ['del', key()] : ['put', key(), filler(random.uniform(150), i)]]), { sync: i % 50 === 0 })
    engine.get(keyOf(key()))
    if (i % 400 === 100) await engine.clear(rangeOf({ gte: key(), lt: 'key 4' }), { sync: false })
    if (i % 500 === 200) await engine.flush()
    if (i % 300 === 200) scan(engine)
  }
  await engine.compact()
  await engine.settle()
}

function jobKinds(events: readonly TraceEvent[]): (event: TraceEvent) => string {
  const kinds = new Map(events.flatMap(event => (event.type === 'job.begin' ? [[event.job, event.kind] as const] : [])))
  return event => kinds.get(event.job) ?? `operation ${event.operation}`
}

function kindsOf(events: readonly TraceEvent[], type: EventType): Set<string> {
  const kind = jobKinds(events)
  return new Set(events.flatMap(event => (event.type === type ? [kind(event)] : [])))
}

/** Digests, by name. */
function contents(fileSystem: MemoryFileSystem): Map<string, string> {
  const files = fileSystem.list(DIRECTORY).map(name => {
    const file = fileSystem.openRead(`${DIRECTORY}/${name}`)
    const bytes = new Uint8Array(file.size())
    file.read(bytes, 0)
    return [name, createHash('sha1').update(bytes).digest('hex')] as const
  })
  return new Map(files)
}

function sumOfTouched(events: readonly TraceEvent[], kinds: ReadonlySet<string>): ReadCounts {
  const sum = newReadCounts()
  for (const event of events) {
    if (event.type !== 'operation.end' || event.touched === undefined || !kinds.has(event.kind)) continue
    for (const field of Object.keys(sum) as (keyof ReadCounts)[]) sum[field] += event.touched[field]
  }
  return sum
}

function added(a: Readonly<ReadCounts>, b: Readonly<ReadCounts>): ReadCounts {
  const sum = { ...a }
  for (const field of Object.keys(sum) as (keyof ReadCounts)[]) sum[field] += b[field]
  return sum
}

describe('the trace of a B+tree', () => {
  let traced: TracedBtree
  let engine: Engine

  beforeAll(async () => {
    const environment = simulatedEnvironment({ seed: 3, fileSystem: emptyFileSystem() })
    traced = new TracedBtree({ environment, options: OPTIONS })
    engine = await traced.open(true)
    await busyLoad(engine, 30)
  })
  it('gives what checkpoints do to them, whatever else is under way', () => {
    const { events } = traced
    for (const type of ['page.write', 'page.clean', 'space.alloc', 'checkpoint.end', 'meta.write'] as const) {
      const kinds = kindsOf(events, type)
      expect(kinds).toContain('checkpoint')
      expect([...kinds].filter(kind => kind !== 'checkpoint' && kind !== 'open')).toEqual([])
    }
    const syncs = kindsOf(events, 'directory.sync')
    expect(syncs).toContain('checkpoint')
    expect([...syncs].filter(kind => kind !== 'checkpoint' && kind !== 'open' && kind !== 'rotate')).toEqual([])
  })

  it('emits everything that can happen to a page, and numbers no two of them alike', () => {
    const emitted = new Set(traced.events.map(({ type }) => type))
    const pages: readonly EventType[] = ['page.visit', 'page.new', 'page.change', 'page.resize', 'page.split', 'page.merge', 'page.write']
    const ends: readonly EventType[] = ['page.clean', 'page.drop', 'page.free', 'subtree.drop', 'space.alloc', 'space.free']
    const caches: readonly EventType[] = ['cache.hit', 'cache.miss', 'cache.add', 'cache.remove', 'cache.evict']
    for (const type of [...pages, ...ends, ...caches]) expect(emitted, type).toContain(type)
    const numbers = traced.of('page.new').map(({ page }) => page)
    expect(new Set(numbers).size).toBe(numbers.length)
    const rules = new Set(traced.of('page.split').map(({ rule }) => rule))
    expect([...rules].sort()).toEqual(['ascending', 'large', 'middle'])
  })

  it('emits every byte that goes to pages, and a page keeps its number when it is read again', () => {
    const writtenUnits = traced.of('page.write').reduce((sum, { units }) => sum + units, 0)
    expect(writtenUnits * OPTIONS.pageSize).toBe(engine.stats().ledger.written.page)
    const places = new Map<number, number>()
    let missed: number | undefined
    let readAgain = 0
    for (const event of traced.events) {
      if (event.type === 'page.write') places.set(event.offset * OPTIONS.pageSize, event.page)
      else if (event.type === 'cache.miss') missed = event.id
      else if (event.type === 'file.read' && missed !== undefined) {
        expect(places.get(event.offset)).toBe(missed)
        missed = undefined
        readAgain++
      }
    }
    expect(readAgain).toBeGreaterThan(10)
  })

  it('agrees with the counts of the cache and of the ledger', () => {
    const { cache, ledger, stalls } = engine.stats()
    expect(traced.of('cache.hit')).toHaveLength(cache!.hits)
    expect(traced.of('cache.miss')).toHaveLength(cache!.misses)
    const bytes = (type: 'cache.add' | 'cache.remove' | 'cache.evict'): number =>
      traced.of(type).reduce((sum, event) => sum + event.bytes, 0)
    expect(bytes('cache.add') - bytes('cache.remove') - bytes('cache.evict')).toBe(cache!.usedBytes)
    expect(sumOfTouched(traced.events, new Set(['get']))).toEqual(added(ledger.found, ledger.missing))
    expect(sumOfTouched(traced.events, new Set(['seek', 'next']))).toEqual(ledger.scan)
    expect(traced.of('checkpoint.end')).toHaveLength(shapeOf(engine).checkpoints)
    expect(traced.of('stall.begin')).toHaveLength(stalls.count)
  })

  it('says why checkpoints are made and why writers wait', () => {
    const checkpoints = new Set(traced.of('job.begin').flatMap(({ kind, reason }) => (kind === 'checkpoint' ? [reason] : [])))
    expect([...checkpoints].sort()).toEqual(['asked for', 'changed pages fill the buffer'])
    const stalls = new Set(traced.of('stall.begin').map(({ reason }) => reason))
    expect([...stalls].sort()).toEqual(['changed pages fill the buffer', 'other writers wait'])
  })

  it('says that the log was full, where few pages are changed again and again', async () => {
    const traced = new TracedBtree({ environment: simulatedEnvironment({ seed: 3, fileSystem: emptyFileSystem() }), options: OPTIONS })
    const engine = await traced.open(true)
    for (let i = 0; i < 400; i++) await put(engine, 'the same key', filler(100, i))
    await engine.settle()
    const reasons = new Set(traced.of('job.begin').flatMap(({ kind, reason }) => (kind === 'checkpoint' ? [reason] : [])))
    expect([...reasons]).toEqual(['the log is full'])
    await traced.close(engine)
  })

  it('changes nothing: the same load without it leaves the same files and counts', async () => {
    const runs = [true, false].map(async isTraced => {
      const fileSystem = emptyFileSystem()
      const environment = simulatedEnvironment({ seed: 3, fileSystem })
      const options = { ...OPTIONS, writeBufferSize: 4 << 20 }
      const engine = isTraced
        ? await new TracedBtree({ environment, options }).open(true)
        : await openBtree({ fileSystem, environment, created: true, options })
      await quietLoad(engine)
      const seen = { stats: engine.stats(), shape: engine.shape() }
      await engine.close()
      return { ...seen, files: contents(fileSystem) }
    })
    const [traced, untraced] = await Promise.all(runs)
    expect(traced).toEqual(untraced)
  })

  it('whose listener throws once a checkpoint is current does not undo it: it may cost space, and no data', async () => {
    for (const type of ['meta.write', 'checkpoint.end', 'page.free', 'space.free', 'log.release'] as const) {
      const memory = emptyFileSystem()
      const fileSystem = new FaultyFileSystem(memory)
      const environment = simulatedEnvironment({ seed: 3, fileSystem })
      const traced = new TracedBtree({ environment, options: OPTIONS })
      const engine = await traced.open(true)
      const write = async (round: number): Promise<void> => {
        for (let i = 0; i < 60; i++) await put(engine, `key ${i}`, filler(100, round))
      }
      await write(1)
      await engine.flush()
      await write(2)
      const apply = vi.spyOn(traced.fold, 'apply').mockImplementation(event => {
        if (event.type === type) throw new Error('a bug of the listener')
      })
      await engine.flush().catch(() => undefined)
      apply.mockRestore()
      await write(3)
      const images: MemoryFileSystem[] = []
      fileSystem.before = operation => {
        if (changesImage(operation)) images.push(memory.processCrashClone())
      }
      const written = scan(engine)
      await environment.scheduler.sleep(2000)
      await engine.flush().catch(() => undefined)
      await engine.close().catch(() => undefined)
      expect(images.length).toBeGreaterThan(5)
      for (const image of images) {
        const reopened = await openBtree({ fileSystem: image, options: OPTIONS })
        expect(scan(reopened)).toEqual(written)
        const found = await violations(reopened)
        expect(found.filter(violation => !violation.endsWith('counts as used, but nothing is there'))).toEqual([])
        await reopened.close()
      }
    }
  })

  it('at level job records checkpoints and meta pages, and no page', async () => {
    const environment = simulatedEnvironment({ seed: 3, fileSystem: emptyFileSystem() })
    const traced = new TracedBtree({ environment, options: OPTIONS, level: 'job' })
    const engine = await traced.open(true)
    for (let i = 0; i < 50; i++) await put(engine, `key ${i}`, filler(100, i))
    await engine.flush()
    await traced.close(engine)
    const emitted = new Set(traced.events.map(({ type }) => type))
    for (const type of ['meta.read', 'meta.write', 'engine.open', 'checkpoint.end'] as const) expect(emitted).toContain(type)
    expect([...emitted].filter(type => /^(page|space|root|tree|cache|subtree)\./.test(type))).toEqual([])
  })

  it('makes receipts that count the pages of every get and cursor, and what of them came from disk', () => {
    const book = new ReceiptBook({ operations: 1e6 })
    for (const event of traced.events) book.listener(event)
    const kinds = new Map(book.kinds().map(each => [each.kind, each.searched]))
    const { ledger } = engine.stats()
    const gets = kinds.get('get')!
    expect(gets.touched).toEqual(added(ledger.found, ledger.missing))
    expect(gets.pages).toBe(gets.touched.blocksFromCache + gets.touched.blocksFromDisk)
    expect(added(kinds.get('seek')!.touched, kinds.get('next')!.touched)).toEqual(ledger.scan)
    for (const { kind, searched } of book.receipts()) {
      if (kind === 'get') expect(searched.pages).toBe(searched.touched.blocksFromCache + searched.touched.blocksFromDisk)
    }
  })
})
