/**
 * The pages of the present B+tree by level, in the order of their keys: how full each is and where it lies, the path of the last operation,
 * and the last split, spread or merge.
 *
 * A node is a place in the tree; its page changes with every copy. A page that an opening finds on disk is known from the first visit on; its
 * place among its neighbours comes from the slot that led to it.
 *
 * Invariants:
 * 1. The counts of each level are those of `BtreeShapeFold`; pages that no event has named yet are part of the counts only.
 * 2. Nodes and pages are replaced, never changed, so that a clone copies references.
 */
import { BRANCH_PAGES, BtreeShapeFold, type FoldedBtreeShape } from 'kvarium/btree'
import type { EventOf, TraceEvent } from 'kvarium/trace'
import type { Fold } from './fold.js'
import { keyText } from './key-text.js'

/** `dirty`: only in memory. `written`: in the file, but not durable yet. `clean`: durable. */
export type PageState = 'dirty' | 'written' | 'clean'

export interface PagePicture {
  readonly page: number
  readonly state: PageState
  /** In the leaf or branch itself; absent until an event says it. */
  readonly entries?: number
  /** Used bytes ÷ bytes of the page. */
  readonly fill?: number
  /** The page whose place it took. */
  readonly copyOf?: number
  /** Where the path of the last operation led on, or where its key is or would be. */
  readonly slot?: number
  /** The present event is about it. */
  readonly isTouched?: true
}

export interface PageLevelPicture {
  /** 0 is the root. */
  readonly depth: number
  /** All pages of the level, and their bytes. */
  readonly pages: number
  readonly bytes: number
  /** Pages that come before and after those that are drawn. */
  readonly before: number
  readonly drawn: readonly PagePicture[]
  readonly after: number
  /** Pages that no event since the opening has named. */
  readonly unnamed: number
}

export interface VisitPicture {
  readonly page: number
  readonly depth: number
  readonly slot: number
  readonly entries: number
}

/** Pages that shared their entries anew. */
export interface SharingPicture {
  readonly kind: 'split' | 'spread' | 'merge'
  readonly rule?: string
  /** Number of the operation in the trace; 0 for the background. */
  readonly operation: number
  readonly isLeaf: boolean
  /** `entries` is absent where no event has said it. */
  readonly before: readonly { readonly page: number; readonly entries?: number }[]
  readonly after: readonly { readonly page: number; readonly entries?: number }[]
  /** Between the pages after. */
  readonly separators: readonly string[]
}

export interface RootPicture {
  readonly page: number
  readonly height: number
  /** The height before it changed last. */
  readonly heightBefore?: number
  readonly operation: number
}

export interface PagesPicture {
  readonly shape: FoldedBtreeShape
  /** From the root down. */
  readonly levels: readonly PageLevelPicture[]
  /** The way of the last operation, from the root down. */
  readonly path: readonly VisitPicture[]
  readonly sharing?: SharingPicture
  readonly root?: RootPicture
  /** Pages that are in the tree no more and that a snapshot, a cursor or the meta page on disk still holds; the newest first. */
  readonly shadowed: { readonly count: number; readonly pages: readonly { readonly page: number; readonly by?: number }[] }
}

/** Pages of a level that are drawn at most. */
const MOST_DRAWN = 200
const MOST_SHADOWED = 8

interface Page {
  readonly state: PageState
  readonly level: number
  readonly units: number
  readonly entries?: number
  readonly usedBytes?: number
  readonly copyOf?: number
  readonly node: number
}

/** A place in the tree, named by the first page that had it. */
interface Node {
  readonly page: number
  /** Node of the branch, and the slot in it, by the last visit that came this way. */
  readonly parent?: number
  readonly slot?: number
}

export class PagesFold implements Fold<PagesPicture> {
  #shape = new BtreeShapeFold()
  #unitBytes = 0
  /** Pages in the tree, and shadowed ones. */
  #pages = new Map<number, Page>()
  /** Those that have a place in `order`. */
  #nodes = new Map<number, Node>()
  /** Nodes by level from the leaves up, in the order of their keys. */
  #order: number[][] = []
  /** By page: the one that took its place, if one did. */
  #shadowed = new Map<number, number | undefined>()
  #operation = 0
  /** By level: the last visit of the present operation. */
  #path: (VisitPicture | undefined)[] = []
  /** The visits that lead to where a search stands, from the root down. */
  #descent: EventOf<'page.visit'>[] = []
  #height = 0
  #sharing: SharingPicture | undefined
  #root: RootPicture | undefined
  #touched: readonly number[] = []

