/**
 * The memtables as skiplists: a tower for every version, in the order of keys, newer versions first, and the path of the search under way.
 *
 * Invariants:
 * 1. The towers are those of the inserts, each at the place and of the height that the engine gave it.
 * 2. Shared arrays are never changed: a clone costs nothing until one of the two goes on.
 */
import { compareKeys } from 'kvarium/codec'
import { KIND_DELETE, KIND_PUT } from 'kvarium/sstable'
import type { EventOf, ProbeSource, TraceEvent } from 'kvarium/trace'
import type { Fold } from './fold.js'
import { keyText } from './key-text.js'

export interface Tower {
  readonly key: string
  readonly sequence: number
  readonly kind: 'value' | 'tombstone' | 'expiring value'
  /** Number of levels it is on, at least 1. */
  readonly height: number
  readonly valueBytes: number
  readonly isNew?: true
}

/** A level of a search: positions are places in `columns`, -1 is the head in front of them. */
export interface PathLevel {
  readonly level: number
  readonly from: number
  readonly passed: readonly number[]
  /** Compared with and not passed: its key is not before the one that is looked for. */
  readonly stoppedAt?: number
}

export interface SearchPicture {
  readonly key?: string
  readonly found: boolean
  readonly comparisons: number
  /** From the top down. */
  readonly levels: readonly PathLevel[]
  /** Column of the first version that is not before the one that is looked for: where the search ends. */
  readonly end?: number
}

export interface MemtablePicture {
  /** 0 is the one that is written, 1 the newest immutable one. */
  readonly index: number
  readonly entries: number
  readonly bytes: number
  readonly capacityBytes: number
  readonly rangeTombstones: number
  /** In order; where towers are left out, how many. */
  readonly columns: readonly (Tower | { readonly omitted: number })[]
  /** The tallest of all towers. */
  readonly height: number
  readonly search?: SearchPicture
}

export interface MemtablesPicture {
  readonly memtables: readonly MemtablePicture[]
  /** Immutable ones that are not among them. */
  readonly omitted: number
}

interface Node {
  readonly bytes: Uint8Array
  readonly key: string
  readonly sequence: number
  readonly kind: Tower['kind']
  readonly height: number
  readonly valueBytes: number
}

interface Memtable {
  readonly nodes: Node[]
  bytes: number
  capacityBytes: number
  rangeTombstones: number
  /** The node inserted last. */
  newest: Node | undefined
}

const MOST_TOWERS = 60
const MOST_MEMTABLES = 4

export class MemtableFold implements Fold<MemtablesPicture> {
  #current = emptyMemtable()
  /** Newest first. */
  #frozen: readonly Memtable[] = []
  #search: EventOf<'memtable.search'> | undefined
  #searched: Uint8Array | undefined
  #isInsert = false
  /** Whether another fold has the nodes of the current one, too. */
  #isShared = false

  apply(event: TraceEvent): void {
    this.#isInsert = false
    switch (event.type) {
      case 'job.begin':
        if (event.kind !== 'open') break
        this.#begin(emptyMemtable())
        this.#frozen = []
        break
      case 'operation.begin':
        this.#search = undefined
        this.#searched = event.key
        break
      case 'memtable.new':
        this.#begin({ ...emptyMemtable(), bytes: event.bytesUsed, capacityBytes: event.capacityBytes })
        break
      case 'memtable.insert':
        this.#insert(event)
        break
      case 'tombstone.add':
        this.#current = { ...this.#current, rangeTombstones: this.#current.rangeTombstones + 1 }
        break
      case 'memtable.freeze':
        this.#frozen = [{ ...this.#current, ...(event.capacityBytes && { capacityBytes: event.capacityBytes }) }, ...this.#frozen]
        this.#isShared = true
        break
      case 'memtable.drop':
        this.#frozen = this.#frozen.slice(0, -1)
        break
      case 'memtable.search':
        this.#search = event
        break
      default:
        break
    }
  }

  clone(): MemtableFold {
    const clone = new MemtableFold()
    clone.#current = { ...this.#current }
    clone.#frozen = this.#frozen
    clone.#search = this.#search
    clone.#searched = this.#searched
    clone.#isInsert = this.#isInsert
    clone.#isShared = true
    this.#isShared = true
    return clone
  }

  picture(): MemtablesPicture {
    const all = [this.#current, ...this.#frozen]
    const searched = this.#search === undefined ? -1 : indexOf(this.#search.source)
    return {
      memtables: all.slice(0, MOST_MEMTABLES).map((memtable, index) => this.#picture(memtable, index, index === searched)),
      omitted: Math.max(0, all.length - MOST_MEMTABLES),
    }
  }

  /** The versions of a key, by memtable and newest first; `index` is 0 for the one that is written. */
  find(key: string): readonly (Omit<Tower, 'key' | 'height' | 'isNew'> & { readonly index: number })[] {
    return [this.#current, ...this.#frozen].flatMap(({ nodes }, index) =>
      nodes.filter(node => node.key === key).map(({ sequence, kind, valueBytes }) => ({ index, sequence, kind, valueBytes })),
    )
  }

  #begin(memtable: Memtable): void {
    this.#current = memtable
    this.#isShared = false
    this.#search = undefined
  }

  #insert(event: EventOf<'memtable.insert'>): void {
    const { entrySequence: sequence, height, valueBytes } = event
    const node: Node = { bytes: event.key, key: keyText(event.key), sequence, kind: nameOf(event.kind), height, valueBytes }
    const nodes = this.#isShared ? [...this.#current.nodes] : this.#current.nodes
    this.#isShared = false
    nodes.splice(placeOf(nodes, node), 0, node)
    this.#current = { ...this.#current, nodes, bytes: event.bytesUsed, newest: node }
    this.#isInsert = true
    this.#search = undefined
  }

