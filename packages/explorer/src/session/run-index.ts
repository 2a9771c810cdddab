/**
 * A run as it can be looked up: its moments in words, its events by lane, and the pictures of each position.
 *
 * Invariants:
 * 1. `take` brings it up to the run; every other call is about the moments that were taken in.
 * 2. An answer depends on the run and the call alone, not on the calls before.
 */
import { describe } from 'kvarium/observe'
import type { TraceEvent } from 'kvarium/trace'
import { formatOperation } from '../run/command.js'
import { eventsBefore } from '../run/events-before.js'
import { outcomeText } from '../run/outcome-text.js'
import type { Moment, Run } from '../run/run.js'
import { foldsFor, type PictureName, type Pictures } from '../views/catalog.js'
import { Track } from '../views/track.js'
import type { LaneLook, MomentText, OperationRow, SeekRequest, TypeCount } from './protocol.js'
import { Timelines } from './timelines.js'
import { Vocabulary } from './vocabulary.js'

export class RunIndex {
  readonly run: Run
  /** What stands for the files that a lane begins with. */
  readonly before: readonly TraceEvent[]
  /** By lane. */
  readonly tracks: readonly Track[]
  readonly timelines = new Timelines()
  readonly vocabulary: Vocabulary
  readonly #types = new Map<string, number>()
  /** For each moment, the number of the lane's events up to and with it. */
  readonly #counts: number[] = []
  #taken = 0
  #takenOperations = 0
  #takenFound: number

  /** @param before - What stands for the files that a lane begins with. */
  constructor(run: Run, before: readonly TraceEvent[]) {
    this.run = run
    this.before = before
    const { lanes } = run.settings
    this.tracks = lanes.map(({ engine }) => new Track(() => foldsFor(engine, before)))
    this.vocabulary = new Vocabulary(lanes.map(({ name }) => name))
    // Those of the beginning are in the folds.
    this.#takenFound = run.found.length
  }

