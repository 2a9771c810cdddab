/**
 * Bills background work to the cohorts whose data it moved.
 *
 * - A flush is billed to the memtable it wrote: its bytes go to the cohorts of the logs that it made obsolete, by the bytes of their records.
 * - A table records which cohorts its bytes come from. A compaction's bytes, read and written, go to the cohorts of its inputs, by the
 *   bytes they contributed; its outputs have the mixture of its inputs, scaled to the kept bytes.
 * - A checkpoint, with its pages, free list and meta page, is billed to the writes since the last one.
 * - The manifest is billed to the job that writes to it. Bytes of a log outside of records are its cohort's.
 *
 * Invariants:
 * 1. Every job's bytes end up with cohorts or on an unbilled line, once, when it ends.
 * 2. Bounded memory: beyond `maxCohorts`, the oldest one whose data is in tables or pages is merged with those before it.
 */
import type { EventOf, TraceJobKind } from '../trace/events.js'
import { Cohort, TableCompositions, type AddedTable, type Composition } from './receipt-cohort.js'
import type { LaterCause, ReceiptState, UnbilledCause } from './receipt.js'
import { Tally } from './receipt-tally.js'

/** A job under way. */
export class JobRecord {
  readonly kind: TraceJobKind
  readonly tally = new Tally()
  /** The cohorts to bill; `undefined` while unknown. */
  payers: Composition | undefined
  outputLevel: number | undefined
  /** For a commit: the operations that share it, and its log. */
  operations: readonly number[] = []
  log: number | undefined
  /** For a flush: the tables it added. */
  added: readonly AddedTable[] = []
  /** Logs that recovery replayed, and tables that it built from them. */
  readonly replayed: number[] = []
  readonly built = new Set<number>()

  constructor(kind: TraceJobKind) {
    this.kind = kind
  }
}

export class Billing {
  readonly #maxCohorts: number
  readonly #cohorts = new Map<number, Cohort>()
  readonly #tables = new TableCompositions()
  readonly #jobs = new Map<number, JobRecord>()
  /** Old cohorts merged, and everything before the first one. */
  readonly #folded = new Cohort(0)
  readonly #earlier = new Cohort(0)
  /** Record bytes of logs from before the first event, while they are only in memory. */
  readonly #earlierLogs = new Map<number, number>()
  readonly #unbilled = new Map<UnbilledCause, Tally>()
  #newestLog = 0
  /** The first log of each memtable. */
  readonly #memtables = new Set<number>()

  constructor(maxCohorts: number) {
    this.#maxCohorts = maxCohorts
    this.#folded.isCarried = true
  }

  cohortOf(log: number): Cohort {
    let cohort = this.#cohorts.get(log)
    if (cohort === undefined) this.#cohorts.set(log, (cohort = new Cohort(log)))
    return cohort
  }

