/**
 * Keeps a receipt for every operation: its cost at once, and its share of later background work on its data.
 *
 *   const book = new ReceiptBook()
 *   const store = new Kvarium(location, { trace: new Trace({ level: 'io', listener: book.listener }) })
 *
 * Invariants:
 * 1. At every moment the receipts of all operations and the unbilled lines add up to the bytes and syncs of the file events, part by
 *    part, hence to the ledger.
 * 2. A write leaves one record in one log. All other writes to a log outside of opening and closing are its cohort's.
 * 3. Bounded memory: the last operations and the last cohorts are kept singly, the others in sums.
 */
import type { EventOf, OperationKind, TraceEvent } from '../trace/events.js'
import { Billing } from './receipt-billing.js'
import type { Cohort } from './receipt-cohort.js'
import { KindSummary, OperationRecord } from './receipt-operation.js'
import { Tally } from './receipt-tally.js'
import type { CohortReceipt, KindReceipt, Receipt, ReceiptState, ReceiptTotals, UnbilledLine } from './receipt.js'
import type { TraceListener } from '../trace/span.js'

export interface ReceiptBookOptions {
  /** How many ended operations are kept singly. @defaultValue 10000 */
  readonly operations?: number
  /** How many cohorts (roughly: memtables or checkpoints) are kept singly. @defaultValue 128 */
  readonly cohorts?: number
}

const LOG_NAME = /^(\d+)\.log$/

/** Give its `listener` to a trace of level `io` or `step`; a trace of level `job` has no events to bill. */
export class ReceiptBook {
  readonly listener: TraceListener
  readonly #keptOperations: number
  readonly #billing: Billing
  readonly #underWay = new Map<number, OperationRecord>()
  readonly #ended = new Map<number, OperationRecord>()
  readonly #kinds = new Map<OperationKind, KindSummary>()
  readonly #total = new Tally()
  readonly #stateOf = (cohort: Cohort): ReceiptState => this.#billing.stateOf(cohort)
  #operations = 0
  #newest = 0
  #userBytes = 0

  constructor({ operations = 10_000, cohorts = 128 }: ReceiptBookOptions = {}) {
    this.#keptOperations = atLeastOne(operations, 'operations')
    this.#billing = new Billing(atLeastOne(cohorts, 'cohorts'))
    this.listener = event => this.#take(event)
  }

