/** What a run is made of, beside its operations: plain data that a link can carry. */

export const MOST_LANES = 3

/** A setting of an engine's option, as a control or a link has it. */
export type Setting = number | string | boolean

export interface LaneSettings {
  /** Unique among the lanes of a run. */
  readonly name: string
  readonly engine: string
  readonly options: Readonly<Record<string, Setting>>
}

/** Everything from which a run can be made again. */
export interface RunSettings {
  readonly seed: number
  readonly lanes: readonly LaneSettings[]
}
