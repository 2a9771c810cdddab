/**
 * A store's directory: which files belong to it now, and what for. Reads logs, manifest, meta pages and the footers of tables, but no data
 * blocks and pages.
 */
import { builtInEngines } from '../built-in-engines.js'
import { logName, parseLogName } from '../engine/durable/log-names.js'
import type { EngineRegistry } from '../engine/registry.js'
import { KvariumError, MisuseError } from '../errors.js'
import { IDENTITY, REPLACING_VERSION } from '../store/identity.js'
import { LOST_DIRECTORY, REPAIR_DIRECTORY } from '../store/replacement.js'
import { fileClassOf, type FileClass } from '../vfs/file-classes.js'
import { absolutePath, joinPath } from '../vfs/file-system.js'
import { typedError } from '../vfs/vfs-error.js'
import { drain, type DirectoryFile, type DirectoryView, type ReadFile } from './engine-inspector.js'
import { INSPECTORS } from './engine-inspectors.js'
import { kindByName } from './identify.js'
import { inspectPlaced, type FileInspectionOptions, type InspectionSource } from './inspect-file.js'
import { counted } from './show-bytes.js'
import type { Fact, Outline, Problem } from './span.js'

export interface DirectoryInspection {
  readonly directory: string
  /** From the file `KVARIUM`, else from the names of the other files; absent if neither shows it. */
  readonly engine?: string
  /** Sorted by name. */
  readonly files: readonly DirectoryFile[]
  readonly facts: readonly Fact[]
  /** The contents of the logs and, for an LSM, the current version by level. */
  readonly outline: readonly Outline[]
  /** The file whose own outline, read by `inspectFile`, continues this one: the pages of a tree. */
  readonly outlineFile?: string
  readonly problems: readonly Problem[]
}

export interface DirectoryInspectionOptions extends FileInspectionOptions {
  /** The engines that a store may have; the built-in ones by default. On Node pass `builtInEngines`, with what is registered there. */
  readonly engines?: EngineRegistry
}

/** What a file is for, where only its class is known. */
const CLASS_ROLES: Readonly<Record<FileClass, string>> = {
  log: 'a log of the engine',
  table: 'a table of the engine',
  page: 'pages of the engine',
  meta: 'lists the current files of the engine',
}

const PREVIEW = 24

/** While a store is open its files may change during the inspection. */
const ATTEMPTS = 3

/**
 * Inspects a directory without a lock and without changing anything, even while a store has it open.
 *
 * Rejects with `LEVEL_NOT_FOUND` when there is no such directory, and with `LEVEL_IO_ERROR` when it cannot be read.
 */
export async function inspectDirectory(
  directory: string,
  source: InspectionSource,
  { engines = builtInEngines(), ...options }: DirectoryInspectionOptions = {},
): Promise<DirectoryInspection> {
  try {
    const place = absolutePath(source.fileSystem, directory)
    const stat = source.fileSystem.stat(place)
    if (stat === undefined) throw new KvariumError('LEVEL_NOT_FOUND', `There is no directory ${directory}`, { file: directory })
    if (stat.kind !== 'directory') throw new MisuseError('LEVEL_INVALID_LOCATION', `${directory} is not a directory`)
    for (let attempt = 1; ; attempt++) {
      const before = sizesOf(place, source)
      const result = await new DirectoryLook(directory, place, source, { ...options, engines }, before).run()
      if (result.problems.length === 0 || attempt === ATTEMPTS || isSame(before, sizesOf(place, source))) return result
    }
  } catch (error) {
    throw typedError(error)
  }
}

function sizesOf(directory: string, { fileSystem }: InspectionSource): Map<string, number> {
  return new Map(fileSystem.list(directory).map(name => [name, fileSystem.stat(joinPath(directory, name))?.size ?? 0]))
}

function isSame(a: ReadonlyMap<string, number>, b: ReadonlyMap<string, number>): boolean {
  return a.size === b.size && [...a].every(([name, bytes]) => b.get(name) === bytes)
}

class DirectoryLook implements DirectoryView {
  readonly sizes: ReadonlyMap<string, number>
  readonly preview: number
  readonly #directory: string
  readonly #place: string
  readonly #source: InspectionSource
  readonly #options: FileInspectionOptions & { readonly engines: EngineRegistry }
  readonly #problems: Problem[] = []
  readonly #facts: Fact[] = []
  readonly #outline: Outline[] = []
  readonly #described = new Map<string, Pick<DirectoryFile, 'state' | 'role'>>()
  /** The description of files whose engine has no inspector. */
  readonly #classes = new Map<string, FileClass>()
  #outlineFile: string | undefined
  /** A repair in place has to be finished: the store is in the folder of the repair. */
  #isReplaced = false

  /** @param place - The absolute path of the directory. */
  constructor(
    directory: string,
    place: string,
    source: InspectionSource,
    options: FileInspectionOptions & { readonly engines: EngineRegistry },
    sizes: ReadonlyMap<string, number>,
  ) {
    this.sizes = sizes
    this.preview = options.preview ?? PREVIEW
    this.#directory = directory
    this.#place = place
    this.#source = source
    this.#options = options
  }

