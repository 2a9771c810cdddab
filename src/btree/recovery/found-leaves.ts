/**
 * Leaves of a tree whose branches are lost: pages that some branch in the data file refers to with the right check, though nothing that is
 * left refers to that branch.
 *
 * Invariants:
 * 1. A leaf is believed only if a reference to it matches it. A page that is taken for a branch without being one has no such reference.
 * 2. Leaves in units that the free list has in use belong to the tree in force. Where the free list is lost, and in free units, a leaf may
 *    be an older version: these fill only keys that no better leaf covers.
 */
import { compareKeys, EMPTY } from '../../codec/entry.js'
import { readExpiry } from '../../codec/expiry.js'
import { BLOCK_HEADER_BYTES, Cell, SLOT_BYTES, SortedBlock } from '../../codec/sorted-block.js'
import type { SalvagedEntry } from '../../engine/contract.js'
import { keyAfter } from '../../engine/range.js'
import { CorruptionError } from '../../errors.js'
import type { FileHandle } from '../../vfs/file-system.js'
import { readNumber } from '../pages/numbers.js'
import type { PageFile } from '../pages/page-file.js'
import { Reference, REFERENCE_BYTES } from '../pages/reference.js'

/** Keys from `low`, included, to `high`, not included; without one the side is open. */
export interface Bounds {
  readonly low: Uint8Array | undefined
  readonly high: Uint8Array | undefined
}

export interface FoundLeaf extends Bounds {
  readonly reference: Reference
}

/** One leaf and the keys that it speaks for. */
export interface LeafPiece {
  readonly leaf: FoundLeaf
  readonly isCurrent: boolean
  readonly low: Uint8Array
  readonly high: Uint8Array | undefined
}

/** Every leaf that a branch somewhere in the file refers to. */
export function findLeaves(pages: PageFile, file: FileHandle): readonly FoundLeaf[] {
  const found = new Map<number, FoundLeaf>()
  const units = Math.floor(pages.size / pages.unitBytes)
  for (let unit = pages.firstUnit; unit < units; unit++) {
    for (const leaf of leavesUnder(branchAt(pages, file, unit), pages)) found.set(leaf.reference.offset, leaf)
  }
  return [...found.values()]
}

/** The intact leaves that the entries of a branch refer to. */
export function* leavesUnder(branch: SortedBlock | undefined, pages: PageFile): Generator<FoundLeaf> {
  if (branch === undefined) return
  const cell = new Cell()
  for (let index = 0; index < branch.count; index++) {
    branch.readCell(index, cell)
    const reference = new Reference().read(branch.bytes, cell.payloadStart)
    const leaf = leafAt(reference, pages)
    if (leaf === undefined || leaf.count === 0) continue
    const low = index === 0 ? leaf.keyAt(0) : branch.keyAt(index)
    const high = index + 1 < branch.count ? branch.keyAt(index + 1) : keyAfter(leaf.keyAt(leaf.count - 1))
    yield { reference, low, high }
  }
}

/** Pieces of the leaves without overlap, by key: earlier groups go before later ones. */
export function arrangeLeaves(
  groups: readonly { readonly leaves: readonly FoundLeaf[]; readonly isCurrent: boolean }[],
): readonly LeafPiece[] {
  let pieces: readonly LeafPiece[] = []
  for (const { leaves, isCurrent } of groups) {
    const added = leaves.map((leaf): LeafPiece => ({ leaf, isCurrent, low: leaf.low ?? EMPTY, high: leaf.high }))
    pieces = filled(pieces, disjoint(added))
  }
  return pieces
}

export function entriesIn(pages: PageFile, { leaf }: LeafPiece, low: Uint8Array, high: Uint8Array | undefined): SalvagedEntry[] {
  const block = leafAt(leaf.reference, pages)
  if (block === undefined) return []
  const cell = new Cell()
  const entries: SalvagedEntry[] = []
  for (let index = 0; index < block.count; index++) {
    const key = block.keyAt(index)
    if (compareKeys(key, low) < 0 || !isBefore(key, high)) continue
    block.readCell(index, cell)
    entries.push(salvagedEntry(block, key, cell))
  }
  return entries
}

