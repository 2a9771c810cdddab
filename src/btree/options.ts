import { CHANGES_RETAIN_BYTES } from '../engine/changes.js'
import type { OptionTable } from '../engine/contract.js'
import type { EntryCachePace } from '../engine/entry-cache.js'
import { MisuseError } from '../errors.js'
import type { LeafSplit } from './tree/split.js'

const KIB = 1024
const MIB = 1024 * KIB
const GIB = 1024 * MIB

/** With compression, a unit of the data file is this part of a leaf: a packed leaf takes as few units as it can. */
export const PACKED_UNITS = 8

/** What `engine: 'btree'` understands. */
export interface BtreeOptions {
  readonly writeBufferSize: number
  readonly cacheSize: number
  readonly entryCache: boolean
  readonly pageSize: number
  readonly compression: 'none' | 'lz4'
  readonly idleCompaction: boolean
  readonly changesRetainBytes: number
}

/** What the engine's factory takes that no directory remembers and no command line can give. */
export interface BtreeSettings {
  /** Decides instead of the built-in rule where a full leaf is cut in two. */
  readonly leafSplit?: LeafSplit
  /** Memory that pages have left is overwritten: for tests. */
  readonly poisonFrames?: boolean
  /** When the cache of entries looks whether it is of use: for tests. */
  readonly entryCachePace?: EntryCachePace
}

export const BTREE_OPTIONS = {
  writeBufferSize: {
    type: 'integer',
    default: 128 * MIB,
    min: 16 * KIB,
    max: 16 * GIB,
    unit: 'bytes',
    about:
      'Changed pages that may gather in memory before a checkpoint writes them. More make for fewer page writes, and a longer recovery.',
  },
  cacheSize: {
    type: 'integer',
    default: 64 * MIB,
    min: 0,
    max: 64 * GIB,
    auto: true,
    unit: 'bytes',
    about: 'Budget of the cache for unchanged pages, or "auto": a quarter of the memory that is available at opening.',
  },
  entryCache: {
    type: 'boolean',
    default: false,
    about: 'Whether up to 0.3 of `cacheSize` may hold single entries, while the same few keys are read again and again.',
  },
  pageSize: {
    type: 'integer',
    default: 4 * KIB,
    min: 256,
    max: 64 * KIB,
    unit: 'bytes',
    about: 'Size of a leaf, a power of two. It counts when the store is created; a store keeps the size it was created with.',
  },
  compression: {
    type: 'choice',
    default: 'none',
    choices: ['none', 'lz4'],
    booleans: ['none', 'lz4'],
    about: 'How leaves are compressed. It counts when the store is created; a store keeps what it was created with.',
  },
  idleCompaction: {
    type: 'boolean',
    default: true,
    about:
      'Whether free space is given back: by an idle store where half of the files or more is dead, by a closing one where an eighth is. ' +
      'An idle store also drops entries that have expired.',
  },
  changesRetainBytes: CHANGES_RETAIN_BYTES,
} as const satisfies OptionTable

/** What the table cannot say. Throws a MisuseError. */
export function checkOptions({ pageSize }: BtreeOptions): void {
  if ((pageSize & (pageSize - 1)) === 0) return
  throw new MisuseError('LEVEL_INVALID_OPTION', `Option "pageSize" is ${pageSize}, but must be a power of two, like 4096`)
}
