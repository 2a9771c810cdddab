/**
 * What each operation of a run has cost: at once, and later for its share of what the background did with its data up to the end of the run.
 *
 * Invariants:
 * 1. Moments are billed when a receipt is asked for, each once.
 * 2. A store that opens again counts its operations anew, so every opening has a book of its own: what a later opening does with older data
 *    is on no receipt.
 */
import { ReceiptBook, renderReceipt, type Amounts, type Receipt } from 'kvarium/observe'
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

/** What an operation of the run has cost in a lane, in bytes written and read. */
export interface Cost {
  /** Until it was acknowledged. */
  readonly now: number
  /** Its share of background work up to the end of the run. */
  readonly later: number
}

/** Operations of a store, by their numbers in its book. */
interface Billed {
  readonly book: ReceiptBook
  readonly from: number
  to: number
}

export class Receipts {
  #taken = 0
  readonly #books = new Map<number, ReceiptBook>()
  /** By lane: the operation of the run that is under way. */
  readonly #underway = new Map<number, number>()
  /** By lane and operation of the run. */
  readonly #billed = new Map<string, Billed[]>()

  /** The receipts of an operation of the run in a lane. */
  of(moments: readonly Moment[], lane: number, operation: number): LaneReceipt {
    this.#takeAll(moments)
    let count = 0
    const receipts: string[] = []
    for (const { book, from, to } of this.#billed.get(`${lane} ${operation}`) ?? []) {
      count += to - from + 1
      for (let number = from; number <= to && receipts.length < MOST_RECEIPTS; number++) {
        const receipt = book.receipt(number)
        if (receipt !== undefined) receipts.push(renderReceipt(receipt))
      }
    }
    return { receipts, omitted: count - receipts.length }
  }

  /** The cost of an operation of the run in a lane; `undefined` where a receipt of it is no longer kept. */
  cost(moments: readonly Moment[], lane: number, operation: number): Cost | undefined {
    this.#takeAll(moments)
    const cost = { now: 0, later: 0 }
    for (const { book, from, to } of this.#billed.get(`${lane} ${operation}`) ?? []) {
      for (let number = from; number <= to; number++) {
        const receipt = book.receipt(number)
        if (receipt === undefined) return undefined
        cost.now += bytesOf(receipt.now)
        cost.later += laterBytes(receipt)
      }
    }
    return cost
  }

  #takeAll(moments: readonly Moment[]): void {
    for (; this.#taken < moments.length; this.#taken++) this.#take(moments[this.#taken])
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
    const billed = this.#billed.get(key)
    const last = billed?.at(-1)
    if (billed === undefined) this.#billed.set(key, [{ book, from: event.operation, to: event.operation }])
    else if (last!.book === book && last!.to === event.operation - 1) last!.to = event.operation
    else billed.push({ book, from: event.operation, to: event.operation })
  }
}

function bytesOf({ written, read }: Amounts): number {
  return [...Object.values(written), ...Object.values(read)].reduce((sum, bytes) => sum + bytes, 0)
}

function laterBytes({ later }: Receipt): number {
  return later.reduce((sum, { amounts }) => sum + bytesOf(amounts), 0)
}
