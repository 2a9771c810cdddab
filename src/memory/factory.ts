/**
 * The `memory` engine as a store is given it. A program that keeps its data in files does not load the engine: what is needed before an opening
 * is here, the rest comes with the first.
 */
import { CHANGES_RETAIN_BYTES } from '../engine/changes.js'
import type { EngineFactory } from '../engine/contract.js'

/** What `engine: 'memory'` understands. */
export interface MemoryOptions {
  /** Memory that is taken at the start, in bytes. More is taken as the data grows. */
  readonly arenaSize: number
  /** Batches that are kept for `changes()`, in bytes. */
  readonly changesRetainBytes: number
}

/** The `memory` engine. */
export const memoryEngine: EngineFactory = {
  name: 'memory',
  durable: false,
  countsLiveBytes: true,
  expires: true,
  options: {
    arenaSize: {
      type: 'integer',
      default: 1 << 20,
      min: 1 << 12,
      max: 1 << 30,
      unit: 'bytes',
      about: 'Memory taken at the start; more is taken as the data grows',
    },
    changesRetainBytes: CHANGES_RETAIN_BYTES,
  },
  async open(context) {
    const { openMemory } = await import('./engine.js')
    return openMemory(context)
  },
}
