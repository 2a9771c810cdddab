/** The stores of running programs, as the page's server lists them. */
import { signal } from '@preact/signals'

/** As `kvarium explore` lists a store. */
export interface FeedState {
  readonly feed: string
  readonly name: string
  readonly pid: number
  /** Absent before the store is open. */
  readonly engine?: string
  readonly isConnected: boolean
}

const LIST = 'live/'
const POLL_MS = 1000

export const feeds = signal<readonly FeedState[]>([])
/** Whether the server answers. */
export const isServed = signal(true)

/** Asks again and again. Answers what ends it. */
export function pollFeeds(): () => void {
  let isOver = false
  const poll = async (): Promise<void> => {
    while (!isOver) {
      if (document.visibilityState === 'visible') await askOnce()
      await new Promise(resolve => setTimeout(resolve, POLL_MS))
    }
  }
  void poll()
  return () => {
    isOver = true
  }
}

async function askOnce(): Promise<void> {
  try {
    const response = await fetch(LIST)
    const found = (await response.json()) as readonly FeedState[]
    // The same list draws nothing anew.
    if (JSON.stringify(found) !== JSON.stringify(feeds.peek())) feeds.value = found
    isServed.value = true
  } catch {
    isServed.value = false
  }
}
