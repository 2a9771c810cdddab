/** `kvarium-lab/predict`: published formulas, their predictions beside measurements of an engine, and compactions without files. */
export { predict, type PredictOptions } from './predict.js'
export type { Distribution, Measured, Metric, Prediction, Quantity, Reads, Work } from './prediction.js'
export {
  alwaysMergingWrites,
  lazyLeveledSpace,
  lazyLeveledWrites,
  leveledSpace,
  leveledWrites,
  LEVEL_FACTORS,
  oneilFactor,
  oneilRatio,
  runsToRead,
  tieredSpace,
  tieredWrites,
  type LevelFactor,
  type Policy,
} from './amplification.js'
export {
  absentKeyReads,
  bestProbes,
  exactFilterFalsePositives,
  filterFalsePositives,
  monkeyAbsentKeyReads,
  monkeyFalsePositives,
} from './bloom.js'
export {
  copyOnWriteWrites,
  MIDPOINT_FILL,
  pageLogWrites,
  pageSpace,
  pagesPerRecord,
  pageWrite,
  RANDOM_FILL,
  SPREAD_FILL,
  recordLogWrites,
  RIGHTMOST_FILL,
  treeHeight,
} from './btree-model.js'
export {
  distinctKeys,
  distinctPages,
  distinctUniform,
  drawsFor,
  idealHitRate,
  lruHitRate,
  pageHitRate,
  zeta,
  type Access,
  type CachedPages,
} from './draws.js'
export { blocksPerValue, directoryBytesPerKey, garbageCopies, garbageSpace, wholeMerges, type WholeMerges } from './hash-model.js'
export { hashSizes, simulateHash, type HashSimulation, type HashSimulationSettings, type HashSizes } from './simulate-hash.js'
export { keyDraws, pickerOf, simulate } from './simulate.js'
export { CompactionSimulator, type SimulatedLevel, type Simulation, type SimulationSample, type SimulatorOptions } from './simulator.js'
export { lsmSizes, plainSizes, type SizeModel } from './size-model.js'
