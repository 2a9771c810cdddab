/**
 * The tree of an earlier copy, walked beside the one that is copied: finds the pages that both have. What it reads counts as backup.
 *
 * Invariants:
 * 1. A page is the same when all of its bytes are, on the disk, and match the reference to it. A page that is damaged is not the same.
 * 2. Pages are asked for in the order of the copy: leaves by their keys, branches after what is under them. So the branches on the way to one
 *    leaf are all that memory holds.
 */
import { EMPTY } from '../codec/entry.js'
import { CHUNK_BYTES } from '../codec/checksum.js'
import { Cell, SortedBlock } from '../codec/sorted-block.js'
import { CorruptionError } from '../errors.js'
import type { Ledger } from '../trace/ledger.js'
import type { FileHandle } from '../vfs/file-system.js'
import type { Meta } from './pages/meta-page.js'
import type { Page } from './pages/page.js'
import type { PageFile } from './pages/page-file.js'
import { Reference } from './pages/reference.js'

export interface EarlierTreeOptions {
  /** The data file of the copy, and the same as pages. */
  readonly handle: FileHandle
  readonly file: PageFile
  /** The meta page in force. */
  readonly meta: Meta
  readonly ledger: Ledger
}

/** A branch on the way to the leaf that was asked for last. */
interface Branch {
  readonly reference: Reference
  readonly level: number
  /** The key where its range begins. */
  readonly low: Uint8Array
  /** `undefined` if it cannot be read. */
  readonly block: SortedBlock | undefined
  /** The child on the way. */
  slot: number
}

export class EarlierTree {
  readonly #options: EarlierTreeOptions
  readonly #path: Branch[] = []
  readonly #cell = new Cell()
  readonly #piece = new Uint8Array(CHUNK_BYTES)

  constructor(options: EarlierTreeOptions) {
    this.#options = options
    const { height, root } = options.meta
    if (height > 1) this.#path.push(this.#branch(root, height - 1, EMPTY))
  }

  /** The page of the same level with as many entries, whose range begins with the same key and whose extent has as many units. */
  find({ level, entries, liveBytes }: Page, units: number, low: Uint8Array): Reference | undefined {
    const found = level === 0 ? this.#leafAt(low) : this.#branchAt(level, low)
    return found?.units === units && found.entries === entries && found.liveBytes === liveBytes ? found : undefined
  }

  /** Whether the page at the reference has these bytes. */
  has(reference: Reference, bytes: Uint8Array): boolean {
    if (this.#options.file.checkOf(bytes, reference.offset) !== reference.check) return false
    return this.hasPiece(reference, bytes, 0)
  }

  /** Whether these bytes are a part of the page, from `start` on. Compares them with the disk alone. */
  hasPiece(reference: Reference, bytes: Uint8Array, start: number): boolean {
    const { handle, file, ledger } = this.#options
    const position = reference.offset * file.unitBytes + start
    for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
      const length = Math.min(CHUNK_BYTES, bytes.length - at)
      const count = handle.read(this.#piece, position + at, 0, length)
      ledger.read.backup += count
      if (count !== length || !isSame(this.#piece, bytes, at, length)) return false
    }
    return true
  }

  #leafAt(low: Uint8Array): Reference | undefined {
    const { height, root } = this.#options.meta
    if (height === 1 && low.length === 0) return root
    for (let depth = 0; depth < this.#path.length; depth++) {
      const branch = this.#path[depth]
      const { block, level } = branch
      if (block === undefined) return undefined
      // The key of entry 0 bounds nothing.
      const slot = Math.max(0, block.floor(low, 0, low.length))
      if (branch.slot !== slot) {
        branch.slot = slot
        this.#path.length = depth + 1
      }
      if (level === 1) return this.#beginsWith(branch, low) ? this.#child(block, slot) : undefined
      if (this.#path.length === depth + 1) {
        const childLow = slot === 0 ? branch.low : block.keyAt(slot)
        this.#path.push(this.#branch(this.#child(block, slot), level - 1, childLow))
      }
    }
    return undefined
  }

  #beginsWith({ block, slot, low: first }: Branch, low: Uint8Array): boolean {
    if (slot > 0) return block!.keyEquals(slot, low, 0, low.length)
    return first.length === low.length && isSame(first, low, 0, low.length)
  }

  #branchAt(level: number, low: Uint8Array): Reference | undefined {
    const branch = this.#path.find(each => each.level === level)
    return branch?.low.length === low.length && isSame(branch.low, low, 0, low.length) ? branch.reference : undefined
  }

  #child(block: SortedBlock, slot: number): Reference {
    block.readCell(slot, this.#cell)
    return new Reference().read(block.bytes, this.#cell.payloadStart)
  }

  #branch(reference: Reference, level: number, low: Uint8Array): Branch {
    return { reference, level, low, block: this.#block(reference), slot: -1 }
  }

  #block(reference: Reference): SortedBlock | undefined {
    const { file, ledger } = this.#options
    try {
      const bytes = file.readExtent(reference)
      return new SortedBlock(bytes, bytes.length, file.path, reference.offset * file.unitBytes)
    } catch (error) {
      if (error instanceof CorruptionError) return undefined
      throw error
    } finally {
      ledger.read.backup += file.bytesRead
      file.bytesRead = 0
    }
  }
}

/** Whether `a` begins with `b[at, at + length)`. */
function isSame(a: Uint8Array, b: Uint8Array, at: number, length: number): boolean {
  for (let i = 0; i < length; i++) if (a[i] !== b[at + i]) return false
  return true
}
