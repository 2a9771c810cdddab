/** What a run is made of, beside its operations: plain data. A link can carry it, but for the code of a part. */
import type { PartSettings } from '../parts/part-settings.js'

/** Characters of the name of a lane. */
export const LONGEST_NAME = 120
export const MOST_LANES = 3

/** A setting of an engine's option, as a control or a link has it. */
export type Setting = number | string | boolean

export interface LaneSettings {
  /** Unique among the lanes of a run. */
  readonly name: string
  readonly engine: string
  readonly options: Readonly<Record<string, Setting>>
  /** Takes the place of a part of the engine. */
  readonly part?: PartSettings
}

export function hasPart({ lanes }: RunSettings): boolean {
  return lanes.some(({ part }) => part !== undefined)
}

/** Everything from which a run can be made again. */
export interface RunSettings {
  readonly seed: number
  readonly lanes: readonly LaneSettings[]
}
