import { CHANGES_RETAIN_BYTES } from '../engine/changes.js'
import type { OptionTable } from '../engine/contract.js'

const KIB = 1024
const MIB = 1024 * KIB
const GIB = 1024 * MIB

/** What `engine: 'hash'` understands. */
export interface HashOptions {
  readonly maxFileSize: number
  readonly cacheSize: number
  readonly mergeThreshold: number
  readonly idleCompaction: boolean
  readonly changesRetainBytes: number
}

export const HASH_OPTIONS = {
  maxFileSize: {
    type: 'integer',
    default: 64 * MIB,
    min: 16 * KIB,
    max: 2 * GIB,
    unit: 'bytes',
    about:
      'A file that has this size is sealed, and the next one begun. Larger files make merges fewer and longer. A larger batch makes a larger file.',
  },
  cacheSize: {
    type: 'integer',
    default: 64 * MIB,
    min: 0,
    max: 64 * GIB,
    auto: true,
    unit: 'bytes',
    about:
      'Budget of the cache for parts of files, or "auto": a quarter of the memory that is available at opening. The directory of the keys comes on top.',
  },
  mergeThreshold: {
    type: 'integer',
    default: 50,
    min: 1,
    max: 100,
    unit: 'percent',
    about: 'How much of the sealed files is dead when a merge begins. Less makes files smaller, for more writing.',
  },
  idleCompaction: {
    type: 'boolean',
    default: true,
    about: 'Whether an idle store merges files of which half or more is dead, although they are few, and a closing one where an eighth is.',
  },
  changesRetainBytes: CHANGES_RETAIN_BYTES,
} as const satisfies OptionTable
