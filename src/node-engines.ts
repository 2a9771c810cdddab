/** The engines that a store on Node knows by name: the built-in ones, and what is registered here. */
import { builtInEngines } from './built-in-engines.js'
import { workerExecutor } from './lsm/compaction/worker/worker-executor.js'
import { lsmEngine } from './lsm/whole-engine.js'

export const registry = builtInEngines(lsmEngine({ executor: workerExecutor }))
