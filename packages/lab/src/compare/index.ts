/** `kvarium-lab/compare`: runs the same operations on several engines, custom ones included; the results are plain data. */
export { compare, type CompareOptions } from './compare.js'
export { datasetPhases, type DatasetEntry, type DatasetWork } from './dataset-phases.js'
export type { Bounds, DelOperation, Operation, Phase, PutOperation, ScanOperation } from './operation.js'
export type {
  Comparison,
  EngineConfiguration,
  EngineResult,
  Latency,
  Metered,
  PhaseResult,
  Problem,
  Progress,
  Verification,
} from './results.js'
export type { Traffic } from './traffic.js'
export { comparisonRunReport, type ComparisonAbout } from './comparison-run-report.js'
export { describeMachine, LoadOfOthers } from './process-counters.js'
export { describeWork, type DescribedWork } from './work-digest.js'
export { sumOf } from './traffic.js'
export { chooseEngines, configureEngines, engineNames, loadEngines, scaleFor, wholeWithUnit, type EngineRow } from './engine-table.js'
export { loadLevel, type LevelClass } from './level-store.js'
export { isModulePath, loadEngine } from './own-modules.js'
/** What a file for `--engine` exports. */
export type { EngineFactory } from 'kvarium/engine'
export { mixPhases, MIX, type DatasetMix } from './dataset-mix.js'
export { gridOf, type Grid, type GridRequest } from './explore/grid.js'
export { explore, type Exploration, type ExploreOptions } from './explore/explore.js'
export { countWork, type MappedWork } from './explore/mapped-work.js'
export { mapReport, type MapAbout } from './explore/map-report.js'
