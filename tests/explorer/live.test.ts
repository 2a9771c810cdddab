/**
 * Hazards: a running program shown otherwise than it ran; a run that grows without end, or whose drawings or positions change when old moments are
 * dropped; events that are missing without a word, or that make a drawing fail.
 */
import { beforeAll, describe, expect, it } from 'vitest'
import type { OpenFeed } from '../../packages/explorer/src/session/live-lanes.js'
import type { Summary } from '../../packages/explorer/src/session/protocol.js'
import { CacheFold } from '../../packages/explorer/src/views/cache-fold.js'
import { PagesFold } from '../../packages/explorer/src/views/pages-fold.js'
import { SpaceFold } from '../../packages/explorer/src/views/space-fold.js'
import { Session, type SessionSources } from '../../packages/explorer/src/session/session.js'
import { Kvarium } from '../../src/index.js'
import { eventLine, outlineLine, parseFeedLine } from '../../src/observe/feed-lines.js'
import { jsonLines, Outline } from '../../src/observe/index.js'
import { Trace, type TraceEvent } from '../../src/trace/index.js'
import { MemoryFileSystem, SeededRandom } from '../../src/vfs/index.js'
import { slice } from '../support/thoroughness.js'

const MOST_LINE = 1 << 20
const ENGINES = ['lsm', 'btree'] as const
type Engine = (typeof ENGINES)[number]

const OPTIONS = {
  lsm: { writeBufferSize: 16384, level1Size: 65536, maxFileSize: 16384 },
  btree: { writeBufferSize: 65536, pageSize: 1024 },
}

const recorded = new Map<Engine, Promise<readonly TraceEvent[]>>()

/** What a store did that was opened twice. */
function eventsOf(engine: Engine): Promise<readonly TraceEvent[]> {
  let events = recorded.get(engine)
  if (events === undefined) recorded.set(engine, (events = run(engine)))
  return events
}

async function run(engine: Engine): Promise<readonly TraceEvent[]> {
  const events: TraceEvent[] = []
  const trace = new Trace({ listener: event => void events.push(event) })
  const options = { ...OPTIONS[engine], engine, fileSystem: new MemoryFileSystem(), trace }
  const store = new Kvarium<string, string>('/store', options as never)
  for (let opening = 0; opening < 2; opening++) {
    for (let i = 0; i < 80; i++) await store.put(`key${(i * 37) % 61}`, 'v'.repeat(i % 90))
    for (let i = 0; i < 20; i++) await store.get(`key${i}`)
    await store.clear({ gte: 'key1', lt: 'key12' })
    await store.flush()
    await store.compactRange()
    await store.iterator({ limit: 20 }).all()
    await store.close()
    if (opening === 0) await store.open()
  }
  return events
}

const FEED = 'feed'
const textOf = (events: readonly TraceEvent[]): string => events.map(event => eventLine(event, MOST_LINE)).join('')

/** A session that watches one store, and the summaries of which it told. */
function watching(
  chunks: () => AsyncIterable<string>,
  bounds: Pick<SessionSources, 'mostLive' | 'mostLiveBytes'> = {},
): { readonly session: Session; readonly told: Summary[] } {
  const told: Summary[] = []
  const openFeed: OpenFeed = async function* (_feed, signal) {
    yield* chunks()
    // As a program that runs on, and does nothing.
    await new Promise(resolve => signal.addEventListener('abort', resolve))
  }
  return { session: new Session(summary => void told.push(summary), { openFeed, ...bounds }), told }
}

async function* inParts(text: string, length: number): AsyncGenerator<string> {
  for (let from = 0; from < text.length; from += length) yield text.slice(from, from + length)
}

const arrived = (told: readonly Summary[], moments: number): Promise<void> =>
  expect.poll(() => told.at(-1)?.moments, { timeout: 10_000, interval: 5 }).toBe(moments)

