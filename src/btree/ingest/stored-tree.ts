/**
 * A tree in the data file as a stream: its entries in the order of their keys, and whole subtrees where nothing comes between their entries.
 *
 * Invariant: every page of the tree is either passed on whole, alone or under another one, or it is in `replaced`.
 */
import { compareKeys, EMPTY } from '../../codec/entry.js'
import { Cell, SortedBlock } from '../../codec/sorted-block.js'
import { withSpan, type Span } from '../../trace/span.js'
import { LevelCounts } from '../pages/level-counts.js'
import type { PageFile } from '../pages/page-file.js'
import { LARGE_HEAD_BYTES, onlyKey } from '../pages/page-store.js'
import { Reference, type ReferenceFields } from '../pages/reference.js'
import type { PackedTree, StoredRoot } from './packed-tree.js'

interface Subtree {
  readonly level: number
  readonly reference: ReferenceFields
  /** What leads to it; `undefined` leaves the side open. */
  readonly low: Uint8Array | undefined
  readonly high: Uint8Array | undefined
}

interface OpenBranch {
  readonly subtree: Subtree
  readonly block: SortedBlock
  slot: number
}

/** A leaf with its entries, of which it has at least one, or a large leaf with its key. */
interface OpenLeaf {
  readonly subtree: Subtree
  readonly block: SortedBlock | undefined
  readonly firstKey: Uint8Array
  index: number
}

export interface StoredTreeOptions {
  readonly file: PageFile
  readonly span: Span | null
  turn(): Promise<void>
}

/** Pages that are read, or entries that are passed on, before the event loop has a turn. */
const WORK_A_TURN = 256

export class StoredTree {
  /** Offset and length of each page that was taken apart, the root among them if it was. */
  readonly replaced: number[] = []
  readonly replacedLevels: LevelCounts
  readonly #file: PageFile
  readonly #turn: () => Promise<void>
  readonly #span: Span | null
  readonly #path: OpenBranch[] = []
  readonly #cell = new Cell()
  #next: Subtree | undefined
  #leaf: OpenLeaf | undefined
  /** Entries of the other tree come before what is next. That has been opened, so that its first key is known. */
  #isInterrupted = false
  #work = 0

  constructor({ height, reference }: StoredRoot, { file, turn, span }: StoredTreeOptions) {
    this.#file = file
    this.replacedLevels = new LevelCounts(file.pageUnits)
    this.#turn = turn
    this.#span = span
    this.#next = height === 0 ? undefined : { level: height - 1, reference, low: undefined, high: undefined }
  }

  get isDone(): boolean {
    return this.#next === undefined && this.#leaf === undefined
  }

