import { btreeEngine } from '../../src/btree/btree-engine.js'
import { WriteBatch } from '../../src/engine/batch.js'
import type { Engine, EngineFactory } from '../../src/engine/contract.js'
import { lsmEngine } from '../../src/lsm/lsm-engine.js'
import { LSM_OPTIONS, type LsmOptions } from '../../src/lsm/options.js'
import type { Measured, Work } from '../../src/predict/prediction.js'
import { keyDraws } from '../../src/predict/simulate.js'
import { MemoryFileSystem, simulatedEnvironment } from '../../src/vfs/index.js'
import { fillOptions, keyOf } from '../contract/opened-engine.js'

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

/** A decimal key of fixed width, as simulators assume. */
export function decimalKey(number: number, bytes: number): Uint8Array {
  return keyOf(String(number).padStart(bytes, '0'))
}

export interface Driven {
  readonly engine: Engine
  readonly options: Readonly<Record<string, unknown>>
  close(): Promise<void>
}

/** An engine over files in memory, on a simulated clock. */
export async function openMeasured(name: 'lsm' | 'btree', options: Readonly<Record<string, unknown>>): Promise<Driven> {
  const factory: EngineFactory = name === 'lsm' ? lsmEngine() : btreeEngine()
  const image = new MemoryFileSystem()
  image.makeDirectory(DIRECTORY)
  const fileSystem = image.processCrashClone()
  const filled = fillOptions(factory, options)
  const environment = simulatedEnvironment({ seed: 1, fileSystem })
  const engine = await factory.open({ environment, directory: DIRECTORY, created: true, options: filled })
  return { engine, options: filled, close: () => engine.close() }
}

export interface DriveSettings {
  readonly seed: number
  /** Flushes and settles after every so many puts; without it the engine decides. */
  readonly flushEvery?: number
}

/** Puts the work's keys into an engine, in the order that the simulator of the same seed draws them. */
export async function drive({ engine }: Driven, work: Work, { seed, flushEvery }: DriveSettings): Promise<void> {
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
    if (ends) {
      await engine.flush()
      await engine.settle()
    }
  }
}

export function measuredOf({ engine, options }: Driven): Measured {
  return { options, ledger: engine.stats().ledger, shape: engine.shape() }
}
