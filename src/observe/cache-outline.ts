/** The pages in the cache of a B+tree, in the order of their last use: the newest `MOST_PAGES` of them. */
import type { EventBody, TraceEvent } from '../trace/events.js'

const MOST_PAGES = 5000

export class CacheOutline {
  /** Bytes by page, the one that was used last at the end. */
  readonly #pages = new Map<number, number>()

  apply(event: TraceEvent): void {
    switch (event.type) {
      case 'job.begin':
        if (event.kind === 'open') this.#pages.clear()
        break
      case 'cache.hit': {
        const bytes = event.file === 0 ? this.#pages.get(event.id) : undefined
        if (bytes !== undefined) this.#add(event.id, bytes)
        break
      }
      case 'cache.add':
        this.#add(event.id, event.bytes)
        break
      case 'cache.remove':
      case 'cache.evict':
        if (event.file === 0) this.#pages.delete(event.id)
        break
      default:
        break
    }
  }

  events(): readonly EventBody[] {
    return [...this.#pages].map(([id, bytes]) => ({ type: 'cache.add', file: 0, id, bytes }))
  }

  #add(id: number, bytes: number): void {
    this.#pages.delete(id)
    this.#pages.set(id, bytes)
    if (this.#pages.size > MOST_PAGES) this.#pages.delete(this.#pages.keys().next().value!)
  }
}
