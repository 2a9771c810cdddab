/** The engines of lanes by their names, with all of their code at hand: what loads later would come at another moment in every runtime. */
import type { EventOf } from 'kvarium/trace'
import type { EngineFactory } from 'kvarium'
import { BTREE_OPTIONS, btreeEngine } from 'kvarium/btree'
import type { OptionTable } from 'kvarium/engine'
import { HASH_OPTIONS, hashEngine } from 'kvarium/hash'
import { LSM_OPTIONS, lsmEngine } from 'kvarium/lsm'
import { memoryEngine } from 'kvarium/memory'
import { ExplorerError } from './explorer-error.js'
import type { PartSettings } from '../parts/part-settings.js'
import type { LaneSettings } from './settings.js'

const FACTORIES: Readonly<Record<string, () => EngineFactory>> = {
  lsm: lsmEngine,
  btree: btreeEngine,
  hash: hashEngine,
  memory: () => memoryEngine,
}

/** The engine of this name; a name that is none is refused by the store that is to open with it. */
export function engineOf(name: string): EngineFactory | string {
  return Object.hasOwn(FACTORIES, name) ? FACTORIES[name]() : name
}

type PlugIn = (part: PartSettings, seed: number) => Promise<EngineFactory>

let plugIn: PlugIn | undefined

/** Lets lanes have parts. What plugs them in is large: a worker that takes none does not load it. */
export function allowParts(plug: PlugIn): void {
  plugIn = plug
}

/**
 * The engine of a lane, with its part in it.
 * @param seed - Of the part's own chance.
 */
export async function engineOfLane({ engine, part }: LaneSettings, seed: number): Promise<EngineFactory | string> {
  if (part === undefined) return engineOf(engine)
  if (plugIn === undefined) throw new ExplorerError('KVARIUM_NOT_AT_HAND', 'Lanes take no parts here: use the part under Exercises')
  const factory = await plugIn(part, seed)
  if (factory.name !== engine)
    throw new ExplorerError('KVARIUM_INVALID_LANES', `The part "${part.exercise}" is one of the engine ${factory.name}, not of ${engine}`)
  return factory
}

/** The options of each engine, by its name. */
export const ENGINE_OPTIONS: Readonly<Record<string, OptionTable>> = { lsm: LSM_OPTIONS, btree: BTREE_OPTIONS, hash: HASH_OPTIONS }

/** By engine, the options that count when a store is created: one that exists keeps what it was created with. */
const FIXED_OPTIONS: Readonly<Record<string, readonly string[]>> = { btree: ['pageSize', 'compression'] }

/** Those options as an opened engine has them, which are what its files say. */
export function fixedOptions({ engine, options }: EventOf<'engine.open'>): Readonly<Record<string, unknown>> {
  return Object.fromEntries((FIXED_OPTIONS[engine] ?? []).map(name => [name, options[name]]))
}
