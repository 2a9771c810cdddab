import type { Engine } from '../../src/engine/contract.js'
import { TracedEngine } from '../../src/engine/traced-engine.js'
import { LsmShapeFold } from '../../src/lsm/fold-shape.js'
import { lsmEngine, type LsmSettings } from '../../src/lsm/lsm-engine.js'
import type { EventOf, EventType, TraceEvent, TraceLevel } from '../../src/trace/events.js'
import { Trace } from '../../src/trace/trace.js'
import type { Environment } from '../../src/vfs/environment.js'
import { TracedFileSystem } from '../../src/vfs/traced-file-system.js'
import { fillOptions } from '../contract/opened-engine.js'
import { SMALL_LSM } from '../contract/small-lsm.js'
import { DIRECTORY } from './opened-lsm.js'

export interface TracedSettings extends LsmSettings {
  readonly environment: Environment
  readonly directory?: string
  readonly options?: Readonly<Record<string, unknown>>
  readonly level?: TraceLevel
}

/** An engine with a trace around it, as the store puts it there; it keeps all events, and folds them as they come. */
export class TracedLsm {
  readonly events: TraceEvent[] = []
  readonly fold = new LsmShapeFold()
  readonly trace: Trace
  readonly #settings: TracedSettings
  readonly #environment: Environment

  constructor(settings: TracedSettings) {
    const { environment, level = 'step', directory = DIRECTORY } = settings
    this.trace = new Trace({
      level,
      listener: event => {
        this.events.push(event)
        this.fold.apply(event)
      },
    })
    this.trace.useClock(() => environment.clock.now())
    this.#settings = settings
    this.#environment = { ...environment, fileSystem: new TracedFileSystem(environment.fileSystem, this.trace, directory) }
  }

  async open(created = false): Promise<Engine> {
    const { environment: _environment, directory = DIRECTORY, options, level: _level, ...rest } = this.#settings
    const factory = lsmEngine(rest)
    const context = {
      environment: this.#environment,
      directory,
      created,
      options: fillOptions(factory, { ...SMALL_LSM, ...options }),
      trace: this.trace,
    }
    return new TracedEngine(await this.trace.runJob('open', job => this.trace.during(job, () => factory.open(context))), this.trace)
  }

  close(engine: Engine): Promise<void> {
    return this.trace.runJob('close', job => this.trace.during(job, () => engine.close()))
  }

  of<Type extends EventType>(type: Type): EventOf<Type>[] {
    return eventsOf(this.events, type)
  }
}

export function eventsOf<Type extends EventType>(events: readonly TraceEvent[], type: Type): EventOf<Type>[] {
  return events.filter(event => event.type === type) as unknown as EventOf<Type>[]
}
