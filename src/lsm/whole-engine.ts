import type { EngineFactory } from '../engine/contract.js'
import { lsmEngine as engineOf } from './factory.js'
import { openLsm } from './open.js'
import type { LsmSettings } from './settings.js'
import * as tables from './table-code.js'

/** The `lsm` engine, with all of the code that a store needs in time at hand. On Node pass the `workerExecutor`; the default runs background work inline, in slices. */
export function lsmEngine(settings: LsmSettings = {}): EngineFactory {
  return engineOf(settings, { open: () => ({ openLsm }), tables })
}
