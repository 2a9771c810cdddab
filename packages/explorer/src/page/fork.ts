/** Forks of lanes, and the pair of lanes that is compared: signals, and the moves that change them. */
import { computed, signal } from '@preact/signals'
import { firstPair, forked, type Fork } from '../run/fork.js'
import type { RunSettings } from '../run/settings.js'
import { forgetSelections, problem, replay, summary } from './state.js'

/** Names of the lanes that a reader has chosen to compare. */
const chosen = signal<readonly [string, string] | undefined>(undefined)
/** The last fork: the settings before it, and those after it as JSON. */
const lastFork = signal<{ readonly before: RunSettings; readonly after: string } | undefined>(undefined)

/** The lanes that are compared, by index; `undefined` where there is only one lane. */
export const pair = computed((): readonly [number, number] | undefined => {
  const lanes = summary.value?.settings.lanes ?? []
  const [a, b] = chosen.value?.map(name => lanes.findIndex(lane => lane.name === name)) ?? [-1, -1]
  return a >= 0 && b >= 0 && a !== b ? [a, b] : firstPair(lanes)
})

/** The settings before the last fork, while the run is still the forked one. */
export const beforeFork = computed((): RunSettings | undefined => {
  const { value } = lastFork
  return value !== undefined && value.after === JSON.stringify(summary.value?.settings) ? value.before : undefined
})

export function comparePair(a: number, b: number): void {
  const { lanes } = summary.value!.settings
  chosen.value = [lanes[a].name, lanes[b].name]
}

/** Replays the run with a fork, which is compared with its lane from then on. Resolves to whether there is one. */
export async function fork(choice: Fork): Promise<boolean> {
  const before = summary.value!.settings
  const { settings, pair: both } = forked(before, choice)
  forgetSelections()
  await replay(settings)
  if (problem.value !== undefined) return false
  lastFork.value = { before, after: JSON.stringify(summary.value!.settings) }
  comparePair(...both)
  return true
}

/** Replays the run as it was before the last fork. */
export function undoFork(before: RunSettings): Promise<void> {
  forgetSelections()
  return replay(before)
}

/** Replays the run without a lane. */
export function removeLane(lane: number): Promise<void> {
  const { settings } = summary.value!
  return undoFork({ ...settings, lanes: settings.lanes.toSpliced(lane, 1) })
}
