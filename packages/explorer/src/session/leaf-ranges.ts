/**
 * The leaves of a B+tree that can have one key, and where each of them was written: from the events of a lane.
 *
 * A leaf is known to be that of the key when the tree has grown from its first leaf in this run, or when a search for the key came to it.
 *
 * Invariants:
 * 1. `current` is the leaf of the present tree that has the key, or would have it; none where no event since the opening has said it.
 */
import { compareKeys } from 'kvarium/codec'
import type { EventOf, TraceEvent } from 'kvarium/trace'

export interface Leaf {
  readonly page: number
  readonly state: 'dirty' | 'written' | 'clean'
  readonly isInTree: boolean
  /** The page that took its place. */
  readonly by?: number
}

/** Where a leaf was written; in units. */
export interface LeafExtent {
  readonly leaf: Leaf
  readonly unit: number
  readonly units: number
  readonly isFree: boolean
}

export class LeafRanges {
  readonly #key: Uint8Array
  unitBytes = 0
  /** Bytes of a leaf that is not compressed. */
  pageBytes = 0
  /** Sequence number of the last write in the tree, and of the last one in that of the meta page on disk. */
  treeSequence = 0
  durableSequence = 0
  readonly #leaves = new Map<number, Leaf>()
  #current: number | undefined
  /** Those whose place the current one has taken. */
  readonly #former = new Set<number>()
  /** The latest last; none overlaps another. */
  #extents: LeafExtent[] = []
  /** The store's operation that names the key, if one is under way. */
  #operation = 0
  #isEmpty = true
  #height = 0

  constructor(key: Uint8Array) {
    this.#key = key
  }

  get current(): Leaf | undefined {
    return this.#current === undefined ? undefined : this.#leaves.get(this.#current)
  }

  /** Former leaves of the key that nothing has written, and that something still holds. */
  get shadowedInMemory(): readonly Leaf[] {
    const written = new Set(this.#extents.map(({ leaf }) => leaf.page))
    return [...this.#former].flatMap(page => {
      const leaf = this.#leaves.get(page)
      return leaf === undefined || leaf.isInTree || written.has(page) ? [] : [leaf]
    })
  }

  /** All leaves whose bytes are in the file, the latest first. */
  get extents(): readonly LeafExtent[] {
    return this.#extents.map(extent => ({ ...extent, leaf: this.#leaves.get(extent.leaf.page) ?? extent.leaf })).reverse()
  }

  apply(event: TraceEvent): void {
    switch (event.type) {
      case 'job.begin':
        if (event.kind === 'open') this.#reset()
        break
      case 'meta.read':
        this.unitBytes = event.unitBytes
        this.pageBytes = event.pageBytes ?? event.unitBytes
        this.treeSequence = this.durableSequence = event.entrySequence
        this.#isEmpty = event.entries === 0
        break
      case 'meta.write':
        this.durableSequence = event.entrySequence
        break
      case 'tree.change':
        this.treeSequence = event.entrySequence
        break
      case 'root.change':
        this.#height = event.height
        break
      case 'tree.ingest':
        this.#leaves.clear()
        this.#current = undefined
        break
      case 'operation.begin':
        this.#operation = event.key !== undefined && compareKeys(event.key, this.#key) === 0 ? event.operation : 0
        break
      case 'page.new':
        if (event.level === 0) this.#create(event)
        break
      case 'page.visit':
        if (event.operation > 0 && event.operation === this.#operation && event.depth === this.#height - 1) this.#visit(event.page)
        break
      case 'page.split':
      case 'page.spread':
        this.#share(event.type === 'page.split' ? [event.page] : event.pages, event.into, event.separators)
        break
      case 'page.merge':
        // After a packing no event says where the bound is.
        if (this.#isAmong(event.pages)) this.#move(event.rule === 'merge' ? event.into[0] : undefined)
        break
      case 'page.write':
        if (event.level === 0) this.#write(event)
        break
      case 'page.clean':
        this.#change(event.page, { state: 'clean' })
        break
      case 'page.drop':
        this.#change(event.page, { isInTree: false })
        if (event.page === this.#current) this.#move(undefined)
        break
      case 'page.free':
        this.#leaves.delete(event.page)
        this.#former.delete(event.page)
        break
      case 'space.free':
        this.#extents = this.#extents.map(extent => (overlaps(extent, event.offset, event.units) ? { ...extent, isFree: true } : extent))
        break
      default:
        break
    }
  }

  /** Pages are numbered anew; what is in the file stays. */
  #reset(): void {
    this.#leaves.clear()
    this.#former.clear()
    this.#current = undefined
    this.#operation = 0
    this.#isEmpty = true
    this.#extents = this.#extents.map(extent => ({ ...extent, leaf: { ...extent.leaf, isInTree: false } }))
  }

  #create({ page, copyOf }: EventOf<'page.new'>): void {
    const isFirst = this.#isEmpty && this.#leaves.size === 0
    this.#leaves.set(page, { page, state: 'dirty', isInTree: true })
    if (copyOf !== undefined) {
      this.#leaves.set(copyOf, { ...(this.#leaves.get(copyOf) ?? { page: copyOf, state: 'clean' }), isInTree: false, by: page })
      if (copyOf === this.#current) this.#move(page)
    } else if (isFirst) this.#current = page
  }

  /** The last page of a search for the key is its leaf. */
  #visit(page: number): void {
    const leaf = this.#leaves.get(page)
    if (leaf?.isInTree === false) return
    if (leaf === undefined) this.#leaves.set(page, { page, state: 'clean', isInTree: true })
    this.#current = page
  }

  #share(pages: readonly number[], into: readonly number[], separators: readonly Uint8Array[]): void {
    if (!this.#isAmong(pages)) return
    const at = separators.filter(separator => compareKeys(separator, this.#key) <= 0).length
    this.#move(into[at])
  }

  #isAmong(pages: readonly number[]): boolean {
    return this.#current !== undefined && pages.includes(this.#current)
  }

  #move(page: number | undefined): void {
    if (this.#current !== undefined && this.#current !== page) this.#former.add(this.#current)
    this.#current = page
  }

  #write({ page, offset, units }: EventOf<'page.write'>): void {
    this.#change(page, { state: 'written' })
    const leaf = this.#leaves.get(page) ?? { page, state: 'written' as const, isInTree: true }
    this.#extents = [...this.#extents.filter(extent => !overlaps(extent, offset, units)), { leaf, unit: offset, units, isFree: false }]
  }

  #change(page: number, news: Partial<Leaf>): void {
    const leaf = this.#leaves.get(page)
    if (leaf !== undefined) this.#leaves.set(page, { ...leaf, ...news })
  }
}

function overlaps({ unit, units }: LeafExtent, offset: number, length: number): boolean {
  return unit < offset + length && offset < unit + units
}
