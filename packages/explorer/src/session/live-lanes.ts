/**
 * Reads what stores of running programs say, and passes it on, lane by lane.
 *
 * Invariants:
 * 1. Each event is passed on once, in its order. Where events are missing, they are counted, and what is known of them comes instead.
 * 2. While it is paused nothing is read: what comes waits where it comes from, within the bounds there.
 */
import { parseFeedLine } from 'kvarium/observe'
import type { TraceEvent } from 'kvarium/trace'
import type { LiveLane, WatchedFeed } from './protocol.js'

/** Opens what a store says, from the oldest line that is kept. */
export type OpenFeed = (feed: string, signal: AbortSignal) => AsyncIterable<string>

const RETRY_MS = 1000

export class LiveLanes {
  readonly #open: OpenFeed
  readonly #receive: (lane: number, events: readonly TraceEvent[]) => void
  readonly #onChange: () => void
  readonly #lanes: { -readonly [Field in keyof LiveLane]: LiveLane[Field] }[]
  readonly #ending = new AbortController()
  /** Resolves when it goes on. */
  #pause: { readonly end: Promise<void>; readonly goOn: () => void } | undefined

  constructor(
    feeds: readonly WatchedFeed[],
    open: OpenFeed,
    receive: (lane: number, events: readonly TraceEvent[]) => void,
    onChange: () => void,
  ) {
    this.#open = open
    this.#receive = receive
    this.#onChange = onChange
    this.#lanes = feeds.map(({ feed }) => ({ feed, lost: 0 }))
    for (const lane of feeds.keys()) void this.#follow(lane)
  }

  get lanes(): readonly LiveLane[] {
    return this.#lanes.map(lane => ({ ...lane }))
  }

  get isPaused(): boolean {
    return this.#pause !== undefined
  }

  pause(): void {
    if (this.#pause !== undefined) return
    let goOn = (): void => undefined
    const end = new Promise<void>(resolve => (goOn = resolve))
    this.#pause = { end, goOn }
  }

  goOn(): void {
    this.#pause?.goOn()
    this.#pause = undefined
  }

  end(): void {
    this.#ending.abort()
    this.goOn()
  }

  async #follow(lane: number): Promise<void> {
    const state = this.#lanes[lane]
    const reader = new FeedReader()
    const { signal } = this.#ending
    while (!signal.aborted) {
      try {
        let rest = ''
        for await (const text of this.#open(state.feed, signal)) {
          await this.#pause?.end
          if (signal.aborted) return
          const lines = (rest + text).split('\n')
          rest = lines.pop()!
          const events = lines.flatMap(line => reader.take(line))
          if (state.lost !== reader.lost) state.lost = reader.lost
          if (events.length > 0) this.#receive(lane, events)
        }
      } catch (error) {
        if (signal.aborted) return
        if (error instanceof FeedError) {
          state.problem = error.message
          this.#onChange()
          return
        }
        // The explorer's server is away, or no longer has the store: it may come back.
      }
      await new Promise(resolve => setTimeout(resolve, RETRY_MS))
    }
  }
}

/** A line that says nothing that can be read. */
class FeedError extends Error {}

/** Makes events of lines. */
class FeedReader {
  /** Events that are missing. */
  lost = 0
  #last = 0
  #outline: readonly TraceEvent[] = []

  take(line: string): readonly TraceEvent[] {
    const said = read(line)
    if ('outline' in said) {
      this.#outline = said.outline
      return []
    }
    const { event } = said
    const outline = this.#outline
    this.#outline = []
    const missing = event.sequence - this.#last - 1
    // Read again after a connection was lost.
    if (missing < 0) return []
    this.#last = event.sequence
    this.lost += missing
    return missing === 0 ? [event] : [...outline, event]
  }
}

function read(line: string): ReturnType<typeof parseFeedLine> {
  try {
    return parseFeedLine(line)
  } catch (cause) {
    throw new FeedError(
      `The program sends what this page cannot read: ${(cause as Error).message}. Use the same version of kvarium for both.`,
      { cause },
    )
  }
}
