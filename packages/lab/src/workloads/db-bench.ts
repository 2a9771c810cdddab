/**
 * The workloads of LevelDB's and RocksDB's db_bench, by their names: keys are decimal numbers padded with zeros, and "random" draws
 * with replacement. Existing data are every key once, in random order.
 */
import type { Reads, Work } from '../predict/prediction.js'
import { SeededRandom, uniform } from 'kvarium/vfs'
import { Shuffle } from './shuffle.js'
import { decimalKey, Values } from './entries.js'
import { unit } from './distributions.js'
import { loadPhases, SETTLE, type Size, type Workload, type WorkloadOperation, type WorkloadPhase } from './workload.js'

const DB_BENCH = "LevelDB and RocksDB, db_bench's"
const SEEK_ENTRIES = 10
const PASSES = 5
/** LevelDB writes a thousandth in `fillsync`; with few entries that is too little to measure. */
const LEAST_SYNC_WRITES = 1000
const CACHE_SHARE = 1 / 8
const LEAST_CACHE_BYTES = 256 * 1024
const BEYOND_CACHE_READS = 0.95
const DOT = 0x2e

type Draw = (random: SeededRandom, index: number) => WorkloadOperation

/** Makes the operations of one workload of a size. */
class Maker {
  readonly size: Size
  readonly #values: Values

  constructor(size: Size) {
    this.size = size
    this.#values = new Values(size.seed, size.valueBytes)
  }

  key(number: number): Uint8Array {
    return decimalKey(number, this.size.keyBytes)
  }

