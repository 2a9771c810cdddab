import type { EngineFactory } from '../engine/contract.js'
import { BtreeEngine } from './engine.js'
import { FILE_NAMES } from './file-names.js'
import { BTREE_OPTIONS } from './options.js'
import { openParts } from './recovery.js'
import { salvageBtree } from './salvage.js'

/** The `btree` engine. With `poisonFrames`, memory that pages have left is overwritten: for tests. */
export function btreeEngine(settings: { readonly poisonFrames?: boolean } = {}): EngineFactory {
  return {
    name: 'btree',
    durable: true,
    options: BTREE_OPTIONS,
    fileNames: FILE_NAMES,
    open: async context => new BtreeEngine(await openParts(context, { poisonFrames: settings.poisonFrames ?? false })),
    salvage: salvageBtree,
  }
}
