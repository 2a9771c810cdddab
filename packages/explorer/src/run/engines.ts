/** The engines of lanes by their names, with all of their code at hand: what loads later would come at another moment in every runtime. */
import type { EngineFactory } from 'kvarium'
import { btreeEngine } from 'kvarium/btree'
import { lsmEngine } from 'kvarium/lsm'
import { memoryEngine } from 'kvarium/memory'

const FACTORIES: Readonly<Record<string, () => EngineFactory>> = { lsm: lsmEngine, btree: btreeEngine, memory: () => memoryEngine }

/** The engine of this name; a name that is none is refused by the store that is to open with it. */
export function engineOf(name: string): EngineFactory | string {
  return Object.hasOwn(FACTORIES, name) ? FACTORIES[name]() : name
}
