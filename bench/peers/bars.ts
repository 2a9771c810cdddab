/** Names of the numbers, the bars they must reach, and the default measurements for that. */
export interface Row {
  readonly work: string
  readonly metric: string
  readonly label: string
  readonly unit: string
}

/** A row with a bar: `ratio` times the reference, or an absolute `limit`. */
export interface Bar extends Row {
  readonly against?: string
  readonly atLeast?: number
  readonly atMost?: number
  readonly below?: number
}

const CLASSIC = 'classic-level'
const LMDB = 'lmdb'
const SQLITE = 'better-sqlite3'
const WRITE_AMPLIFICATION = 'write amplification of the random fill'
export const RATE = 'operationsPerSecond'
const SETTLED = 'settledPerSecond'

/** Bars of both engines. */
const COMMON_BARS: readonly Bar[] = [
  { work: 'get-many', metric: RATE, label: 'a key of getMany(100), resident data', unit: '/s', against: LMDB, atLeast: 1.5 },
  { work: 'get-sync-missing', metric: RATE, label: 'getSync of a missing key', unit: '/s', against: LMDB, atLeast: 1 },
  { work: 'get-sync-hot', metric: RATE, label: 'getSync of the hot hundredth', unit: '/s', against: LMDB, atLeast: 1 },
  { work: 'get-64', metric: 'callP99Ms', label: 'awaited get, 64 in flight: p99', unit: ' ms', atMost: 1.5 },
  { work: 'get-64', metric: 'p999Ms', label: 'event-loop lag p99.9, 64 gets in flight', unit: ' ms', atMost: 2 },
  { work: 'put-lag', metric: 'p999Ms', label: 'event-loop lag p99.9 in a put loop', unit: ' ms', atMost: 2 },
  { work: 'put-64', metric: 'p999Ms', label: 'event-loop lag p99.9, 64 puts in flight', unit: ' ms', atMost: 2 },
  { work: 'put', metric: RATE, label: 'awaited put, default durability', unit: '/s', against: CLASSIC, atLeast: 5 },
  { work: 'fill-ascending', metric: SETTLED, label: 'ascending fill, batches of 1000, settled', unit: '/s', against: LMDB, atLeast: 1 },
  { work: 'put-sync', metric: RATE, label: 'durable put, 64 in flight', unit: '/s', against: LMDB, atLeast: 1.5 },
  { work: 'put-sync-alone', metric: RATE, label: 'durable put, one at a time', unit: '/s', against: SQLITE, atLeast: 0.9 },
  { work: 'transaction', metric: RATE, label: 'transaction that reads and puts a key', unit: '/s', against: LMDB, atLeast: 5 },
  { work: 'transaction', metric: 'ofPuts', label: 'transactions to puts, the same keys', unit: '', atLeast: 0.5 },
  { work: 'open', metric: 'openMs', label: 'open after a clean close, first in its process', unit: ' ms', atMost: 15 },
]

/** The bars of reads of data that a cache of 64 MiB does not hold. */
const BEYOND_BARS: readonly Bar[] = [
  { work: 'ycsb-c', metric: RATE, label: 'YCSB C, 250,000 x 1 kB, cache 64 MiB', unit: '/s', against: CLASSIC, atLeast: 1.5 },
  { work: 'ycsb-c', metric: RATE, label: 'YCSB C, 250,000 x 1 kB, cache 64 MiB', unit: '/s', against: SQLITE, atLeast: 1.5 },
  { work: 'get-sync-2gib', metric: RATE, label: 'getSync of 2 GiB, cache 64 MiB', unit: '/s', against: CLASSIC, atLeast: 1 },
  { work: 'get-sync-2gib', metric: RATE, label: 'getSync of 2 GiB, cache 64 MiB', unit: '/s', against: SQLITE, atLeast: 1 },
]

