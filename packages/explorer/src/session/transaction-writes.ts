/** What the transactions of a lane write, from its operations and what came of them. */
import type { Operation, TransactionStep, TransactionWrite } from '../run/operation.js'
import type { Moment, Run } from '../run/run.js'

/** An open transaction. */
export interface Pending {
  /** Index of the operation that began it. */
  readonly begun: number
  /** What it has done, in order; its writes among them stand in `writes`, too. */
  readonly steps: readonly TransactionStep[]
  readonly writes: readonly TransactionWrite[]
  /** Whether its commit survives power loss. */
  readonly isSync: boolean
}

export class TransactionWrites {
  readonly #open = new Map<string, Pending & { readonly steps: TransactionStep[]; readonly writes: TransactionWrite[] }>()
  /** Entries that the last commit has written: none where it cleared what was not there, and so was compared with nothing. */
  #entries = 0

  /** What the open transaction of this name would write. */
  pending(name: string): Pending | undefined {
    return this.#open.get(name)
  }

  /** All that are open, in the order of their beginnings. */
  get open(): ReadonlyMap<string, Pending> {
    return this.#open
  }

  /** Takes in the next moment of the lane. Returns what a commit has written, where it ends; `undefined` for all else. */
  take(moment: Moment, operations: readonly Operation[]): Pending | undefined {
    if (moment.kind === 'event' && moment.event.type === 'transaction.commit') this.#entries = moment.event.entries
    if (moment.kind !== 'return' || moment.operation < 0) return undefined
    const { status } = moment.outcome
    const hasFailed = status === 'failed'
    const operation = operations[moment.operation]
    switch (operation.type) {
      case 'begin':
        if (!hasFailed) {
          this.#open.set(operation.name, { begun: moment.operation, steps: [], writes: [], isSync: operation.sync === true })
        }
        return undefined
      case 'in': {
        const open = hasFailed ? undefined : this.#open.get(operation.name)
        open?.steps.push(operation.operation)
        if (isWrite(operation.operation)) open?.writes.push(operation.operation)
        return undefined
      }
      case 'commit':
      case 'abort': {
        const open = this.#open.get(operation.name)
        this.#open.delete(operation.name)
        return operation.type === 'commit' && status === 'ok' && this.#entries > 0 ? open : undefined
      }
      case 'reopen':
        this.#open.clear()
        return undefined
      case 'crash':
        if (!hasFailed) this.#open.clear()
        return undefined
      default:
        return undefined
    }
  }
}

/**
 * The operations that a lane has ended up to a position, without those that failed. What a transaction writes stands where it was committed, as a
 * batch.
 */
export function endedOperations({ moments, first, operations }: Run, lane: number, position: number): readonly Operation[] {
  const transactions = new TransactionWrites()
  return moments.slice(0, position - first).flatMap((moment): readonly Operation[] => {
    if (moment.lane !== lane) return []
    const written = transactions.take(moment, operations)
    if (written !== undefined) return batched(written.writes)
    if (moment.kind !== 'return' || moment.operation < 0) return []
    const operation = operations[moment.operation]
    const { status } = moment.outcome
    return status === 'failed' || status === 'conflict' || operation.type === 'in' ? [] : [operation]
  })
}

function batched(writes: readonly TransactionWrite[]): readonly Operation[] {
  const last = new Map<string, Exclude<TransactionWrite, { type: 'clear' }>>()
  const clears = writes.filter(write => write.type === 'clear')
  // The later one of two writes of a key is the one that is written.
  for (const write of writes) if (write.type !== 'clear') last.set(write.key, write)
  return last.size === 0 ? clears : [...clears, { type: 'batch', operations: [...last.values()] }]
}

export function isWrite(step: TransactionStep): step is TransactionWrite {
  return step.type !== 'get' && step.type !== 'range'
}
