/**
 * A prediction beside what was measured, as plain JSON: a renderer needs nothing but this file. Ratios have the unit
 * `x` (bytes for each byte of the user's), shares are between 0 and 1.
 */
import type { EngineShape, EngineStats } from 'kvarium/engine'

/** A named number that went into a formula. */
export interface Quantity {
  /** As the formula writes it: `T`, `level 1 bytes`. */
  readonly name: string
  readonly value: number
  /** `bytes`, `entries`, `bits`, `x`, `share`, `pages`, `runs`, `tables`, `levels`; empty for a plain number. */
  readonly unit: string
}

export type Metric =
  | 'write amplification'
  | 'space amplification'
  | 'read amplification'
  | 'filter false positives'
  | 'level size'
  | 'runs'
  | 'cache hit rate'
  | 'leaf fill'
  | 'tree height'

export interface Prediction {
  readonly metric: Metric
  /** What of it: `total`, or the part of the ledger that the row is about. */
  readonly part: 'total' | 'log' | 'flush' | 'compaction' | 'page' | 'found' | 'missing'
  /** The level of an LSM tree that the row is about; absent for the whole engine. */
  readonly level?: number
  /** Which of several published formulas for the same number: `T + 1`, `O'Neil`, `simulated`. */
  readonly variant: string
  readonly inputs: readonly Quantity[]
  /** The formula as text, in the names of the inputs. */
  readonly formula: string
  /** Who published it. */
  readonly source: string
  readonly unit: string
  readonly predicted: number
  /** `null` where it was not measured. */
  readonly measured: number | null
  /** (predicted − measured) ÷ measured; `null` where that says nothing: not measured, or measured as 0. */
  readonly error: number | null
  /** One sentence: why prediction and measurement differ, or may. */
  readonly why: string
}

/** In which order keys are written. */
export type Distribution = 'ascending' | 'uniform' | 'zipfian'

export interface Reads {
  readonly distribution: 'uniform' | 'zipfian'
  /** Skew, as of puts. */
  readonly theta?: number
  /** Keys that they are drawn from, if it is only a part, side by side. Default: all. */
  readonly keys?: number
}

/** What was asked of the engine while the ledger ran. */
export interface Work {
  /** Puts. */
  readonly puts: number
  /** Different keys they are drawn from; with `ascending` every put is a new key. */
  readonly keys: number
  readonly keyBytes: number
  readonly valueBytes: number
  readonly distribution: Distribution
  /** Keys that were there before, among those that are drawn from, and the order in which they had come. Default: none. */
  readonly loaded?: { readonly keys: number; readonly order: 'ascending' | 'random' }
  /** Puts in one batch, and so in one record of the log. Default 1. */
  readonly batchPuts?: number
  /** Which keys that are there gets ask for, after the puts or among them. Default: nothing is said of the cache. */
  readonly reads?: Reads
  /** Skew of `zipfian`, from 0 (uniform) up to, not including, 1. Default 0.99. */
  readonly theta?: number
}

/**
 * What an engine says of itself after the work. The ledger may be the difference of two, if the engine had been open before: what counts
 * is what it counted for this work.
 */
export interface Measured {
  /** Filled in, as the engine was opened with: the option tables' names. */
  readonly options: Readonly<Record<string, unknown>>
  readonly ledger: EngineStats['ledger']
  readonly shape: EngineShape
  /** Bytes that compactions wrote into each level, where the trace was recorded. */
  readonly compactedByLevel?: readonly number[]
  /** Key and value bytes that a scan returns, where they were counted: the ledger of an LSM tree has an estimate. */
  readonly liveBytes?: number
  /** Checkpoints during the work. Default: all that a B+tree's shape counts. */
  readonly checkpoints?: number
}

/** A row; the error follows from the two numbers. */
export function prediction(row: Omit<Prediction, 'error'>): Prediction {
  const { predicted, measured } = row
  return { ...row, error: measured === null || measured === 0 ? null : (predicted - measured) / measured }
}

export function quantity(name: string, value: number, unit: string): Quantity {
  return { name, value, unit }
}
