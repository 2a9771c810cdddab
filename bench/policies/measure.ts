/** What a policy and an allocation of filters cost on the engine: bytes, blocks and filters of the same puts and gets, in memory. */
import { Cache } from '../../src/cache/cache.js'
import { hash32Now } from '../../src/codec/checksum.js'
import type { LsmOptions, LsmShape } from '../../src/lsm/index.js'
import { tableName } from '../../src/lsm/index.js'
import { Kvarium } from '../../src/index.js'
import { Table } from '../../src/sstable/table.js'
import { newReadCounts, type ReadCounts } from '../../src/trace/ledger.js'
import { MemoryFileSystem, SeededRandom, simulatedEnvironment } from '../../src/vfs/index.js'

export interface Work {
  readonly keys: number
  readonly puts: number
  /** Samples of reads and of the tree, spread over the second half of the puts. */
  readonly samples: number
  /** Gets of a sample: as many of keys that are there as of others. */
  readonly gets: number
  readonly seed: number
}

export interface Reads {
  /** Per get. */
  readonly blocks: number
  readonly filterProbes: number
  readonly falsePositives: number
}

export interface LevelFilters {
  readonly level: number
  readonly runs: number
  readonly entries: number
  readonly bitsPerKey: number
}

export interface Figures {
  readonly writeAmplification: number
  /** Bytes of tables per byte of different keys and their values, on average over the samples. */
  readonly spaceAmplification: number
  readonly runs: number
  readonly found: Reads
  readonly absent: Reads
  /** Bytes of the filters in all tables, on average over the samples. */
  readonly filterBytes: number
  readonly filterBitsPerKey: number
  /** At the end. */
  readonly levels: readonly LevelFilters[]
}

const VALUE = 'v'.repeat(100)
const KEY_BYTES = 16
const BATCH = 64

/** As the defaults, 1/256 of their size. */
const SMALL: Partial<LsmOptions> = {
  writeBufferSize: 64 << 10,
  level1Size: 256 << 10,
  maxFileSize: 32 << 10,
  blockSize: 1024,
  cacheSize: 0,
  compression: 'none',
}

export async function measure(options: Partial<LsmOptions>, work: Work): Promise<Figures> {
  const fileSystem = new MemoryFileSystem()
  const environment = simulatedEnvironment({ seed: work.seed, fileSystem })
  const db = new Kvarium('/store', { environment, engine: 'lsm', ...SMALL, ...options })
  await db.open()
  const random = new SeededRandom(work.seed)
  const seen = new Set<number>()
  const filters = new FilterSizes(fileSystem)
  const samples: { space: number; runs: number; filterBytes: number; bits: number }[] = []
  const every = Math.max(BATCH, Math.floor(work.puts / 2 / work.samples))
  for (let done = 0, due = work.puts / 2; done < work.puts; done += BATCH) {
    const keys = Array.from({ length: BATCH }, () => random.uniform(work.keys))
    await db.batch(keys.map(key => ({ type: 'put', key: nameOf(key), value: VALUE })))
    for (const key of keys) seen.add(key)
    await db.settle()
    if (done < due) continue
    due += every
    const { levels } = db.shape() as LsmShape
    const filterBytes = levels.reduce((sum, level) => sum + filters.of(level).bytes, 0)
    const entries = levels.reduce((sum, level) => sum + level.entries, 0)
    samples.push({
      space: levels.reduce((sum, level) => sum + level.bytes, 0) / (seen.size * (KEY_BYTES + VALUE.length)),
      runs: levels.reduce((sum, level) => sum + level.runs, 0),
      filterBytes,
      bits: (filterBytes * 8) / entries,
    })
    for (let i = 0; i < work.gets; i++) {
      const key = random.uniform(work.keys)
      db.getSync(nameOf(seen.has(key) ? key : keys[0]))
      db.getSync(`${nameOf(key)}-`)
    }
  }
  const { ledger, amplification } = db.stats()
  const { levels } = db.shape() as LsmShape
  const figures: Figures = {
    writeAmplification: amplification.write.total,
    spaceAmplification: mean(samples.map(({ space }) => space)),
    runs: mean(samples.map(({ runs }) => runs)),
    found: readsOf(ledger.found),
    absent: readsOf(ledger.missing),
    filterBytes: mean(samples.map(({ filterBytes }) => filterBytes)),
    filterBitsPerKey: mean(samples.map(({ bits }) => bits)),
    levels: levels.map(level => ({
      level: level.level,
      runs: level.runs,
      entries: level.entries,
      bitsPerKey: filters.of(level).bitsPerKey,
    })),
  }
  await db.close()
  return figures
}

/** The filters of tables, read from their files once. */
class FilterSizes {
  readonly #fileSystem: MemoryFileSystem
  readonly #bytes = new Map<number, number>()

  constructor(fileSystem: MemoryFileSystem) {
    this.#fileSystem = fileSystem
  }

  of({ runTables, entries }: LsmShape['levels'][number]): { bytes: number; bitsPerKey: number } {
    let bytes = 0
    for (const { number, fileBytes } of runTables.flat()) {
      let size = this.#bytes.get(number)
      if (size === undefined) this.#bytes.set(number, (size = this.#read(number, fileBytes)))
      bytes += size
    }
    return { bytes, bitsPerKey: entries === 0 ? 0 : (bytes * 8) / entries }
  }

  #read(fileNumber: number, size: number): number {
    const file = this.#fileSystem.openRead(`/store/${tableName(fileNumber)}`)
    try {
      const table = Table.open({ file, fileNumber, size, hash32: hash32Now(), cache: new Cache(0), counters: newReadCounts() })
      return table.properties.filterBytes
    } finally {
      file.close()
    }
  }
}

function readsOf({ operations, blocksFromCache, blocksFromDisk, filterProbes, filterFalsePositives }: ReadCounts): Reads {
  return {
    blocks: (blocksFromCache + blocksFromDisk) / operations,
    filterProbes: filterProbes / operations,
    falsePositives: filterFalsePositives / operations,
  }
}

function nameOf(key: number): string {
  // Spread over the range, so that keys which are there and keys which are not lie side by side.
  return String(key).padStart(KEY_BYTES, '0')
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length)
}
