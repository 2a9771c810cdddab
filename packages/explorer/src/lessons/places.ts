/** Where the steps of a lesson stand, and what is seen there. */
import type { Answering } from '../session/protocol.js'
import type { Place, Scene } from './lesson.js'

export type Asking = Pick<Answering, 'seek' | 'operations' | 'look' | 'facts'>

/**
 * The positions of places, in order; the run must have the lesson's operations. Rejects with an Error that names the first place that is not there.
 * @param end - Position of the end of the lesson's run.
 */
export async function positionsOf(session: Asking, places: readonly Place[], end: number): Promise<readonly number[]> {
  const positions: number[] = []
  for (const [index, place] of places.entries()) {
    const position = await positionOf(session, place, positions.at(-1) ?? 0, end)
    if (position === undefined || position > end) throw new Error(`Step ${index + 1} is not in the run: ${JSON.stringify(place)}`)
    positions.push(position)
  }
  return positions
}

async function positionOf(session: Asking, place: Place, from: number, end: number): Promise<number | undefined> {
  if ('end' in place) return end
  const { lane = 0 } = place
  if ('next' in place) return nextEvent(session, place.next, place.says ?? '', lane, from)
  const number = 'operation' in place ? place.operation : place.outcome
  const [row] = await session.operations(number - 1, number)
  if (row === undefined) return undefined
  return session.seek({ from: row.start - 1, direction: 1, at: { type: 'operation' in place ? 'call' : 'return' }, lane })
}

export async function sceneAt(session: Asking, position: number): Promise<Scene> {
  const { moment, lanes } = await session.look({ position, around: 0 })
  return { moment, lanes, facts: await session.facts(position) }
}

async function nextEvent(session: Asking, type: string, says: string, lane: number, after: number): Promise<number | undefined> {
  for (let from = after; ;) {
    const found = await session.seek({ from, direction: 1, at: { type }, lane })
    if (found === undefined || says === '') return found
    const { moment } = await session.look({ position: found, pictures: [], around: 0 })
    if (moment!.sentence.includes(says)) return found
    from = found
  }
}
