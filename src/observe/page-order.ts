/**
 * The pages of a B+tree by level, in the order of their keys, rebuilt from the events of its trace.
 *
 * A node is a place in the tree; its page changes with every copy. A page that an opening finds on disk is known from the first visit on; its
 * place among its neighbours comes from the slot that led to it.
 *
 * Invariants:
 * 1. Nodes and pages are replaced, never changed, so that a clone copies references.
 * 2. Where more than `mostPages` are known, the lowest level is forgotten, and known no more until the next opening or ingest.
 */
import type { EventOf, TraceEvent } from '../trace/events.js'

/** `dirty`: only in memory. `written`: in the file, but not durable yet. `clean`: durable. */
export type PageState = 'dirty' | 'written' | 'clean'

export interface OrderedPage {
  readonly state: PageState
  /** 0 for leaves. */
  readonly level: number
  /** Absent where no event has said it. */
  readonly units?: number
  /** In the page itself; absent where no event has said it. */
  readonly entries?: number
  /** What they, slots, prefix and header need of its bytes. */
  readonly usedBytes?: number
  /** The event that made it, unless an opening found it on disk. */
  readonly created?: EventOf<'page.new'>
  /** The event that wrote it since. */
  readonly written?: EventOf<'page.write'>
  /** Names its place. */
  readonly node: number
}

/** A place in the tree, named by the first page that had it. */
export interface PageNode {
  readonly page: number
  /** Node of the branch, and the slot in it, by the last visit that came this way. */
  readonly parent?: number
  readonly slot?: number
}

/** Folds events one after the other, from the `job.begin` of an open on. */
export class PageOrder {
  readonly #mostPages: number
  /** Pages in the tree, and shadowed ones. */
  #pages = new Map<number, OrderedPage>()
  /** Those that have a place in `order`. */
  #nodes = new Map<number, PageNode>()
  /** Nodes by level from the leaves up, in the order of their keys. */
  #order: number[][] = []
  /** By page: the one that took its place, if one did. */
  #shadowed = new Map<number, number | undefined>()
  /** The visits that lead to where a search stands, from the root down. */
  #descent: EventOf<'page.visit'>[] = []
  #height = 0
  #lowest = 0

  /** @param mostPages - Shadowed ones included. */
  constructor(mostPages = Infinity) {
    this.#mostPages = mostPages
  }

  /** Levels of the tree. */
  get height(): number {
    return this.#height
  }

  /** Pages that are in the tree no more and that something still holds, with the page that took the place of each. */
  get shadowed(): ReadonlyMap<number, number | undefined> {
    return this.#shadowed
  }

  page(number: number): OrderedPage | undefined {
    return this.#pages.get(number)
  }

  node(name: number): PageNode | undefined {
    return this.#nodes.get(name)
  }

  /** Names of the nodes of a level, in the order of their keys. */
  level(level: number): readonly number[] {
    return this.#order[level] ?? []
  }

  apply(event: TraceEvent): void {
    switch (event.type) {
      case 'job.begin':
        if (event.kind === 'open') this.#reset()
        break
      case 'page.new':
        this.#create(event)
        break
      case 'page.change':
        this.#update(event.page, { entries: event.entries, usedBytes: event.usedBytes })
        break
      case 'page.resize':
        this.#update(event.page, { units: event.to })
        break
      case 'page.write':
        this.#update(event.page, { state: 'written', written: event })
        break
      case 'page.clean':
        this.#update(event.page, { state: 'clean' })
        break
      case 'page.visit':
        this.#visit(event)
        break
      case 'page.split':
        this.#split(event)
        break
      case 'page.spread':
        this.#settle(event.into)
        break
      case 'page.merge':
        this.#settle(event.pages)
        break
      case 'page.drop':
        this.#drop(event)
        break
      case 'page.free':
        this.#shadowed.delete(event.page)
        this.#pages.delete(event.page)
        break
      case 'tree.ingest':
        this.#forget()
        break
      case 'root.change':
        this.#changeRoot(event)
        break
      default:
        break
    }
  }

