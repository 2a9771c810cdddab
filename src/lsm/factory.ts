/**
 * The `lsm` engine as a store is given it: what is needed before an opening is here, and the rest is loaded with the first. A program that has
 * to have all of it at hand, as Node's entry does, takes `whole-engine.ts`.
 */
import type { EngineFactory, EngineVariant } from '../engine/contract.js'
import { absolutePath } from '../vfs/file-system.js'
import { LSM_FILES } from './file-names.js'
import type { GivenTableCode } from './code-loader.js'
import type * as Open from './open.js'
import { LSM_OPTIONS } from './options.js'
import type { LsmSettings } from './settings.js'

/** Parts of the engine's code, each loaded by its first use, unless it is there. */
export interface LsmCode {
  readonly open: () => typeof Open | Promise<typeof Open>
  readonly tables: GivenTableCode
}

const LOADED_LATER: LsmCode = { open: () => import('./open.js'), tables: () => import('./table-code.js') }

/** Compared without compression: what is written and read is then what the formulas calculate from the data alone. */
const LSM_VARIANTS: readonly EngineVariant[] = [
  {
    name: 'lsm-leveled',
    options: { compaction: 'leveled', compression: 'none' },
    scaled: ['writeBufferSize', 'maxFileSize', 'level1Size', 'cacheSize'],
  },
  { name: 'lsm-tiered', options: { compaction: 'tiered', compression: 'none' }, scaled: ['writeBufferSize', 'maxFileSize', 'cacheSize'] },
  {
    name: 'lsm-lazy-leveled',
    options: { compaction: 'lazy-leveled', compression: 'none' },
    scaled: ['writeBufferSize', 'maxFileSize', 'cacheSize'],
  },
]

/** The `lsm` engine. On Node pass the `workerExecutor`; the default runs background work inline, in slices. */
export function lsmEngine(settings: LsmSettings = {}, code: LsmCode = LOADED_LATER): EngineFactory {
  return {
    name: 'lsm',
    durable: true,
    options: LSM_OPTIONS,
    files: LSM_FILES,
    expires: true,
    variants: LSM_VARIANTS,
    async open(context) {
      const directory = absolutePath(context.environment.fileSystem, context.directory)
      const { openLsm } = await code.open()
      return openLsm({ ...context, directory }, settings, code.tables)
    },
    async *salvage(context, lost) {
      const { salvageTree } = await import('./recovery/salvage.js')
      yield* salvageTree(context, lost)
    },
    async openReader(context, version) {
      const { openLsmReader } = await import('./reader/lsm-reader.js')
      return openLsmReader(context, version)
    },
  }
}
