/**
 * A log-structured merge tree without files: tables are sorted sets of key numbers and the metadata that pickers see. The pickers are
 * the engine's own; a model of sizes replaces files.
 *
 * Invariants:
 * 1. The keys of a table are exact: a merge keeps one version of each key, the newest.
 * 2. Bytes are a function of the number of keys and of their mean distance.
 * 3. Compactions run to the end after each flush, as in an engine whose writers leave it the time, never concurrently with a flush.
 * 4. Puts only: no deletes, no snapshots.
 */
import type { CompactionPicker, Compaction, TableMeta } from 'kvarium/lsm'
import { Version } from 'kvarium/lsm'
import { concatenated, sortedDistinct, unionOf } from './merge-sorted.js'
import type { SizeModel } from './size-model.js'

export interface SimulatorOptions {
  readonly picker: CompactionPicker
  readonly sizes: SizeModel
  /** Size at which a compaction starts another table. */
  readonly maxTableBytes: number
  /** Keys are numbers from 0 up to, not including, this; at most 2^32. */
  readonly keys: number
  /** Called with each pick before it is carried out. */
  readonly onPick?: (spec: Compaction) => void
  /** Flushes between two samples. Default: 1. */
  readonly sampleEvery?: number
}

export interface SimulatedLevel {
  readonly level: number
  readonly runs: number
  readonly tables: number
  readonly entries: number
  readonly bytes: number
  /** Bytes written by flushes for level 0, by compactions for the others. */
  readonly writtenBytes: number
}

/** A sample after all compactions. Ratios are defined in trace/ledger.ts. */
export interface SimulationSample {
  readonly puts: number
  readonly writeAmplification: number
  readonly spaceAmplification: number
  readonly runs: number
}

export interface Simulation {
  readonly puts: number
  readonly userBytes: number
  readonly written: { readonly log: number; readonly flush: number; readonly compaction: number }
  readonly flushes: number
  readonly picks: number
  /** Picks that changed a table's level without writing it. */
  readonly moves: number
  readonly levels: readonly SimulatedLevel[]
  readonly runs: number
  readonly writeAmplification: number
  /** Bytes of tables ÷ key and value bytes of different keys. */
  readonly spaceAmplification: number
  /** Mean of the samples' space amplification and runs over the second half of the puts, when the tree is in its steady state. */
  readonly steady: { readonly spaceAmplification: number; readonly runs: number }
  readonly samples: readonly SimulationSample[]
}

const NO_RANGES = { oldestSnapshot: Infinity, rangeTombstones: [] } as const

export class CompactionSimulator {
  readonly #options: SimulatorOptions
  readonly #memtable: Uint32Array
  #inMemtable = 0
  #version = new Version()
  /** Keys by table number. */
  readonly #keysOf = new Map<number, Uint32Array>()
  readonly #seen: Uint8Array
  #distinct = 0
  #nextFile = 1
  #puts = 0
  #flushes = 0
  #picks = 0
  #moves = 0
  #flushed = 0
  readonly #compacted: number[] = []
  readonly #samples: SimulationSample[] = []

  constructor(options: SimulatorOptions) {
    const { keys, sizes } = options
    if (!Number.isInteger(keys) || keys < 1 || keys > 2 ** 32) throw new RangeError(`a simulation over ${keys} keys: it takes 1 to 2^32`)
    this.#options = options
    this.#memtable = new Uint32Array(sizes.memtablePuts)
    this.#seen = new Uint8Array(keys)
  }

  /** The tree as the picker sees it. */
  get version(): Version {
    return this.#version
  }

