/** A part of a learner's own, in the engine of a lane: plain data. */
export interface PartSettings {
  /** Name of the exercise that says which part of the engine it is. */
  readonly exercise: string
  /** TypeScript or JavaScript. Absent: the reference of the exercise. */
  readonly source?: string
}

/** What is wrong with a part. */
export interface PartFailure {
  /** `load`: it cannot be read, or throws as it is loaded. The others are those of the exercise. */
  readonly stage: 'load' | 'exports' | 'units' | 'model' | 'divergence'
  /** The rule that does not hold, as a sentence. */
  readonly check: string
  readonly message: string
  readonly place?: Place
}

/** A place in a learner's file. Lines and columns count from 1. */
export interface Place {
  readonly line: number
  /** Absent where only the line is known. */
  readonly column?: number
}

/** An error of a learner's file, with its place. */
export class PartError extends Error {
  readonly place: Place | undefined

  constructor(message: string, place?: Place, options?: ErrorOptions) {
    super(message, options)
    this.name = 'PartError'
    this.place = place
  }
}