/** The pictures of a recording of the same events. */
async function asRecording(events: readonly TraceEvent[]): Promise<Session> {
  const session = new Session()
  await session.openFiles([{ name: 'trace.jsonl', contents: new Blob([...jsonLines(events)]) }])
  return session
}

describe.each(ENGINES)('a running program with a store of %s', engine => {
  const watched = [{ feed: FEED, name: 'planets', engine }]

  it('is shown as a recording of the same events is', async () => {
    const events = await eventsOf(engine)
    const { session, told } = watching(() => inParts(textOf(events), 70_001))
    const begun = await session.watch(watched)
    expect(begun).toMatchObject({ isRecorded: true, live: { isPaused: false, lanes: [{ feed: FEED, lost: 0 }] } })
    await arrived(told, events.length)
    const [shown, wanted] = [session, await asRecording(events)]
    for (const position of [1, Math.floor(events.length / 2), events.length]) {
      expect((await shown.look({ position })).lanes[0].pictures).toEqual((await wanted.look({ position })).lanes[0].pictures)
    }
    await expect(session.replay(begun.settings)).rejects.toThrow('cannot be done again')
    await session.begin(begun.settings)
  })

  it('keeps the newest moments, at the same positions and with the same drawings', async () => {
    const events = await eventsOf(engine)
    const most = 500
    const { session, told } = watching(() => inParts(textOf(events), 100_000), { mostLive: most })
    await session.watch(watched)
    await arrived(told, events.length)
    const { first = 0, moments } = told.at(-1)!
    expect(moments - first).toBeGreaterThanOrEqual(most)
    expect(moments - first).toBeLessThan(2 * most)
    const whole = await asRecording(events)
    for (const position of [first, first + 1, first + 77, moments - 1, moments]) {
      const [shown, wanted] = [await session.look({ position }), await whole.look({ position })]
      expect(shown.position).toBe(position)
      expect(shown.lanes[0].events).toBe(position)
      expect(shown.lanes[0].pictures).toEqual(wanted.lanes[0].pictures)
      if (position > first) expect(shown.moment).toEqual(wanted.moment)
    }
    expect((await session.look({ position: 0 })).position).toBe(first)
    expect(await session.seek({ from: first + 3, direction: -1, at: 'moment' })).toBe(first + 2)
    expect(await session.seek({ from: first, direction: -1, at: 'moment' })).toBeUndefined()
    const window = { from: first + 1, to: moments, buckets: 100_000 }
    expect((await session.timeline(window)).marks).toEqual((await whole.timeline(window)).marks)
    await session.begin({ seed: 1, lanes: [{ name: 'lsm', engine: 'lsm', options: {} }] })
  })

  it('counts what is missing, wherever that is, and goes on drawing', async () => {
    const events = await eventsOf(engine)
    const random = new SeededRandom(1)
    for (let round = 0; round < slice(2, 60); round++) {
      const [a, b] = [random.uniform(events.length), random.uniform(events.length)].sort((x, y) => x - y)
      const outline = new Outline()
      for (const event of events.slice(0, b)) outline.apply(event)
      const text = textOf(events.slice(0, a)) + outlineLine(outline.events()) + textOf(events.slice(b))
      const { session, told } = watching(() => inParts(text, 500_000))
      await session.watch(watched)
      const known = a === b ? 0 : outline.events().length
      await arrived(told, events.length - (b - a) + known)
      expect(told.at(-1)!.live!.lanes[0].lost).toBe(b - a)
      for (let position = a; position < events.length; position += 197) await session.look({ position, around: 0 })
      await session.look({ position: events.length })
      await session.begin({ seed: 1, lanes: [{ name: 'lsm', engine: 'lsm', options: {} }] })
    }
  })
})