  /** The next key; `undefined` if there is none: the pages that were left had no entries. */
  async key(): Promise<Uint8Array | undefined> {
    while (this.#leaf === undefined) {
      if (this.#next === undefined) return undefined
      await this.#open()
    }
    const { block, index, firstKey } = this.#leaf
    return index === 0 ? firstKey : block!.keyAt(index)
  }

  /** Goes past the entry of the key that `key` has returned. */
  skip(): void {
    const leaf = this.#leaf!
    if (leaf.index === 0) this.#replace(leaf.subtree)
    if (++leaf.index === (leaf.block?.count ?? 1)) this.#leave()
  }

  /** Entries of the other tree come next in the result. `key` is asked for before this tree goes on. */
  interrupt(): void {
    this.#isInterrupted = true
  }

  /** Passes on the subtrees of which all keys are less than `limit`, as far as that is known from branches. */
  async passSubtrees(limit: Uint8Array, out: PackedTree): Promise<void> {
    for (let next = this.#next; this.#leaf === undefined && next !== undefined; next = this.#next) {
      if (isBelow(next, limit) && out.takesWhole(next.level)) this.#pass(next, out)
      else if (next.level > 0) await this.#open()
      else return
    }
  }

  /** Passes on everything whose keys are less than `limit`, or all that is left. The other tree has been passed on up to here. */
  async passUntil(limit: Uint8Array | undefined, out: PackedTree): Promise<void> {
    while (!this.isDone) {
      const next = this.#next
      if (this.#leaf === undefined) {
        if (isBelow(next!, limit) && out.takesWhole(next!.level)) this.#pass(next!, out)
        else await this.#open()
        continue
      }
      const leaf = this.#leaf
      const { block } = leaf
      if (leaf.index === 0 && isWholeBelow(leaf, limit)) {
        this.#pass(leaf.subtree, out, leaf.firstKey)
        continue
      }
      // A large leaf has one key.
      if (block === undefined) return
      const end = limit === undefined ? block.count : block.lowerBound(limit, 0, limit.length)
      this.#passEntries(leaf, block, end, out)
      if (end < block.count) return
      this.#leave()
      if (++this.#work % WORK_A_TURN === 0) await this.#turn()
    }
  }

  #passEntries(leaf: OpenLeaf, block: SortedBlock, end: number, out: PackedTree): void {
    if (leaf.index === end) return
    this.#isInterrupted = false
    if (leaf.index === 0) this.#replace(leaf.subtree)
    for (; leaf.index < end; leaf.index++) {
      const key = block.keyAt(leaf.index)
      block.readCell(leaf.index, this.#cell)
      // Not large: it comes from a leaf of the usual size.
      void out.add(key, 0, key.length, block.bytes, this.#cell.payloadStart, this.#cell.payloadEnd, this.#cell.expires)
    }
  }

  #pass({ level, reference, low }: Subtree, out: PackedTree, firstKey?: Uint8Array): void {
    const separator = (this.#isInterrupted ? firstKey : low) ?? EMPTY
    out.addWhole(level, { separator, reference })
    this.#isInterrupted = false
    this.#leave()
  }

  /** Opens the next subtree: its children are next, or its entries. It goes past leaves without entries, which older versions left. */
  async #open(): Promise<void> {
    if (++this.#work % WORK_A_TURN === 0) await this.#turn()
    const subtree = this.#next!
    const { level, reference } = subtree
    if (level === 0 && reference.units > this.#file.pageUnits) {
      const firstKey = await this.#keyOfLarge(reference)
      this.#leaf = { subtree, block: undefined, firstKey, index: 0 }
    } else {
      const bytes = withSpan(this.#span, () => this.#file.contentsOf(reference))
      const block = new SortedBlock(bytes, bytes.length, this.#file.path, reference.offset * this.#file.unitBytes)
      if (level === 0) {
        if (block.count === 0) {
          this.#replace(subtree)
          this.#leave()
          return
        }
        this.#leaf = { subtree, block, firstKey: block.keyAt(0), index: 0 }
      } else {
        this.#replace(subtree)
        this.#path.push({ subtree, block, slot: 0 })
        this.#next = this.#childOf(this.#path.at(-1)!)
        return
      }
    }
    this.#next = undefined
  }

  async #keyOfLarge(reference: ReferenceFields): Promise<Uint8Array> {
    const pieces = this.#file.readHead(reference, LARGE_HEAD_BYTES)
    for (;;) {
      const piece = withSpan(this.#span, () => pieces.next())
      if (piece.done === true) return onlyKey(piece.value)
      await this.#turn()
    }
  }

  /** Goes on behind what was next. */
  #leave(): void {
    this.#leaf = this.#next = undefined
    for (let top = this.#path.at(-1); top !== undefined; top = this.#path.at(-1)) {
      if (++top.slot < top.block.count) {
        this.#next = this.#childOf(top)
        return
      }
      this.#path.pop()
    }
  }

  #childOf({ subtree, block, slot }: OpenBranch): Subtree {
    block.readCell(slot, this.#cell)
    const reference = new Reference().read(block.bytes, this.#cell.payloadStart)
    const low = slot === 0 ? subtree.low : block.keyAt(slot)
    const high = slot + 1 < block.count ? block.keyAt(slot + 1) : subtree.high
    return { level: subtree.level - 1, reference, low, high }
  }

  #replace({ level, reference: { offset, units } }: Subtree): void {
    this.replaced.push(offset, units)
    this.replacedLevels.add({ level, units })
  }
}

/** Whether all keys of a subtree are less than `limit`. */
function isBelow({ high }: Subtree, limit: Uint8Array | undefined): boolean {
  return limit === undefined || (high !== undefined && compareKeys(high, limit) <= 0)
}

function isWholeBelow({ subtree, block, firstKey }: OpenLeaf, limit: Uint8Array | undefined): boolean {
  if (isBelow(subtree, limit)) return true
  return compareKeys(block === undefined ? firstKey : block.keyAt(block.count - 1), limit!) < 0
}

/** Puts two trees together: both have the entries, of which `added` has the newer. That one has entries. */
export async function merge(present: StoredTree, added: StoredTree, out: PackedTree): Promise<StoredRoot> {
  let key = await added.key()
  if (key !== undefined) await present.passSubtrees(key, out)
  added.interrupt()
  for (; key !== undefined; key = await added.key()) {
    const other = await present.key()
    if (other === undefined) break
    const order = compareKeys(other, key)
    if (order === 0) {
      present.skip()
      present.interrupt()
    } else if (order < 0) {
      await present.passUntil(key, out)
      added.interrupt()
    } else {
      await added.passUntil(other, out)
      present.interrupt()
    }
  }
  await present.passUntil(undefined, out)
  await added.passUntil(undefined, out)
  return out.finish()
}
