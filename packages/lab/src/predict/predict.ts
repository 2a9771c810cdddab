import { MisuseError } from 'kvarium'
import { predictableEngines, predictorOf } from './predictors.js'
import type { Measured, Prediction, Work } from './prediction.js'
import type { HashSimulation } from './simulate-hash.js'
import type { Simulation } from './simulator.js'

export interface PredictOptions {
  /** The simulation of the same work under the same options, by `simulate` for `lsm`, by `simulateHash` for `hash`: adds rows beside formulas. */
  readonly simulation?: Simulation | HashSimulation
}

/**
 * Rows with predictions of formulas beside an engine's own numbers: for `lsm` write amplification by part, by level and in total, space,
 * sizes of levels, runs, filters and look-ups; for `btree` write amplification by part and in total, fill of leaves, height, space and
 * look-ups; for `hash` write amplification by part and in total, space, look-ups, and memory per key. None for an LSM tree whose values lie apart from its tables. Where several formulas are published for one number, each has its row.
 *
 * @throws MisuseError for an engine without formulas, and for empty work
 */
export function predict(measured: Measured, work: Work, { simulation }: PredictOptions = {}): Prediction[] {
  for (const field of ['puts', 'keys', 'keyBytes', 'valueBytes'] as const) {
    if (!Number.isFinite(work[field]) || work[field] < 0) throw invalid(`${field} of the work is ${work[field]}; give a number from 0`)
  }
  if (work.keys < 1 || work.keyBytes + work.valueBytes === 0) throw invalid('the work has no keys, or no bytes; give at least one')
  const { engine } = measured.shape
  const predictor = predictorOf(engine)
  if (predictor !== undefined) return predictor(measured, work, simulation)
  throw invalid(`there are no formulas for the engine '${engine}'; use the shape of ${predictableEngines().join(' or ')}`)
}

function invalid(message: string): MisuseError {
  return new MisuseError('LEVEL_INVALID_PREDICTION', `Cannot predict: ${message}`)
}
