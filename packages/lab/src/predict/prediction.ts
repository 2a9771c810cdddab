/**
 * A prediction beside the measurement, as plain JSON: a renderer needs only this file. Ratios have the unit
 * `x` (bytes per user byte), shares are between 0 and 1.
 */
import type { EngineShape, EngineStats } from 'kvarium/engine'

/** A named input of a formula. */
export interface Quantity {
  /** Its name in the formula: `T`, `level 1 bytes`. */
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
  | 'memory per key'

export interface Prediction {
  readonly metric: Metric
  /** `total`, or the part of the ledger that the row is about. */
  readonly part: 'total' | 'log' | 'flush' | 'compaction' | 'page' | 'found' | 'missing' | 'scan'
  /** The level of an LSM tree that the row is about; absent for the whole engine. */
  readonly level?: number
  /** Which of several published formulas for the same number: `T + 1`, `O'Neil`, `simulated`. */
  readonly variant: string
  readonly inputs: readonly Quantity[]
  /** The formula as text, in the names of the inputs. */
  readonly formula: string
  /** Its publication. */
  readonly source: string
  readonly unit: string
  readonly predicted: number
  /** `null` where it was not measured. */
  readonly measured: number | null
  /** (predicted − measured) ÷ measured; `null` if it was not measured, or measured as 0. */
  readonly error: number | null
  /** One sentence: why prediction and measurement differ, or may. */
  readonly why: string
}

/** The order in which keys are written. */
export type Distribution = 'ascending' | 'uniform' | 'zipfian'

export interface Reads {
  readonly distribution: 'uniform' | 'zipfian'
  /** Skew, as for puts. */
  readonly theta?: number
  /** Number of adjacent keys to draw from. Default: all. */
  readonly keys?: number
  /** Mean entries of a scan. Default: scans are not predicted. */
  readonly scanEntries?: number
}

/** The work of the engine during the measurement. */
export interface Work {
  /** Number of puts. */
  readonly puts: number
  /** Different keys they are drawn from; with `ascending` every put is a new key. */
  readonly keys: number
  readonly keyBytes: number
  readonly valueBytes: number
  readonly distribution: Distribution
  /** Keys loaded before, among those that are drawn from, and their order. Default: none. */
  readonly loaded?: { readonly keys: number; readonly order: 'ascending' | 'random' }
  /** Puts in one batch, and so in one record of the log. Default 1. */
  readonly batchPuts?: number
  /** Which existing keys gets ask for, after the puts or among them. Default: the cache is not predicted. */
  readonly reads?: Reads
  /** Skew of `zipfian`, from 0 (uniform) up to, not including, 1. Default 0.99. */
  readonly theta?: number
}

/**
 * The engine's own numbers after the work. If the engine had been open before, the ledger is the difference of two, so that it covers
 * this work only.
 */
export interface Measured {
  /** The engine's options with defaults, by their names in the option tables. */
  readonly options: Readonly<Record<string, unknown>>
  readonly ledger: EngineStats['ledger']
  readonly shape: EngineShape
  /** Bytes that compactions wrote to each level, if a trace was recorded. */
  readonly compactedByLevel?: readonly number[]
  /** Key and value bytes that a scan returns, if they were counted: the ledger of an LSM tree has an estimate. */
  readonly liveBytes?: number
  /** Checkpoints during the work. Default: all that a B+tree's shape counts. */
  readonly checkpoints?: number
}

/** A row, with the error computed from the two numbers. */
export function prediction(row: Omit<Prediction, 'error'>): Prediction {
  const { predicted, measured } = row
  return { ...row, error: measured === null || measured === 0 ? null : (predicted - measured) / measured }
}

export function quantity(name: string, value: number, unit: string): Quantity {
  return { name, value, unit }
}