  clone(): PageOrder {
    const clone = new PageOrder(this.#mostPages)
    clone.#pages = new Map(this.#pages)
    clone.#nodes = new Map(this.#nodes)
    clone.#order = this.#order.map(level => [...level])
    clone.#shadowed = new Map(this.#shadowed)
    clone.#descent = [...this.#descent]
    clone.#height = this.#height
    clone.#lowest = this.#lowest
    return clone
  }

  /** The level of the page that was visited last. */
  get visitedLevel(): number {
    return this.#levelAt(this.#descent.length - 1)
  }

  #reset(): void {
    this.#forget()
    this.#shadowed.clear()
    this.#height = 0
  }

  /** Pages are known by their counts only. */
  #forget(): void {
    this.#pages.clear()
    this.#nodes.clear()
    this.#order = []
    this.#descent = []
    this.#lowest = 0
  }

  #create(event: EventOf<'page.new'>): void {
    const { page, level, units, entries, copyOf } = event
    if (level < this.#lowest) return
    const copied = copyOf === undefined ? undefined : this.#pages.get(copyOf)
    const node = copied?.node ?? page
    // For a branch the event counts what is under it.
    const own = level === 0 ? entries : copied?.entries
    this.#add(page, {
      state: 'dirty',
      level,
      units,
      node,
      created: event,
      ...(own !== undefined && { entries: own }),
      ...(copied?.usedBytes !== undefined && { usedBytes: copied.usedBytes }),
    })
    if (copyOf === undefined) return
    this.#shadowed.set(copyOf, page)
    const place = this.#nodes.get(node)
    if (place !== undefined) this.#nodes.set(node, { ...place, page })
    const at = this.#descent.findIndex(each => each.page === copyOf)
    if (at >= 0) this.#descent[at] = { ...this.#descent[at], page }
  }

  #add(number: number, page: OrderedPage): void {
    this.#pages.set(number, page)
    if (this.#pages.size <= this.#mostPages || this.#lowest >= this.#height - 1) return
    const lowest = this.#lowest++
    for (const node of this.level(lowest)) this.#nodes.delete(node)
    this.#levelOf(lowest).length = 0
    for (const [each, { level }] of this.#pages) {
      if (level > lowest) continue
      this.#pages.delete(each)
      this.#shadowed.delete(each)
    }
  }

  #update(page: number, news: Partial<OrderedPage>): void {
    const known = this.#pages.get(page)
    if (known !== undefined) this.#pages.set(page, { ...known, ...news })
  }

  #levelAt(depth: number): number {
    const known = this.#pages.get(this.#descent[depth]?.page)
    if (known !== undefined) return known.level
    return depth <= 0 ? this.#height - 1 : this.#levelAt(depth - 1) - 1
  }

  #visit(event: EventOf<'page.visit'>): void {
    const { page, depth, entries } = event
    this.#descent.splice(depth, Infinity, event)
    const above = depth > 0 ? this.#descent.at(depth - 1) : undefined
    const parent = above === undefined ? undefined : this.#pages.get(above.page)
    const known = this.#pages.get(page)
    const level = known?.level ?? (parent === undefined ? this.#height - 1 : parent.level - 1)
    if (level < this.#lowest) return
    // What is known of a page that was on disk before.
    if (known === undefined && !this.#shadowed.has(page)) this.#add(page, { state: 'clean', level, entries, node: page })
    else if (known?.entries === undefined) this.#update(page, { entries })
    if (above !== undefined && parent !== undefined) this.#place(page, parent.node, above.slot)
  }

  /** Gives the page of a visit its place, or renews what is known of it. */
  #place(page: number, parent: number, slot: number): void {
    const known = this.#pages.get(page)
    // A reader of the past comes to pages that are in the tree no more.
    if (known === undefined || this.#shadowed.has(page) || !this.#nodes.has(parent)) return
    const { node, level } = known
    const place = this.#nodes.get(node)
    if (place !== undefined) {
      if (place.parent !== parent || place.slot !== slot) this.#nodes.set(node, { ...place, parent, slot })
      return
    }
    const parents = this.#order[level + 1]
    const order = this.#levelOf(level)
    const rank = parents.indexOf(parent)
    let [lastParent, lastRank] = [parent, rank]
    const at = order.findIndex(other => {
      const { parent: otherParent, slot: otherSlot } = this.#nodes.get(other)!
      if (otherParent === undefined || otherSlot === undefined) return false
      if (otherParent === parent) return otherSlot > slot
      if (otherParent !== lastParent) [lastParent, lastRank] = [otherParent, parents.indexOf(otherParent)]
      return lastRank > rank
    })
    order.splice(at < 0 ? order.length : at, 0, node)
    this.#nodes.set(node, { page, parent, slot })
  }

  #split({ page, into, entries }: EventOf<'page.split'>): void {
    const known = this.#pages.get(page)
    this.#settle(into)
    if (known !== undefined && known.level > 0 && into.length === 2) this.#moveChildren(known, into[1], entries[0])
  }

  /** Pages that are neighbours, in their order: those without a place get one beside the others. */
  #settle(pages: readonly number[]): void {
    const placed = pages.findIndex(page => this.#isPlaced(page))
    if (placed < 0) return
    const { node, level } = this.#pages.get(pages[placed])!
    const order = this.#levelOf(level)
    const { parent, slot } = this.#nodes.get(node)!
    let at = order.indexOf(node)
    const add = (page: number, to: number, distance: number): void => {
      order.splice(to, 0, this.#pages.get(page)!.node)
      this.#nodes.set(this.#pages.get(page)!.node, {
        page,
        ...(parent !== undefined && { parent }),
        ...(slot !== undefined && { slot: slot + distance }),
      })
    }
    for (let index = placed - 1; index >= 0; index--) if (this.#pages.has(pages[index])) add(pages[index], at, index - placed)
    at = order.indexOf(node)
    let added = 0
    for (let index = placed + 1; index < pages.length; index++) {
      at++
      if (this.#isPlaced(pages[index]) || !this.#pages.has(pages[index])) continue
      add(pages[index], at, index - placed)
      added++
    }
    // What comes behind in the same branch moves on by as many slots, if the branch has gained them.
    for (const other of order.slice(at + 1)) {
      const place = this.#nodes.get(other)!
      if (parent === undefined || added === 0 || place.parent !== parent || place.slot === undefined) break
      this.#nodes.set(other, { ...place, slot: place.slot + added })
    }
  }

  #isPlaced(page: number): boolean {
    const known = this.#pages.get(page)
    return known !== undefined && this.#nodes.get(known.node)?.page === page
  }

  /** A branch was split: what the right one has is found there. */
  #moveChildren({ node, level }: OrderedPage, right: number, from: number): void {
    const to = this.#pages.get(right)?.node
    if (to === undefined) return
    for (const child of this.#order[level - 1] ?? []) {
      const place = this.#nodes.get(child)!
      if (place.parent === node && place.slot !== undefined && place.slot >= from)
        this.#nodes.set(child, { ...place, parent: to, slot: place.slot - from })
    }
  }

  #drop({ page, level }: EventOf<'page.drop'>): void {
    if (level < this.#lowest) return
    this.#shadowed.set(page, undefined)
    const known = this.#pages.get(page)
    if (known === undefined || !this.#isPlaced(page)) return
    const order = this.#levelOf(known.level)
    order.splice(order.indexOf(known.node), 1)
    this.#nodes.delete(known.node)
  }

  #changeRoot({ page, height }: EventOf<'root.change'>): void {
    this.#height = height
    this.#lowest = Math.max(0, Math.min(this.#lowest, height - 1))
    if (!this.#pages.has(page)) this.#add(page, { state: 'clean', level: height - 1, node: page })
    const { node } = this.#pages.get(page)!
    if (this.#nodes.has(node)) return
    this.#levelOf(height - 1).push(node)
    this.#nodes.set(node, { page })
  }

  #levelOf(level: number): number[] {
    while (this.#order.length <= level) this.#order.push([])
    return this.#order[level]
  }
}
