import type { AbstractDatabaseOptions, AbstractOpenOptions } from 'abstract-level'
import type { EngineFactory, OptionTable } from '../engine/contract.js'
import { nearestOption, resolveOptions, unknownOption, unknownOptions, type Options } from '../engine/options.js'
import { MisuseError } from '../errors.js'
import type { LsmOptions } from '../lsm/options.js'
import type { Trace } from '../trace/trace.js'
import type { Environment } from '../vfs/environment.js'
import type { FileSystem } from '../vfs/file-system.js'

/** The options of the built-in engine `lsm`; those of other engines may be given in their place. */
export type EngineOptions = { readonly [Name in keyof LsmOptions]?: LsmOptions[Name] | undefined }

/** Options of the constructor, and those of the engine beside them. */
export interface KvariumOptions<K, V> extends AbstractDatabaseOptions<K, V>, EngineOptions {
  /**
   * The engine that keeps the data: the name of a built-in one, or the factory of your own. A directory remembers its
   * engine; opening it with another one is an error.
   * @defaultValue `'lsm'`
   */
  readonly engine?: string | EngineFactory | undefined
  /**
   * Where the store gets files, time, randomness and turns of the event loop from. For tests and simulations.
   * @defaultValue the platform's own
   */
  readonly environment?: Environment | undefined
  /** Another file system in the environment, for example one in memory. */
  readonly fileSystem?: FileSystem | undefined
  /** Told what the store does: operations, files, background jobs, every step inside of them. One trace serves one store. */
  readonly trace?: Trace | undefined
  readonly [engineOption: string]: unknown
}

/** Options of `open()`: those of the constructor that do not decide what the store is. They win over the constructor's. */
export interface KvariumOpenOptions extends AbstractOpenOptions, EngineOptions {
  readonly [engineOption: string]: unknown
}

/** What abstract-level forwards from the constructor to open, and from there to us. */
const LEVEL_OPTIONS: OptionTable = {
  createIfMissing: { type: 'boolean', default: true, about: 'Create the store if it is not there' },
  errorIfExists: { type: 'boolean', default: false, about: 'Fail if the store is there already' },
  passive: { type: 'boolean', default: false, about: 'Wait for another call to open the store' },
}

/** Options that others look at, known here by their names. */
const CONSTRUCTOR_OPTIONS: OptionTable = {
  engine: { type: 'object', about: 'The engine, by name or as a factory' },
  environment: { type: 'object', about: 'Files, clock, randomness and scheduling' },
  fileSystem: { type: 'object', about: 'The file system of the environment' },
  trace: { type: 'object', about: 'Told what the store does' },
  keyEncoding: { type: 'object', about: 'How keys are encoded' },
  valueEncoding: { type: 'object', about: 'How values are encoded' },
}

/**
 * Checks what the constructor got. A name that is close to a known one is a typo, and an error; what to do with other
 * unknown names shows at open.
 */
export function checkConstructorOptions(factory: EngineFactory, given: Options): void {
  for (const name of ['environment', 'fileSystem', 'trace'] as const) resolveOptions({ [name]: CONSTRUCTOR_OPTIONS[name] }, given)
  const { trace } = given as { readonly trace?: Partial<Trace> }
  if (trace !== undefined && typeof trace.useClock !== 'function') {
    throw new MisuseError('LEVEL_INVALID_OPTION', 'Option "trace" must be a Trace: new Trace({ level, listener })')
  }
  resolveOptions(LEVEL_OPTIONS, given)
  resolveOptions(factory.options, given)
  const tables = [factory.options, LEVEL_OPTIONS, CONSTRUCTOR_OPTIONS]
  for (const name of unknownOptions(tables, given)) {
    if (nearestOption(tables, name) !== undefined) throw unknownOption(tables, name)
  }
}

/**
 * The options of the engine, complete. abstract-level lets users pass options of their own to `postopen` hooks; with such
 * a hook somebody may know an unknown option, without one nobody does, and it is an error.
 */
export function resolveEngineOptions(factory: EngineFactory, given: Options, hasHook: boolean): Readonly<Record<string, unknown>> {
  const tables = [factory.options, LEVEL_OPTIONS]
  resolveOptions(LEVEL_OPTIONS, given)
  for (const name of unknownOptions(tables, given)) {
    if (Object.hasOwn(CONSTRUCTOR_OPTIONS, name)) {
      throw new MisuseError('LEVEL_INVALID_OPTION', `Option "${name}" belongs to the constructor; open() cannot change it`)
    }
    if (!hasHook || nearestOption(tables, name) !== undefined) throw unknownOption(tables, name)
  }
  return resolveOptions(factory.options, given)
}

/** Options of `Kvarium.destroy`: the ones of the constructor that say where the files are and whose. */
export interface DestroyOptions {
  readonly engine?: string | EngineFactory | undefined
  readonly environment?: Environment | undefined
  readonly fileSystem?: FileSystem | undefined
}