/** An entry of a leaf, whether or not it has expired. */
export function salvagedEntry({ bytes }: SortedBlock, key: Uint8Array, cell: Cell): SalvagedEntry {
  const value = bytes.slice(cell.valueStart, cell.payloadEnd)
  return cell.expires ? { key, value, expiresAt: readExpiry(bytes, cell.payloadStart) } : { key, value }
}

/** What stands at a unit if it can be a branch: entries with references for payloads, whatever comes behind them. */
function branchAt(pages: PageFile, file: FileHandle, unit: number): SortedBlock | undefined {
  const position = unit * pages.unitBytes
  const head = new Uint8Array(BLOCK_HEADER_BYTES)
  if (file.read(head, position) !== head.length) return undefined
  const count = readNumber(head, 0, 4)
  const slots = readNumber(head, 4, 4) + BLOCK_HEADER_BYTES
  const least = slots + count * (SLOT_BYTES + REFERENCE_BYTES)
  if (count === 0 || position + least > pages.size) return undefined
  try {
    // Cells lie at the end of the extent, whose length only its reference has: what the slots say is the least of it.
    const offsets = new Uint8Array(count * SLOT_BYTES)
    file.read(offsets, position + slots)
    let end = 0
    for (let index = 0; index < count; index++) end = Math.max(end, readNumber(offsets, index * SLOT_BYTES + 4, 4))
    const extent = Math.ceil((end + 1) / pages.unitBytes) * pages.unitBytes
    if (position + extent > pages.size) return undefined
    const bytes = new Uint8Array(extent)
    if (file.read(bytes, position) !== extent) return undefined
    const block = new SortedBlock(bytes, extent, pages.path, position)
    const cell = new Cell()
    for (let index = 0; index < count; index++) {
      block.readCell(index, cell)
      if (cell.payloadEnd - cell.payloadStart !== REFERENCE_BYTES) return undefined
    }
    return block
  } catch (error) {
    if (error instanceof CorruptionError) return undefined
    throw error
  }
}

/** The page of a reference, if it matches and is a leaf: the counts in the reference are those of the page alone. */
function leafAt(reference: Reference, pages: PageFile): SortedBlock | undefined {
  const { offset, units, entries, liveBytes } = reference
  if (units === 0 || offset < pages.firstUnit || (offset + units) * pages.unitBytes > pages.size) return undefined
  try {
    const bytes = pages.contentsOf(reference)
    const block = new SortedBlock(bytes, bytes.length, pages.path, offset * pages.unitBytes)
    if (block.count !== entries) return undefined
    const cell = new Cell()
    let live = 0
    for (let index = 0; index < block.count; index++) {
      block.readCell(index, cell)
      live += block.prefixLength + cell.dataBytes
    }
    return live === liveBytes ? block : undefined
  } catch (error) {
    if (error instanceof CorruptionError) return undefined
    throw error
  }
}

function disjoint(pieces: readonly LeafPiece[]): LeafPiece[] {
  const result: LeafPiece[] = []
  for (const piece of [...pieces].sort((a, b) => compareKeys(a.low, b.low))) {
    const last = result.at(-1)
    if (last === undefined) result.push(piece)
    else if (last.high !== undefined && isBefore(last.high, piece.high)) {
      result.push(compareKeys(last.high, piece.low) > 0 ? { ...piece, low: last.high } : piece)
    }
  }
  return result
}

/** The pieces with as much of the others as goes between them; both are disjoint and sorted. */
function filled(pieces: readonly LeafPiece[], others: readonly LeafPiece[]): readonly LeafPiece[] {
  const result = [...pieces]
  let first = 0
  for (const other of others) {
    let low = other.low
    while (first < pieces.length && !isBefore(low, pieces[first].high)) first++
    let isSpent = false
    for (let at = first; at < pieces.length && !isSpent && isBefore(pieces[at].low, other.high); at++) {
      if (compareKeys(low, pieces[at].low) < 0) result.push({ ...other, low, high: pieces[at].low })
      const { high } = pieces[at]
      if (high === undefined || !isBefore(high, other.high)) isSpent = true
      else low = high
    }
    if (!isSpent) result.push({ ...other, low })
  }
  return result.sort((a, b) => compareKeys(a.low, b.low))
}

/** Whether a key is less than an upper bound, which may be open. */
function isBefore(key: Uint8Array, high: Uint8Array | undefined): boolean {
  return high === undefined || compareKeys(key, high) < 0
}
