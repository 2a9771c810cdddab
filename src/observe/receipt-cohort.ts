/**
 * Operations with common background work: those whose records are in one log, so in one memtable, or between the same two checkpoints.
 *
 * Later amounts are billed to the cohort, and divided by the bytes of the log records on request.
 */
import type { CohortReceipt, LaterCause, LaterLine, ReceiptState } from './receipt.js'
import { Tally } from './receipt-tally.js'

interface Line {
  readonly cause: LaterCause
  readonly level: number | undefined
  jobs: number
  readonly tally: Tally
}

export class Cohort {
  readonly log: number
  operations = 0
  userBytes = 0
  /** Bytes of its log records. */
  logBytes = 0
  /** Whether its data is in tables or pages. */
  isCarried = false
  /** The cohort it was merged into, and how many log bytes precede its own there. */
  into: Cohort | undefined
  aheadInto = 0
  readonly now = new Tally()
  readonly #lines = new Map<string, Line>()

  constructor(log: number) {
    this.log = log
  }

  /** Adds one or several jobs to the line of their cause and level. */
  charge(cause: LaterCause, level: number | undefined, tally: Tally, jobs = 1): void {
    const name = level === undefined ? cause : `${cause} ${level}`
    let line = this.#lines.get(name)
    if (line === undefined) this.#lines.set(name, (line = { cause, level, jobs: 0, tally: new Tally() }))
    line.jobs += jobs
    line.tally.add(tally)
  }

  /** Adds all later amounts to `sum`. */
  addLater(sum: Tally): void {
    for (const { tally } of this.#lines.values()) sum.add(tally)
  }

  /** The lines of all its operations. */
  lines(): LaterLine[] {
    return this.#shown(tally => tally)
  }

  /** The lines of the operation that owns `bytes` of its log bytes, behind `before`. */
  linesOf(before: number, bytes: number): LaterLine[] {
    return this.#shown(tally => tally.share(before, bytes, this.logBytes))
  }

  /** The bytes written later for that operation. */
  laterBytesOf(before: number, bytes: number): number {
    let sum = 0
    for (const { tally } of this.#lines.values()) sum += tally.share(before, bytes, this.logBytes).writtenBytes
    return sum
  }

  /** Takes over the bill of another cohort. */
  absorb(other: Cohort): void {
    other.into = this
    other.aheadInto = this.logBytes
    this.operations += other.operations
    this.userBytes += other.userBytes
    this.logBytes += other.logBytes
    this.now.add(other.now)
    for (const { cause, level, jobs, tally } of other.#lines.values()) this.charge(cause, level, tally, jobs)
  }

  receipt(state: ReceiptState): CohortReceipt {
    const { log, operations, userBytes, logBytes } = this
    return { log, operations, userBytes, logBytes, now: this.now.amounts(), later: this.lines(), state }
  }

  #shown(shareOf: (tally: Tally) => Tally): LaterLine[] {
    const rank = { log: 0, flush: 1, checkpoint: 2, compaction: 3 }
    const told = [...this.#lines.values()].filter(({ jobs, tally }) => jobs > 0 || !tally.isZero)
    const lines = told.sort((a, b) => rank[a.cause] - rank[b.cause] || (a.level ?? 0) - (b.level ?? 0))
    return lines.map(({ cause, level, jobs, tally }) => ({
      cause,
      ...(level !== undefined && { level }),
      jobs,
      amounts: shareOf(tally).amounts(),
    }))
  }
}

/** Bytes of each cohort in a mixture. Not whole numbers: a merge divides them. */
export type Composition = Map<Cohort, number>

interface KnownTable {
  level: number
  readonly composition: Composition
}

export interface AddedTable {
  readonly number: number
  readonly level: number
  readonly fileBytes: number
}

/** Which cohorts the data of each table comes from: the parts add up to the bytes of its file. */
export class TableCompositions {
  readonly #tables = new Map<number, KnownTable>()

  has(number: number): boolean {
    return this.#tables.has(number)
  }

  numbers(): number[] {
    return [...this.#tables.keys()]
  }

  /** The composition of the tables together. Unknown ones count nothing. */
  sum(numbers: readonly number[]): Composition {
    const sum: Composition = new Map()
    for (const number of numbers) {
      for (const [cohort, bytes] of this.#tables.get(number)?.composition ?? []) sum.set(cohort, (sum.get(cohort) ?? 0) + bytes)
    }
    return sum
  }

  /** New tables, each with the same mixture. */
  add(added: readonly AddedTable[], mixture: Composition): void {
    const whole = [...mixture.values()].reduce((a, b) => a + b, 0)
    for (const { number, level, fileBytes } of added) {
      const composition: Composition = new Map()
      for (const [cohort, bytes] of mixture) composition.set(cohort, (bytes / whole) * fileBytes)
      this.#tables.set(number, { level, composition })
    }
  }

  move(number: number, level: number): void {
    const table = this.#tables.get(number)
    if (table !== undefined) table.level = level
  }

  delete(number: number): void {
    this.#tables.delete(number)
  }

  /** Replaces `from` by `to` in all tables. */
  replace(from: Cohort, to: Cohort): void {
    for (const { composition } of this.#tables.values()) {
      const bytes = composition.get(from)
      if (bytes === undefined) continue
      composition.delete(from)
      composition.set(to, (composition.get(to) ?? 0) + bytes)
    }
  }

  /** Where the data of the cohort is. */
  stateOf(cohort: Cohort): ReceiptState {
    if (!cohort.isCarried) return { phase: 'pending', levels: [] }
    const levels = new Set<number>()
    let deepest = 0
    for (const { level, composition } of this.#tables.values()) {
      if (composition.has(cohort)) levels.add(level)
      deepest = Math.max(deepest, level)
    }
    const sorted = [...levels].sort((a, b) => a - b)
    const isSettled = sorted.length === 0 || (sorted[0] === deepest && deepest > 0)
    return { phase: isSettled ? 'settled' : 'flushed', levels: sorted }
  }
}
