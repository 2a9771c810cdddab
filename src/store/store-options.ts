import type { AbstractDatabaseOptions, AbstractOpenOptions } from 'abstract-level'
import type { BuiltInEngineOptions, DefaultEngine } from '../built-in-engines.js'
import type { EngineFactory, OptionTable } from '../engine/contract.js'
import { checkIgnoredOption, nearestOption, resolveOptions, unknownOption, unknownOptions, type Options } from '../engine/options.js'
import type { EngineRegistry } from '../engine/registry.js'
import { MisuseError } from '../errors.js'
import type { Trace } from '../trace/span.js'
import type { Environment } from '../vfs/environment.js'
import type { FileSystem } from '../vfs/file-system.js'
import type { MemoryBudget, MemoryShare } from '../vfs/memory-budget.js'

export type { BuiltInEngineOptions } from '../built-in-engines.js'

/** The built-in engines by name. */
export type EngineName = keyof BuiltInEngineOptions

type AnyEngineOption = { [Name in EngineName]: keyof BuiltInEngineOptions[Name] }[EngineName]

/** A built-in engine with its options, without those that only other engines have. */
type Chosen<Name extends EngineName> = BuiltInEngineOptions[Name] & {
  readonly [Option in Exclude<AnyEngineOption, keyof BuiltInEngineOptions[Name]>]?: undefined
}

type Named<Name extends EngineName> = Name extends DefaultEngine ? { readonly engine?: Name | undefined } : { readonly engine: Name }

/**
 * The engine that keeps the data, with its options: the name of a built-in one, by default the first, or a factory, such as that of an engine of
 * your own. A directory records its engine; opening it with another one is an error.
 */
export type EngineOptions =
  | { [Name in EngineName]: Named<Name> & Chosen<Name> }[EngineName]
  | { readonly engine: EngineFactory; readonly [engineOption: string]: unknown }

/** Options of a store with any engine. */
export interface StoreOptions<K, V> extends AbstractDatabaseOptions<K, V> {
  /**
   * The source of files, time, randomness and turns of the event loop. For tests and simulations.
   * @defaultValue the platform's own
   */
  readonly environment?: Environment | undefined
  /** A file system to use instead of the environment's, for example one in memory. */
  readonly fileSystem?: FileSystem | undefined
  /** Gets the events of the store: operations, files, background jobs, and the steps inside of them. One trace serves one store. */
  readonly trace?: Trace | undefined
  /** How long puts live that have no `ttl` of their own, in milliseconds. Kept by no file: each opening sets its own. */
  readonly ttl?: number | undefined
  /**
   * Opens a store that exists, of a durable engine, for reading: with any number of other readers, in any process, and not while it is open for
   * writing (`LEVEL_LOCKED`). Nothing on disk changes. Writes are refused with `LEVEL_READ_ONLY`.
   * @defaultValue `false`
   */
  readonly readOnly?: boolean | undefined
}

/** Options of the constructor: those of the store, and those of its engine. */
export type KvariumOptions<K, V> = StoreOptions<K, V> & EngineOptions

/** The same for code that gets the engine and its options from elsewhere. They are checked when the store is made. */
export interface UntypedOptions<K, V> extends StoreOptions<K, V> {
  readonly engine?: string | EngineFactory | undefined
  readonly [engineOption: string]: unknown
}

/** Options of `open()`: those of the constructor that do not define the store, of any engine. They override the constructor's. */
export type KvariumOpenOptions = AbstractOpenOptions & AnyOf<BuiltInEngineOptions[EngineName]> & { readonly readOnly?: boolean | undefined }

/** The properties of all members of a union, each with the types that it has in any of them. */
type AnyOf<Union> = { readonly [Name in NamesOf<Union>]?: Union extends unknown ? (Name extends keyof Union ? Union[Name] : never) : never }

type NamesOf<Union> = Union extends unknown ? keyof Union : never

/** Options that abstract-level forwards from the constructor to `_open`. */
const LEVEL_OPTIONS: OptionTable = {
  createIfMissing: { type: 'boolean', default: true, about: 'Create the store if it is not there' },
  errorIfExists: { type: 'boolean', default: false, about: 'Fail if the store is there already' },
  readOnly: { type: 'boolean', default: false, about: 'Read the store and change nothing' },
  passive: { type: 'boolean', default: false, about: 'Wait for another call to open the store' },
}

const anyInteger = (about: string): OptionTable[string] => ({ type: 'integer', default: 0, min: 0, max: Number.MAX_SAFE_INTEGER, about })
const ANY_BOOLEAN: OptionTable[string] = { type: 'boolean', default: true, about: '' }

