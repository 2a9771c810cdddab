/** The record of one operation: its own costs, what it searched, and its place in a cohort. */
import type { EventOf, OperationKind } from '../trace/events.js'
import { newReadCounts, type ReadCounts } from '../trace/ledger.js'
import type { Cohort } from './receipt-cohort.js'
import type { KindReceipt, Receipt, ReceiptState, Searched } from './receipt.js'
import { Tally } from './receipt-tally.js'

class SearchedCounts {
  memtables = 0
  tables = 0
  pages = 0
  touched: ReadCounts = newReadCounts()

  addProbe({ source, outcome }: EventOf<'get.probe'>): void {
    if (source.in === 'memtable' || source.in === 'frozen') this.memtables++
    else if (outcome !== 'range-skip') this.tables++
  }

  add(other: SearchedCounts): void {
    this.memtables += other.memtables
    this.tables += other.tables
    this.pages += other.pages
    for (const field of Object.keys(this.touched) as (keyof ReadCounts)[]) this.touched[field] += other.touched[field]
  }

  plain(): Searched {
    return { memtables: this.memtables, tables: this.tables, pages: this.pages, touched: { ...this.touched } }
  }
}

/** The immediate costs of all operations of one kind. */
export class KindSummary {
  readonly kind: OperationKind
  operations = 0
  readonly now = new Tally()
  readonly searched = new SearchedCounts()

  constructor(kind: OperationKind) {
    this.kind = kind
  }

  receipt(): KindReceipt {
    return { kind: this.kind, operations: this.operations, now: this.now.amounts(), searched: this.searched.plain() }
  }
}

export class OperationRecord {
  readonly id: number
  readonly summary: KindSummary
  readonly entries: number
  userBytes: number | undefined
  valueBytes = 0
  status: Receipt['status'] = 'under way'
  readonly now = new Tally()
  readonly commits: number[] = []
  readonly searched = new SearchedCounts()
  #cohort: Cohort | undefined
  /** Bytes of records before its own in its cohort. */
  #before = 0
  #logBytes = 0

  constructor(event: EventOf<'operation.begin'>, summary: KindSummary) {
    this.id = event.operation
    this.summary = summary
    this.entries = event.entries ?? 0
    this.userBytes = event.userBytes
    summary.operations++
  }

  end({ status, valueBytes = 0, touched }: EventOf<'operation.end'>): void {
    this.status = status
    this.valueBytes = valueBytes
    if (touched !== undefined) this.searched.touched = { ...touched }
    this.summary.searched.add(this.searched)
  }

  /** Adds an immediate cost. */
  pay(tally: Tally): void {
    this.now.add(tally)
    this.summary.now.add(tally)
    this.#joined()?.now.add(tally)
  }

  /** Adds its log record to a cohort. */
  join(cohort: Cohort, logBytes: number): void {
    this.#cohort = cohort
    this.#before = cohort.logBytes
    this.#logBytes = logBytes
    cohort.now.add(this.now)
  }

  receipt(stateOf: (cohort: Cohort) => ReceiptState): Receipt {
    const { id, summary, status, entries, userBytes = 0, valueBytes } = this
    const cohort = this.#joined()
    const writtenBytes = this.now.writtenBytes + (cohort?.laterBytesOf(this.#before, this.#logBytes) ?? 0)
    const isWrite = summary.kind === 'write' || summary.kind === 'clear'
    return {
      operation: id,
      kind: summary.kind,
      status,
      entries,
      userBytes,
      valueBytes,
      now: this.now.amounts(),
      commits: [...this.commits],
      later: cohort?.linesOf(this.#before, this.#logBytes) ?? [],
      ...(cohort !== undefined && { state: stateOf(cohort) }),
      searched: this.searched.plain(),
      writtenBytes,
      writeAmplification: isWrite && userBytes > 0 ? writtenBytes / userBytes : 0,
    }
  }

  /** Its cohort, or the one that this was merged into. */
  #joined(): Cohort | undefined {
    const cohort = this.#cohort
    if (cohort?.into === undefined) return cohort
    this.#before += cohort.aheadInto
    return (this.#cohort = cohort.into)
  }
}