describe('a page that comes late to a B+tree', () => {
  const LATE = 200
  let events: readonly TraceEvent[]
  beforeAll(async () => {
    const all: TraceEvent[] = []
    const trace = new Trace({ listener: event => void all.push(event) })
    const options = { ...OPTIONS.btree, pageSize: 512, cacheSize: 65536, engine: 'btree', fileSystem: new MemoryFileSystem(), trace }
    const store = new Kvarium<string, string>('/store', options as never)
    const random = new SeededRandom(7)
    for (let i = 0; i < 5000; i++) await store.put(`key${random.uniform(4000)}`, 'v'.repeat(random.uniform(90)))
    await store.clear({ gte: 'key1', lt: 'key12' })
    for (let i = 0; i < LATE; i++) await store.put(`key${random.uniform(4000)}`, 'w'.repeat(random.uniform(90)))
    await store.close()
    events = all
  })

  class Folds {
    readonly pages = new PagesFold()
    readonly space = new SpaceFold()
    readonly cache = new CacheFold()

    apply(event: TraceEvent): void {
      for (const fold of [this.pages, this.space, this.cache]) fold.apply(event)
    }
  }

  /** What is drawn of a tree, beside the history of its pages. */
  function drawn({ pages: fold, space, cache }: Folds): unknown {
    const { shape, levels, path, root } = fold.picture()
    const { checkpoints: _, ...tree } = shape
    const { entries, bytes, newest } = cache.picture()
    const cached = { entries, bytes, newest: newest.map(page => [page.file, page.id, page.bytes]) }
    const pages = levels.map(level => ({
      ...level,
      drawn: level.drawn.map(({ copyOf, ...page }) => (page.state === 'clean' ? page : { ...page, copyOf })),
    }))
    return { tree, pages, path, root: root?.page, space: space.picture(), cached }
  }

  it('draws its pages, units and cache as one that was there from the beginning', () => {
    const whole = new Folds()
    const outline = new Outline()
    const random = new SeededRandom(1)
    const starts = new Set(Array.from({ length: slice(4, 100) }, () => random.uniform(events.length)))
    starts.add(events.findLastIndex(event => event.type === 'operation.begin' && event.kind === 'clear'))
    const late: Folds[] = []
    let mostCached = 0
    for (const [index, event] of events.entries()) {
      if (starts.has(index)) {
        const fold = new Folds()
        for (const known of parsed(outline)) fold.apply(known)
        late.push(fold)
      }
      for (const fold of [whole, outline, ...late]) fold.apply(event)
      if (event.type !== 'operation.end' || index % 997 >= 12) continue
      mostCached = Math.max(mostCached, whole.cache.picture().entries)
      for (const fold of late) expect(drawn(fold)).toEqual(drawn(whole))
    }
    expect(whole.pages.picture().shape.height).toBeGreaterThan(2)
    expect(mostCached).toBeGreaterThan(5)
    for (const fold of late) expect(drawn(fold)).toEqual(drawn(whole))
  })

  it('draws the branches and counts the leaves of a tree that is too large to send', () => {
    const [outline, fold] = [new Outline(), new PagesFold()]
    const leaves = 6000
    const stamp = { operation: 0, job: 0, atMs: 0, sequence: 1 }
    const counts = { entries: leaves, liveBytes: 9 * leaves, pages: [leaves, 1], units: [leaves, 4], fileBytes: 0, freeUnits: 0 }
    const meta = { type: 'meta.read', number: 1, entrySequence: leaves, firstLog: 1, unitBytes: 4096, ...counts, ...stamp } as const
    outline.apply({ type: 'job.begin', kind: 'open', ...stamp })
    outline.apply(meta)
    outline.apply({ type: 'root.change', page: 1, height: 2, entries: leaves, ...stamp })
    for (let slot = 0; slot < leaves; slot++) {
      outline.apply({ type: 'page.visit', page: 1, depth: 0, slot, entries: leaves - 1, ...stamp })
      outline.apply({ type: 'page.visit', page: 2 + slot, depth: 1, slot: 0, entries: 1, ...stamp })
    }
    expect(outline.events().length).toBeLessThan(10)
    for (const event of parsed(outline)) fold.apply(event)
    const [root, bottom] = fold.picture().levels
    expect(root).toMatchObject({ pages: 1, unnamed: 0, drawn: [{ page: 1, entries: leaves - 1 }] })
    expect(bottom).toMatchObject({ pages: leaves, unnamed: leaves, drawn: [] })
  })

  const parsed = (outline: Outline): readonly TraceEvent[] => {
    const said = parseFeedLine(outlineLine(outline.events()))
    return 'outline' in said ? said.outline : []
  }
})

