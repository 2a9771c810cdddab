/** The list of the engines that there are formulas for: the one place of the lab that names an engine. */
import { predictBtree } from './predict-btree.js'
import { predictHash } from './predict-hash.js'
import { predictLsm } from './predict-lsm.js'
import type { Measured, Prediction, Work } from './prediction.js'
import type { HashSimulation } from './simulate-hash.js'
import type { Simulation } from './simulator.js'

type Predictor = (measured: Measured, work: Work, simulation: Simulation | HashSimulation | undefined) => Prediction[]

/** By the name of the engine. An engine without formulas, such as one in memory, has no predictions. */
const PREDICTORS: Readonly<Record<string, Predictor>> = {
  lsm: (measured, work, simulation) =>
    predictLsm(measured, work, simulation !== undefined && 'levels' in simulation ? simulation : undefined),
  btree: predictBtree,
  hash: (measured, work, simulation) =>
    predictHash(measured, work, simulation !== undefined && 'merges' in simulation ? simulation : undefined),
}

export function predictorOf(engine: string): Predictor | undefined {
  return Object.hasOwn(PREDICTORS, engine) ? PREDICTORS[engine] : undefined
}

/** The names of the engines that `predict` has formulas for. */
export function predictableEngines(): string[] {
  return Object.keys(PREDICTORS)
}
