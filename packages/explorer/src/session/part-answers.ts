/** What a session says about parts of learners, as plain data. */
import type { PartFailure } from '../parts/part-settings.js'

/** A check of a part begins. */
export interface CheckBegins {
  readonly stage: PartFailure['stage']
  readonly check: string
}

/** What two lanes do otherwise, at the first step where they do. */
export interface Difference {
  /** Steps that were compared and are the same. */
  readonly same: number
  /** The last of these, the latest last. */
  readonly before: readonly string[]
  /** By lane, the one with the reference first; absent where nothing more happens. */
  readonly steps: readonly (DifferentStep | undefined)[]
  /** Fields that differ, where both do something. */
  readonly fields: readonly { readonly name: string; readonly values: readonly string[] }[]
}

export interface DifferentStep {
  readonly lane: number
  readonly position: number
  readonly sentence: string
}