  /** Takes in the moments that the run has added. */
  take(): void {
    const { moments, first, operations, found } = this.run
    for (; this.#takenOperations < operations.length; this.#takenOperations++) this.vocabulary.add(operations[this.#takenOperations])
    for (; this.#taken < moments.length; this.#taken++) {
      const moment = moments[this.#taken]
      const track = this.tracks[moment.lane]
      for (; found[this.#takenFound]?.position === this.#taken; this.#takenFound++) {
        track.lane.found.push({ count: track.count, files: eventsBefore(found[this.#takenFound].fileSystem) })
      }
      if (moment.kind === 'event') track.lane.events.push(moment.event)
      this.#counts.push(track.count)
      this.timelines.add(moment, first + this.#taken + 1)
      const type = moment.kind === 'event' ? moment.event.type : moment.kind
      this.#types.set(type, (this.#types.get(type) ?? 0) + 1)
    }
  }

  /** Takes in what there is and folds it, so that a look at the end has nothing left to fold. */
  fold(): void {
    this.take()
    for (const track of this.tracks) track.foldAll()
  }

  /** Forgets the oldest moments where there are many more than `most`, or they take much more memory than `mostBytes`. Returns whether it did. */
  forget(most: number, mostBytes: number): boolean {
    const { run } = this
    if (run.moments.length <= most + most / 4 && run.bytes <= mostBytes + mostBytes / 4) return false
    this.take()
    const gone = run.countBeyond(most, mostBytes)
    for (const [lane, track] of this.tracks.entries()) track.forget(this.eventsUpTo(run.first + gone, lane))
    run.forget(gone)
    this.#counts.splice(0, gone)
    this.#taken -= gone
    this.timelines.forget(run.first)
    return true
  }

  /** The nearest position that has moments. */
  within(position: number): number {
    return Math.max(this.run.first, Math.min(position, this.run.last))
  }

  /** How many events a lane has had at a position. */
  eventsUpTo(position: number, lane: number): number {
    const { moments, first } = this.run
    for (let index = position - 1 - first; index >= 0; index--) if (moments[index].lane === lane) return this.#counts[index]
    return this.tracks[lane].first
  }

  /** How many of them are not forgotten. */
  keptUpTo(position: number, lane: number): number {
    return this.eventsUpTo(position, lane) - this.tracks[lane].first
  }

  /** How many operations had begun before a position. */
  operationsUpTo(position: number): number {
    return lastAtOrBefore(this.run.starts, position - 1) + 1
  }

  /** Pictures of a lane at a position: those of these names that its engine has, or all of them. */
  picturesAt(lane: number, position: number, names?: readonly PictureName[]): Pictures {
    const folds = this.tracks[lane].at(this.eventsUpTo(position, lane))
    const wanted = names?.filter(name => name in folds) ?? Object.keys(folds)
    return Object.fromEntries(wanted.map(name => [name, folds[name].picture()]))
  }

  looks(position: number, names?: readonly PictureName[]): readonly LaneLook[] {
    return this.run.settings.lanes.map(({ name, engine }, lane): LaneLook => {
      return { name, engine, events: this.eventsUpTo(position, lane), pictures: this.picturesAt(lane, position, names) }
    })
  }

  /** The next position at which something of a kind is. */
  seek({ from, direction, at, lane }: SeekRequest): number | undefined {
    const { moments, first, last } = this.run
    const next = Math.max(first - 1, Math.min(from, last + 1)) + direction
    for (let position = next; position >= first && position <= last; position += direction) {
      if (position === first) return at === 'moment' || at === 'operation' ? first : undefined
      const moment = moments[position - 1 - first]
      if ((lane === undefined || moment.lane === lane) && this.#isStop(moment, position, at)) return position
    }
    return undefined
  }

  /** The operations with these indexes, `to` excluded. */
  rows(from: number, to: number): readonly OperationRow[] {
    const { operations, starts, moments, settings } = this.run
    return operations.slice(from, to).map((operation, offset) => {
      const index = from + offset
      const start = starts[index]
      const outcomes: OperationRow['outcomes'][number][] = settings.lanes.map(() => undefined)
      const end = starts[index + 1] ?? moments.length
      for (let position = start; position < end; position++) {
        const moment = moments[position]
        if (moment.kind === 'return' && moment.operation === index) outcomes[moment.lane] = moment.outcome
      }
      return { index, text: formatOperation(operation), start: start + 1, outcomes }
    })
  }

  /** The types of moments, and how many there are of each, by name. */
  types(): readonly TypeCount[] {
    return [...this.#types].map(([type, count]) => ({ type, count })).sort((a, b) => (a.type < b.type ? -1 : 1))
  }

  /** The moment before a position, in words. */
  textAt(position: number): MomentText {
    const { moments, first, operations, starts, settings } = this.run
    const moment = moments[position - 1 - first]
    const { lane, kind } = moment
    if (kind === 'event') {
      const { event } = moment
      const operation = lastAtOrBefore(starts, position - 1)
      const job = event.job > 0 ? { job: event.job } : {}
      return { lane, kind, type: event.type, sentence: describe(event), operation, atMs: event.atMs, ...job }
    }
    const { operation } = moment
    const text = operation < 0 ? `open ${settings.lanes[lane].engine}` : formatOperation(operations[operation])
    const sentence = kind === 'call' ? text : [text, outcomeText(moment.outcome)].filter(part => part !== '').join(': ')
    return { lane, kind, type: kind, sentence, operation }
  }

  #isStop(moment: Moment, position: number, at: SeekRequest['at']): boolean {
    if (at === 'moment') return true
    if (at === 'operation') return moment.kind === 'call'
    if (at === 'job') return moment.kind === 'event' && (moment.event.type === 'job.begin' || moment.event.type === 'job.end')
    if ('type' in at) return moment.kind === 'event' ? hasType(moment.event, at.type) : moment.kind === at.type
    return this.textAt(position).sentence.toLowerCase().includes(at.text.toLowerCase())
  }
}

function hasType({ type }: TraceEvent, wanted: string): boolean {
  return type === wanted || type.startsWith(`${wanted}.`)
}

/** Index of the last number that is at most `value`, in ascending numbers; -1 if there is none. */
function lastAtOrBefore(numbers: readonly number[], value: number): number {
  let low = 0
  let high = numbers.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (numbers[middle] <= value) low = middle + 1
    else high = middle
  }
  return low - 1
}
