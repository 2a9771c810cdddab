import { btreeEngine } from '../../../../src/btree/factory.js'
import { WriteBatch } from '../../../../src/engine/batch.js'
import type { Engine, EngineFactory } from '../../../../src/engine/contract.js'
import { inlineExecutor, type ExecutorFactory, type JobExecutor } from '../../../../src/lsm/compaction/executor.js'
import { hashEngine } from '../../../../src/hash/factory.js'
import type { HashOptions } from '../../../../src/hash/options.js'
import { lsmEngine } from '../../../../src/lsm/whole-engine.js'
import { LSM_OPTIONS, type LsmOptions } from '../../../../src/lsm/options.js'
import type { Measured, Work } from '../../../../packages/lab/src/predict/prediction.js'
import { keyDraws } from '../../../../packages/lab/src/predict/simulate.js'
import { MemoryFileSystem, simulatedEnvironment } from '../../../../src/vfs/index.js'
import { fillOptions, keyOf } from '../../../contract/support/opened-engine.js'

const DIRECTORY = '/store'

export const SMALL: Partial<LsmOptions> = {
  writeBufferSize: 64 << 10,
  maxFileSize: 32 << 10,
  blockSize: 2 << 10,
  cacheSize: 256 << 10,
  level0Tables: 4,
  level1Size: 128 << 10,
  fanOut: 8,
}

export function lsmOptions(options: Partial<LsmOptions>): LsmOptions {
  const defaults = Object.fromEntries(Object.entries(LSM_OPTIONS).map(([name, spec]) => [name, spec.default]))
  return { ...(defaults as unknown as LsmOptions), ...options }
}

export function hashOptions(options: Partial<HashOptions>): HashOptions {
  return fillOptions(hashEngine(), options) as unknown as HashOptions
}

/** A decimal key of fixed width, as simulators assume. */
export function decimalKey(number: number, bytes: number): Uint8Array {
  return keyOf(String(number).padStart(bytes, '0'))
}

export interface Driven {
  readonly engine: Engine
  /** Bytes of tables that compactions have written into each level. */
  readonly compactedByLevel: readonly number[]
  readonly options: Readonly<Record<string, unknown>>
  close(): Promise<void>
}

/** An engine over files in memory, on a simulated clock. The formulas are those of tables that are not compressed. */
export async function openMeasured(name: 'lsm' | 'btree' | 'hash', options: Readonly<Record<string, unknown>>): Promise<Driven> {
  const compactedByLevel: number[] = [0, 0, 0, 0]
  const executor: ExecutorFactory = (...given) => {
    const inline = inlineExecutor(...given)
    const run: JobExecutor['run'] = async (job, ...more) => {
      const result = await inline.run(job, ...more)
      if (job.memtable === undefined) for (const table of result.tables) compactedByLevel[table.level] += table.fileBytes
      return result
    }
    return { remote: false, run }
  }
  const factory: EngineFactory = name === 'lsm' ? lsmEngine({ executor }) : name === 'btree' ? btreeEngine() : hashEngine()
  const image = new MemoryFileSystem()
  image.makeDirectory(DIRECTORY)
  const fileSystem = image.processCrashClone()
  const filled = fillOptions(factory, name === 'lsm' ? { compression: 'none', ...options } : options)
  const environment = simulatedEnvironment({ seed: 1, fileSystem })
  const engine = await factory.open({ environment, directory: DIRECTORY, created: true, options: filled })
  return { engine, options: filled, compactedByLevel, close: () => engine.close() }
}

export interface DriveSettings {
  readonly seed: number
  /** Flushes and settles after this many puts each; without it the engine decides. */
  readonly flushEvery?: number
  /** Waits for background work after this many puts each. */
  readonly settleEvery?: number
}

/** Puts the work's keys into an engine, in the order that the simulator of the same seed draws them. */
export async function drive({ engine }: Driven, work: Work, { seed, flushEvery, settleEvery }: DriveSettings): Promise<void> {
  const draw = keyDraws(work, seed)
  const batch = new WriteBatch()
  const value = new Uint8Array(work.valueBytes).fill(0x76)
  const { batchPuts = 1, puts, keyBytes } = work
  for (let i = 1; i <= puts; i++) {
    batch.put(decimalKey(draw(), keyBytes), value)
    const ends = flushEvery !== undefined && i % flushEvery === 0
    if (batch.count === batchPuts || ends || i === puts) {
      await engine.write(batch, { sync: false })
      batch.clear()
    }
    if (settleEvery !== undefined && i % settleEvery === 0) await engine.settle()
    if (ends) {
      await engine.flush()
      await engine.settle()
    }
  }
}

export function measuredOf({ engine, options, compactedByLevel }: Driven): Measured {
  const { ledger } = engine.stats()
  const shape = engine.shape()
  const cursor = engine.cursor({})
  let liveBytes = 0
  for (let valid = cursor.first(); valid; valid = cursor.next()) liveBytes += cursor.key.length + cursor.value.length
  cursor.close()
  return { options, ledger, shape, liveBytes, ...(engine.name === 'lsm' && { compactedByLevel }) }
}
