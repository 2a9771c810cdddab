import type { EngineFactory } from '../engine/contract.js'
import { absolutePath } from '../vfs/file-system.js'
import { BtreeEngine } from './engine.js'
import { FILE_NAMES } from './file-names.js'
import { BTREE_OPTIONS, type BtreeSettings } from './options.js'
import { openParts } from './recovery/recovery.js'
import { salvageBtree } from './recovery/salvage.js'

/** The `btree` engine. */
export function btreeEngine(settings: BtreeSettings = {}): EngineFactory {
  return {
    name: 'btree',
    durable: true,
    options: BTREE_OPTIONS,
    fileNames: FILE_NAMES,
    async open(context) {
      const directory = absolutePath(context.environment.fileSystem, context.directory)
      return new BtreeEngine(await openParts({ ...context, directory }, settings))
    },
    salvage: salvageBtree,
  }
}