  apply(event: TraceEvent): void {
    this.#shape.apply(event)
    if (this.#touched.length > 0) this.#touched = []
    switch (event.type) {
      case 'job.begin':
        if (event.kind === 'open') this.#reset()
        break
      case 'meta.read':
        this.#unitBytes = event.unitBytes
        break
      case 'operation.begin':
        this.#operation = event.operation
        this.#path = []
        break
      case 'page.new':
        this.#create(event)
        break
      case 'page.change':
        this.#change(event)
        break
      case 'page.resize':
        this.#update(event.page, { units: event.to })
        break
      case 'page.write':
        this.#update(event.page, { state: 'written' })
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
        this.#spread(event)
        break
      case 'page.merge':
        this.#merge(event)
        break
      case 'page.drop':
        this.#drop(event.page)
        break
      case 'page.free':
        this.#shadowed.delete(event.page)
        this.#pages.delete(event.page)
        this.#touched = [event.page]
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

  clone(): PagesFold {
    const clone = new PagesFold()
    clone.#shape = this.#shape.clone()
    clone.#unitBytes = this.#unitBytes
    clone.#pages = new Map(this.#pages)
    clone.#nodes = new Map(this.#nodes)
    clone.#order = this.#order.map(level => [...level])
    clone.#shadowed = new Map(this.#shadowed)
    clone.#operation = this.#operation
    clone.#path = [...this.#path]
    clone.#descent = [...this.#descent]
    clone.#height = this.#height
    clone.#sharing = this.#sharing
    clone.#root = this.#root
    clone.#touched = this.#touched
    return clone
  }

  picture(): PagesPicture {
    const shape = this.#shape.shape()
    const shadowed = [...this.#shadowed].slice(-MOST_SHADOWED).reverse()
    return {
      shape,
      levels: shape.tree.map(({ depth, pages, bytes }) => this.#level(depth, pages, bytes)),
      path: this.#path.filter(visit => visit !== undefined).reverse(),
      ...(this.#sharing !== undefined && { sharing: this.#sharing }),
      ...(this.#root !== undefined && { root: this.#root }),
      shadowed: { count: this.#shadowed.size, pages: shadowed.map(([page, by]) => ({ page, ...(by !== undefined && { by }) })) },
    }
  }

  #level(depth: number, pages: number, bytes: number): PageLevelPicture {
    const level = this.#height - 1 - depth
    const nodes = this.#order[level] ?? []
    const visited = this.#path[level]?.page
    const focus = visited ?? this.#touched.find(page => this.#pages.get(page)?.level === level)
    const at = focus === undefined ? 0 : nodes.indexOf(this.#pages.get(focus)?.node ?? -1)
    const from = Math.max(0, Math.min(at - MOST_DRAWN / 2, nodes.length - MOST_DRAWN))
    const drawn = nodes.slice(from, from + MOST_DRAWN).map(node => this.#page(this.#nodes.get(node)!.page))
    return {
      depth,
      pages,
      bytes,
      before: from,
      drawn,
      after: nodes.length - from - drawn.length,
      unnamed: Math.max(0, pages - nodes.length),
    }
  }

  #page(number: number): PagePicture {
    const { state, level, units, entries, usedBytes, copyOf } = this.#pages.get(number)!
    const visit = this.#path[level]
    return {
      page: number,
      state,
      ...(entries !== undefined && { entries }),
      ...(usedBytes !== undefined && { fill: usedBytes / (units * this.#unitBytes) }),
      ...(copyOf !== undefined && { copyOf }),
      ...(visit?.page === number && { slot: visit.slot }),
      ...(this.#touched.includes(number) && { isTouched: true }),
    }
  }

  #reset(): void {
    this.#forget()
    this.#shadowed.clear()
    this.#sharing = this.#root = undefined
    this.#operation = 0
    this.#height = 0
  }

  /** Pages are known by their counts only. */
  #forget(): void {
    this.#pages.clear()
    this.#nodes.clear()
    this.#order = []
    this.#path = []
    this.#descent = []
  }

  #create({ page, level, units, entries, copyOf }: EventOf<'page.new'>): void {
    const copied = copyOf === undefined ? undefined : this.#pages.get(copyOf)
    const node = copied?.node ?? page
    // For a branch the event counts what is under it.
    const own = level === 0 ? entries : copied?.entries
    this.#pages.set(page, {
      state: 'dirty',
      level,
      units,
      node,
      ...(own !== undefined && { entries: own }),
      ...(copied?.usedBytes !== undefined && { usedBytes: copied.usedBytes }),
      ...(copyOf !== undefined && { copyOf }),
    })
    this.#touched = [page]
    if (copyOf === undefined) return
    this.#shadowed.set(copyOf, page)
    const place = this.#nodes.get(node)
    if (place !== undefined) this.#nodes.set(node, { ...place, page })
    const visit = this.#path[level]
    if (visit?.page === copyOf) this.#path[level] = { ...visit, page }
    this.#descent = this.#descent.map(each => (each.page === copyOf ? { ...each, page } : each))
  }

  #update(page: number, news: Partial<Page>): void {
    const known = this.#pages.get(page)
    if (known !== undefined) this.#pages.set(page, { ...known, ...news })
    this.#touched = [page]
  }

  #change({ page, entries, usedBytes, operation }: EventOf<'page.change'>): void {
    this.#update(page, { entries, usedBytes })
    const sharing = this.#sharing
    if (sharing?.kind !== 'merge' || sharing.operation !== operation) return
    this.#sharing = {
      ...sharing,
      after: sharing.after.map(each => (each.page === page && !('entries' in each) ? { page, entries } : each)),
    }
  }

  #visit(event: EventOf<'page.visit'>): void {
    const { page, depth, slot, entries, operation } = event
    this.#descent = [...this.#descent.slice(0, depth), event]
    const above = depth > 0 ? this.#descent.at(depth - 1) : undefined
    const parent = above === undefined ? undefined : this.#pages.get(above.page)
    const known = this.#pages.get(page)
    const level = known?.level ?? (parent === undefined ? this.#height - 1 : parent.level - 1)
    // What is known of a page that was on disk before.
    if (known === undefined && !this.#shadowed.has(page)) {
      this.#pages.set(page, { state: 'clean', level, units: level === 0 ? 1 : BRANCH_PAGES, entries, node: page })
    } else if (known?.entries === undefined) this.#update(page, { entries })
    if (above !== undefined && parent !== undefined) this.#place(page, parent.node, above.slot)
    if (operation > 0 && operation === this.#operation) this.#path[level] = { page, depth, slot, entries }
    this.#touched = [page]
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
    const at = order.findIndex(other => {
      const { parent: otherParent, slot: otherSlot } = this.#nodes.get(other)!
      if (otherParent === undefined || otherSlot === undefined) return false
      return otherParent === parent ? otherSlot > slot : parents.indexOf(otherParent) > rank
    })
    order.splice(at < 0 ? order.length : at, 0, node)
    this.#nodes.set(node, { page, parent, slot })
  }

  #split({ page, into, separators, entries, rule, operation }: EventOf<'page.split'>): void {
    const known = this.#pages.get(page)
    const before = [this.#counted(page)]
    this.#share({
      kind: 'split',
      rule,
      operation,
      isLeaf: known?.level === 0,
      before,
      after: pair(into, entries),
      separators: texts(separators),
    })
    this.#settle(into)
    if (known !== undefined && known.level > 0 && into.length === 2) this.#moveChildren(known, into[1], entries[0])
  }

  #spread({ pages, into, separators, entries, operation }: EventOf<'page.spread'>): void {
    const before = pages.map(page => this.#counted(page))
    this.#share({ kind: 'spread', operation, isLeaf: true, before, after: pair(into, entries), separators: texts(separators) })
    this.#settle(into)
  }

  #merge({ pages, into, rule, operation }: EventOf<'page.merge'>): void {
    const before = pages.map(page => this.#counted(page))
    const isLeaf = this.#pages.get(pages[0])?.level === 0
    this.#share({ kind: 'merge', rule, operation, isLeaf, before, after: into.map(page => ({ page })), separators: [] })
    this.#settle(pages)
  }

  #share(sharing: SharingPicture): void {
    this.#sharing = sharing
    this.#touched = [...sharing.before, ...sharing.after].map(({ page }) => page)
  }

  #counted(page: number): { readonly page: number; readonly entries?: number } {
    const entries = this.#pages.get(page)?.entries
    return { page, ...(entries !== undefined && { entries }) }
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
  #moveChildren({ node, level }: Page, right: number, from: number): void {
    const to = this.#pages.get(right)?.node
    if (to === undefined) return
    for (const child of this.#order[level - 1] ?? []) {
      const place = this.#nodes.get(child)!
      if (place.parent === node && place.slot !== undefined && place.slot >= from)
        this.#nodes.set(child, { ...place, parent: to, slot: place.slot - from })
    }
  }

  #drop(page: number): void {
    this.#touched = [page]
    this.#shadowed.set(page, undefined)
    const known = this.#pages.get(page)
    if (known === undefined || !this.#isPlaced(page)) return
    const order = this.#levelOf(known.level)
    order.splice(order.indexOf(known.node), 1)
    this.#nodes.delete(known.node)
  }

  #changeRoot({ page, height, operation }: EventOf<'root.change'>): void {
    if (!this.#pages.has(page))
      this.#pages.set(page, { state: 'clean', level: height - 1, units: height === 1 ? 1 : BRANCH_PAGES, node: page })
    const { node } = this.#pages.get(page)!
    if (!this.#nodes.has(node)) {
      this.#levelOf(height - 1).push(node)
      this.#nodes.set(node, { page })
    }
    const heightBefore = this.#height === height ? this.#root?.heightBefore : this.#height || undefined
    const since = this.#height === height ? (this.#root?.operation ?? operation) : operation
    this.#root = { page, height, operation: since, ...(heightBefore !== undefined && { heightBefore }) }
    this.#height = height
    this.#touched = [page]
  }

  #levelOf(level: number): number[] {
    while (this.#order.length <= level) this.#order.push([])
    return this.#order[level]
  }
}

function pair(pages: readonly number[], entries: readonly number[]): { readonly page: number; readonly entries?: number }[] {
  return pages.map((page, index) => ({ page, ...(entries[index] !== undefined && { entries: entries[index] }) }))
}

function texts(keys: readonly Uint8Array[]): string[] {
  return keys.map(keyText)
}
