import { LsmShapeFold } from '../../../src/lsm/fold-shape.js'
import type { LsmSettings } from '../../../src/lsm/settings.js'
import { lsmEngine } from '../../../src/lsm/whole-engine.js'
import type { TraceLevel } from '../../../src/trace/events.js'
import type { Environment } from '../../../src/vfs/environment.js'
import { SMALL_LSM } from '../../contract/support/small-lsm.js'
import { TracedRun } from '../../trace/support/traced-run.js'
import { DIRECTORY } from './opened-lsm.js'

interface TracedSettings extends LsmSettings {
  readonly environment: Environment
  readonly directory?: string
  readonly options?: Readonly<Record<string, unknown>>
  readonly level?: TraceLevel
}

export class TracedLsm extends TracedRun<LsmShapeFold> {
  constructor({ environment, directory = DIRECTORY, options, level, ...settings }: TracedSettings) {
    super({
      factory: lsmEngine(settings),
      environment,
      directory,
      options: { ...SMALL_LSM, ...options },
      level,
      fold: new LsmShapeFold(),
    })
  }
}
