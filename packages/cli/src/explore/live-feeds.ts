/**
 * The stores of running programs: takes the events that programs send, and gives them to the page.
 *
 * Invariants:
 * 1. Of each store the newest events are kept, `mostCharacters` of them; what came before is kept as an outline.
 * 2. A page that reads slowly costs nothing: it reads on where it stopped, and gets the outline where that is gone.
 * 3. What programs send is passed on as it is. The page checks it.
 */
import { Outline, outlineLine, parseFeedLine, parseHead, type FeedHead } from 'kvarium/observe'
import type { IncomingMessage, ServerResponse } from 'node:http'

/** What the page knows of a store. */
export interface FeedState extends FeedHead {
  /** The name of its engine; absent before it is open. */
  readonly engine?: string
  /** Whether its program is connected. */
  readonly isConnected: boolean
}

const MOST_FEEDS = 16
/** Characters of the lines that are kept of a store. */
const MOST_CHARACTERS = 32 << 20
/** The share of them that stays when the oldest are dropped. */
const KEPT = 15 / 16
/** Characters of a line, and of what is sent at once. */
const MOST_LINE = 8 << 20
const BATCH = 256 << 10
/** Lines that an outline needs. */
const OUTLINED =
  /"type":"(?:job\.begin|engine\.open|entries\.expire|checkpoint\.end|(?:manifest|meta|root|tree|page|space|cache)\.\w+)"|^\{"outline":/
const OPENING = /"type":"engine\.open","engine":"(\w+)"/

export class LiveFeeds {
  /** By `feed`, in the order in which they came. */
  readonly #feeds = new Map<string, Feed>()
  readonly #mostCharacters: number

  constructor({ mostCharacters = MOST_CHARACTERS }: { readonly mostCharacters?: number } = {}) {
    this.#mostCharacters = mostCharacters
  }

  get states(): readonly FeedState[] {
    return [...this.#feeds.values()].map(feed => feed.state)
  }

  /** Takes what a program sends until one side ends. */
  take(request: IncomingMessage, response: ServerResponse): void {
    let rest = ''
    let feed: Feed | undefined
    response.writeHead(200).flushHeaders()
    request.setEncoding('utf8')
    request.on('data', (text: string) => {
      const lines = (rest + text).split('\n')
      rest = lines.pop()!
      try {
        if (rest.length > MOST_LINE) throw new Error('This line is too long')
        if (feed === undefined && lines.length > 0) feed = this.#begin(parseHead(lines.shift()!), request)
        feed?.add(lines)
      } catch {
        request.destroy()
      }
    })
    request.on('error', () => undefined)
    request.on('end', () => response.end())
    request.on('close', () => feed?.leave(request))
  }

  /** Sends a store's lines to a page, until one side ends. Returns whether there is such a store. */
  send(name: string, response: ServerResponse, headers: Readonly<Record<string, string>>): boolean {
    const feed = this.#feeds.get(name)
    if (feed === undefined) return false
    response.writeHead(200, { ...headers, 'content-type': 'application/x-ndjson' }).flushHeaders()
    void feed.sendTo(response)
    return true
  }

  #begin(head: FeedHead, connection: IncomingMessage): Feed {
    let feed = this.#feeds.get(head.feed)
    if (feed === undefined) {
      const left = [...this.#feeds.values()].find(each => !each.state.isConnected)
      if (this.#feeds.size >= MOST_FEEDS) {
        if (left === undefined) throw new Error(`There are ${MOST_FEEDS} stores already`)
        this.#feeds.delete(left.state.feed)
      }
      this.#feeds.set(head.feed, (feed = new Feed(head, this.#mostCharacters)))
    }
    feed.join(connection)
    return feed
  }
}

class Feed {
  readonly #head: FeedHead
  #engine: string | undefined
  #connection: IncomingMessage | undefined
  #lines: string[] = []
  #characters = 0
  /** Lines before those that are kept. */
  #dropped = 0
  readonly #outline = new Outline()
  /** Wakes the pages that wait for the next lines. */
  readonly #pages = new Set<() => void>()
  readonly #mostCharacters: number

  constructor(head: FeedHead, mostCharacters: number) {
    this.#head = head
    this.#mostCharacters = mostCharacters
  }

  get state(): FeedState {
    return {
      ...this.#head,
      isConnected: this.#connection !== undefined,
      ...(this.#engine !== undefined && { engine: this.#engine }),
    }
  }

  join(connection: IncomingMessage): void {
    this.#connection?.destroy()
    this.#connection = connection
  }

  leave(connection: IncomingMessage): void {
    if (this.#connection === connection) this.#connection = undefined
  }

  add(lines: readonly string[]): void {
    for (const line of lines) {
      this.#lines.push(line)
      this.#characters += line.length
      this.#engine = OPENING.exec(line)?.[1] ?? this.#engine
    }
    if (this.#characters > this.#mostCharacters) this.#drop()
    for (const wake of this.#pages) wake()
  }

  /** Sends all lines that are kept, then those that come, as fast as the page takes them. */
  async sendTo(response: ServerResponse): Promise<void> {
    let isOpen = true
    let isFull = false
    let wake = (): void => undefined
    const wakePage = (): void => wake()
    this.#pages.add(wakePage)
    response.on('drain', () => {
      isFull = false
      wake()
    })
    response.on('close', () => {
      isOpen = false
      wake()
    })
    let next = 0
    while (isOpen) {
      let text = ''
      if (!isFull) {
        if (next < this.#dropped) {
          text = outlineLine(this.#outline.events())
          next = this.#dropped
        }
        while (next < this.#dropped + this.#lines.length && text.length < BATCH) text += `${this.#lines[next++ - this.#dropped]}\n`
      }
      if (text === '') await new Promise<void>(resolve => (wake = resolve))
      else isFull = !response.write(text)
    }
    this.#pages.delete(wakePage)
  }

  /** Drops the oldest lines, few enough that pages wait for it only shortly. */
  #drop(): void {
    let count = 0
    while (this.#characters > this.#mostCharacters * KEPT) {
      const line = this.#lines[count++]
      this.#characters -= line.length
      if (!OUTLINED.test(line)) continue
      const said = parseFeedLine(line)
      for (const event of 'event' in said ? [said.event] : said.outline) this.#outline.apply(event)
    }
    this.#lines = this.#lines.slice(count)
    this.#dropped += count
  }
}