const LSM_BARS: readonly Bar[] = [
  ...COMMON_BARS,
  ...BEYOND_BARS,
  { work: 'get', metric: RATE, label: 'awaited get, resident data', unit: '/s', against: CLASSIC, atLeast: 10 },
  { work: 'get-sync', metric: RATE, label: 'getSync, resident data', unit: '/s', against: LMDB, atLeast: 1 },
  { work: 'put-lag', metric: 'worstMs', label: 'worst put', unit: ' ms', atMost: 20 },
  { work: 'fill-random', metric: SETTLED, label: 'random fill, batches of 1000, settled', unit: '/s', against: CLASSIC, atLeast: 1 },
  { work: 'fill-random', metric: 'writeAmplification', label: WRITE_AMPLIFICATION, unit: '', against: CLASSIC, atMost: 1 },
  { work: 'fill-random', metric: 'spaceAmplification', label: 'space amplification of the random fill', unit: '', atMost: 0.6 },
  { work: 'fill-random', metric: 'peakMiB', label: 'peak RSS of the random fill', unit: ' MiB', atMost: 160 },
  { work: 'nextv', metric: RATE, label: 'full iteration, nextv(1000)', unit: '/s', against: CLASSIC, atLeast: 1.5 },
  { work: 'for-await', metric: RATE, label: 'full iteration, for await', unit: '/s', against: CLASSIC, atLeast: 1.5 },
  { work: 'fill-lag', metric: 'p999Ms', label: 'event-loop lag p99.9 in a batch fill', unit: ' ms', against: CLASSIC, below: 1 },
  { work: 'open-killed', metric: 'openMs', label: 'open after kill -9, first in its process', unit: ' ms', atMost: 60 },
  { work: 'big', metric: 'peakMiB', label: 'peak RSS, large load and read back', unit: ' MiB', below: 300 },
  { work: 'big', metric: 'getSyncsPerSecond', label: 'large: getSync', unit: '/s', against: CLASSIC, atLeast: 1 },
  { work: 'big', metric: 'getSyncsPerSecond', label: 'large: getSync', unit: '/s', against: SQLITE, atLeast: 1 },
]

const BTREE_BARS: readonly Bar[] = [
  ...COMMON_BARS,
  ...BEYOND_BARS,
  { work: 'get-sync-64', metric: RATE, label: 'getSync, cache 64 MiB', unit: '/s', against: LMDB, atLeast: 0.8 },
  { work: 'get-sync', metric: RATE, label: 'getSync, resident data', unit: '/s', against: LMDB, atLeast: 1.3 },
  { work: 'get', metric: RATE, label: 'awaited get, resident data', unit: '/s', against: CLASSIC, atLeast: 15 },
  { work: 'put', metric: RATE, label: 'awaited put, default durability', unit: '/s', against: LMDB, atLeast: 5 },
  { work: 'put-lag', metric: 'worstMs', label: 'worst put', unit: ' ms', atMost: 40 },
  { work: 'fill-random', metric: SETTLED, label: 'random fill, batches of 1000, settled', unit: '/s', against: LMDB, atLeast: 2 },
  { work: 'fill-random', metric: 'spaceAmplification', label: 'space amplification of the random fill', unit: '', atMost: 1.6 },
  { work: 'fill-random', metric: 'peakMiB', label: 'peak RSS of the random fill', unit: ' MiB', atMost: 280 },
  { work: 'overwrite', metric: 'writeAmplification', label: 'write amplification of overwrites', unit: '', atMost: 6 },
  { work: 'overwrite', metric: 'batchP99Ms', label: 'a batch of overwrites: p99', unit: ' ms', atMost: 30 },
  { work: 'overwrite', metric: 'spaceAfterClose', label: 'files to live data, closed after overwrites', unit: '', atMost: 1.4 },
  { work: 'nextv', metric: RATE, label: 'full iteration, nextv(1000)', unit: '/s', against: LMDB, atLeast: 1 },
  { work: 'nextv-reverse', metric: RATE, label: 'full reverse iteration, nextv(1000)', unit: '/s', against: LMDB, atLeast: 1 },
  { work: 'fill-ascending', metric: 'spaceAmplification', label: 'space amplification of the ascending fill', unit: '', atMost: 1.15 },
  { work: 'fill-lag', metric: 'p999Ms', label: 'event-loop lag p99.9 in a batch fill', unit: ' ms', atMost: 5 },
  { work: 'open-killed', metric: 'openMs', label: 'open after kill -9, first in its process', unit: ' ms', atMost: 200 },
]

