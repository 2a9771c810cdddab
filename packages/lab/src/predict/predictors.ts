/** The lists of the engines that there are formulas and simulations for. Beside `compare/explore/dimensions.ts` the one place of the lab that names engines. */
import type { HashOptions } from 'kvarium/hash'
import type { LsmOptions } from 'kvarium/lsm'
import { foreseeLsm, type Foreseen } from './foresee-lsm.js'
import { predictBtree } from './predict-btree.js'
import { predictHash } from './predict-hash.js'
import { predictLsm } from './predict-lsm.js'
import type { Measured, Prediction, Work } from './prediction.js'
import { simulate } from './simulate.js'
import { simulateHash, type HashSimulation } from './simulate-hash.js'
import type { Simulation } from './simulator.js'

type Predictor = (measured: Measured, work: Work, simulation: Simulation | HashSimulation | undefined) => Prediction[]

/** By the name of the engine. An engine without formulas, such as one in memory, has no predictions. */
const PREDICTORS: Readonly<Record<string, Predictor>> = {
  lsm: (measured, work, simulation) =>
    isApart(measured.options, work)
      ? []
      : predictLsm(measured, work, simulation !== undefined && 'levels' in simulation ? simulation : undefined),
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

type Simulator = (options: Readonly<Record<string, unknown>>, work: Work, seed: number) => Simulation | HashSimulation | undefined

const SIMULATORS: Readonly<Record<string, Simulator>> = {
  lsm: (options, work, seed) => (isApart(options, work) ? undefined : simulate(options as unknown as LsmOptions, work, seed)),
  hash: (options, work, seed) => simulateHash(options as unknown as HashOptions, work, { seed }),
}

/** Whether values lie in blob files, apart from the tables: formulas and the simulator know tables alone. */
function isApart(options: Readonly<Record<string, unknown>>, { valueBytes }: Pick<Work, 'valueBytes'>): boolean {
  const threshold = thresholdOf(options)
  return threshold > 0 && valueBytes >= threshold
}

function thresholdOf(options: Readonly<Record<string, unknown>>): number {
  return Number(options['valueThreshold'] ?? 0)
}

/** Runs the work without files, with all options of the engine. `undefined` for an engine, or for values apart from tables, that are not simulated. */
export function simulatorOf(engine: string): Simulator | undefined {
  return Object.hasOwn(SIMULATORS, engine) ? SIMULATORS[engine] : undefined
}

type Foresight = (simulation: Simulation | HashSimulation, options: Readonly<Record<string, unknown>>, work: Work) => Foreseen | undefined

/** Only the simulation of an LSM tree has its runs, which say what reads cost. Where larger values than the mean may lie apart it says too little. */
const FORESIGHTS: Readonly<Record<string, Foresight>> = {
  lsm: (simulation, options, work) =>
    'levels' in simulation && thresholdOf(options) === 0 ? foreseeLsm(simulation, options as unknown as LsmOptions, work) : undefined,
}

/** Says from a simulation with all options of the engine where a point will lie. `undefined` for an engine without one. */
export function foresightOf(engine: string): Foresight | undefined {
  return Object.hasOwn(FORESIGHTS, engine) ? FORESIGHTS[engine] : undefined
}
