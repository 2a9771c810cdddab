/**
 * Sends the events of a trace to `kvarium explore`, in batches, over the loopback address.
 *
 * Invariants:
 * 1. The listener only keeps an event. Events that wait take at most `maxBytes`; beyond that the oldest are dropped and counted.
 * 2. A turn sends at most `BYTES_PER_TURN` characters, and none while the explorer has not taken those before.
 * 3. Nothing here keeps the process running, except at its end, when an explorer is there and events wait: for `LAST_MS` at most.
 * 4. No failure of the explorer reaches the program. After each the feed connects anew, and says what is known of the events that it has not sent there.
 */
import { randomUUID } from 'node:crypto'
import { request, type ClientRequest } from 'node:http'
import { basename } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Recorder } from '../observe/recorder.js'
import type { TraceEvent } from '../trace/events.js'
import type { TraceListener } from '../trace/span.js'
import { announcedAddress, loopbackAddress } from './announcement.js'
import { eventLine, headLine, outlineLine } from '../observe/feed-lines.js'
import { Outline } from '../observe/outline.js'

export interface ExplorerFeedOptions {
  /** What the explorer calls the store. @defaultValue the name of the program's file, with a number from the second store on */
  readonly name?: string
  /** Where an explorer takes events, as `kvarium explore` prints it where it cannot be found otherwise. @defaultValue that of the explorer which this user started last */
  readonly address?: string
  /** What events that wait may take of the memory, in bytes, roughly. @defaultValue 8 MiB */
  readonly maxBytes?: number
}

const DEFAULT_BYTES = 8 << 20
const MOST_EVENTS = 100_000
/** Characters of a line beyond which a write is sent without its bytes. */
const MOST_LINE = 1 << 20
const BYTES_PER_TURN = 1 << 20
const TURN_MS = 40
const RETRY_MS = 1000
/** How long the end of the process may wait for the explorer. */
const LAST_MS = 1000

/** Feeds of this process that may have events to send at its end. */
const feeds = new Set<WeakRef<ExplorerFeed>>()
let count = 0

export class ExplorerFeed {
  /** The listener to pass to a trace. */
  readonly listener: TraceListener
  readonly #name: string
  readonly #address: string | undefined
  readonly #feed = randomUUID()
  readonly #waiting: Recorder
  /** What is known of the events that wait no more. */
  readonly #outline = new Outline()
  #hasOutline = false
  /** Whether the explorer knows all events before the next one. */
  #isInStep = false
  #connection: ClientRequest | undefined
  #state: 'none' | 'connecting' | 'ready' | 'full' = 'none'
  #timer: NodeJS.Timeout | undefined
  #isClosed = false
  /** Ends the wait of the end of the process. */
  #onDone: (() => void) | undefined