export const ALSO: readonly Row[] = [
  ...[
    ['get', 'awaited get'],
    ['get-sync', 'getSync'],
    ['get-64', 'awaited get, 64 in flight'],
    ['get-sync-missing', 'getSync of a missing key'],
    ['get-sync-hot', 'getSync of the hot hundredth'],
    ['get-many', 'a key of getMany(100)'],
    ['put', 'awaited put'],
    ['overwrite', 'an overwrite, settled'],
    ['fill-random', 'an entry of the random fill, settled'],
    ['fill-ascending', 'an entry of the ascending fill, settled'],
    ['put-sync', 'durable put'],
    ['put-sync-alone', 'durable put, one at a time'],
    ['nextv', 'an entry by nextv(1000)'],
    ['nextv-reverse', 'an entry by nextv(1000), reverse'],
    ['for-await', 'an entry by for await'],
  ].map(([work, label]) => ({ work, metric: 'cpuPerOperationUs', label: `CPU of all threads: ${label}`, unit: ' us' })),
  ...['ycsb-c', 'get-sync-2gib'].map(work => ({ work, metric: 'hitRate', label: `${work}: hit rate of the store's cache`, unit: '' })),
  ...[
    ['get', 'awaited get'],
    ['get-64', 'awaited get, 64 in flight'],
    ['get-sync', 'getSync'],
    ['get-sync-64', 'getSync, cache 64 MiB'],
    ['get-sync-missing', 'getSync of a missing key'],
    ['get-sync-hot', 'getSync of the hot hundredth'],
    ['get-many', 'a key of getMany(100)'],
  ].flatMap(([work, label]) => [
    { work, metric: RATE, label, unit: '/s' },
    { work, metric: 'hitRate', label: `${label}: hit rate of the store's cache`, unit: '' },
    { work, metric: 'resident', label: `${label}: 1 if the cache holds all files, 0 if not`, unit: '' },
    { work, metric: 'steady', label: `${label}: 1 if steady in the end, 0 if not`, unit: '' },
    ...(work.startsWith('get-sync') ? [] : [{ work, metric: 'p999Ms', label: `${label}: event-loop lag p99.9`, unit: ' ms' }]),
  ]),
  { work: 'open', metric: 'importMs', label: 'import, first in its process', unit: ' ms' },
  { work: 'open', metric: 'openMs', label: 'open after a clean close, first in its process', unit: ' ms' },
  { work: 'open-killed', metric: 'openMs', label: 'open after kill -9, first in its process', unit: ' ms' },
  { work: 'put-lag', metric: 'worstMs', label: 'worst put', unit: ' ms' },
  { work: 'put', metric: SETTLED, label: 'awaited put, settled', unit: '/s' },
  { work: 'put', metric: 'ticksPerSecond', label: 'ticks of a 1 ms timer in a put loop', unit: '/s' },
  { work: 'put-lag', metric: RATE, label: 'awaited put, all entries', unit: '/s' },
  { work: 'put-lag', metric: 'p50Ms', label: 'event-loop lag in a put loop: p50', unit: ' ms' },
  { work: 'put-lag', metric: 'p99Ms', label: 'event-loop lag in a put loop: p99', unit: ' ms' },
  { work: 'put-lag', metric: 'p999Ms', label: 'event-loop lag in a put loop: p99.9', unit: ' ms' },
  { work: 'put-lag', metric: 'maxMs', label: 'event-loop lag in a put loop: most', unit: ' ms' },
  { work: 'fill-random', metric: RATE, label: 'random fill, to the end of writes', unit: '/s' },
  { work: 'fill-random', metric: 'stallMs', label: 'random fill: writers waited', unit: ' ms' },
  { work: 'fill-random', metric: 'writeAmplification', label: WRITE_AMPLIFICATION, unit: '' },
  { work: 'fill-random', metric: 'writeAmplificationAtEnd', label: 'write amplification, to the end of writes', unit: '' },
  { work: 'fill-random', metric: 'ledgerWriteAmplification', label: "write amplification, the store's own ledger", unit: '' },
  ...['log', 'flush', 'compaction', 'page', 'meta'].map(part => ({
    work: 'fill-random',
    metric: `${part}WriteAmplification`,
    label: `of that: ${part}`,
    unit: '',
  })),
  { work: 'fill-random', metric: 'spaceAmplification', label: 'space amplification of the random fill', unit: '' },
  { work: 'fill-ascending', metric: RATE, label: 'ascending fill, to the end of writes', unit: '/s' },
  { work: 'fill-ascending', metric: SETTLED, label: 'ascending fill, settled', unit: '/s' },
  { work: 'fill-ascending', metric: 'writeAmplification', label: 'write amplification of the ascending fill', unit: '' },
  { work: 'fill-ascending', metric: 'spaceAmplification', label: 'space amplification of the ascending fill', unit: '' },
  { work: 'transaction', metric: RATE, label: 'transaction that reads and puts a key', unit: '/s' },
  { work: 'transaction', metric: 'ofPuts', label: 'transactions to puts, the same keys', unit: '' },
  { work: 'put-sync', metric: 'p50Ms', label: 'durable put, 64 in flight: p50', unit: ' ms' },
  { work: 'put-sync', metric: 'p99Ms', label: 'durable put, 64 in flight: p99', unit: ' ms' },
  { work: 'put-64', metric: RATE, label: 'awaited put, 64 in flight', unit: '/s' },
  { work: 'overwrite', metric: RATE, label: 'overwrites, to the end of writes', unit: '/s' },
  { work: 'overwrite', metric: SETTLED, label: 'overwrites, settled', unit: '/s' },
  { work: 'overwrite', metric: 'worstMs', label: 'worst batch of overwrites', unit: ' ms' },
  { work: 'overwrite', metric: 'peakMiB', label: 'peak RSS of load and overwrites', unit: ' MiB' },
  { work: 'fill-lag', metric: 'p50Ms', label: 'event-loop lag in a batch fill: p50', unit: ' ms' },
  { work: 'fill-lag', metric: 'p99Ms', label: 'event-loop lag in a batch fill: p99', unit: ' ms' },
  { work: 'fill-lag', metric: 'maxMs', label: 'event-loop lag in a batch fill: most', unit: ' ms' },
  { work: 'fill-lag', metric: 'nodeP999Ms', label: "event-loop lag in a batch fill: p99.9 in Node's histogram", unit: ' ms' },
  { work: 'fill-lag', metric: 'ticksPerSecond', label: 'ticks of a 1 ms timer in a batch fill', unit: '/s' },
  { work: 'big', metric: SETTLED, label: 'large random fill, settled', unit: '/s' },
  { work: 'big', metric: 'scansPerSecond', label: 'large: for await, checked', unit: '/s' },
  { work: 'big', metric: 'getsPerSecond', label: 'large: awaited get', unit: '/s' },
  { work: 'big', metric: 'loadedPeakMiB', label: 'large: peak RSS after the load', unit: ' MiB' },
  { work: 'big', metric: 'anonymousPeakMiB', label: 'large: peak RSS without mapped files', unit: ' MiB' },
]

