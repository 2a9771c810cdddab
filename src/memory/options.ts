import { CHANGES_RETAIN_BYTES } from '../engine/changes.js'
import type { OptionTable } from '../engine/contract.js'

/** What `engine: 'memory'` understands. */
export interface MemoryOptions {
  readonly arenaSize: number
  readonly changesRetainBytes: number
}

export const MEMORY_OPTIONS = {
  arenaSize: {
    type: 'integer',
    default: 1 << 20,
    min: 1 << 12,
    max: 1 << 30,
    unit: 'bytes',
    about: 'Memory taken at the start; more is taken as the data grows',
  },
  changesRetainBytes: CHANGES_RETAIN_BYTES,
} as const satisfies OptionTable
