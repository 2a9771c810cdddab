/**
 * The list of the built-in engines: the one place of the store's core that names them. Everything else finds an engine in the registry.
 * Beside it `inspect/engine-inspectors.ts` lists what shows their files, and `packages/lab/src/predict/predictors.ts` their formulas, so that
 * a store loads neither.
 */
import { btreeEngine } from './btree/factory.js'
import { EngineRegistry } from './engine/registry.js'
import { lsmEngine, type LsmSettings } from './lsm/open.js'
import type { LsmOptions } from './lsm/options.js'
import { memoryEngine } from './memory/factory.js'

/** A registry of the built-in engines, in the order in which `compare` runs them. The first is the default of a store. */
export function builtInEngines(settings: Pick<LsmSettings, 'executor'> = {}): EngineRegistry {
  return new EngineRegistry([lsmEngine(settings), btreeEngine(), memoryEngine])
}

/** The options of the default engine. */
export type DefaultEngineOptions = LsmOptions
