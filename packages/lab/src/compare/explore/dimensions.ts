/**
 * The dimensions of the map: which options of an engine vary, and by which values. Another option on the map is another row here; an engine
 * without rows is one point.
 */

export type Value = string | number | boolean

export interface Dimension {
  readonly engine: string
  /** An option of the engine, or `BUFFER_SHARE`. */
  readonly option: string
  /** None: it varies only where the user says so. */
  readonly values: readonly Value[]
  /** Stands before the value in the name of a point. */
  readonly tag: string
  /** Whether it matters beside the options of the rows before. Default: always. */
  readonly when?: (options: Readonly<Record<string, unknown>>) => boolean
  /** What else a value asks for. */
  readonly also?: (value: Value) => Readonly<Record<string, Value>>
}

/** Not an option, but how much of the memory is for the write buffer, in percent; filters and the cache have the rest. */
export const BUFFER_SHARE = 'bufferShare'

const isTiered = ({ compaction }: Readonly<Record<string, unknown>>): boolean => compaction === 'tiered'

export const DIMENSIONS: readonly Dimension[] = [
  { engine: 'lsm', option: 'compaction', values: ['leveled', 'lazy-leveled', 'tiered'], tag: '' },
  { engine: 'lsm', option: 'fanOut', values: [4, 10], tag: 'T', when: options => !isTiered(options) },
  {
    engine: 'lsm',
    option: 'runsPerLevel',
    values: [3, 6],
    tag: 'T',
    when: isTiered,
    // Otherwise writers would wait for a merge that is never due.
    also: runs => ({ level0StopTables: Math.max(12, 2 * Number(runs)) }),
  },
  { engine: 'lsm', option: 'filterBitsPerKey', values: [0, 8], tag: 'f' },
  {
    engine: 'lsm',
    option: 'filterAllocation',
    values: ['uniform', 'by-level'],
    tag: '',
    when: ({ filterBitsPerKey }) => filterBitsPerKey !== 0,
  },
  { engine: 'lsm', option: BUFFER_SHARE, values: [20, 50], tag: 'w' },
  // Most data has no values that are worth a file of their own.
  { engine: 'lsm', option: 'valueThreshold', values: [], tag: 'v' },
  { engine: 'btree', option: 'pageSize', values: [2048, 4096, 16384], tag: 'p' },
  { engine: 'btree', option: BUFFER_SHARE, values: [20, 50, 80], tag: 'w' },
  { engine: 'hash', option: 'mergeThreshold', values: [25, 50, 75], tag: 'm' },
]

/** Engines with a place on the map: those that keep their data. */
export const MAPPED_ENGINES: readonly string[] = [...new Set(DIMENSIONS.map(({ engine }) => engine))]
