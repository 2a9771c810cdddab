/** Who does what in a lane, and why, in words: from its moments in order. */
import { shortText } from 'kvarium/observe'
import type { EventOf, TraceEvent } from 'kvarium/trace'
import { formatOperation } from '../run/command.js'
import type { Operation } from '../run/operation.js'
import type { Moment } from '../run/run.js'

/** Characters of an operation that are shown. */
const MOST_TEXT = 48

const JOBS: Readonly<Record<EventOf<'job.begin'>['kind'], string>> = {
  open: 'the opening',
  close: 'the closing',
  commit: 'a sync of the log',
  rotate: 'the start of a log',
  replay: 'the replay of a log',
  flush: 'a flush',
  compaction: 'a compaction',
  checkpoint: 'a checkpoint',
  free: 'a removal of files',
}

export class Actors {
  readonly #operations: readonly Operation[]
  /** By their numbers, which begin anew when a store is opened again. */
  readonly #jobs = new Map<number, string>()
  /** Indexes of operations of the run, by the numbers that the store gives to its own; they begin anew as well. */
  readonly #begun = new Map<number, number>()
  #operation = -1

  constructor(operations: readonly Operation[]) {
    this.#operations = operations
  }

  /** The operation of the run that is under way; `undefined` between them. */
  get operation(): Operation | undefined {
    return this.#operations[this.#operation]
  }

  /** Takes in the next moment of the lane. */
  take(moment: Moment): void {
    if (moment.kind === 'call') this.#operation = moment.operation
    if (moment.kind === 'return') this.#operation = -1
    if (moment.kind !== 'event') return
    const { event } = moment
    if (event.type === 'operation.begin') this.#begun.set(event.operation, this.#operation)
    if (event.type === 'job.begin') this.#jobs.set(event.job, this.#jobText(event))
    // It says better why a compaction runs.
    if (event.type === 'compaction.pick')
      this.#jobs.set(event.job, `a compaction of tables ${event.inputs.flat().join(', ')}, because ${event.reason}`)
  }

  /** The job that the event is part of, and its reason; `undefined` if it is part of none that is known. */
  jobOf(event: TraceEvent): string | undefined {
    return this.#jobs.get(event.job)
  }

  /** The job that the event is part of, or else the operation. */
  whoOf(event: TraceEvent): string {
    if (event.job > 0) return this.jobOf(event) ?? 'a job that began before the first moment'
    return event.operation > 0 ? this.operationOf(event) : 'the store itself'
  }

  /** The operation that the event is part of, or that set off its job. */
  operationOf({ operation: number }: TraceEvent): string {
    const index = this.#begun.get(number) ?? -1
    const operation = this.#operations[index] as Operation | undefined
    if (operation === undefined) return `the store's operation ${number}`
    const text = formatOperation(operation)
    return `operation ${index + 1} (${shortText(text, MOST_TEXT + 1, '…')})`
  }

  #jobText(event: EventOf<'job.begin'>): string {
    const { kind, reason, operation } = event
    if (reason !== undefined) return `${JOBS[kind]}, because ${reason}`
    return operation > 0 ? `${JOBS[kind]}, set off by ${this.operationOf(event)}` : JOBS[kind]
  }
}
