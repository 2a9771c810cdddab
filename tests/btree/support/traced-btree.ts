import { btreeEngine } from '../../../src/btree/factory.js'
import { BtreeShapeFold } from '../../../src/btree/fold-shape.js'
import type { TraceLevel } from '../../../src/trace/events.js'
import type { Environment } from '../../../src/vfs/environment.js'
import { SMALL_BTREE } from '../../contract/support/small-btree.js'
import { TracedRun } from '../../trace/support/traced-run.js'
import { DIRECTORY } from './opened-btree.js'

interface TracedSettings {
  readonly environment: Environment
  readonly options?: Readonly<Record<string, unknown>>
  readonly level?: TraceLevel
}

export class TracedBtree extends TracedRun<BtreeShapeFold> {
  constructor({ environment, options, level }: TracedSettings) {
    super({
      factory: btreeEngine({ poisonFrames: true }),
      environment,
      directory: DIRECTORY,
      options: { ...SMALL_BTREE, ...options },
      level,
      fold: new BtreeShapeFold(),
    })
  }
}
