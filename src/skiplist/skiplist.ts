/**
 * A multi-version ordered map in one fixed-capacity buffer: the memtable of the LSM engine, the whole of the memory
 * engine, and usable alone. Entries are only ever added, and dropped all at once by `reset`.
 * A newer version of a key lies before the older ones. The node layout is in arena.ts.
 *
 * Invariants:
 * 1. Every level is a list in internal order: user key ascending as unsigned bytes, then sequence descending. A level
 *    holds a subset of the level below.
 * 2. A tower has height h with probability 3/4 · (1/4)^(h-1), drawn once from the injected random: 1.33 pointers per entry.
 * 3. A failed insert (no room, misuse) changes nothing that a reader can see.
 * 4. One thread inserts. Another thread may read a shared arena up to the moment of the message that handed it over;
 *    there is no fence after that, so hand over a list that takes no more inserts.
 */
import { ByteView, compareBytes, KIND_PUT, MAX_SEQUENCE } from '../codec/entry.js'
import type { EntryCursor, EntryKind } from '../codec/entry.js'
import { MisuseError } from '../errors.js'
import type { Random } from '../vfs/environment.js'
import type { ArenaBuffer } from './arena.js'
import { Arena, drawHeight, HEAD, HEAD_BYTES, MAX_HEIGHT, MAX_KEY_LENGTH, NO_NODE, nodeBytes } from './arena.js'
import { nextNewer, previousNewer } from './newer-nodes.js'
import { Search } from './search.js'
import { SkiplistLoad } from './skiplist-load.js'

export interface SkiplistOptions {
  /** Bytes of the arena, allocated at once, at most 2^31 - 8. An empty list uses `Skiplist.HEAD_BYTES` of them. */
  readonly capacityBytes: number
  /** Back the arena with a SharedArrayBuffer, so that another thread can read it without a copy. */
  readonly shared?: boolean
  /** Where tower heights come from: one draw per insert. */
  readonly random: Random
}

/** Structured-cloneable. A shared buffer arrives as itself, another one as a copy unless it is in the transfer list. */
export interface SkiplistState {
  readonly buffer: ArenaBuffer
}

export class Skiplist {
  static readonly HEAD_BYTES = HEAD_BYTES

  /** The arena, for cursors and inspection. Only a load replaces it. */
  arena: Arena
  /** Absent on a view, which is read-only. */
  readonly #random: Random | undefined
  #search: Search
  /** Where the last insert went: its predecessor at every level, and the node itself. */
  readonly #splice = new Int32Array(MAX_HEIGHT).fill(HEAD)
  #lastInserted: number = NO_NODE
  /** The path of reads, apart from the splice of inserts. */
  readonly #readPath = new Int32Array(MAX_HEIGHT)

  /** Allocates the arena. */
  constructor(options: SkiplistOptions)
  /** @internal A read-only list over an arena; use {@link Skiplist.view}. */
  constructor(arena: Arena)
  constructor(source: SkiplistOptions | Arena) {
    if (source instanceof Arena) {
      this.arena = source
    } else {
      this.arena = Arena.allocate(source.capacityBytes, source.shared === true)
      this.#random = source.random
    }
    this.#search = new Search(this.arena)
  }

  /**
   * A read-only list over the state of another, from `transferable()`. It sees the entries linked so far and, on the
   * owner's own thread, also those inserted later.
   */
  static view(state: SkiplistState): Skiplist {
    return new Skiplist(Arena.over(state.buffer))
  }

  /** The most arena bytes an entry can take, whatever height its tower gets. */
  static bytesFor(keyLength: number, valueLength: number): number {
    return nodeBytes(MAX_HEIGHT, keyLength, valueLength)
  }

  /** Number of entries, every version counted. */
  get count(): number {
    return this.arena.entries
  }

  /** Bytes of the arena in use, the head included. */
  get bytesUsed(): number {
    return this.arena.wordsUsed * 4
  }