/**
 * The options of classic-level. An engine ignores those that it does not have, as it does options of the other engines, so
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

/** Options that other layers use, checked here by name. */
const CONSTRUCTOR_OPTIONS: OptionTable = {
  engine: { type: 'object', about: 'The engine, by name or as a factory' },
  environment: { type: 'object', about: 'Files, clock, randomness and scheduling' },
  fileSystem: { type: 'object', about: 'The file system of the environment' },
  trace: { type: 'object', about: 'Gets the events of the store' },
  ttl: { type: 'integer', default: 0, min: 1, max: Number.MAX_SAFE_INTEGER, unit: 'milliseconds', about: 'How long puts live' },
  keyEncoding: { type: 'object', about: 'How keys are encoded' },
  valueEncoding: { type: 'object', about: 'How values are encoded' },
}

/**
 * Checks the options of the constructor. A name that is close to a known one is a typo, and an error; other unknown
 * names are decided at open.
 */
export function checkConstructorOptions(factory: EngineFactory, given: Options, registry: EngineRegistry): void {
  for (const name of ['environment', 'fileSystem', 'trace'] as const) resolveOptions({ [name]: CONSTRUCTOR_OPTIONS[name] }, given)
  const { trace } = given as { readonly trace?: Partial<Trace> }
  if (trace !== undefined && typeof trace.useClock !== 'function') {
    throw new MisuseError('LEVEL_INVALID_OPTION', 'Option "trace" must be a Trace: new Trace({ level, listener })')
  }
  resolveOptions(LEVEL_OPTIONS, given)
  refuseReadOnly(factory, given)
  resolveOptions(factory.options, given)
  const tables = [factory.options, LEVEL_OPTIONS, CONSTRUCTOR_OPTIONS]
  const ignored = ignoredTables(registry)
  for (const name of unknownOptions(tables, given)) {
    if (isIgnored(ignored, name, given)) continue
    if (nearestOption([...tables, ...ignored], name) !== undefined) throw unknownOption(tables, name, ignored)
  }
}

/**
 * The options of the engine, complete. abstract-level passes unknown options on to `postopen` hooks; with such a hook an
 * unknown option may be meant for it, without one it is an error.
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
  refuseReadOnly(factory, given)
  for (const name of unknownOptions(tables, given)) {
    if (Object.hasOwn(CONSTRUCTOR_OPTIONS, name)) {
      throw new MisuseError('LEVEL_INVALID_OPTION', `Option "${name}" belongs to the constructor; open() cannot change it`)
    }
    if (isIgnored(ignored, name, given)) continue
    if (!hasHook || nearestOption([...tables, ...ignored], name) !== undefined) throw unknownOption(tables, name, ignored)
  }
  return resolveOptions(factory.options, given)
}

/** Replaces `'auto'` by a part of the memory that is available, or by the default where there is no telling. */
export function sizeByMemory(
  options: Readonly<Record<string, unknown>>,
  table: OptionTable,
  memory: MemoryBudget | undefined,
): { readonly options: Readonly<Record<string, unknown>>; readonly shares: readonly MemoryShare[] } {
  const sized = { ...options }
  const shares: MemoryShare[] = []
  for (const [name, spec] of Object.entries(table)) {
    if (spec.type !== 'integer' || spec.auto !== true || sized[name] !== 'auto') continue
    const share = memory?.take(spec.default, spec.max)
    if (share !== undefined) shares.push(share)
    sized[name] = share?.bytes ?? spec.default
  }
  return { options: sized, shares }
}

/** An engine without files would open empty, and stay so. */
function refuseReadOnly({ name, durable }: EngineFactory, given: Options): void {
  if (given['readOnly'] !== true || durable) return
  throw new MisuseError('LEVEL_INVALID_OPTION', `Option "readOnly" needs an engine that keeps files; the engine "${name}" keeps none`)
}

/** The options of the other engines and of classic-level. */
function ignoredTables(registry: EngineRegistry): OptionTable[] {
  return [...registry.names.map(name => registry.resolve(name).options), CLASSIC_LEVEL_OPTIONS]
}

/** Whether to ignore the option. Throws when its engine would refuse the value. */
function isIgnored(ignored: readonly OptionTable[], name: string, given: Options): boolean {
  if (!ignored.some(table => Object.hasOwn(table, name))) return false
  checkIgnoredOption(ignored, name, given[name])
  return true
}

/** Options of `Kvarium.destroy`: those of the constructor that locate the files and name the engine. */
export interface DestroyOptions {
  readonly engine?: string | EngineFactory | undefined
  readonly environment?: Environment | undefined
  readonly fileSystem?: FileSystem | undefined
}
