/**
 * What each operation of a run has cost: at once, and later for its share of what the background did with its data up to the end of the run.
 *
 * Invariants:
 * 1. Moments are billed when a receipt is asked for, each once.
 * 2. A store that opens again counts its operations anew, so every opening has a book of its own: what a later opening does with older data
 *    is on no receipt.
 */
import { ReceiptBook, renderReceipt } from 'kvarium/observe'
import type { Moment } from '../run/run.js'

/** What an operation of the run has cost in a lane. The store may have done it as several operations: a range is a seek and many steps. */
export interface LaneReceipt {
  /** As plain text, the first ones. */
  readonly receipts: readonly string[]
  /** The store's operations that have no receipt here: there are too many of them, or they are too old. */
  readonly omitted: number
}

const MOST_RECEIPTS = 4
/** Operations of a book that are kept singly. */
const KEPT_OPERATIONS = 20_000

interface Billed {
  readonly book: ReceiptBook
  readonly number: number
}

export class Receipts {
  #taken = 0
  readonly #books = new Map<number, ReceiptBook>()
  /** By lane: the operation of the run that is under way. */
  readonly #underway = new Map<number, number>()
  /** By lane and operation of the run. */
  readonly #billed = new Map<string, { readonly first: Billed[]; count: number }>()

  /** The receipts of an operation of the run in a lane. */
  of(moments: readonly Moment[], lane: number, operation: number): LaneReceipt {
    for (; this.#taken < moments.length; this.#taken++) this.#take(moments[this.#taken])
    const { first, count } = this.#billed.get(`${lane} ${operation}`) ?? { first: [], count: 0 }
    const receipts = first.flatMap(({ book, number }) => {
      const receipt = book.receipt(number)
      return receipt === undefined ? [] : [renderReceipt(receipt)]
    })
    return { receipts, omitted: count - receipts.length }
  }

  #take(moment: Moment): void {
    const { lane } = moment
    if (moment.kind === 'call') this.#underway.set(lane, moment.operation)
    if (moment.kind === 'return') this.#underway.delete(lane)
    if (moment.kind !== 'event') return
    const { event } = moment
    if (event.type === 'job.begin' && event.kind === 'open') this.#books.set(lane, new ReceiptBook({ operations: KEPT_OPERATIONS }))
    const book = this.#books.get(lane)
    if (book === undefined) return
    book.listener(event)
    const operation = this.#underway.get(lane)
    if (event.type !== 'operation.begin' || operation === undefined) return
    const key = `${lane} ${operation}`
    const billed = this.#billed.get(key) ?? { first: [], count: 0 }
    if (billed.first.length < MOST_RECEIPTS) billed.first.push({ book, number: event.operation })
    billed.count++
    this.#billed.set(key, billed)
  }
}
