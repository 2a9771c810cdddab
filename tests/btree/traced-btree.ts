import { btreeEngine } from '../../src/btree/btree-engine.js'
import { BtreeShapeFold } from '../../src/btree/fold-shape.js'
import type { Engine } from '../../src/engine/contract.js'
import { TracedEngine } from '../../src/engine/traced-engine.js'
import type { EventOf, EventType, TraceEvent, TraceLevel } from '../../src/trace/events.js'
import { Trace } from '../../src/trace/trace.js'
import type { Environment } from '../../src/vfs/environment.js'
import { TracedFileSystem } from '../../src/vfs/traced-file-system.js'
import { fillOptions } from '../contract/opened-engine.js'
import { SMALL_BTREE } from '../contract/small-btree.js'
import { DIRECTORY } from './opened-btree.js'

export interface TracedSettings {
  readonly environment: Environment
  readonly options?: Readonly<Record<string, unknown>>
  readonly level?: TraceLevel
}

/** An engine with a trace around it, as the store puts it there; it keeps all events, and folds them as they come. */
export class TracedBtree {
  readonly events: TraceEvent[] = []
  readonly fold = new BtreeShapeFold()
  readonly trace: Trace
  readonly #settings: TracedSettings
  readonly #environment: Environment

  constructor(settings: TracedSettings) {
    const { environment, level = 'step' } = settings
    this.trace = new Trace({
      level,
      listener: event => {
        this.events.push(event)
        this.fold.apply(event)
      },
    })
    this.trace.useClock(() => environment.clock.now())
    this.#settings = settings
    this.#environment = { ...environment, fileSystem: new TracedFileSystem(environment.fileSystem, this.trace, DIRECTORY) }
  }

  async open(created = false): Promise<Engine> {
    const factory = btreeEngine({ poisonFrames: true })
    const context = {
      environment: this.#environment,
      directory: DIRECTORY,
      created,
      options: fillOptions(factory, { ...SMALL_BTREE, ...this.#settings.options }),
      trace: this.trace,
    }
    return new TracedEngine(await this.trace.runJob('open', job => this.trace.during(job, () => factory.open(context))), this.trace)
  }

  close(engine: Engine): Promise<void> {
    return this.trace.runJob('close', job => this.trace.during(job, () => engine.close()))
  }

  of<Type extends EventType>(type: Type): EventOf<Type>[] {
    return this.events.filter(event => event.type === type) as unknown as EventOf<Type>[]
  }
}