  constructor({ name, address, maxBytes = DEFAULT_BYTES }: ExplorerFeedOptions = {}) {
    if (address !== undefined && loopbackAddress(address) === undefined)
      throw new TypeError(`address: "${address}" does not lead to this machine; use what kvarium explore prints`)
    this.#name = name ?? defaultName(++count)
    this.#address = address
    this.#waiting = new Recorder({ maxBytes, maxEvents: MOST_EVENTS })
    this.#waiting.onDrop(event => {
      this.#isInStep = false
      this.#pass(event)
    })
    const record = this.#waiting.listener
    this.listener = event => {
      record(event)
      if (this.#state === 'ready' && this.#timer === undefined) this.#sendSoon()
    }
    register(this)
    this.#connectSoon(0)
  }

  /** Events that were dropped, because no explorer took them in time. */
  get dropped(): number {
    return this.#waiting.dropped
  }

  /** Whether an explorer takes the events. */
  get isConnected(): boolean {
    return this.#state === 'ready' || this.#state === 'full'
  }

  /** Sends what waits, if an explorer is there that takes it within a second, and closes. */
  async finish(): Promise<void> {
    if (this.#isClosed) return
    if (this.#waiting.length > 0) {
      const deadline = new AbortController()
      const done = new Promise<void>(resolve => (this.#onDone = resolve))
      this.#connection?.socket?.ref()
      if (this.#state === 'none') void this.#connect()
      else if (this.#state === 'ready') this.#send()
      await Promise.race([done, sleep(LAST_MS, undefined, { signal: deadline.signal }).catch(() => undefined)])
      deadline.abort()
    }
    const connection = this.#connection
    if (this.isConnected && this.#waiting.length === 0) {
      // Not destroyed: the explorer ends its answer when it has taken everything.
      this.#connection = undefined
      connection!.end()
      setTimeout(() => connection!.destroy(), LAST_MS).unref()
    }
    this.close()
  }

  /** Ends the connection; events that wait are not sent. */
  close(): void {
    this.#isClosed = true
    this.#state = 'none'
    clearTimeout(this.#timer)
    this.#connection?.destroy()
    this.#waiting.clear()
  }

  /** The timer does not hold the feed: where its store is gone, it ends. */
  #connectSoon(ms: number): void {
    if (this.#isClosed) return
    const feed = new WeakRef(this)
    this.#timer = setTimeout(() => {
      const found = feed.deref()
      if (found !== undefined) void found.#connect()
    }, ms)
    this.#timer.unref()
  }

  #sendSoon(): void {
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      if (this.#state === 'ready') this.#send()
    }, TURN_MS)
    this.#timer.unref()
  }

  async #connect(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#state = 'connecting'
    const address = loopbackAddress(this.#address ?? (await announcedAddress()) ?? '')
    if (address === undefined || this.#isClosed) return this.#disconnected()
    const connection = request(address, { method: 'POST', agent: false, headers: { 'content-type': 'application/x-ndjson' } })
    this.#connection = connection
    connection.on('socket', socket => {
      if (this.#onDone === undefined) socket.unref()
    })
    connection.on('response', response => {
      response.on('error', () => undefined).on('end', () => connection.destroy())
      response.resume()
      if (response.statusCode !== 200 || this.#isClosed) return void connection.destroy()
      this.#state = 'ready'
      this.#isInStep = !this.#hasOutline
      connection.write(headLine({ feed: this.#feed, name: this.#name, pid: process.pid }))
      this.#send()
    })
    connection.on('drain', () => {
      if (this.#state !== 'full') return
      this.#state = 'ready'
      if (this.#onDone === undefined) this.#sendSoon()
      else this.#send()
    })
    connection.on('error', () => undefined)
    connection.on('close', () => this.#disconnected())
    connection.flushHeaders()
  }

  #disconnected(): void {
    this.#connection = undefined
    this.#state = 'none'
    this.#isInStep = false
    this.#onDone?.()
    this.#connectSoon(RETRY_MS)
  }

  #pass(event: TraceEvent): void {
    this.#hasOutline = true
    this.#outline.apply(event)
  }

  #send(): void {
    let text = ''
    while (text.length < BYTES_PER_TURN) {
      const event = this.#waiting.shift()
      if (event === undefined) break
      if (!this.#isInStep) {
        text += outlineLine(this.#outline.events())
        this.#isInStep = true
      }
      text += eventLine(event, MOST_LINE)
      this.#pass(event)
    }
    if (text !== '' && !this.#connection!.write(text)) this.#state = 'full'
    if (this.#waiting.length === 0) this.#onDone?.()
    else if (this.#state === 'ready') this.#sendSoon()
  }
}

/** Has the feed finish at the end of the process. */
function register(feed: ExplorerFeed): void {
  if (feeds.size === 0) process.once('beforeExit', () => [...feeds].forEach(each => void each.deref()?.finish()))
  for (const each of feeds) if (each.deref() === undefined) feeds.delete(each)
  feeds.add(new WeakRef(feed))
}

function defaultName(number: number): string {
  const program = basename(process.argv[1] ?? 'program')
  return number === 1 ? program : `${program} ${number}`
}