export interface BarSet {
  readonly bars: readonly Bar[]
  readonly subject: string
  readonly peers: readonly string[]
  /** Measured in some workloads only. */
  readonly references: readonly { readonly store: string; readonly works: readonly string[] }[]
  readonly works: readonly string[]
}

const COMMON_WORKS = [
  'open',
  'open-killed',
  'get',
  'get-64',
  'get-sync',
  'get-sync-missing',
  'get-sync-hot',
  'get-many',
  'nextv',
  'put',
  'put-lag',
  'put-64',
  'transaction',
  'fill-random',
  'fill-ascending',
  'fill-lag',
  'overwrite',
  'put-sync',
  'put-sync-alone',
  'get-sync-64',
  'ycsb-c',
]

export const BAR_SETS: Readonly<Record<string, BarSet>> = {
  lsm: {
    bars: LSM_BARS,
    subject: 'kvarium-lsm',
    peers: [CLASSIC, LMDB],
    references: [
      { store: SQLITE, works: ['put-sync-alone', 'ycsb-c', 'get-sync-2gib', 'big'] },
      { store: 'classic-level-nocompress', works: ['fill-random'] },
    ],
    works: ['for-await', ...COMMON_WORKS],
  },
  btree: {
    bars: BTREE_BARS,
    subject: 'kvarium-btree',
    peers: [CLASSIC, LMDB],
    references: [
      { store: SQLITE, works: ['put-sync-alone', 'ycsb-c', 'get-sync-2gib'] },
      { store: 'lmdb-nosync', works: ['put', 'fill-random', 'fill-ascending'] },
    ],
    works: [...COMMON_WORKS, 'nextv-reverse'],
  },
}
