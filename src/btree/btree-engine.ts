import type { EngineFactory } from '../engine/contract.js'
import { BtreeEngine } from './engine.js'
import { FILE_NAMES } from './file-names.js'
import { BTREE_OPTIONS, type BtreeSettings } from './options.js'
import { openParts } from './recovery.js'
import { salvageBtree } from './salvage.js'

/** The `btree` engine. */
export function btreeEngine(settings: BtreeSettings = {}): EngineFactory {
  return {
    name: 'btree',
    durable: true,
    options: BTREE_OPTIONS,
    fileNames: FILE_NAMES,
    open: async context => new BtreeEngine(await openParts(context, settings)),
    salvage: salvageBtree,
  }
}
