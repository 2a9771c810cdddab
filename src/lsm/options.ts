import { CHANGES_RETAIN_BYTES } from '../engine/changes.js'
import type { OptionTable } from '../engine/contract.js'
import { isAvailable, type CompressionName } from '../sstable/compression-name.js'
import type { PlatformCompression } from '../vfs/environment.js'
import { MisuseError } from '../errors.js'

const KIB = 1024
const MIB = 1024 * KIB
const GIB = 1024 * MIB

/** The codec of new tables by their level; `rest` is that of the levels without one. */
export interface CompressionByLevel {
  readonly [level: `level${number}`]: CompressionName
  readonly rest?: CompressionName
}

const DEFAULT_COMPRESSION = 'lz4'

/** What `engine: 'lsm'` understands. Names are LevelDB's where they mean the same. */
export interface LsmOptions {
  readonly writeBufferSize: number
  readonly cacheSize: number
  readonly entryCache: boolean
  readonly blockSize: number
  readonly maxFileSize: number
  readonly maxOpenFiles: number
  readonly filterBitsPerKey: number
  readonly filterAllocation: 'uniform' | 'by-level'
  readonly compression: CompressionName | CompressionByLevel
  readonly compaction: 'leveled' | 'tiered' | 'lazy-leveled'
  readonly level0Tables: number
  readonly level0StopTables: number
  readonly level1Size: number
  readonly fanOut: number
  readonly runsPerLevel: number
  readonly idleCompaction: boolean
  readonly changesRetainBytes: number
  readonly valueThreshold: number
}

export const LSM_OPTIONS = {
  writeBufferSize: {
    type: 'integer',
    default: 16 * MIB,
    min: 16 * KIB,
    max: GIB,
    unit: 'bytes',
    about: 'Size of the memtable. A larger one makes for fewer flushes and compactions, and a longer recovery.',
  },
  cacheSize: {
    type: 'integer',
    default: 64 * MIB,
    min: 0,
    max: 64 * GIB,
    auto: true,
    unit: 'bytes',
    about: 'Budget of the block cache, or "auto": a quarter of the memory that is available at opening.',
  },
  entryCache: {
    type: 'boolean',
    default: false,
    about: 'Whether up to 0.3 of `cacheSize` may hold single entries, while the same few keys are read again and again.',
  },
  blockSize: { type: 'integer', default: 4 * KIB, min: 64, max: 16 * MIB, unit: 'bytes', about: 'Aimed-at size of a data block.' },
  maxFileSize: {
    type: 'integer',
    default: 8 * MIB,
    min: 4 * KIB,
    max: 4 * GIB,
    unit: 'bytes',
    about: 'Size at which a compaction starts another table.',
  },
  maxOpenFiles: { type: 'integer', default: 1000, min: 8, max: 1_000_000, unit: 'files', about: 'Tables kept open at once.' },
  filterBitsPerKey: {
    type: 'integer',
    default: 10,
    min: 0,
    max: 64,
    unit: 'bits',
    about: 'Size of the bloom filters; 10 lets 0.8 % of absent keys pass, 0 means none.',
  },
  filterAllocation: {
    type: 'choice',
    default: 'uniform',
    choices: ['uniform', 'by-level'],
    about: 'Whether all tables have `filterBitsPerKey`, or deep levels fewer and upper ones more, for the same memory.',
  },
  compression: {
    type: 'choice',
    default: DEFAULT_COMPRESSION,
    choices: ['none', 'lz4', 'deflate', 'zstd'],
    booleans: ['none', 'lz4'],
    byLevel: true,
    about: 'How new blocks are compressed that shrink by an eighth or more.',
  },
  compaction: {
    type: 'choice',
    default: 'leveled',
    choices: ['leveled', 'tiered', 'lazy-leveled'],
    about: 'Which tables are merged when.',
  },
  level0Tables: {
    type: 'integer',
    default: 6,
    min: 1,
    max: 100,
    unit: 'tables',
    about: 'Leveled: tables in level 0 that start a compaction.',
  },
  level0StopTables: {
    type: 'integer',
    default: 12,
    min: 2,
    max: 1000,
    unit: 'tables',
    about: 'Flushed tables that may wait in level 0 before writers are held up.',
  },
  level1Size: {
    type: 'integer',
    default: 64 * MIB,
    min: 16 * KIB,
    max: 64 * GIB,
    unit: 'bytes',
    about: 'Leveled: target size of level 1.',
  },
  fanOut: {
    type: 'integer',
    default: 10,
    min: 2,
    max: 100,
    about: 'Leveled: how many times larger each level is than the one above. Lazy-leveled: the same, for the last level.',
  },
  runsPerLevel: {
    type: 'integer',
    default: 4,
    min: 2,
    max: 100,
    unit: 'runs',
    about: 'Tiered and lazy-leveled: runs in a level that start a merge.',
  },
  idleCompaction: {
    type: 'boolean',
    default: true,
    about: 'Whether an idle or closing store turns deleted data into free space, where half of the files or more is dead.',
  },
  changesRetainBytes: CHANGES_RETAIN_BYTES,
  valueThreshold: {
    type: 'integer',
    default: 0,
    min: 0,
    max: GIB,
    unit: 'bytes',
    about: 'Values of this size and more lie in blob files, apart from the tables, which hold pointers to them. 0: none does.',
  },
} as const satisfies OptionTable

/** What the table cannot say. Throws a MisuseError. */
export function checkOptions(options: LsmOptions, platform: PlatformCompression): void {
  const { compression, compaction, level0StopTables } = options
  const chosen = typeof compression === 'string' ? [compression] : Object.values<CompressionName>({ ...compression })
  for (const name of chosen) {
    if (isAvailable(name, platform)) continue
    const hint = name === 'zstd' ? ': Node has it from 22.15 on' : ''
    throw new MisuseError('LEVEL_INVALID_OPTION', `compression '${name}' is not available in this environment${hint}; use 'lz4' or 'none'`)
  }
  // Otherwise writers would wait for a compaction that is never due.
  const [name, trigger] =
    compaction === 'leveled' ? (['level0Tables', options.level0Tables] as const) : (['runsPerLevel', options.runsPerLevel] as const)
  if (level0StopTables <= trigger) {
    throw new MisuseError(
      'LEVEL_INVALID_OPTION',
      `level0StopTables is ${level0StopTables}; it must be larger than ${name}, which is ${trigger}`,
    )
  }
}

/** How the blocks of new tables in a level are compressed. */
export function compressionAt(level: number, compression: LsmOptions['compression']): CompressionName {
  return typeof compression === 'string' ? compression : (compression[`level${level}`] ?? compression.rest ?? DEFAULT_COMPRESSION)
}
