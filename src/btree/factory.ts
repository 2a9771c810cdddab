/**
 * The `btree` engine as a store is given it. A program that never opens a B+tree does not load one: what is needed before an opening is
 * here, the rest comes with the first.
 */
import type { EngineFactory } from '../engine/contract.js'
import { absolutePath } from '../vfs/file-system.js'
import { BTREE_FILES } from './file-names.js'
import { BTREE_OPTIONS, type BtreeSettings } from './options.js'

/** The `btree` engine. */
export function btreeEngine(settings: BtreeSettings = {}): EngineFactory {
  return {
    name: 'btree',
    durable: true,
    options: BTREE_OPTIONS,
    files: BTREE_FILES,
    countsLiveBytes: true,
    expires: true,
    variants: [{ name: 'btree', options: {}, scaled: ['writeBufferSize', 'cacheSize'] }],
    async open(context) {
      const directory = absolutePath(context.environment.fileSystem, context.directory)
      const { openBtree } = await import('./open.js')
      return openBtree({ ...context, directory }, settings)
    },
    async *salvage(context, lost) {
      const { salvageBtree } = await import('./recovery/salvage.js')
      yield* salvageBtree(context, lost)
    },
    async openReader(context, version) {
      const { openBtreeReader } = await import('./reader/btree-reader.js')
      return openBtreeReader(context, version)
    },
  }
}