  /** The cost of the operation so far; `undefined` if it is unknown or no longer kept. */
  receipt(operation: number): Receipt | undefined {
    return (this.#ended.get(operation) ?? this.#underWay.get(operation))?.receipt(this.#stateOf)
  }

  /** Receipts of all kept operations: first the ended ones in the order of their ends, then those under way. */
  *receipts(): Generator<Receipt> {
    for (const records of [this.#ended, this.#underWay]) {
      for (const record of records.values()) yield record.receipt(this.#stateOf)
    }
  }

  /** The writes of each log together, the oldest first. The first one, with log 0, sums those that are no longer kept singly. */
  cohorts(): CohortReceipt[] {
    return [...this.#billing.cohorts()].map(cohort => cohort.receipt(this.#stateOf(cohort)))
  }

  /** The immediate cost of operations, by kind. */
  kinds(): KindReceipt[] {
    return [...this.#kinds.values()].map(summary => summary.receipt())
  }

  /** The amounts on no receipt, with the cause. Empty lines are omitted. */
  unbilled(): UnbilledLine[] {
    return [...this.#billing.unbilled()].flatMap(([cause, tally]) => (tally.isZero ? [] : [{ cause, amounts: tally.amounts() }]))
  }

  totals(): ReceiptTotals {
    const billed = new Tally()
    for (const { now } of this.#kinds.values()) billed.add(now)
    for (const cohort of this.#billing.cohorts()) cohort.addLater(billed)
    const unbilled = new Tally()
    for (const tally of this.#billing.unbilled().values()) unbilled.add(tally)
    return {
      operations: this.#operations,
      userBytes: this.#userBytes,
      total: this.#total.amounts(),
      billed: billed.amounts(),
      unbilled: unbilled.amounts(),
    }
  }

  #take(event: TraceEvent): void {
    const { operation } = event
    switch (event.type) {
      case 'operation.begin':
        this.#operations++
        this.#newest = operation
        this.#underWay.set(operation, new OperationRecord(event, this.#kindOf(event.kind)))
        break
      case 'operation.end':
        this.#end(event)
        break
      case 'file.create': {
        const log = LOG_NAME.exec(event.file)
        if (log !== null) this.#billing.newLog(Number(log[1]))
        break
      }
      case 'file.read': {
        const tally = new Tally()
        tally.read(event.part, event.length)
        this.#count(event, tally)
        break
      }
      case 'file.write':
        this.#countWrite(event)
        break
      case 'file.sync':
      case 'directory.sync': {
        const tally = new Tally()
        tally.sync()
        this.#count(event, tally)
        break
      }
      case 'log.append':
        this.#append(event)
        break
      case 'log.commit': {
        const job = this.#billing.jobOf(event)
        if (job === undefined) break
        job.operations = [...new Set(event.operations)]
        job.log = event.log
        break
      }
      case 'log.replay':
        this.#billing.replay(event)
        break
      case 'log.rotate':
        this.#billing.rotate(event)
        break
      case 'log.release':
        this.#billing.release(event)
        break
      case 'job.begin':
        this.#billing.begin(event)
        break
      case 'job.end':
        this.#endJob(event)
        break
      case 'memtable.new':
        this.#billing.newMemtable(event)
        break
      case 'memtable.drop':
        this.#billing.dropMemtable(event)
        break
      case 'compaction.pick': {
        const job = this.#billing.jobOf(event)
        if (job !== undefined) job.outputLevel = event.outputLevel
        break
      }
      case 'table.built':
        this.#billing.jobOf(event)?.built.add(event.number)
        break
      case 'manifest.edit':
        this.#billing.edit(event)
        break
      case 'checkpoint.end':
        this.#billing.checkpoint(event)
        break
      case 'get.probe':
        this.#recordOf(operation)?.searched.addProbe(event)
        break
      case 'page.visit': {
        const record = this.#recordOf(operation)
        if (record !== undefined) record.searched.pages++
        break
      }
      default:
    }
  }

  #end(event: EventOf<'operation.end'>): void {
    const record = this.#underWay.get(event.operation)
    if (record === undefined) return
    record.end(event)
    const isWrite = event.kind === 'write' || event.kind === 'clear'
    if (isWrite && event.status === 'ok') this.#userBytes += record.userBytes ?? 0
    this.#underWay.delete(event.operation)
    this.#ended.set(event.operation, record)
    if (this.#ended.size > this.#keptOperations) {
      const [oldest] = this.#ended.keys()
      this.#ended.delete(oldest)
    }
  }

  /** Adds an amount to its job, its operation, or the unbilled lines. */
  #count(event: TraceEvent, tally: Tally): void {
    this.#total.add(tally)
    const job = this.#billing.jobOf(event)
    const record = this.#recordOf(event.operation)
    if (job !== undefined) job.tally.add(tally)
    else if (record !== undefined) record.pay(tally)
    // Only work of a cursor after its operation has ended can come so late that the operation is no longer kept.
    else if (event.operation > 0 && event.operation <= this.#newest) this.#kindOf('cursor').now.add(tally)
    else this.#billing.addUnbilled('outside', tally)
  }

  #countWrite(event: EventOf<'file.write'>): void {
    const tally = new Tally()
    tally.write(event.part, event.length)
    const kind = this.#billing.jobOf(event)?.kind
    const log = event.part === 'log' && kind !== 'open' && kind !== 'replay' && kind !== 'close' ? LOG_NAME.exec(event.file) : null
    if (log === null) return this.#count(event, tally)
    // The cohort's until it is known to be a record.
    this.#total.add(tally)
    this.#billing.cohortOf(Number(log[1])).charge('log', undefined, tally, 0)
  }

  #append({ operation, log, length, userBytes }: EventOf<'log.append'>): void {
    const record = this.#recordOf(operation)
    const cohort = this.#billing.cohortOf(log)
    const takenOff = new Tally()
    takenOff.write('log', -length)
    cohort.charge('log', undefined, takenOff, 0)
    const tally = new Tally()
    tally.write('log', length)
    if (record === undefined) {
      // The operation began before the first event.
      this.#kindOf('write').now.add(tally)
      cohort.now.add(tally)
    } else {
      record.userBytes ??= userBytes
      record.pay(tally)
      record.join(cohort, length)
    }
    cohort.operations++
    cohort.userBytes += record?.userBytes ?? userBytes
    cohort.logBytes += length
  }

  #endJob(event: EventOf<'job.end'>): void {
    const commit = this.#billing.end(event)
    if (commit === undefined) return
    const { operations, tally } = commit
    const shares = tally.divide(operations.map(() => 1))
    for (let i = 0; i < operations.length; i++) {
      const record = this.#recordOf(operations[i])
      if (record === undefined) {
        // No longer kept singly.
        this.#kindOf('write').now.add(shares[i])
        continue
      }
      record.commits.push(operations.length)
      record.pay(shares[i])
    }
  }

  #recordOf(operation: number): OperationRecord | undefined {
    return this.#underWay.get(operation) ?? this.#ended.get(operation)
  }

  #kindOf(kind: OperationKind): KindSummary {
    let summary = this.#kinds.get(kind)
    if (summary === undefined) this.#kinds.set(kind, (summary = new KindSummary(kind)))
    return summary
  }
}

function atLeastOne(value: number, name: string): number {
  if (Number.isSafeInteger(value) && value >= 1) return value
  throw new TypeError(`The option '${name}' of a ReceiptBook must be a whole number from 1, not ${String(value)}`)
}