  /** A log number repeats if the store was destroyed and created again. */
  newLog(log: number): void {
    if (this.#cohorts.get(log)?.isCarried === true) this.#foldOne(log)
  }

  stateOf(cohort: Cohort): ReceiptState {
    return this.#tables.stateOf(cohort)
  }

  /** Cohorts with operations, the oldest first. */
  *cohorts(): Generator<Cohort> {
    if (this.#folded.logBytes > 0) yield this.#folded
    for (const cohort of this.#cohorts.values()) if (cohort.logBytes > 0) yield cohort
  }

  /** The amounts that are on no receipt now. */
  unbilled(): Map<UnbilledCause, Tally> {
    const lines = new Map<UnbilledCause, Tally>()
    const add = (cause: UnbilledCause, tally: Tally): void => {
      ;(lines.get(cause) ?? setNew(lines, cause)).add(tally)
    }
    for (const [cause, tally] of this.#unbilled) add(cause, tally)
    const earlier = new Tally()
    this.#earlier.addLater(earlier)
    add('earlier', earlier)
    for (const cohort of this.#cohorts.values()) {
      if (cohort.logBytes > 0) continue
      const idle = new Tally()
      cohort.addLater(idle)
      add('maintenance', idle)
    }
    for (const { tally } of this.#jobs.values()) add('under way', tally)
    return lines
  }

  addUnbilled(cause: UnbilledCause, tally: Tally): void {
    ;(this.#unbilled.get(cause) ?? setNew(this.#unbilled, cause)).add(tally)
  }

  jobOf(event: { readonly job: number }): JobRecord | undefined {
    return this.#jobs.get(event.job)
  }

  begin({ kind, job }: EventOf<'job.begin'>): void {
    if (kind === 'open') {
      // Jobs of a store that was not closed.
      for (const { tally } of this.#jobs.values()) this.addUnbilled('failed', tally)
      this.#jobs.clear()
      this.#memtables.clear()
    }
    this.#jobs.set(job, new JobRecord(kind))
  }

  /** Settles a job; returns it if operations pay for it. */
  end({ job: id, status }: EventOf<'job.end'>): JobRecord | undefined {
    const job = this.#jobs.get(id)
    if (job === undefined) return undefined
    this.#jobs.delete(id)
    const { kind, tally, payers } = job
    if (kind === 'open' || kind === 'close') this.addUnbilled(kind, tally)
    else if (kind === 'replay') this.addUnbilled('open', tally)
    else if (job.operations.length > 0) return job
    else if (kind === 'commit' && job.log !== undefined) this.#billIdleCommit(job.log, tally)
    else if (payers !== undefined && payers.size > 0) this.#charge(payers, causeOf(kind), job.outputLevel, tally)
    else if (kind === 'rotate' && this.#newestLog > 0) this.#charge(new Map([[this.cohortOf(this.#newestLog), 1]]), 'log', undefined, tally)
    else this.addUnbilled(status === 'ok' ? 'maintenance' : 'failed', tally)
    this.#fold()
    return undefined
  }

  /** A commit that no operation waited for makes a log's header durable, or is part of opening or closing. */
  #billIdleCommit(log: number, tally: Tally): void {
    const outer = [...this.#jobs.values()].find(({ kind }) => kind === 'open' || kind === 'close')
    if (outer === undefined) this.cohortOf(log).charge('log', undefined, tally)
    else outer.tally.add(tally)
  }

  replay({ log, bytes, job }: EventOf<'log.replay'>): void {
    this.#jobs.get(job)?.replayed.push(log)
    if (!this.#cohorts.has(log)) this.#earlierLogs.set(log, bytes)
  }

  rotate({ to }: EventOf<'log.rotate'>): void {
    this.#newestLog = to
  }

  newMemtable({ log }: EventOf<'memtable.new'>): void {
    this.#memtables.add(log)
  }

  /** Logs before the next memtable's were flushed with it: the manifest may not list all of them. */
  dropMemtable({ log, job: id }: EventOf<'memtable.drop'>): void {
    this.#memtables.delete(log)
    const next = Math.min(...this.#memtables)
    const job = this.#jobs.get(id)
    if (job === undefined || next === Infinity) return
    const payers = this.#carry(this.#logsBefore(next))
    if (payers.size === 0) return
    for (const [cohort, bytes] of job.payers ?? NO_COHORTS) payers.set(cohort, (payers.get(cohort) ?? 0) + bytes)
    job.payers = payers
    this.#tables.add(job.added, payers)
  }

  /** The log is no longer needed because its entries are stored elsewhere: in pages, if a checkpoint is under way. */
  release({ log }: EventOf<'log.release'>): void {
    this.#checkpointed([log])
  }

  edit(event: EventOf<'manifest.edit'>): void {
    const { added, flushedLogs, newLog } = event
    const job = this.#jobs.get(event.job)
    const tables = this.#tables
    const kept = new Set(added.map(({ number }) => number))
    const deleted = event.whole ? tables.numbers().filter(number => !kept.has(number)) : event.deleted
    const fresh = added.filter(({ number }) => !tables.has(number))
    for (const { number, level } of added) tables.move(number, level)
    if (job?.kind === 'open') {
      const recovered = this.#carry([...flushedLogs, ...(fresh.some(({ number }) => job.built.has(number)) ? job.replayed : [])])
      for (const table of fresh) tables.add([table], orElse(job.built.has(table.number) ? recovered : NO_COHORTS, this.#earlier))
    } else {
      const flushed = this.#carry(flushedLogs)
      const payers = job?.kind === 'compaction' || flushed.size === 0 ? tables.sum(deleted) : flushed
      tables.add(fresh, orElse(payers, this.#earlier))
      if (job !== undefined) job.added = fresh
      if (job !== undefined && payers.size > 0) job.payers = payers
      else if (job !== undefined && newLog !== undefined) job.payers = new Map([[this.cohortOf(newLog), 1]])
    }
    for (const number of deleted) if (!kept.has(number)) tables.delete(number)
  }

  /** All logs before the first one that is still needed are in pages. */
  checkpoint({ firstLog }: EventOf<'checkpoint.end'>): void {
    this.#checkpointed(this.#logsBefore(firstLog))
  }

  #logsBefore(first: number): number[] {
    return [...this.#cohorts.keys(), ...this.#earlierLogs.keys()].filter(log => log < first)
  }

  #checkpointed(logs: readonly number[]): void {
    const payers = this.#carry(logs)
    // Only one checkpoint runs at a time.
    const record = [...this.#jobs.values()].find(({ kind }) => kind === 'checkpoint')
    if (record !== undefined) record.payers = new Map([...(record.payers ?? []), ...payers])
  }

  /** The cohorts, and their bytes, of logs whose data is in tables or pages from now on. */
  #carry(logs: readonly number[]): Composition {
    const composition: Composition = new Map()
    for (const log of logs) {
      const earlier = this.#earlierLogs.get(log) ?? 0
      this.#earlierLogs.delete(log)
      if (earlier > 0) composition.set(this.#earlier, (composition.get(this.#earlier) ?? 0) + earlier)
      const cohort = this.#cohorts.get(log)
      if (cohort === undefined || cohort.isCarried) continue
      cohort.isCarried = true
      if (cohort.logBytes > 0) composition.set(cohort, cohort.logBytes)
    }
    return composition
  }

  #charge(payers: Composition, cause: LaterCause, level: number | undefined, tally: Tally): void {
    const shares = tally.divide([...payers.values()])
    let at = 0
    for (const payer of payers.keys()) (payer.into ?? payer).charge(cause, level, shares[at++])
  }

  #fold(): void {
    if (this.#cohorts.size <= this.#maxCohorts) return
    for (const [log, { isCarried, logBytes }] of this.#cohorts) {
      if (isCarried || (logBytes === 0 && log < this.#newestLog)) return this.#foldOne(log)
    }
  }

  #foldOne(log: number): void {
    const cohort = this.cohortOf(log)
    this.#cohorts.delete(log)
    if (cohort.logBytes > 0) {
      this.#folded.absorb(cohort)
      this.#tables.replace(cohort, this.#folded)
    } else {
      const idle = new Tally()
      cohort.addLater(idle)
      this.addUnbilled('maintenance', idle)
    }
  }
}

const NO_COHORTS: Composition = new Map()

function orElse(composition: Composition, cohort: Cohort): Composition {
  return composition.size > 0 ? composition : new Map([[cohort, 1]])
}

function causeOf(kind: TraceJobKind): LaterCause {
  return kind === 'flush' || kind === 'compaction' || kind === 'checkpoint' ? kind : 'log'
}

function setNew(lines: Map<UnbilledCause, Tally>, cause: UnbilledCause): Tally {
  const tally = new Tally()
  lines.set(cause, tally)
  return tally
}