  put(number: number, version: number): { readonly type: 'put'; readonly key: Uint8Array; readonly value: Uint8Array } {
    return { type: 'put', key: this.key(number), value: this.#values.value(version, this.size.valueBytes) }
  }

  get(key: Uint8Array): WorkloadOperation {
    return { type: this.size.readsSync ? 'get-sync' : 'get', key }
  }

  anyKey(random: SeededRandom): number {
    return uniform(random, this.size.entries)
  }

  lane(count: number, salt: number, draw: Draw): () => Iterable<WorkloadOperation> {
    const { seed } = this.size
    return function* () {
      const random = new SeededRandom(seed + salt)
      for (let index = 0; index < count; index++) yield draw(random, index)
    }
  }

  /** Version numbers of values written after the load start here. */
  newVersion(index: number): number {
    return this.size.entries + index
  }

  /** The phases that load existing data. */
  load(): WorkloadPhase[] {
    const { entries, seed } = this.size
    const order = new Shuffle(entries, seed | 0)
    return loadPhases(entries, 'Every key once, in random order, in batches of 1000', index => {
      const { key, value } = this.put(order.at(index), index)
      return [key, value]
    })
  }

  /** Writes one at a time, or in batches of the given size. */
  writes(
    count: number,
    salt: number,
    draw: (random: SeededRandom, index: number) => ReturnType<Maker['put']> | Deletion,
  ): WorkloadPhase['lanes'] {
    const { seed, batch } = this.size
    if (batch === 1) return [this.lane(count, salt, draw)]
    return [
      function* () {
        const random = new SeededRandom(seed + salt)
        for (let from = 0; from < count; from += batch) {
          const length = Math.min(batch, count - from)
          yield { type: 'batch', operations: Array.from({ length }, (_, index) => draw(random, from + index)) }
        }
      },
    ]
  }

  calls(count: number): number {
    return Math.ceil(count / this.size.batch)
  }

  /** The input of the formulas: how many operations are single puts of random keys, or of all keys in order. */
  predictedWork(row: Row): Work {
    const { entries, keyBytes, valueBytes, batch } = this.size
    const { puts = row.kind === 'read' ? 0 : entries, isAscending, fromEmpty, isSingle } = row
    const distribution = isAscending === true ? 'ascending' : 'uniform'
    const work = {
      puts: Math.round(typeof puts === 'function' ? puts(this.size) : puts),
      keys: entries,
      keyBytes,
      valueBytes,
      distribution,
    } as const
    return {
      ...work,
      ...(row.reads !== undefined && { reads: row.reads(this.size) }),
      batchPuts: isSingle === true ? 1 : batch,
      ...(fromEmpty !== true && { loaded: { keys: entries, order: 'random' } }),
    }
  }
}

interface Deletion {
  readonly type: 'del'
  readonly key: Uint8Array
}

interface Row {
  readonly name: string
  readonly about: string
  readonly kind: WorkloadPhase['kind']
  /** Starts without existing data. */
  readonly fromEmpty?: true
  /** Calls and lanes of the run. */
  readonly run: (maker: Maker) => { readonly operations: number; readonly lanes: WorkloadPhase['lanes'] }
  readonly cacheBytes?: (size: Size) => number
  /** Operations of the run, if not the number of entries. */
  readonly puts?: (size: Size) => number
  readonly isAscending?: true
  /** Writes are never batches. */
  readonly isSingle?: true
  /** Reads for the formula of caches. */
  readonly reads?: (size: Size) => Reads
  /** The formulas do not cover deletions. */
  readonly isUnpredictable?: true
}

function syncWrites({ entries }: Size): number {
  return Math.max(LEAST_SYNC_WRITES, Math.ceil(entries / 1000))
}

function reads(draw: (maker: Maker) => Draw): Row['run'] {
  return maker => ({ operations: maker.size.operations, lanes: [maker.lane(maker.size.operations, 1, draw(maker))] })
}

function writes(draw: (maker: Maker) => Parameters<Maker['writes']>[2]): Row['run'] {
  return maker => ({ operations: maker.calls(maker.size.entries), lanes: maker.writes(maker.size.entries, 1, draw(maker)) })
}

function passes(reverse: boolean): Row['run'] {
  return () => ({
    operations: PASSES,
    lanes: [() => Array.from({ length: PASSES }, (): WorkloadOperation => ({ type: 'scan', reverse }))],
  })
}

const ROWS: readonly Row[] = [
  {
    name: 'fillseq',
    about: 'Puts of all keys into an empty store, in order',
    kind: 'write',
    fromEmpty: true,
    isAscending: true,
    run: writes(maker => (_, index) => maker.put(index, index)),
  },
  {
    name: 'fillrandom',
    about: 'Puts of random keys into an empty store, as many as there are keys',
    kind: 'write',
    fromEmpty: true,
    run: writes(maker => (random, index) => maker.put(maker.anyKey(random), index)),
  },
  {
    name: 'overwrite',
    about: 'Puts of random existing keys, as many as there are keys',
    kind: 'write',
    run: writes(maker => (random, index) => maker.put(maker.anyKey(random), maker.newVersion(index))),
  },
  {
    name: 'fillsync',
    about: 'Durable puts of random keys into an empty store, a thousandth as many, but at least 1000',
    kind: 'write',
    fromEmpty: true,
    isSingle: true,
    puts: syncWrites,
    run: maker => {
      const operations = syncWrites(maker.size)
      const draw: Draw = (random, index) => ({ ...maker.put(maker.anyKey(random), index), sync: true })
      return { operations, lanes: [maker.lane(operations, 1, draw)] }
    },
  },
  {
    name: 'readrandom',
    about: 'Gets of random existing keys',
    kind: 'read',
    reads: () => ({ distribution: 'uniform' }),
    run: reads(maker => random => maker.get(maker.key(maker.anyKey(random)))),
  },
  {
    name: 'readmissing',
    about: 'Gets of absent keys, each next to an existing one',
    kind: 'read',
    run: reads(maker => random => maker.get(withDot(maker.key(maker.anyKey(random))))),
  },
  {
    name: 'readhot',
    about: 'Gets of random keys of the first hundredth',
    kind: 'read',
    reads: ({ entries }) => ({ distribution: 'uniform', keys: Math.ceil(entries / 100) }),
    run: reads(maker => random => maker.get(maker.key(uniform(random, Math.ceil(maker.size.entries / 100))))),
  },
  {
    name: 'seekrandom',
    about: `Iterators, each opened at a random key for ${SEEK_ENTRIES} entries`,
    kind: 'read',
    run: reads(maker => random => ({ type: 'scan', gte: maker.key(maker.anyKey(random)), limit: SEEK_ENTRIES })),
  },
  { name: 'readseq', about: `All entries in order, ${PASSES} times`, kind: 'read', run: passes(false) },
  { name: 'readreverse', about: `All entries in reverse order, ${PASSES} times`, kind: 'read', run: passes(true) },
  {
    name: 'deleterandom',
    about: 'Deletions of random keys, as many as there are keys; most exist',
    kind: 'write',
    isUnpredictable: true,
    run: writes(maker => random => ({ type: 'del', key: maker.key(maker.anyKey(random)) })),
  },
  {
    name: 'readwhilewriting',
    about: 'Gets of random keys, and concurrently as many puts of random keys',
    kind: 'mixed',
    isSingle: true,
    puts: ({ operations }) => operations,
    reads: () => ({ distribution: 'uniform' }),
    run: maker => {
      const { operations } = maker.size
      const get: Draw = random => maker.get(maker.key(maker.anyKey(random)))
      const put: Draw = (random, index) => maker.put(maker.anyKey(random), maker.newVersion(index))
      return { operations: 2 * operations, lanes: [maker.lane(operations, 1, get), maker.lane(operations, 2, put)] }
    },
  },
  {
    name: 'beyond-cache',
    about:
      'Gets of random keys and occasional puts (95/5), with a cache for an eighth of the data; the page cache of the system comes on top',
    kind: 'mixed',
    isSingle: true,
    puts: ({ operations }) => operations * (1 - BEYOND_CACHE_READS),
    reads: () => ({ distribution: 'uniform' }),
    cacheBytes: ({ entries, keyBytes, valueBytes }) =>
      Math.max(LEAST_CACHE_BYTES, Math.floor(entries * (keyBytes + valueBytes) * CACHE_SHARE)),
    run: reads(maker => (random, index) => {
      const isRead = unit(random) < BEYOND_CACHE_READS
      const number = maker.anyKey(random)
      return isRead ? maker.get(maker.key(number)) : maker.put(number, maker.newVersion(index))
    }),
  },
]

export const DB_BENCH_WORKLOADS: readonly Workload[] = ROWS.map(row => ({
  name: row.name,
  about: row.about,
  source: row.name === 'beyond-cache' ? 'this suite' : DB_BENCH,
  plan: size => {
    const { name, kind, fromEmpty, run, cacheBytes, isUnpredictable, isSingle } = row
    const { entries, keyBytes, valueBytes, batch } = size
    const maker = new Maker(size)
    const about = kind === 'write' && isSingle !== true && batch > 1 ? `${row.about}, ${batch} at once` : row.about
    const load = fromEmpty === true ? [] : maker.load()
    return {
      entries,
      keyBytes,
      valueBytes,
      phases: [...load, { name, about, kind, ...run(maker) }, SETTLE],
      ...(cacheBytes !== undefined && { cacheBytes: cacheBytes(size) }),
      ...(isUnpredictable !== true && { predictedWork: maker.predictedWork(row) }),
    }
  },
}))

function withDot(key: Uint8Array): Uint8Array {
  const missing = new Uint8Array(key.length + 1)
  missing.set(key)
  missing[key.length] = DOT
  return missing
}