  put(key: number): void {
    if (this.#inMemtable === this.#memtable.length) this.flush()
    this.#memtable[this.#inMemtable++] = key
    this.#puts++
    if (this.#seen[key] === 0) {
      this.#seen[key] = 1
      this.#distinct++
    }
  }

  /** Flushes the memtable, then compacts until the picker picks nothing. */
  flush(): void {
    if (this.#inMemtable === 0) return
    const number = this.#nextFile++
    const meta = this.#table(number, 0, number, sortedDistinct(this.#memtable, this.#inMemtable))
    this.#inMemtable = 0
    this.#flushed += meta.fileBytes
    this.#version = this.#version.apply({ deleted: [], added: [meta] })
    this.#flushes++
    this.compact()
    if (this.#flushes % (this.#options.sampleEvery ?? 1) === 0) this.#sample()
  }

  /** Carries out the picker's compactions until it picks nothing. */
  compact(): void {
    const { picker, onPick } = this.#options
    for (let spec = picker.pick(this.#version, NO_RANGES); spec !== undefined; spec = picker.pick(this.#version, NO_RANGES)) {
      this.#picks++
      onPick?.(spec)
      this.#run(spec)
    }
  }

  report(): Simulation {
    const { log, userBytes } = this.#bytes()
    const compaction = this.#compacted.reduce((sum, bytes) => sum + (bytes ?? 0), 0)
    const half = this.#samples.filter(sample => sample.puts * 2 >= this.#puts)
    const mean = (of: (sample: SimulationSample) => number): number =>
      half.length === 0 ? 0 : half.reduce((sum, sample) => sum + of(sample), 0) / half.length
    return {
      puts: this.#puts,
      userBytes,
      written: { log, flush: this.#flushed, compaction },
      flushes: this.#flushes,
      picks: this.#picks,
      moves: this.#moves,
      levels: this.#version.levels.map((_, level) => this.#level(level)),
      runs: this.#runs(),
      writeAmplification: ratio(log + this.#flushed + compaction, userBytes),
      spaceAmplification: this.#space(),
      steady: { spaceAmplification: mean(sample => sample.spaceAmplification), runs: mean(sample => sample.runs) },
      samples: this.#samples,
    }
  }

  #run(spec: Compaction): void {
    const metas = spec.inputs.flat()
    const deleted = metas.map(meta => meta.number)
    const level = spec.outputLevel
    if (spec.move) {
      this.#moves++
      const run = spec.outputRun === 'new' ? this.#nextFile++ : spec.outputRun
      this.#version = this.#version.apply({ deleted, added: metas.map(meta => ({ ...meta, level, run })) })
      return
    }
    const keys = unionOf(spec.inputs.map(run => concatenated(run.map(meta => this.#keysOf.get(meta.number)!))))
    const run = spec.outputRun === 'new' ? this.#nextFile : spec.outputRun
    const added = this.#cut(keys).map(part => this.#table(this.#nextFile++, level, run, part))
    for (const number of deleted) this.#keysOf.delete(number)
    for (const { fileBytes } of added) this.#compacted[level] = (this.#compacted[level] ?? 0) + fileBytes
    this.#version = this.#version.apply({ deleted, added })
  }

  /** Splits keys into tables; a table ends with the entry that reaches its size. */
  #cut(keys: Uint32Array): Uint32Array[] {
    const { sizes, maxTableBytes } = this.#options
    const entries = Math.max(1, Math.ceil(maxTableBytes / sizes.entryBytes(gapOf(keys))))
    const parts: Uint32Array[] = []
    for (let from = 0; from < keys.length; from += entries) parts.push(keys.subarray(from, Math.min(keys.length, from + entries)))
    return parts
  }

  #table(number: number, level: number, run: number, keys: Uint32Array): TableMeta {
    const { sizes } = this.#options
    this.#keysOf.set(number, keys)
    return {
      number,
      level,
      run,
      fileBytes: Math.round(keys.length * sizes.entryBytes(gapOf(keys)) + sizes.tableBytes),
      entries: keys.length,
      tombstones: 0,
      rangeTombstones: 0,
      rawBytes: keys.length * sizes.userBytes,
      smallest: keyOf(keys[0]),
      largest: keyOf(keys[keys.length - 1]),
      minSequence: 0,
      maxSequence: this.#puts,
    }
  }

  #level(level: number): SimulatedLevel {
    const runs = this.#version.level(level)
    const metas = runs.flatMap(run => run.tables.map(file => file.meta))
    return {
      level,
      runs: runs.length,
      tables: metas.length,
      entries: metas.reduce((sum, meta) => sum + meta.entries, 0),
      bytes: metas.reduce((sum, meta) => sum + meta.fileBytes, 0),
      writtenBytes: level === 0 ? this.#flushed : (this.#compacted[level] ?? 0),
    }
  }

  #bytes(): { log: number; userBytes: number } {
    const { logBytes, userBytes } = this.#options.sizes
    return { log: this.#puts * logBytes, userBytes: this.#puts * userBytes }
  }

  #runs(): number {
    return this.#version.levels.reduce((sum, level) => sum + level.length, 0)
  }

  #space(): number {
    let bytes = 0
    for (let level = 0; level < this.#version.levels.length; level++) bytes += this.#version.levelBytes(level)
    return ratio(bytes, this.#distinct * this.#options.sizes.userBytes)
  }

  #sample(): void {
    const { log, userBytes } = this.#bytes()
    const written = this.#compacted.reduce((sum, bytes) => sum + (bytes ?? 0), log + this.#flushed)
    this.#samples.push({
      puts: this.#puts,
      writeAmplification: ratio(written, userBytes),
      spaceAmplification: this.#space(),
      runs: this.#runs(),
    })
  }
}

/** Big-endian, so that the bytes order as the numbers do. */
function keyOf(key: number): Uint8Array {
  return Uint8Array.of(key >>> 24, key >>> 16, key >>> 8, key)
}

function gapOf(keys: Uint32Array): number {
  return keys.length < 2 ? 1 : (keys[keys.length - 1] - keys[0]) / (keys.length - 1)
}

function ratio(a: number, b: number): number {
  return b === 0 ? 0 : a / b
}
