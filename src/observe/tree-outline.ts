/**
 * A B+tree as the events so far have left it, in a few events: what a meta page would say now, its root, its pages in the order of their keys,
 * the units of its file and its cache.
 *
 * Invariant: it knows `MOST_PAGES` pages at most. Of a larger tree it knows the upper levels, and of the others the counts.
 */
import type { EventBody, EventOf, TraceEvent } from '../trace/events.js'
import { CacheOutline } from './cache-outline.js'
import { PageOrder, type OrderedPage } from './page-order.js'
import { SpaceOutline } from './space-outline.js'

const MOST_PAGES = 5000

interface Meta extends Omit<EventOf<'meta.read'>, 'pages' | 'units'> {
  readonly pages: number[]
  readonly units: number[]
}

/** A page and what is under it, in the order of the keys. */
interface Branch {
  readonly number: number
  readonly slot: number
  readonly page: OrderedPage
  readonly children: Branch[]
}

export class TreeOutline {
  readonly #order = new PageOrder(MOST_PAGES)
  /** What a meta page would say now. */
  #meta: Meta | undefined
  #root: EventOf<'root.change'> | undefined
  readonly #space = new SpaceOutline()
  readonly #cache = new CacheOutline()
  #held: EventOf<'root.hold' | 'root.release'> | undefined
  #dirtyBytes = 0

  apply(event: TraceEvent): void {
    this.#order.apply(event)
    this.#space.apply(event)
    this.#cache.apply(event)
    switch (event.type) {
      case 'job.begin':
        if (event.kind !== 'open') break
        this.#meta = this.#root = this.#held = undefined
        this.#dirtyBytes = 0
        break
      case 'meta.read':
        this.#meta = { ...event, pages: [...event.pages], units: [...event.units] }
        break
      case 'page.new':
        if (event.copyOf === undefined) this.#count(event.level, 1, event.units)
        this.#dirtyBytes = event.dirtyBytes
        break
      case 'page.resize':
        this.#count(event.level, 0, event.to - event.from)
        this.#dirtyBytes = event.dirtyBytes
        break
      case 'page.drop':
        this.#count(event.level, -1, -event.units)
        break
      case 'page.clean':
      case 'page.free':
        this.#dirtyBytes = event.dirtyBytes
        break
      case 'space.alloc': {
        const { unitBytes = 0, fileBytes = 0 } = this.#meta ?? {}
        this.#learn({ freeUnits: event.freeUnits, fileBytes: Math.max(fileBytes, (event.offset + event.units) * unitBytes) })
        break
      }
      case 'space.free':
        this.#learn({ freeUnits: event.freeUnits })
        break
      case 'tree.change':
        this.#learn({ entries: event.entries, liveBytes: event.liveBytes, entrySequence: event.entrySequence })
        break
      case 'tree.ingest':
        this.#learn({ pages: [...event.pages], units: [...event.units] })
        break
      case 'entries.expire': {
        const { entries = 0, liveBytes = 0 } = this.#meta ?? {}
        this.#learn({ entries: Math.max(0, entries - event.entries), liveBytes: Math.max(0, liveBytes - event.bytes) })
        break
      }
      case 'root.change':
        this.#root = event
        break
      case 'root.hold':
      case 'root.release':
        this.#held = event
        break
      case 'meta.write':
        this.#learn({ number: event.number, firstLog: event.firstLog })
        break
      case 'checkpoint.end':
        this.#learn({ fileBytes: event.fileBytes })
        break
      default:
        break
    }
  }

  /** As an opening emits them, and then those that would lead to its pages. */
  events(): readonly EventBody[] {
    const root = this.#tree()
    const bodies: EventBody[] = []
    if (root !== undefined) this.#describe(root, 0, bodies)
    return [
      ...(this.#meta === undefined ? [] : [countedBefore(this.#meta, bodies)]),
      ...(this.#root === undefined ? [] : [{ ...this.#root, ...(root !== undefined && { page: root.number }) }]),
      ...bodies,
      ...(this.#meta === undefined ? [] : this.#space.events(this.#meta.freeUnits)),
      ...this.#cache.events(),
      ...(this.#held === undefined ? [] : [this.#held]),
    ]
  }

  #learn(news: Partial<Meta>): void {
    if (this.#meta !== undefined) Object.assign(this.#meta, news)
  }

  #count(level: number, pages: number, units: number): void {
    if (this.#meta !== undefined) count(this.#meta, level, pages, units)
  }

  /** Each page under the branch that its last visit names, or where that is gone, beside its neighbour. */
  #tree(): Branch | undefined {
    const { height } = this.#order
    let above: readonly Branch[] = []
    let root: Branch | undefined
    for (let level = height - 1; level >= 0; level--) {
      const ranks = new Map(above.map(({ page }, rank) => [page.node, rank]))
      let rank = 0
      above = this.#order.level(level).map(name => {
        const { page: number, parent, slot = 0 } = this.#order.node(name)!
        rank = Math.max(rank, parent === undefined ? 0 : (ranks.get(parent) ?? 0))
        const siblings = above.at(rank)?.children ?? []
        const branch = { number, slot: Math.max(slot, (siblings.at(-1)?.slot ?? -1) + 1), page: this.#order.page(number)!, children: [] }
        siblings.push(branch)
        return branch
      })
      root ??= above.at(0)
      if (above.length === 0) break
    }
    return root
  }

  /** A page, then what is under it, from the last page to the first: so each comes before all that have a place already. */
  #describe({ number, page, children }: Branch, depth: number, bodies: EventBody[]): void {
    const { level, state, units, entries = children.length, usedBytes, created, written } = page
    const dirtyBytes = this.#dirtyBytes
    if (state !== 'clean' && created !== undefined) {
      const { copyOf } = created
      bodies.push({ ...created, units: units ?? created.units, dirtyBytes })
      if (copyOf !== undefined && !this.#order.shadowed.has(copyOf)) bodies.push({ type: 'page.free', page: copyOf, dirtyBytes })
    }
    if (state === 'written' && written !== undefined) bodies.push(written)
    const visit = { type: 'page.visit', page: number, depth, entries } as const
    bodies.push({ ...visit, slot: 0 })
    if (units !== undefined && (level > 0 || units > 1))
      bodies.push({ type: 'page.resize', page: number, level, from: units, to: units, dirtyBytes })
    if (usedBytes !== undefined) bodies.push({ type: 'page.change', page: number, level, entries, usedBytes })
    for (const child of children.toReversed()) {
      bodies.push({ ...visit, slot: child.slot })
      this.#describe(child, depth + 1, bodies)
    }
  }
}

/** What a meta page would say before the pages of these events were made. */
function countedBefore(meta: Meta, bodies: readonly EventBody[]): EventBody {
  const before = { ...meta, pages: [...meta.pages], units: [...meta.units] }
  for (const body of bodies) if (body.type === 'page.new' && body.copyOf === undefined) count(before, body.level, -1, -body.units)
  return before
}

function count({ pages, units }: Meta, level: number, morePages: number, moreUnits: number): void {
  while (pages.length <= level) {
    pages.push(0)
    units.push(0)
  }
  pages[level] = Math.max(0, pages[level] + morePages)
  units[level] = Math.max(0, units[level] + moreUnits)
}
