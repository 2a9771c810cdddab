import { expect } from 'vitest'
import type { Amounts, Receipt } from '../../../src/observe/receipt.js'
import type { ReceiptBook } from '../../../src/observe/receipt-book.js'

export type Flat = Record<string, number>

export function flat({ written, read, microSyncs }: Amounts): Flat {
  const parts = [
    ...Object.entries(written).map(([part, bytes]) => [`written ${part}`, bytes] as const),
    ...Object.entries(read).map(([part, bytes]) => [`read ${part}`, bytes] as const),
  ]
  return { ...Object.fromEntries(parts), microSyncs }
}

export function sumOf(all: Iterable<Amounts>): Flat {
  const sum: Flat = {}
  for (const amounts of all) for (const [name, value] of Object.entries(flat(amounts))) sum[name] = (sum[name] ?? 0) + value
  return sum
}

export function* amountsOf({ now, later }: Receipt): Generator<Amounts> {
  yield now
  for (const { amounts } of later) yield amounts
}

/** Receipts and unbilled lines add up to the total, in every part. `all`: whether every operation is still kept one by one. */
export function expectSums(book: ReceiptBook, all: boolean): void {
  const { total, billed, unbilled } = book.totals()
  const zero = flat({ ...total, written: zeros(total.written), read: zeros(total.read), microSyncs: 0 })
  expect(sumOf([billed, unbilled])).toEqual(flat(total))
  expect({ ...zero, ...sumOf(book.unbilled().map(line => line.amounts)) }).toEqual(flat(unbilled))
  const parts = [...book.kinds().map(kind => kind.now), ...book.cohorts().flatMap(cohort => cohort.later.map(line => line.amounts))]
  expect({ ...zero, ...sumOf(parts) }).toEqual(flat(billed))
  for (const value of Object.values(flat(billed))) expect(Number.isSafeInteger(value)).toBe(true)
  if (!all) return
  const receipts = [...book.receipts()]
  expect({ ...zero, ...sumOf(receipts.flatMap(receipt => [...amountsOf(receipt)])) }).toEqual(flat(billed))
}

function zeros<Part extends string>(parts: Readonly<Record<Part, number>>): Record<Part, number> {
  return Object.fromEntries(Object.keys(parts).map(part => [part, 0])) as Record<Part, number>
}
