/**
 * The `memory` engine as a store is given it. A program that keeps its data in files does not load the engine: what is needed before an opening
 * is here, the rest comes with the first.
 */
import type { EngineFactory } from '../engine/contract.js'
import { MEMORY_OPTIONS } from './options.js'

/** The `memory` engine. */
export const memoryEngine: EngineFactory = {
  name: 'memory',
  durable: false,
  countsLiveBytes: true,
  expires: true,
  options: MEMORY_OPTIONS,
  async open(context) {
    const { openMemory } = await import('./engine.js')
    return openMemory(context)
  },
}
