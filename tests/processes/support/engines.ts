import type { EngineFactory } from '../../../src/engine/contract.js'
import { btreeEngine } from '../../../src/btree/factory.js'
import { hashEngine } from '../../../src/hash/factory.js'
import { lsmEngine } from '../../../src/lsm/whole-engine.js'

/** Engines without workers, so that a process is one file. */
const FACTORIES: readonly EngineFactory[] = [lsmEngine(), btreeEngine(), hashEngine()]

export const ENGINES = FACTORIES.map(factory => factory.name)

export function factoryOf(name: string): EngineFactory {
  const factory = FACTORIES.find(candidate => candidate.name === name)
  if (factory === undefined) throw new Error(`no engine ${name}`)
  return factory
}