describe('a running program', () => {
  const watched = [{ feed: FEED, name: 'planets', engine: 'lsm' }]

  it('is not read while it is paused, and goes on where it was', async () => {
    const events = await eventsOf('lsm')
    let asked = 0
    const { session, told } = watching(async function* () {
      for await (const part of inParts(textOf(events), 10_000)) {
        asked++
        yield part
      }
    })
    await session.watch(watched)
    expect((await session.pause(true)).live?.isPaused).toBe(true)
    const before = asked
    await new Promise(resolve => setTimeout(resolve, 50))
    expect(asked).toBeLessThanOrEqual(before + 1)
    await session.pause(false)
    await arrived(told, events.length)
    await session.begin({ seed: 1, lanes: [{ name: 'lsm', engine: 'lsm', options: {} }] })
  })

  it('keeps no more moments than the memory has room for, where they hold large writes', async () => {
    const bytes = new Uint8Array(20_000).fill(97)
    const events = (await eventsOf('lsm')).map(event => (event.type === 'file.write' ? { ...event, bytes } : event))
    const mostLiveBytes = 500_000
    const { session, told } = watching(() => inParts(textOf(events), 30_000), { mostLiveBytes })
    await session.watch(watched)
    await arrived(told, events.length)
    const { first = 0, moments } = told.at(-1)!
    const kept = events.slice(first).reduce((sum, event) => sum + 340 + (event.type === 'file.write' ? bytes.length : 0), 0)
    expect(kept).toBeLessThanOrEqual(mostLiveBytes * 1.25)
    expect(kept).toBeGreaterThan(mostLiveBytes / 2)
    const whole = await asRecording(await eventsOf('lsm'))
    for (const position of [first, moments]) {
      const pictures = ['levels', 'memtable', 'ledger'] as const
      expect((await session.look({ position, pictures })).lanes[0].pictures).toEqual(
        (await whole.look({ position, pictures })).lanes[0].pictures,
      )
    }
    await session.begin({ seed: 1, lanes: [{ name: 'lsm', engine: 'lsm', options: {} }] })
  })

  it('whose connection is lost is read again, without any event twice', async () => {
    const events = await eventsOf('lsm')
    let opened = 0
    const openFeed: OpenFeed = async function* (_feed, signal) {
      yield textOf(events.slice(0, opened++ === 0 ? 300 : undefined))
      if (opened > 1) await new Promise(resolve => signal.addEventListener('abort', resolve))
    }
    const told: Summary[] = []
    const session = new Session(summary => void told.push(summary), { openFeed })
    await session.watch(watched)
    await arrived(told, events.length)
    expect(told.at(-1)!.live!.lanes[0].lost).toBe(0)
    await session.begin({ seed: 1, lanes: [{ name: 'lsm', engine: 'lsm', options: {} }] })
  })

  it('that says what cannot be read ends with the reason', async () => {
    const { session, told } = watching(() => inParts('{"sequence":1,"type":"no.such"}\n', 1000))
    await session.watch(watched)
    await expect.poll(() => told.at(-1)?.live?.lanes[0].problem, { timeout: 10_000 }).toContain('there is no event of type "no.such"')
    await session.begin({ seed: 1, lanes: [{ name: 'lsm', engine: 'lsm', options: {} }] })
  })

  it('is seen only where a server has it', async () => {
    await expect(new Session().watch(watched)).rejects.toThrow('only in the page of kvarium explore')
  })
})
