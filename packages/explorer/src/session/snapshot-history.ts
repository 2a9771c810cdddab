/** What was done with one snapshot of a lane: who took it, what was read at it, and when it was released. */
import { describe } from 'kvarium/observe'
import { formatOperation } from '../run/command.js'
import type { Run } from '../run/run.js'
import { Actors } from './actors.js'
import { atMoment, counted, number, type Entry, type Found } from './named.js'

/** From one taking of the name to its end. */
interface Held {
  readonly position: number
  readonly by: string
  readonly sequence: number
  readonly reads: number[]
  end?: { readonly position: number; readonly how: string }
}

export function findSnapshot({ moments, first, operations }: Run, lane: number, name: string): Found {
  const actors = new Actors(operations)
  const entries: Entry[] = []
  const all: Held[] = []
  for (const [index, moment] of moments.entries()) {
    if (moment.lane !== lane) continue
    actors.take(moment)
    const position = first + index + 1
    const { operation } = actors
    const held = all.at(-1)?.end === undefined ? all.at(-1) : undefined
    const isTake = operation?.type === 'snapshot' && operation.name === name
    const isRelease = operation?.type === 'release' && operation.name === name
    const isRead = operation?.type === 'get' && operation.snapshot === name
    if (moment.kind === 'call' && operation !== undefined && (isTake || isRelease || isRead)) {
      entries.push({ position, type: 'call', sentence: formatOperation(operation) })
      if (isRead) held?.reads.push(position)
    }
    if (moment.kind !== 'event') continue
    const { event } = moment
    const isOpening = event.type === 'job.begin' && event.kind === 'open'
    const isTaken = isTake && event.type === 'snapshot.take'
    // Closing a store releases all that it holds.
    const isReleased =
      event.type === 'snapshot.release' && event.entrySequence === held?.sequence && (isRelease || operation?.type === 'reopen')
    if (isTaken) all.push({ position, by: actors.operationOf(event), sequence: event.entrySequence, reads: [] })
    if (held !== undefined && isReleased) {
      const how = isRelease ? 'Released' : 'Released when the store was closed'
      held.end = { position, how }
    } else if (held !== undefined && isOpening) held.end = { position, how: 'Lost when the store was opened again' }
    if (isTaken || (held !== undefined && isReleased)) entries.push({ position, type: event.type, sentence: describe(event) })
  }
  return { from: 0, entries, summarize: position => summaryOf(all, position) }
}

function summaryOf(all: readonly Held[], position: number): readonly string[] {
  const held = all.findLast(each => each.position <= position) ?? all.at(0)
  if (held === undefined) return ['No operation of this lane takes it.']
  const { by, sequence, reads, end } = held
  const sofar = reads.filter(at => at <= position).length
  return [
    `Taken by ${by} ${atMoment(held, position)}: it holds the store as it was with sequence number ${number(sequence)}.`,
    sofar === 0 ? 'No get has read at it so far.' : `${counted(sofar, 'get')} ${sofar === 1 ? 'has' : 'have'} read at it so far.`,
    end === undefined ? 'It is held at the end of the run.' : `${end.how} ${atMoment(end, position)}.`,
  ]
}
