/** The engines of lanes by their names, with all of their code at hand: what loads later would come at another moment in every runtime. */
import type { EngineFactory } from 'kvarium'
import { BTREE_OPTIONS, btreeEngine } from 'kvarium/btree'
import type { OptionTable } from 'kvarium/engine'
import { LSM_OPTIONS, lsmEngine } from 'kvarium/lsm'
import { memoryEngine } from 'kvarium/memory'

const FACTORIES: Readonly<Record<string, () => EngineFactory>> = { lsm: lsmEngine, btree: btreeEngine, memory: () => memoryEngine }

/** The engine of this name; a name that is none is refused by the store that is to open with it. */
export function engineOf(name: string): EngineFactory | string {
  return Object.hasOwn(FACTORIES, name) ? FACTORIES[name]() : name
}

/** The options of each engine, by its name. */
export const ENGINE_OPTIONS: Readonly<Record<string, OptionTable>> = { lsm: LSM_OPTIONS, btree: BTREE_OPTIONS }
