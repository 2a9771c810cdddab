/** The transactions that are open at a position of a run. */
import { formatOperation, shortWord } from '../run/command.js'
import type { TransactionStep } from '../run/operation.js'
import type { Run } from '../run/run.js'
import { isWrite, TransactionWrites } from './transaction-writes.js'

/** A transaction that is open, in one lane or more. */
export interface OpenTransaction {
  /** As it is typed; a long one is shortened. */
  readonly name: string
  /** Index of the operation that began it, and the position there. */
  readonly operation: number
  readonly start: number
  /** Indexes. */
  readonly lanes: readonly number[]
  /** The latest of its reads and of the writes that wait, as they are typed, and how many there are of each. */
  readonly reads: readonly string[]
  readonly readCount: number
  readonly writes: readonly string[]
  readonly writeCount: number
}

export interface OpenHere {
  readonly transactions: readonly OpenTransaction[]
  /** More that are open. */
  readonly omitted: number
}

const MOST_TRANSACTIONS = 10
const MOST_STEPS = 5

export function openAt({ moments, first, operations, starts, settings }: Run, position: number): OpenHere {
  const begun = operations.findIndex(({ type }) => type === 'begin')
  if (begun < 0) return { transactions: [], omitted: 0 }
  const lanes = settings.lanes.map(() => new TransactionWrites())
  for (const moment of moments.slice(starts[begun] - first, position - first)) lanes[moment.lane].take(moment, operations)
  const all = new Map<string, OpenTransaction>()
  for (const [lane, { open }] of lanes.entries()) {
    for (const [name, { begun: operation, steps }] of open) {
      const id = `${operation} ${name}`
      const known = all.get(id)
      if (known !== undefined) {
        all.set(id, { ...known, lanes: [...known.lanes, lane] })
        continue
      }
      const writes = steps.filter(isWrite)
      const reads = steps.filter(step => !isWrite(step))
      all.set(id, {
        name: shortWord(name),
        operation,
        start: starts[operation] + 1,
        lanes: [lane],
        reads: latest(reads),
        readCount: reads.length,
        writes: latest(writes),
        writeCount: writes.length,
      })
    }
  }
  const sorted = [...all.values()].sort((a, b) => a.operation - b.operation)
  return { transactions: sorted.slice(0, MOST_TRANSACTIONS), omitted: Math.max(0, sorted.length - MOST_TRANSACTIONS) }
}

function latest(steps: readonly TransactionStep[]): readonly string[] {
  return steps.slice(-MOST_STEPS).map(formatOperation)
}
