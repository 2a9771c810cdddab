import type { AbstractDatabaseOptions, AbstractOpenOptions } from 'abstract-level'
import type { EngineFactory, OptionTable } from '../engine/contract.js'
import { checkIgnoredOption, nearestOption, resolveOptions, unknownOption, unknownOptions, type Options } from '../engine/options.js'
import type { EngineRegistry } from '../engine/registry.js'
import { MisuseError } from '../errors.js'
import type { LsmOptions } from '../lsm/options.js'
import type { Trace } from '../trace/trace.js'
import type { Environment } from '../vfs/environment.js'
import type { FileSystem } from '../vfs/file-system.js'

/** The options of the built-in engine `lsm`; those of other engines may be given in their place. */
export type EngineOptions = { readonly [Name in Exclude<keyof LsmOptions, 'compression'>]?: LsmOptions[Name] | undefined } & {
  /** `false` stands for `'none'`, `true` for the default codec. */
  readonly compression?: LsmOptions['compression'] | boolean | undefined
}

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

const anyInteger = (about: string): OptionTable[string] => ({ type: 'integer', default: 0, min: 0, max: Number.MAX_SAFE_INTEGER, about })
const ANY_BOOLEAN: OptionTable[string] = { type: 'boolean', default: true, about: '' }

/**
 * The options of classic-level. Those that mean nothing to an engine are accepted and ignored, as are those of the other engines, so
 * that a program changes its engine by one word.
 */
const CLASSIC_LEVEL_OPTIONS: OptionTable = {
  compression: ANY_BOOLEAN,
  cacheSize: anyInteger('Size of the block cache'),
  writeBufferSize: anyInteger('Size of the memtable'),
  blockSize: anyInteger('Size of a block'),
  maxOpenFiles: anyInteger('Tables kept open'),
  blockRestartInterval: anyInteger('Entries between restart points'),
  maxFileSize: anyInteger('Size of a table'),
  multithreading: ANY_BOOLEAN,
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
export function checkConstructorOptions(factory: EngineFactory, given: Options, registry: EngineRegistry): void {
  for (const name of ['environment', 'fileSystem', 'trace'] as const) resolveOptions({ [name]: CONSTRUCTOR_OPTIONS[name] }, given)
  const { trace } = given as { readonly trace?: Partial<Trace> }
  if (trace !== undefined && typeof trace.useClock !== 'function') {
    throw new MisuseError('LEVEL_INVALID_OPTION', 'Option "trace" must be a Trace: new Trace({ level, listener })')
  }
  resolveOptions(LEVEL_OPTIONS, given)
  resolveOptions(factory.options, given)
  const tables = [factory.options, LEVEL_OPTIONS, CONSTRUCTOR_OPTIONS]
  const ignored = ignoredTables(registry)
  for (const name of unknownOptions(tables, given)) {
    if (isIgnored(ignored, name, given)) continue
    if (nearestOption([...tables, ...ignored], name) !== undefined) throw unknownOption(tables, name, ignored)
  }
}

/**
 * The options of the engine, complete. abstract-level lets users pass options of their own to `postopen` hooks; with such
 * a hook somebody may know an unknown option, without one nobody does, and it is an error.
 */
export function resolveEngineOptions(
  factory: EngineFactory,
  given: Options,
  registry: EngineRegistry,
  hasHook: boolean,
): Readonly<Record<string, unknown>> {
  const tables = [factory.options, LEVEL_OPTIONS]
  const ignored = ignoredTables(registry)
  resolveOptions(LEVEL_OPTIONS, given)
  for (const name of unknownOptions(tables, given)) {
    if (Object.hasOwn(CONSTRUCTOR_OPTIONS, name)) {
      throw new MisuseError('LEVEL_INVALID_OPTION', `Option "${name}" belongs to the constructor; open() cannot change it`)
    }
    if (isIgnored(ignored, name, given)) continue
    if (!hasHook || nearestOption([...tables, ...ignored], name) !== undefined) throw unknownOption(tables, name, ignored)
  }
  return resolveOptions(factory.options, given)
}

/** The options of the other engines and of classic-level. */
function ignoredTables(registry: EngineRegistry): OptionTable[] {
  return [...registry.names.map(name => registry.resolve(name).options), CLASSIC_LEVEL_OPTIONS]
}

/** Whether the option is one to ignore. Throws when it is, but with a value that its engine would refuse. */
function isIgnored(ignored: readonly OptionTable[], name: string, given: Options): boolean {
  if (!ignored.some(table => Object.hasOwn(table, name))) return false
  checkIgnoredOption(ignored, name, given[name])
  return true
}

/** Options of `Kvarium.destroy`: the ones of the constructor that say where the files are and whose. */
export interface DestroyOptions {
  readonly engine?: string | EngineFactory | undefined
  readonly environment?: Environment | undefined
  readonly fileSystem?: FileSystem | undefined
}
