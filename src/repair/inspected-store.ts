/**
 * A store opened for inspection: its directory is locked against writers, its engine is known, and all writes stay in memory.
 * The files of the store never change. Several inspect a store at once.
 */
import { loadHash32 } from '../codec/checksum.js'
import type { Engine, EngineContext, EngineFactory } from '../engine/contract.js'
import { resolveOptions } from '../engine/options.js'
import type { EngineRegistry } from '../engine/registry.js'
import { CorruptionError, FormatError, KvariumError, MisuseError } from '../errors.js'
import { IDENTITY, occupancyOf, isLockName } from '../store/identity.js'
import { lockToRead } from '../store/read-only-directory.js'
import { finishReplacement } from '../store/replacement.js'
import type { Environment } from '../vfs/environment.js'
import { fileClassOf } from '../vfs/file-classes.js'
import { absolutePath, joinPath, type DirectoryLock, type FileSystem } from '../vfs/file-system.js'
import { OverlayFileSystem } from '../vfs/overlay-file-system.js'
import { typedError } from '../vfs/vfs-error.js'

/** The environment of the stores, and the engines they may have. */
export interface InspectionPlatform {
  readonly environment: Environment
  readonly registry: EngineRegistry
}

export interface InspectionOptions {
  /** The engine of the store; needed only if its file `KVARIUM` is lost and its other files do not identify it. */
  readonly engine?: string | EngineFactory | undefined
}

export class InspectedStore {
  /** Absolute. */
  readonly directory: string
  readonly factory: EngineFactory
  /** The error of the file that identifies the store. */
  readonly identityProblem: KvariumError | undefined
  readonly #environment: Environment
  readonly #lock: DirectoryLock | undefined

  private constructor(directory: string, environment: Environment, lock: DirectoryLock | undefined, engine: FoundEngine) {
    this.directory = directory
    this.factory = engine.factory
    this.identityProblem = engine.problem
    this.#environment = environment
    this.#lock = lock
  }

  /**
   * Rejects when there is no store, when it is in use (`LEVEL_LOCKED`), when a newer kvarium made it, and when its engine cannot be
   * identified (`LEVEL_INVALID_ENGINE`).
   */
  static async open(location: string, platform: InspectionPlatform, options: InspectionOptions): Promise<InspectedStore> {
    return InspectedStore.#open(location, platform, options, false)
  }

  /** `open` of a store whose files are to be replaced: a lock is required, and a repair in place that did not end is finished first. */
  static async openToReplace(location: string, platform: InspectionPlatform, options: InspectionOptions): Promise<InspectedStore> {
    return InspectedStore.#open(location, platform, options, true)
  }

  static async #open(
    location: string,
    platform: InspectionPlatform,
    options: InspectionOptions,
    isToReplace: boolean,
  ): Promise<InspectedStore> {
    if (typeof location !== 'string' || location === '') {
      throw new MisuseError('LEVEL_INVALID_LOCATION', 'The directory of the store must be a string that is not empty')
    }
    const { environment, registry } = platform
    const { fileSystem } = environment
    const directory = absolutePath(fileSystem, location)
    const stat = fileSystem.stat(directory)
    if (stat === undefined) throw new KvariumError('LEVEL_NOT_FOUND', `There is no store ${location}: the directory does not exist`)
    if (stat.kind !== 'directory') throw new FormatError(`${location} is not a directory; a store is one`)
    const chosen = options.engine === undefined ? undefined : registry.resolve(options.engine)
    const find = (): Promise<FoundEngine> => findEngine(fileSystem, directory, registry, chosen)
    // A directory that is no store is refused without the lock, so that no lock file is left there. A listing can miss a name that
    // another process is just renaming: a refusal needs a second check.
    await find().catch(find)
    const lock = await (isToReplace ? lockToReplace : lockToRead)(fileSystem, directory)
    try {
      const found = await find()
      if (!found.isReplaced) return new InspectedStore(directory, environment, lock, found)
      // Where nothing may be changed, the replacement is finished in memory.
      const replaced = isToReplace ? fileSystem : new OverlayFileSystem(fileSystem)
      const problem = await finish(replaced, directory, found.factory)
      return new InspectedStore(directory, { ...environment, fileSystem: replaced }, lock, { ...found, problem })
    } catch (error) {
      await lock?.release()
      throw error
    }
  }

  /** The context for an engine to read this store. Each call returns a fresh view, without the writes of engines in other views. */
  context(): EngineContext {
    const environment = { ...this.#environment, fileSystem: new OverlayFileSystem(this.#environment.fileSystem) }
    const options = resolveOptions(this.factory.options, {})
    return { environment, directory: this.directory, created: false, inspecting: true, options }
  }

  openEngine(): Promise<Engine> {
    return this.factory.open(this.context())
  }

  async close(): Promise<void> {
    await this.#lock?.release()
  }
}

interface FoundEngine {
  readonly factory: EngineFactory
  readonly problem?: KvariumError | undefined
  readonly isReplaced?: boolean
}

/** Finishes a repair in place; returns what is wrong with the repaired store where there is none. */
async function finish(fileSystem: FileSystem, directory: string, factory: EngineFactory): Promise<KvariumError | undefined> {
  try {
    await finishReplacement(fileSystem, directory, factory.files ?? {}, await loadHash32())
    return undefined
  } catch (error) {
    if (error instanceof CorruptionError) return error
    throw error
  }
}

async function findEngine(
  fileSystem: FileSystem,
  directory: string,
  registry: EngineRegistry,
  chosen: EngineFactory | undefined,
): Promise<FoundEngine> {
  const hash32 = await loadHash32()
  let problem: KvariumError
  try {
    const occupancy = occupancyOf(fileSystem, directory, hash32)
    if (occupancy.kind === 'store') {
      const { engine, isReplaced } = occupancy.identity
      return { factory: chosen ?? registry.engineOf(`The store ${directory}`, engine), isReplaced }
    }
    if (occupancy.kind === 'empty') throw new KvariumError('LEVEL_NOT_FOUND', `There is no store in ${directory}: it is empty`)
    const what =
      occupancy.kind === 'unfinished' ? 'the creation or destruction of the store did not finish' : `there is no file ${IDENTITY}`
    problem = new CorruptionError(what, { file: joinPath(directory, IDENTITY) })
  } catch (error) {
    if (!(error instanceof CorruptionError)) throw error
    problem = error
  }
  const factory = chosen ?? guessEngine(fileSystem.list(directory), registry)
  if (factory !== undefined) return { factory, problem }
  throw new MisuseError(
    'LEVEL_INVALID_ENGINE',
    `The engine of ${directory} cannot be identified: ${problem.message}. Name it with the option "engine"; known engines: ${registry.names.join(', ')}`,
  )
}

/** The only engine that the files can belong to. */
function guessEngine(names: readonly string[], registry: EngineRegistry): EngineFactory | undefined {
  const files = names.filter(name => !isLockName(name) && !name.startsWith(IDENTITY))
  const isEach = ({ files: known = {} }: EngineFactory): boolean => files.every(file => fileClassOf(known, file) !== undefined)
  const candidates = files.length === 0 ? [] : registry.factories.filter(isEach)
  return candidates.length === 1 ? candidates[0] : undefined
}

async function lockToReplace(fileSystem: FileSystem, directory: string): Promise<DirectoryLock> {
  try {
    return await fileSystem.lock(directory)
  } catch (error) {
    throw typedError(error)
  }
}
