/** A fork: another lane with the settings of one, but for one option. */
import { ExplorerError } from './explorer-error.js'
import { type LaneSettings, type Setting, MOST_LANES, type RunSettings } from './settings.js'

export interface Fork {
  /** Index of the lane whose settings it takes. */
  readonly lane: number
  readonly option: string
  /** Absent for the option's default. */
  readonly value: Setting | undefined
  /** Index of the lane whose place it takes; only where there are as many lanes as there may be. Default: the last one that is not forked. */
  readonly replaces?: number
}

export interface Forked {
  readonly settings: RunSettings
  /** Indexes of the lane and its fork among the lanes of `settings`. */
  readonly pair: readonly [lane: number, fork: number]
}

/** The settings of a run with the fork behind its lane, or in the place of another lane. */
export function forked(settings: RunSettings, { lane, option, value, replaces }: Fork): Forked {
  const { lanes } = settings
  const { [option]: _, ...others } = lanes[lane].options
  const options = value === undefined ? others : { ...others, [option]: value }
  if (lanes.length < MOST_LANES) {
    const fork = { ...lanes[lane], name: nameOf(lanes[lane], option, value, lanes), options }
    return { settings: { ...settings, lanes: lanes.toSpliced(lane + 1, 0, fork) }, pair: [lane, lane + 1] }
  }
  const place = replaces ?? replaceable(lanes, lane).at(-1)!
  if (place === lane)
    throw new ExplorerError(
      'KVARIUM_INVALID_LANES',
      `A fork of ${lanes[lane].name} cannot take the place of the lane itself: choose another one`,
    )
  const fork = { ...lanes[lane], name: nameOf(lanes[lane], option, value, lanes.toSpliced(place, 1)), options }
  return { settings: { ...settings, lanes: lanes.with(place, fork) }, pair: [lane, place] }
}

/** Indexes of the lanes whose place a fork of a lane may take; none while there is room for another lane. */
export function replaceable(lanes: readonly LaneSettings[], lane: number): readonly number[] {
  return lanes.length < MOST_LANES ? [] : lanes.flatMap((_, index) => (index === lane ? [] : [index]))
}

/** The lanes that a reader compares first: two of one engine, or else the first two; `undefined` where there is only one. */
export function firstPair(lanes: readonly LaneSettings[]): readonly [number, number] | undefined {
  for (const [index, { engine }] of lanes.entries()) {
    const other = lanes.findIndex((lane, at) => at > index && lane.engine === engine)
    if (other > 0) return [index, other]
  }
  return lanes.length < 2 ? undefined : [0, 1]
}

function nameOf({ name }: LaneSettings, option: string, value: Setting | undefined, others: readonly LaneSettings[]): string {
  const wanted = `${name} ${option}=${value ?? 'default'}`
  const isTaken = (candidate: string): boolean => others.some(other => other.name === candidate)
  let unique = wanted
  for (let count = 2; isTaken(unique); count++) unique = `${wanted}-${count}`
  return unique
}
