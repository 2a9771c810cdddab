/**
 * Hazards: a program that is slowed or ended by an explorer that is not there, is slow or goes away; memory that grows with what is not sent;
 * events that are lost without a word; a feed that other pages or programs can read or write; events that lead away from this machine.
 */
import { createServer, type Server } from 'node:http'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { PageServer } from '../../packages/cli/src/explore/page-server.js'
import { LiveFeeds, type FeedState } from '../../packages/cli/src/explore/live-feeds.js'
import { announce, announcedAddress } from '../../src/explore/announcement.js'
import { ExplorerFeed, explorerTrace } from '../../src/explore/index.js'
import { Kvarium } from '../../src/index.js'
import { Outline, parseFeedLine } from '../../src/observe/index.js'
import { foldLsm } from '../../src/lsm/index.js'
import { Trace, type EventOf, type TraceEvent } from '../../src/trace/index.js'
import { MemoryFileSystem } from '../../src/vfs/index.js'

let scratch: string
let server: PageServer
const closing: (() => unknown)[] = []

beforeEach(async () => {
  scratch = mkdtempSync(join(tmpdir(), 'kvarium-feed-'))
  writeFileSync(join(scratch, 'index.html'), '<!doctype html><meta charset="utf-8">')
  server = await PageServer.listen(scratch)
  closing.push(() => server.close())
})
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
  rmSync(scratch, { recursive: true, force: true })
})

const until = (holds: () => boolean | Promise<boolean>): Promise<void> => expect.poll(holds, { timeout: 20_000, interval: 5 }).toBe(true)

/** Takes what a feed sends, as the explorer does; `isSlow`: only once `read` is called. */
class Taker {
  text = ''
  port = 0
  read: () => void = () => undefined
  readonly #server: Server

