/**
 * The list of the built-in engines: the one place of the store's core that names them. Everything else finds an engine in the registry.
 * Beside it `inspect/engine-inspectors.ts` lists what shows their files, and `packages/lab/src/predict/predictors.ts` their formulas, so that
 * a store loads neither.
 */
import { btreeEngine } from './btree/factory.js'
import type { BtreeOptions } from './btree/options.js'
import { EngineRegistry } from './engine/registry.js'
import type { EngineFactory } from './engine/contract.js'
import { hashEngine } from './hash/factory.js'
import type { HashOptions } from './hash/options.js'
import { lsmEngine } from './lsm/factory.js'
import type { LsmOptions } from './lsm/options.js'
import { memoryEngine } from './memory/factory.js'
import type { MemoryOptions } from './memory/options.js'

/**
 * A registry of the built-in engines, in the order in which `compare` runs them. The first is the default of a store; by default its code is
 * loaded by the first opening.
 */
export function builtInEngines(lsm: EngineFactory = lsmEngine()): EngineRegistry {
  return new EngineRegistry([lsm, btreeEngine(), hashEngine(), memoryEngine])
}

type Given<Options> = { readonly [Name in keyof Options]?: Options[Name] | undefined }

export interface CacheSizeOption {
  /**
   * Budget of the cache in bytes, or `'auto'`: a quarter of the memory that is available when the store opens, at least 64 MiB. Other stores of the
   * thread with `'auto'` count as having filled theirs. Where the platform does not say what is available, as in a browser, it is 64 MiB.
   * `stats().cache.capacityBytes` is what it came to.
   * @defaultValue 64 MiB
   */
  readonly cacheSize?: number | 'auto' | undefined
}

/** What each built-in engine can be given. What is missing has its default. */
export interface BuiltInEngineOptions {
  readonly lsm: Given<Omit<LsmOptions, 'compression' | 'cacheSize'>> &
    CacheSizeOption & {
      /** How new blocks are compressed that shrink by an eighth or more. `false` means `'none'`, `true` the default codec, `'lz4'`. */
      readonly compression?: LsmOptions['compression'] | boolean | undefined
    }
  readonly btree: Given<Omit<BtreeOptions, 'compression' | 'cacheSize'>> &
    CacheSizeOption & {
      /**
       * How leaves are compressed, which counts when the store is created: about half the disk and two thirds of the writes, for reads beyond the cache that take 1.7 times
       * as long. `false` means `'none'`, the default, and `true` `'lz4'`.
       */
      readonly compression?: BtreeOptions['compression'] | boolean | undefined
    }
  readonly hash: Given<Omit<HashOptions, 'cacheSize'>> & CacheSizeOption
  readonly memory: Given<MemoryOptions>
}

/** The engine of a store that names none. */
export type DefaultEngine = 'lsm'
