/**
 * The engines a store knows by name, in the order of their registration; the first is the default. The tools (compare, inspect, verify,
 * repair) find an engine here too. A store alone also takes a factory that is not registered.
 */
import { MisuseError } from '../errors.js'
import type { EngineFactory } from './contract.js'
import { nearestName } from './nearest-name.js'

/** The name goes into the file that identifies a directory. */
const NAME = /^[a-z][a-z0-9-]{0,31}$/

/** What to do about an engine that a tool does not know. */
export const HOW_TO_REGISTER = 'Register its factory first: builtInEngines.register(factory), with builtInEngines of kvarium'

export class EngineRegistry {
  readonly #factories = new Map<string, EngineFactory>()

  constructor(factories: Iterable<EngineFactory> = []) {
    for (const factory of factories) this.register(factory)
  }

  /** Adds an engine, or replaces the one of the same name. Throws a MisuseError `LEVEL_INVALID_ENGINE`. */
  register(factory: EngineFactory): this {
    assertFactory(factory)
    this.#factories.set(factory.name, factory)
    return this
  }

  /** The registered factories, in the order of their registration. */
  get factories(): readonly EngineFactory[] {
    return [...this.#factories.values()]
  }

  /** The engine of a store that is made without naming one. */
  get defaultName(): string | undefined {
    return this.factories[0]?.name
  }

  /** The registered names, sorted. */
  get names(): string[] {
    return [...this.#factories.keys()].sort()
  }

  /** The registered factory of that name, if there is one. */
  find(name: string): EngineFactory | undefined {
    return this.#factories.get(name)
  }

  /**
   * The factory for the `engine` option of a store, without one the default. Throws a MisuseError `LEVEL_INVALID_ENGINE` that lists the
   * known names.
   */
  resolve(engine: string | EngineFactory = this.defaultName ?? ''): EngineFactory {
    if (typeof engine !== 'string') {
      assertFactory(engine)
      return engine
    }
    const factory = this.#factories.get(engine)
    if (factory !== undefined) return factory
    const nearest = nearestName(engine, this.#factories.keys())
    const hint = nearest === undefined ? '' : ` Did you mean "${nearest}"?`
    throw new MisuseError(
      'LEVEL_INVALID_ENGINE',
      `There is no engine "${engine}".${hint} Known engines: ${this.names.join(', ') || 'none'}; or pass the factory of your own engine`,
    )
  }

  /** The factory of the engine that made the store at `place`. Throws a MisuseError `LEVEL_INVALID_ENGINE` that says what to do. */
  engineOf(place: string, engine: string): EngineFactory {
    const factory = this.#factories.get(engine)
    if (factory !== undefined) return factory
    throw new MisuseError('LEVEL_INVALID_ENGINE', this.notRegistered(place, engine))
  }

  /** What to do about a store whose engine is not registered. */
  notRegistered(place: string, engine: string): string {
    return `${place} was made with the engine "${engine}", which is not registered (known engines: ${this.names.join(', ') || 'none'}). ${HOW_TO_REGISTER}`
  }
}

function assertFactory(candidate: unknown): asserts candidate is EngineFactory {
  const factory = candidate as Partial<EngineFactory> | null
  if (typeof factory !== 'object' || factory === null || typeof factory.open !== 'function' || typeof factory.name !== 'string') {
    throw new MisuseError(
      'LEVEL_INVALID_ENGINE',
      'An engine is given by its name, or as a factory with "name", "durable", "options" and "open"',
    )
  }
  if (!NAME.test(factory.name)) {
    throw new MisuseError(
      'LEVEL_INVALID_ENGINE',
      `An engine cannot be called "${factory.name}": up to 32 lower-case letters, digits and hyphens are allowed, a letter first`,
    )
  }
  if (typeof factory.durable !== 'boolean' || typeof factory.options !== 'object' || factory.options === null) {
    throw new MisuseError('LEVEL_INVALID_ENGINE', `The factory of engine "${factory.name}" lacks "durable" or "options"`)
  }
  if (factory.durable && factory.files === undefined) {
    throw new MisuseError(
      'LEVEL_INVALID_ENGINE',
      `The factory of engine "${factory.name}" lacks "files": an engine that keeps data on disk gives the names of its files by class`,
    )
  }
}
