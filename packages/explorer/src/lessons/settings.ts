/** Lanes of lessons. */
import type { LaneSettings, RunSettings } from '../run/settings.js'

/** One of the small lanes with options of a lesson. */
export function small(lane: LaneSettings, options: LaneSettings['options'], name = lane.name): LaneSettings {
  return { ...lane, name, options: { ...lane.options, ...options } }
}

export function lanesOf(...lanes: readonly LaneSettings[]): RunSettings {
  return { seed: 1, lanes }
}