  #picture(memtable: Memtable, index: number, isSearched: boolean): MemtablePicture {
    const { nodes, bytes, capacityBytes, rangeTombstones, newest } = memtable
    const path = isSearched ? pathThrough(nodes, this.#search!) : undefined
    const end = path === undefined ? -1 : nextOn(nodes, 0, path.at(-1)?.passed.at(-1) ?? path.at(-1)?.from ?? -1)
    const focus = path?.at(-1)?.from ?? (newest === undefined ? 0 : nodes.indexOf(newest))
    const always: number[] = path?.flatMap(({ from, passed, stoppedAt }) => [from, ...passed.slice(-1), stoppedAt ?? from]) ?? []
    if (end >= 0) always.push(end)
    const shown = chosen(nodes.length, focus, always)
    const columns: (Tower | { omitted: number })[] = []
    const columnOf = new Map([[-1, -1]])
    let next = 0
    for (const at of [...shown, nodes.length]) {
      if (at > next) columns.push({ omitted: at - next })
      if (at < nodes.length) {
        const { bytes: _bytes, ...tower } = nodes[at]
        columnOf.set(at, columns.length)
        columns.push({ ...tower, ...(index === 0 && this.#isInsert && nodes[at] === newest && { isNew: true }) })
      }
      next = at + 1
    }
    return {
      index,
      entries: nodes.length,
      bytes,
      capacityBytes,
      rangeTombstones,
      columns,
      height: nodes.reduce((most, { height }) => Math.max(most, height), 0),
      ...(path !== undefined && { search: { ...this.#searchPicture(path, columnOf), ...(end >= 0 && { end: columnOf.get(end)! }) } }),
    }
  }

  #searchPicture(path: readonly PathLevel[], columnOf: ReadonlyMap<number, number>): SearchPicture {
    const { found, path: steps } = this.#search!
    return {
      ...(this.#searched !== undefined && { key: keyText(this.#searched) }),
      found,
      comparisons: steps.reduce((sum, { comparisons }) => sum + comparisons, 0),
      levels: path.map(({ level, from, passed, stoppedAt }) => ({
        level,
        from: columnOf.get(from)!,
        passed: passed.flatMap(at => columnOf.get(at) ?? []),
        ...(stoppedAt !== undefined && { stoppedAt: columnOf.get(stoppedAt)! }),
      })),
    }
  }
}

function emptyMemtable(): Memtable {
  return { nodes: [], bytes: 0, capacityBytes: 0, rangeTombstones: 0, newest: undefined }
}

/** The levels of a search, with places among all nodes. */
function pathThrough(nodes: readonly Node[], { path }: EventOf<'memtable.search'>): readonly PathLevel[] {
  let at = -1
  return path.map(({ level, forward, comparisons }) => {
    const from = at
    const passed: number[] = []
    for (let step = 0; step < forward; step++) {
      const next = nextOn(nodes, level, at)
      if (next < 0) break
      at = next
      passed.push(at)
    }
    const stop = comparisons > forward ? nextOn(nodes, level, at) : -1
    return { level, from, passed, ...(stop >= 0 && { stoppedAt: stop }) }
  })
}

function nextOn(nodes: readonly Node[], level: number, from: number): number {
  for (let at = from + 1; at < nodes.length; at++) if (nodes[at].height > level) return at
  return -1
}

/** Which of `count` towers are drawn, ascending: all, or those that must be and those around a place. */
function chosen(count: number, focus: number, always: readonly number[]): readonly number[] {
  if (count <= MOST_TOWERS) return Array.from({ length: count }, (_, at) => at)
  const places = new Set(always.filter(at => at >= 0))
  for (let distance = 0; places.size < MOST_TOWERS; distance++) {
    for (const at of [focus - distance, focus + distance]) if (at >= 0 && at < count) places.add(at)
  }
  return [...places].sort((a, b) => a - b)
}

/** Where a node belongs: by key, and the newer version of a key first. */
function placeOf(nodes: readonly Node[], { bytes, sequence }: Node): number {
  let low = 0
  let high = nodes.length
  while (low < high) {
    const middle = (low + high) >>> 1
    const order = compareKeys(nodes[middle].bytes, bytes) || sequence - nodes[middle].sequence
    if (order < 0) low = middle + 1
    else high = middle
  }
  return low
}

function nameOf(kind: number): Tower['kind'] {
  if (kind === KIND_DELETE) return 'tombstone'
  return kind === KIND_PUT ? 'value' : 'expiring value'
}

function indexOf(source: ProbeSource): number {
  if (source.in === 'memtable') return 0
  return source.in === 'frozen' ? source.index + 1 : -1
}
