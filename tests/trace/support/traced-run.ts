import type { Engine, EngineFactory } from '../../../src/engine/contract.js'
import { TracedEngine } from '../../../src/engine/traced-engine.js'
import type { EventOf, EventType, TraceEvent, TraceLevel } from '../../../src/trace/events.js'
import { runJob, Trace } from '../../../src/trace/span.js'
import type { Environment } from '../../../src/vfs/environment.js'
import { TracedFileSystem } from '../../../src/vfs/traced-file-system.js'
import { fillOptions } from '../../contract/support/opened-engine.js'

/** What events are folded into. */
interface Fold {
  apply(event: TraceEvent): void
}

interface RunSettings<Folded extends Fold> {
  readonly factory: EngineFactory
  readonly environment: Environment
  readonly directory: string
  readonly options: Readonly<Record<string, unknown>>
  readonly level?: TraceLevel | undefined
  readonly fold: Folded
}

/** An engine with a trace around it, as the store puts it there; it keeps all events, and folds them as they come. */
export class TracedRun<Folded extends Fold> {
  readonly events: TraceEvent[] = []
  readonly fold: Folded
  readonly trace: Trace
  readonly #settings: RunSettings<Folded>

  constructor(settings: RunSettings<Folded>) {
    const { environment, directory, level = 'step', fold } = settings
    this.fold = fold
    this.trace = new Trace({
      level,
      listener: event => {
        this.events.push(event)
        fold.apply(event)
      },
    })
    this.trace.useClock(() => environment.clock.now())
    const fileSystem = new TracedFileSystem(environment.fileSystem, this.trace, directory, settings.factory.files ?? {})
    this.#settings = { ...settings, environment: { ...environment, fileSystem } }
  }

  async open(created = false): Promise<Engine> {
    const { factory, environment, directory, options } = this.#settings
    const context = { environment, directory, created, options: fillOptions(factory, options), trace: this.trace }
    return new TracedEngine(await runJob(this.trace, 'open', () => factory.open(context), { fallback: true }), this.trace)
  }

  close(engine: Engine): Promise<void> {
    return runJob(this.trace, 'close', () => engine.close(), { fallback: true })
  }

  of<Type extends EventType>(type: Type): EventOf<Type>[] {
    return eventsOf(this.events, type)
  }
}

export function eventsOf<Type extends EventType>(events: readonly TraceEvent[], type: Type): EventOf<Type>[] {
  return events.filter(event => event.type === type) as unknown as EventOf<Type>[]
}