  async run(): Promise<DirectoryInspection> {
    const engine = (await this.#identity()) ?? this.#guess()
    this.#foldersOfRepairs()
    const inspector = INSPECTORS.find(one => one.engine === engine)
    if (engine !== undefined && !this.#isReplaced) {
      if (inspector === undefined) this.#lookAtNames(engine)
      else await inspector.look(this)
    }
    return {
      directory: this.#directory,
      files: [...this.sizes].map(([name, bytes]) => this.#fileOf(name, bytes)),
      facts: this.#facts,
      outline: this.#outline,
      problems: this.#problems,
      ...(engine !== undefined && { engine }),
      ...(this.#outlineFile !== undefined && { outlineFile: this.#outlineFile }),
    }
  }

  async #identity(): Promise<string | undefined> {
    if (!this.sizes.has(IDENTITY)) {
      this.problem(IDENTITY, 'it is missing: this is no store, or one whose creation did not finish')
      return undefined
    }
    return this.read(IDENTITY, inspection => {
      drain(inspection)
      this.describe(IDENTITY, 'current', 'marks this as a store and names its engine')
      const facts = inspection.facts()
      this.#isReplaced = facts.some(fact => fact.name === 'store format' && fact.value === REPLACING_VERSION)
      this.addFacts(...facts.filter(fact => ['repair in place', 'checkpoint'].includes(fact.name)))
      return facts.find(fact => fact.name === 'engine')?.value as string | undefined
    })
  }

  #foldersOfRepairs(): void {
    if (this.sizes.has(LOST_DIRECTORY)) this.describe(LOST_DIRECTORY, 'obsolete', 'damaged files that a repair has replaced')
    if (!this.sizes.has(REPAIR_DIRECTORY)) return
    if (this.#isReplaced) this.describe(REPAIR_DIRECTORY, 'current', 'the store, repaired; the next open moves it here')
    else this.describe(REPAIR_DIRECTORY, 'extra', 'left by a repair that did not end; the next open removes it')
  }

  /** The engine of which a file is there that no other has: a log alone says nothing. */
  #guess(): string | undefined {
    const names = [...this.sizes.keys()]
    return INSPECTORS.find(({ formats }) => formats.some(format => names.some(name => format.parseName(name) !== undefined)))?.engine
  }

  /** What the names of its files say of a store whose engine has no inspector. */
  #lookAtNames(engine: string): void {
    const factory = this.#options.engines.find(engine)
    if (factory === undefined) this.problem(IDENTITY, this.#options.engines.notRegistered('the store', engine))
    for (const name of this.sizes.keys()) {
      const fileClass = fileClassOf(factory?.files ?? {}, name)
      if (fileClass === undefined) continue
      this.#classes.set(name, fileClass)
      this.describe(name, 'current', CLASS_ROLES[fileClass])
    }
  }

  async logs(first: number, expected: readonly number[]): Promise<void> {
    for (const number of expected) {
      if (!this.sizes.has(logName(number))) this.problem(logName(number), 'it is missing, but belongs to the store')
    }
    for (const [name] of this.sizes) {
      const number = parseLogName(name)
      if (number === undefined) continue
      if (number < first) {
        this.describe(name, 'obsolete', 'its entries are stored elsewhere; the store removes it')
        continue
      }
      const facts = await this.read(name, inspection => {
        drain(inspection)
        return inspection.facts()
      })
      const value = (wanted: string): string => String(facts?.find(fact => fact.name === wanted)?.value ?? '')
      const operations =
        value('sequence') === '' ? 'nothing' : `${counted(Number(value('operations')), 'operation')}, sequence ${value('sequence')}`
      this.describe(name, 'current', `log: ${operations}`)
      this.#outline.push({ label: `${name}: ${operations}` })
    }
  }

  /** Inspects a file and adds its problems; `undefined` for a file that was removed meanwhile. */
  async read<T>(name: string, read: (file: ReadFile) => T | Promise<T>): Promise<T | undefined> {
    const file = { path: joinPath(this.#directory, name), place: joinPath(this.#place, name) }
    if (this.#source.fileSystem.stat(file.place) === undefined) return undefined
    const inspection = await inspectPlaced(file, this.#source, this.#options)
    try {
      return await read(inspection)
    } finally {
      this.#problems.push(...inspection.problems)
      inspection.close()
    }
  }

  #fileOf(name: string, bytes: number): DirectoryFile {
    const kind = this.#classes.get(name) ?? kindByName(name)
    const { state, role } = this.#described.get(name) ?? this.#undescribed(kind)
    return { name, bytes, kind, state, role }
  }

  #undescribed(kind: string): Pick<DirectoryFile, 'state' | 'role'> {
    if (this.#isReplaced && kind !== 'lock' && kind !== 'unknown') return { state: 'obsolete', role: 'of the store before its repair' }
    if (kind === 'lock') return { state: 'lock', role: "the lock's; holds no data" }
    if (kind === 'unknown') return { state: 'foreign', role: 'not of the store' }
    if (kind === 'identity' || kind === 'current') return { state: 'extra', role: 'not current' }
    return { state: 'extra', role: 'no readable file names it' }
  }

  isDescribed(name: string): boolean {
    return this.#described.has(name)
  }

  addFacts(...facts: readonly Fact[]): void {
    this.#facts.push(...facts)
  }

  addOutline(...outline: readonly Outline[]): void {
    this.#outline.push(...outline)
  }

  continueOutlineIn(name: string): void {
    this.#outlineFile = name
  }

  describe(name: string, state: DirectoryFile['state'], role: string): void {
    this.#described.set(name, { state, role })
  }

  problem(name: string, message: string): void {
    this.#problems.push({ file: joinPath(this.#directory, name), message })
  }
}
