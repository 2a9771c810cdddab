/** The cache of blocks or pages: what is in it, what was just evicted, and how often it had what was asked for. */
import type { TraceEvent } from 'kvarium/trace'
import type { Fold } from './fold.js'

export interface CachedPicture {
  /** Number of the table; 0 for the pages of a B+tree. */
  readonly file: number
  /** Offset of the block, or number of the page. */
  readonly id: number
  readonly bytes: number
  /** Found here, since it came in. */
  readonly hits: number
}

export interface CachePicture {
  /** Absent until the engine has said it. */
  readonly capacityBytes?: number
  readonly entries: number
  readonly bytes: number
  /** The one that was used last first, as far as they are listed. */
  readonly newest: readonly CachedPicture[]
  readonly hits: number
  readonly misses: number
  readonly evictions: number
  /** The latest first. */
  readonly evicted: readonly CachedPicture[]
  /** What the present event does. */
  readonly present?: { readonly what: 'hit' | 'miss' | 'add' | 'remove' | 'evict'; readonly file: number; readonly id: number }
}

const MOST_LISTED = 60
const MOST_EVICTED = 12
const TABLE = /^0*(\d+)\.sst$/

export class CacheFold implements Fold<CachePicture> {
  /** By file and id, the one that was used last at the end. */
  #entries = new Map<string, CachedPicture>()
  #bytes = 0
  #capacityBytes: number | undefined
  #hits = 0
  #misses = 0
  #evictions = 0
  #evicted: readonly CachedPicture[] = []
  #present: CachePicture['present']
  /** A block that was missed: it comes in once others have made room. */
  #incoming: CachedPicture | undefined

  apply(event: TraceEvent): void {
    this.#present = undefined
    if (this.#incoming !== undefined && event.type !== 'cache.evict') {
      this.#put(this.#incoming)
      this.#incoming = undefined
    }
    switch (event.type) {
      case 'job.begin':
        if (event.kind === 'open') this.#empty()
        break
      case 'engine.open':
        if (typeof event.options.cacheSize === 'number') this.#capacityBytes = event.options.cacheSize
        break
      case 'cache.hit': {
        this.#hits++
        const found = this.#take(event)
        if (found !== undefined) this.#put({ ...found, hits: found.hits + 1 })
        this.#present = { what: 'hit', file: event.file, id: event.id }
        break
      }
      case 'cache.miss':
        this.#misses++
        // A block that was missed is kept, unless it is larger than the whole cache; of a page `cache.add` says so.
        if (event.file !== 0 && event.bytes <= (this.#capacityBytes ?? Infinity)) this.#incoming = { ...sizeOf(event), hits: 0 }
        this.#present = { what: 'miss', file: event.file, id: event.id }
        break
      case 'cache.add':
        this.#put({ ...sizeOf(event), hits: 0 })
        this.#present = { what: 'add', file: event.file, id: event.id }
        break
      case 'cache.remove':
        this.#take(event)
        this.#present = { what: 'remove', file: event.file, id: event.id }
        break
      case 'cache.evict': {
        const left = this.#take(event) ?? { ...sizeOf(event), hits: 0 }
        this.#evictions++
        this.#evicted = [left, ...this.#evicted.slice(0, MOST_EVICTED - 1)]
        this.#present = { what: 'evict', file: event.file, id: event.id }
        break
      }
      case 'file.close':
      case 'file.remove': {
        // The blocks of a table go with it, of which no event speaks.
        const table = TABLE.exec(event.file)
        if (table !== null) this.#forget(Number(table[1]))
        break
      }
      default:
        break
    }
  }

  clone(): CacheFold {
    const clone = new CacheFold()
    clone.#entries = new Map(this.#entries)
    clone.#bytes = this.#bytes
    clone.#capacityBytes = this.#capacityBytes
    clone.#hits = this.#hits
    clone.#misses = this.#misses
    clone.#evictions = this.#evictions
    clone.#evicted = this.#evicted
    clone.#present = this.#present
    clone.#incoming = this.#incoming
    return clone
  }

  picture(): CachePicture {
    return {
      ...(this.#capacityBytes !== undefined && { capacityBytes: this.#capacityBytes }),
      entries: this.#entries.size,
      bytes: this.#bytes,
      newest: [...this.#entries.values()].slice(-MOST_LISTED).reverse(),
      hits: this.#hits,
      misses: this.#misses,
      evictions: this.#evictions,
      evicted: this.#evicted,
      ...(this.#present !== undefined && { present: this.#present }),
    }
  }

  #take({ file, id }: { readonly file: number; readonly id: number }): CachedPicture | undefined {
    const key = `${file}:${id}`
    const found = this.#entries.get(key)
    if (found === undefined) return undefined
    this.#entries.delete(key)
    this.#bytes -= found.bytes
    return found
  }

  #put(entry: CachedPicture): void {
    this.#take(entry)
    this.#entries.set(`${entry.file}:${entry.id}`, entry)
    this.#bytes += entry.bytes
  }

  #forget(file: number): void {
    for (const entry of [...this.#entries.values()]) if (entry.file === file) this.#take(entry)
  }

  #empty(): void {
    this.#entries.clear()
    this.#bytes = 0
  }
}

function sizeOf({ file, id, bytes }: { readonly file: number; readonly id: number; readonly bytes: number }): Omit<CachedPicture, 'hits'> {
  return { file, id, bytes }
}
