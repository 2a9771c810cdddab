/**
 * Expired entries leave the tree when their page is copied for another change, when it is full, when the tree is compacted, and when an idle
 * store sweeps it.
 *
 * Invariants:
 * 1. An entry that has expired is dropped from pages that no reader reaches: a snapshot keeps the pages of its own moment.
 * 2. A leaf below a branch is never left empty, except by a compaction or a sweep, which removes it.
 * 3. A tree without expiries, now and in earlier sessions, looks at none.
 */
import type { ExpiryClock } from '../../engine/expiry-clock.js'
import { readExpiry } from '../../codec/expiry.js'
import type { ExpirySample } from '../../codec/expiry-sample.js'
import type { MutableBlock } from '../../codec/mutable-block.js'
import { Cell } from '../../codec/sorted-block.js'
import type { Ledger } from '../../trace/ledger.js'
import type { Tracer } from '../../trace/span.js'
import type { Page } from '../pages/page.js'

const cell = new Cell()

/** What a page lost: entries, and their key and value bytes. */
export interface Dropped {
  readonly entries: number
  readonly bytes: number
}

const NOTHING: Dropped = { entries: 0, bytes: 0 }

export interface ExpiriesOptions {
  readonly clock: ExpiryClock
  readonly ledger: Ledger
  readonly trace?: Tracer | undefined
  /** Whether the tree on disk may have entries that expire. */
  readonly isUsed: boolean
}

export class Expiries {
  /** Whether the tree has, or had, an entry that expires. It stays so. */
  isUsed: boolean
  /** Whether entries that expire were written since this was made false. */
  isNew = false
  readonly #options: ExpiriesOptions | undefined

  /** Without options nothing is ever dropped. */
  constructor(options?: ExpiriesOptions) {
    this.#options = options
    this.isUsed = options?.isUsed === true
  }

  /** Whether an expiry has passed. */
  isDue(expiry: number): boolean {
    return this.#options !== undefined && expiry <= this.#options.clock.now()
  }

  /** How many entries of a loaded leaf are due. The others that expire go to the sample. */
  countDue({ block }: Page, sample: ExpirySample): number {
    if (!this.isUsed) return 0
    let due = 0
    for (let index = 0; index < block!.count; index++)
      if (block!.expires(index) && this.isDueOrNoted(expiryAt(block!, index), sample)) due++
    return due
  }

  /** Whether an expiry has passed; if not, it goes to the sample. */
  isDueOrNoted(expiry: number, sample: ExpirySample): boolean {
    if (this.isDue(expiry)) return true
    if (expiry < Infinity) sample.note(expiry)
    return false
  }

  /** Removes the entries that are due from an own leaf, of which one stays if it `keepsOne`; the caller counts them. */
  drop({ block }: Page, keepsOne: boolean): Dropped {
    if (!this.isUsed || this.#options === undefined) return NOTHING
    let entries = 0
    let bytes = 0
    const least = keepsOne && this.#isAllDue(block!) ? 1 : 0
    for (let to = block!.count; to > least; to--) {
      let from = to
      while (from > least && block!.expires(from - 1) && this.isDue(expiryAt(block!, from - 1))) {
        from--
        bytes += block!.prefixLength + cell.dataBytes
      }
      if (from === to) continue
      entries += to - from
      block!.remove(from, to)
      to = from
    }
    if (entries === 0) return NOTHING
    this.count(entries, bytes)
    return { entries, bytes }
  }

  #isAllDue(block: MutableBlock): boolean {
    for (let index = 0; index < block.count; index++) if (!block.expires(index) || !this.isDue(expiryAt(block, index))) return false
    return true
  }

  /** Books entries that have left the tree because they were due. */
  count(entries: number, bytes: number): void {
    if (this.#options === undefined) return
    this.#options.ledger.expiredBytes += bytes
    this.#options.trace?.emit({ type: 'entries.expire', entries, bytes })
  }
}

/** The expiry of an entry that has one; `cell` is then that of the entry. */
function expiryAt(block: MutableBlock, index: number): number {
  block.readCell(index, cell)
  return readExpiry(block.bytes, cell.payloadStart)
}