  get capacityBytes(): number {
    return this.arena.buffer.byteLength
  }

  /** Height of the tower of the last insert; 0 if there was none. */
  get lastHeight(): number {
    return this.#lastInserted === NO_NODE ? 0 : this.arena.height(this.#lastInserted)
  }

  /**
   * Adds an entry, copying key and value. Near O(1) next to the last insert on either side (ascending or descending
   * keys, or a newer version of the same key), O(log n) otherwise.
   * @returns false, and nothing has changed, when it does not fit.
   * @throws {MisuseError} when (key, sequence) is already there, an argument is out of range, or this is a view.
   */
  insert(
    key: Uint8Array,
    keyStart: number,
    keyEnd: number,
    value: Uint8Array,
    valueStart: number,
    valueEnd: number,
    sequence: number,
    kind: EntryKind,
  ): boolean {
    const node = this.insertBlank(key, keyStart, keyEnd, checkRange('value', value, valueStart, valueEnd), sequence, kind)
    if (node === NO_NODE) return false
    this.arena.fillValue(node, 0, value, valueStart, valueEnd)
    return true
  }

  /**
   * `insert` of an entry whose value is filled in later, by `fillValue`: readers must not reach the entry until then. Returns its node, or
   * 0 when it does not fit.
   */
  insertBlank(key: Uint8Array, keyStart: number, keyEnd: number, valueLength: number, sequence: number, kind: EntryKind): number {
    const random = this.#random
    if (random === undefined) throw new MisuseError('LEVEL_READ_ONLY', 'a view of a skiplist is read-only: insert into its owner')
    const keyLength = checkRange('key', key, keyStart, keyEnd)
    checkEntry(keyLength, sequence)

    const height = drawHeight(random)
    if (this.bytesUsed + nodeBytes(height, keyLength, valueLength) > this.capacityBytes) return NO_NODE

    const splice = this.#splice
    this.#search.aim(key, keyStart, keyEnd)
    if (!this.#nearLastInsert(sequence)) this.#search.descend(sequence, splice)
    const after = this.arena.next(splice[0], 0)
    if (this.#search.isTarget(after) && this.arena.sequence(after) === sequence) {
      this.#lastInserted = NO_NODE
      throw new MisuseError(
        'LEVEL_DUPLICATE_ENTRY',
        `the skiplist already holds this key with sequence ${sequence}: every write needs its own`,
      )
    }
    const node = this.arena.append(height, key, keyStart, keyEnd, valueLength, sequence, kind)
    this.arena.link(node, splice)
    this.#lastInserted = node
    return node
  }

  /** Writes the part from byte `at` on of the value of an entry that `insertBlank` made. */
  fillValue(node: number, at: number, value: Uint8Array, start: number, end: number): void {
    this.arena.fillValue(node, at, value, start, end)
  }

  /**
   * The newest version of exactly this key with a sequence up to the given one, or 0. Does not allocate; read the
   * node with `kindAt`, `sequenceAt` and `setValueView`.
   */
  find(key: Uint8Array, keyStart: number, keyEnd: number, sequence: number): number {
    const node = this.seek(key, keyStart, keyEnd, sequence)
    return this.#search.isTarget(node) ? node : NO_NODE
  }

  /** The first node at or after (key, sequence) in internal order, or 0. */
  seek(key: Uint8Array, keyStart: number, keyEnd: number, sequence: number): number {
    this.#search.aim(key, keyStart, keyEnd)
    return this.arena.next(this.#search.descend(sequence, this.#readPath), 0)
  }

  /** The last node whose key is less than `key`, or 0. */
  seekBefore(key: Uint8Array, keyStart: number, keyEnd: number): number {
    this.#search.aim(key, keyStart, keyEnd)
    const before = this.#search.descend(MAX_SEQUENCE, this.#readPath)
    return before === HEAD ? NO_NODE : before
  }

  /** @internal The last node before (key, sequence) at every level in use. Good until the next read. */
  pathTo({ bytes, start, end }: ByteView, sequence: number): Int32Array {
    this.#search.aim(bytes, start, end)
    this.#search.descend(sequence, this.#readPath)
    return this.#readPath
  }

  kindAt(node: number): EntryKind {
    return this.arena.kind(node)
  }

  sequenceAt(node: number): number {
    return this.arena.sequence(node)
  }

  /** Points `view` at the key, inside the arena: good until `reset`. */
  setKeyView(node: number, view: ByteView): void {
    this.arena.setKeyView(node, view)
  }

  /** Points `view` at the value, inside the arena: good until `reset`. */
  setValueView(node: number, view: ByteView): void {
    this.arena.setValueView(node, view)
  }

  /** Begins to fill the list, which must be empty, at once. Until that is finished there are no reads and no other inserts. */
  load(): SkiplistLoad {
    const random = this.#random
    if (random === undefined) throw new MisuseError('LEVEL_READ_ONLY', 'a view of a skiplist is read-only: load its owner')
    if (this.count > 0) throw new MisuseError('LEVEL_INVALID_ENTRY', 'a skiplist is loaded while it is empty')
    return new SkiplistLoad(this.arena, random, arena => {
      this.arena = arena
      this.#search = new Search(arena)
    })
  }

  /** For use as a plain sorted map: adds the value as the newest version, numbered by the count of entries. */
  put(key: Uint8Array, value: Uint8Array): boolean {
    return this.insert(key, 0, key.length, value, 0, value.length, this.count + 1, KIND_PUT)
  }

  /** A copy of the newest value of `key`; undefined when it is absent or deleted. */
  get(key: Uint8Array): Uint8Array | undefined {
    const node = this.find(key, 0, key.length, MAX_SEQUENCE)
    if (node === NO_NODE || this.kindAt(node) !== KIND_PUT) return undefined
    const value = new ByteView()
    this.setValueView(node, value)
    return value.copy()
  }

  /** A cursor over every version of every key. It sees inserts made while it is open; `reset` ends its use. */
  cursor(): SkiplistCursor {
    return new SkiplistCursor(this)
  }

  /** What another thread needs to read this list with {@link Skiplist.view}. */
  transferable(): SkiplistState {
    return { buffer: this.arena.buffer }
  }

  /** Empties the list for reuse of its arena, in constant time. Cursors and views of its bytes end here. */
  reset(): void {
    if (this.#random === undefined) throw new MisuseError('LEVEL_READ_ONLY', 'a view of a skiplist is read-only: reset its owner')
    this.arena.reset()
    this.#splice.fill(HEAD)
    this.#lastInserted = NO_NODE
  }

  /** Whether the target belongs right behind or right before the last insert; if so, corrects the splice for it. */
  #nearLastInsert(sequence: number): boolean {
    const last = this.#lastInserted
    if (last === NO_NODE) return false
    const splice = this.#splice
    const search = this.#search
    const order = search.compare(last, sequence, 0)
    if (order >= 0) {
      if (splice[0] !== HEAD && search.compare(splice[0], sequence, 0) >= 0) return false
      search.placed(order)
      return true
    }
    const after = this.arena.next(last, 0)
    const orderAfter = after === NO_NODE ? 0 : search.compare(after, sequence, 0)
    if (orderAfter < 0) return false
    search.placed(orderAfter)
    splice.fill(last, 0, this.arena.height(last))
    return true
  }
}

function checkRange(name: string, bytes: Uint8Array, start: number, end: number): number {
  if (start >= 0 && start <= end && end <= bytes.length) return end - start
  throw new MisuseError('LEVEL_INVALID_ENTRY', `${name} range ${start}..${end} is not within its array of ${bytes.length} bytes`)
}

function checkEntry(keyLength: number, sequence: number): void {
  if (keyLength > MAX_KEY_LENGTH) {
    throw new MisuseError('LEVEL_INVALID_ENTRY', `a key of ${keyLength} bytes is over the limit of ${MAX_KEY_LENGTH}`)
  }
  if (!(sequence >= 0 && sequence <= MAX_SEQUENCE)) {
    throw new MisuseError('LEVEL_INVALID_ENTRY', `sequence must be from 0 to 2^53 - 1, got ${sequence}`)
  }
}

/**
 * A position in a skiplist. Each step follows one pointer in either direction and allocates nothing: `key` and `value` point straight into
 * the arena. The cursor stands on a linked node or nowhere. Nodes never move or vanish, so inserts do not disturb it, and it meets those
 * that land ahead of it.
 */
export class SkiplistCursor implements EntryCursor {
  readonly key = new ByteView()
  readonly value = new ByteView()
  readonly #list: Skiplist
  readonly #arena: Arena
  #node: number = NO_NODE

  constructor(list: Skiplist) {
    this.#list = list
    this.#arena = list.arena
  }

  get valid(): boolean {
    return this.#node !== NO_NODE
  }

  get sequence(): number {
    return this.#arena.sequence(this.#node)
  }

  get kind(): EntryKind {
    return this.#arena.kind(this.#node)
  }

  first(): boolean {
    return this.#moveTo(this.#arena.next(HEAD, 0))
  }

  last(): boolean {
    return this.#moveTo(this.#arena.prev(HEAD))
  }

  seek(key: Uint8Array, sequence: number = MAX_SEQUENCE): boolean {
    return this.#moveTo(this.#list.seek(key, 0, key.length, sequence))
  }

  seekBefore(key: Uint8Array): boolean {
    return this.#moveTo(this.#list.seekBefore(key, 0, key.length))
  }

  next(): boolean {
    if (this.#node === NO_NODE) throw notValid('next')
    return this.#moveTo(this.#arena.next(this.#node, 0))
  }

  prev(): boolean {
    if (this.#node === NO_NODE) throw notValid('prev')
    return this.#moveTo(this.#arena.prev(this.#node))
  }

  skipCovered(sequence: number, end: Uint8Array | undefined): boolean {
    if (this.#node === NO_NODE) throw notValid('skipCovered')
    if (this.sequence > sequence) return true
    const newer = nextNewer(this.#arena, this.#node, sequence)
    if (end === undefined || (newer !== NO_NODE && this.#compare(newer, end) < 0)) return this.#moveTo(newer)
    return this.#compare(this.#node, end) < 0 ? this.seek(end) : this.#moveTo(this.#node)
  }

  skipCoveredBack(sequence: number, start: Uint8Array): boolean {
    if (this.#node === NO_NODE) throw notValid('skipCoveredBack')
    if (this.sequence > sequence) return true
    const newer = previousNewer(this.#arena, this.#node, this.#list.pathTo(this.key, this.sequence), sequence)
    if (newer !== NO_NODE && this.#compare(newer, start) >= 0) return this.#moveTo(newer)
    return this.#compare(this.#node, start) >= 0 ? this.seekBefore(start) : this.#moveTo(this.#node)
  }

  close(): void {
    this.#node = NO_NODE
  }

  /** The key of a node against another one. Leaves `key` on that node. */
  #compare(node: number, key: Uint8Array): number {
    this.#arena.setKeyView(node, this.key)
    const { bytes, start, end } = this.key
    return compareBytes(bytes, start, end, key, 0, key.length)
  }

  /** Going back from the first entry, or to the last of none, arrives at the head. */
  #moveTo(node: number): boolean {
    if (node === NO_NODE || node === HEAD) {
      this.#node = NO_NODE
      return false
    }
    this.#node = node
    this.#arena.setKeyView(node, this.key)
    this.#arena.setValueView(node, this.value)
    return true
  }
}

function notValid(method: string): MisuseError {
  return new MisuseError(
    'LEVEL_CURSOR_NOT_VALID',
    `${method}() needs a cursor that stands on an entry: call first, last or a seek before it`,
  )
}
