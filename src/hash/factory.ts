/** The `hash` engine as a store is given it: what is needed before an opening is here, the rest comes with the first. */
import type { EngineFactory } from '../engine/contract.js'
import { absolutePath } from '../vfs/file-system.js'
import { HASH_FILES } from './file-names.js'
import { HASH_OPTIONS } from './options.js'

/** What the engine's factory takes that no directory remembers and no command line can give. */
export interface HashSettings {
  /** Memory that cached parts of files have left is overwritten: for tests. */
  readonly poisonFrames?: boolean
}

/** The `hash` engine. */
export function hashEngine({ poisonFrames = false }: HashSettings = {}): EngineFactory {
  return {
    name: 'hash',
    durable: true,
    options: HASH_OPTIONS,
    files: HASH_FILES,
    countsLiveBytes: true,
    expires: true,
    variants: [{ name: 'hash', options: {}, scaled: ['maxFileSize', 'cacheSize'] }],
    async open(context) {
      const directory = absolutePath(context.environment.fileSystem, context.directory)
      const { openHash } = await import('./open.js')
      return openHash({ ...context, directory }, poisonFrames)
    },
    async *salvage(context, lost) {
      const { salvageHash } = await import('./salvage.js')
      yield* salvageHash(context, lost)
    },
  }
}