  constructor({ isSlow = false } = {}) {
    this.#server = createServer((request, response) => {
      response.writeHead(200).flushHeaders()
      this.read = () => void request.on('data', (part: Buffer) => (this.text += part.toString()))
      if (!isSlow) this.read()
    })
    closing.push(() => this.end())
  }

  async listen(port = 0): Promise<this> {
    await new Promise<void>(resolve => this.#server.listen(port, '127.0.0.1', resolve))
    this.port = (this.#server.address() as { readonly port: number }).port
    return this
  }

  get address(): string {
    return `http://127.0.0.1:${this.port}/word`
  }

  get lines(): readonly string[] {
    return this.text.split('\n').slice(0, -1)
  }

  end(): void {
    this.#server.close()
    this.#server.closeAllConnections()
  }
}

const event = (sequence: number, directory = 'd'.repeat(100)): TraceEvent => ({
  sequence,
  operation: 0,
  job: 0,
  atMs: 0,
  type: 'directory.sync',
  directory,
})

function feedTo(address: string | undefined, options: { readonly name?: string; readonly maxBytes?: number } = {}): ExplorerFeed {
  const feed = new ExplorerFeed({ ...options, ...(address !== undefined && { address }) })
  closing.push(() => feed.close())
  return feed
}

const states = async (): Promise<readonly FeedState[]> => (await (await fetch(`${server.address}live/`)).json()) as readonly FeedState[]

/** The lines of a store up to one that is wanted. */
async function linesUpTo(store: string, isLast: (line: string) => boolean): Promise<readonly string[]> {
  const { body } = await fetch(store)
  const decoder = new TextDecoder()
  let text = ''
  for await (const part of body!) {
    text += decoder.decode(part, { stream: true })
    const lines = text.split('\n').slice(0, -1)
    const last = lines.findIndex(isLast)
    if (last >= 0) return lines.slice(0, last + 1)
  }
  throw new Error('The answer ended')
}

const sequences = (lines: readonly string[]): readonly number[] =>
  lines.flatMap(line => {
    const said = parseFeedLine(line)
    return 'event' in said ? [said.event.sequence] : []
  })

describe('a feed', () => {
  it('brings every event of a store to the page, those before the page was opened too', async () => {
    const store = new Kvarium<string, string>('/store', {
      engine: 'lsm',
      fileSystem: new MemoryFileSystem(),
      trace: explorerTrace({ name: 'planets', address: server.feedAddress }),
    } as never)
    await store.put('venus', 'hot')
    await store.flush()
    await store.close()
    await until(async () => (await states()).some(({ engine }) => engine === 'lsm'))
    const [{ feed, name, pid, isConnected }] = await states()
    expect([name, pid, isConnected]).toEqual(['planets', process.pid, true])
    const lines = await linesUpTo(
      `${server.address}live/${feed}`,
      line => line.includes('"type":"job.end"') && line.includes('"kind":"close"'),
    )
    const events = lines.map(line => (parseFeedLine(line) as { readonly event: TraceEvent }).event)
    expect(events.map(({ sequence }) => sequence)).toEqual(events.map((_, index) => index + 1))
    expect(foldLsm(events).levels.map(level => level.entries)).toContain(1)
  })

  it('keeps the newest events within its bytes while no explorer is there, and says what is known of the others', async () => {
    const gone = await new Taker().listen()
    gone.end()
    const feed = feedTo(gone.address, { maxBytes: 20_000 })
    const opening = { ...event(1), type: 'manifest.read', manifest: 3, tables: [] } as unknown as TraceEvent
    feed.listener(opening)
    for (let sequence = 2; sequence <= 1000; sequence++) feed.listener(event(sequence))
    expect(feed.dropped).toBeGreaterThan(800)
    const explorer = await new Taker().listen(gone.port)
    await until(() => explorer.text.includes('"sequence":1000,'))
    const [, outline, ...lines] = explorer.lines
    expect(JSON.parse(outline)).toMatchObject({
      outline: [{ type: 'job.begin', kind: 'open' }, { type: 'manifest.read' }, { type: 'job.end' }],
    })
    const got = sequences(lines)
    expect(got.length).toBe(1000 - feed.dropped)
    expect(got).toEqual(got.map((_, index) => feed.dropped + 1 + index))
  })

  it('connects again after the explorer has gone, and what came between waits for it', async () => {
    const first = await new Taker().listen()
    const feed = feedTo(first.address)
    feed.listener(event(1))
    await until(() => first.text.includes('"sequence":1'))
    first.end()
    await until(() => !feed.isConnected)
    feed.listener(event(2))
    const second = await new Taker().listen(first.port)
    await until(() => second.text.includes('"sequence":2'))
    const [head, outline, line] = second.lines
    expect(JSON.parse(head)).toMatchObject({ 'kvarium-feed': 1, pid: process.pid })
    expect(parseFeedLine(outline)).toMatchObject({ outline: [{ type: 'job.begin', kind: 'open' }, { type: 'job.end' }] })
    expect(sequences([line])).toEqual([2])
    expect(feed.dropped).toBe(0)
  })

  it('waits for an explorer that reads nothing, with bounded memory, and goes on when it reads', async () => {
    const slow = await new Taker({ isSlow: true }).listen()
    const feed = feedTo(slow.address, { maxBytes: 1 << 20 })
    await until(() => feed.isConnected)
    let sequence = 0
    while (feed.dropped < 1000) {
      for (let i = 0; i < 2000; i++) feed.listener(event(++sequence))
      await sleep(1)
    }
    slow.read()
    await until(() => slow.text.includes(`"sequence":${sequence},`))
    const lines = slow.lines.slice(1)
    expect(sequences(lines).length + feed.dropped).toBe(sequence)
    const outlines = lines.flatMap((line, index) => (line.startsWith('{"outline"') ? [index] : []))
    expect(outlines.length).toBeGreaterThan(0)
    // An outline stands where events are missing, and nowhere else.
    for (const index of outlines) {
      const [before] = sequences(lines.slice(index - 1, index))
      const [after] = sequences(lines.slice(index + 1, index + 2))
      expect(after).toBeGreaterThan((before ?? 0) + 1)
    }
  })

  it('passes over an explorer that refuses it', async () => {
    const feed = feedTo(`${server.feedAddress}0`)
    for (let sequence = 1; sequence < 100; sequence++) feed.listener(event(sequence))
    await sleep(100)
    expect([feed.isConnected, feed.dropped]).toEqual([false, 0])
    expect(await states()).toEqual([])
  })

  it.each(['http://192.0.2.1:80/', 'http://example.com/', 'https://127.0.0.1/', 'nonsense'])('sends nothing to %s', address => {
    expect(() => new ExplorerFeed({ address })).toThrow('does not lead to this machine')
  })

  it('sends a write that is too large without its bytes', async () => {
    const feed = feedTo(server.feedAddress)
    const bytes = new Uint8Array(1 << 20).fill(255)
    const { directory: _, ...stamp } = event(1) as EventOf<'directory.sync'>
    const written = { ...stamp, type: 'file.write', file: 'a', offset: 0, length: bytes.length, part: 'log' } as const
    feed.listener({ ...written, bytes })
    await until(async () => (await states()).length === 1)
    const [line] = await linesUpTo(`${server.address}live/${(await states())[0].feed}`, () => true)
    expect(parseFeedLine(line)).toEqual({ event: written })
  })
})

describe('the server', () => {
  it('keeps the newest events of a store within bounds, and begins a page with an outline of the others', async () => {
    const feeds = new LiveFeeds({ mostCharacters: 20_000 })
    const small = createServer((request, response) => {
      if (request.method === 'POST') feeds.take(request, response)
      else feeds.send(request.url!.slice(1), response, {})
    })
    closing.push(() => (small.closeAllConnections(), small.close()))
    await new Promise<void>(resolve => small.listen(0, '127.0.0.1', resolve))
    const address = `http://127.0.0.1:${(small.address() as { readonly port: number }).port}/`
    const feed = feedTo(address)
    for (let sequence = 1; sequence <= 400; sequence++) feed.listener(event(sequence))
    await until(() => feeds.states.length === 1)
    const store = address + feeds.states[0].feed
    await linesUpTo(store, line => line.includes('"sequence":400,'))
    const lines = await linesUpTo(store, line => line.includes('"sequence":400,'))
    expect(lines[0].startsWith('{"outline":')).toBe(true)
    const got = sequences(lines)
    expect(got.at(0)).toBeGreaterThan(100)
    expect(got).toEqual(got.map((_, index) => got[0] + index))
  })

  it('takes events only at their own address, from no page, and that address reads nothing', async () => {
    const post = (address: string, headers: Readonly<Record<string, string>> = {}): Promise<Response> =>
      fetch(address, { method: 'POST', headers, body: '' })
    expect((await post(server.feedAddress)).status).toBe(200)
    expect((await post(server.feedAddress, { origin: 'https://evil.example' })).status).toBe(403)
    expect((await post(server.feedAddress, { origin: new URL(server.address).origin })).status).toBe(403)
    for (const address of [server.address, `${server.address}live/`, new URL('/', server.address).href]) {
      expect((await post(address)).status, address).toBe(405)
    }
    expect((await fetch(server.feedAddress)).status).toBe(404)
    expect((await fetch(`${server.feedAddress}/live/`)).status).toBe(404)
    expect((await fetch(new URL('/live/', server.address))).status).toBe(404)
    expect((await fetch(`${server.address}live/unknown`)).status).toBe(404)
  })

  it.each([
    ['no JSON', 'hello\n'],
    ['another format', '{"kvarium-feed":2,"feed":"a","name":"a","pid":1}\n'],
    ['a name that is a path', '{"kvarium-feed":1,"feed":"../a","name":"a","pid":1}\n'],
    ['no text', '{"kvarium-feed":1,"feed":"a","name":1,"pid":1}\n'],
  ])('ends a feed that begins with %s', async (_what, body) => {
    await fetch(server.feedAddress, { method: 'POST', body }).catch(() => undefined)
    expect(await states()).toEqual([])
  })

  it('says to the page where the stores are, and to no other page', async () => {
    expect(await (await fetch(server.address)).text()).toContain('<meta name="kvarium-live" content="live/">')
  })
})

describe('an outline', () => {
  it('gives the tree that all events gave, up to its memtable', async () => {
    const events: TraceEvent[] = []
    const outline = new Outline()
    const trace = new Trace({ listener: each => void events.push(each) })
    const store = new Kvarium<string, string>('/store', { engine: 'lsm', fileSystem: new MemoryFileSystem(), trace } as never)
    for (let round = 0; round < 6; round++) {
      for (let i = 0; i < 20; i++) await store.put(`key${(i * 7) % 50}`, `value ${round}`)
      await store.flush()
    }
    await store.compactRange()
    await store.close()
    for (const each of events) outline.apply(each)
    expect(foldLsm(outline.events()).levels).toEqual(foldLsm(events).levels)
    expect(foldLsm(outline.events()).picker).toBe(foldLsm(events).picker)
  })
})

describe('the announcement', () => {
  let before: string | undefined
  beforeEach(() => {
    before = process.env['TMPDIR']
    process.env['TMPDIR'] = scratch
  })
  afterEach(() => {
    if (before === undefined) delete process.env['TMPDIR']
    else process.env['TMPDIR'] = before
  })

  it('is read by programs of this user alone, and taken back by the explorer that made it', async () => {
    const takeBack = await announce('http://127.0.0.1:1/first')
    const directory = join(scratch, `kvarium-explore-${process.getuid?.() ?? ''}`)
    if (process.platform !== 'win32')
      expect([statSync(directory).mode & 0o777, statSync(join(directory, 'address')).mode & 0o777]).toEqual([0o700, 0o600])
    const takeBackSecond = await announce('http://127.0.0.1:1/second')
    await takeBack()
    expect(await announcedAddress()).toBe('http://127.0.0.1:1/second')
    await takeBackSecond()
    expect(await announcedAddress()).toBeUndefined()
  })

  it.skipIf(process.platform === 'win32')('is neither written to nor read from a directory that others may enter', async () => {
    const directory = join(scratch, `kvarium-explore-${process.getuid!()}`)
    mkdirSync(directory, { mode: 0o777 })
    writeFileSync(join(directory, 'address'), 'http://127.0.0.1:1/other')
    chmodSync(directory, 0o777)
    expect(await announcedAddress()).toBeUndefined()
    await expect(announce('http://127.0.0.1:1/own')).rejects.toThrow('is not private to this user')
  })
})
