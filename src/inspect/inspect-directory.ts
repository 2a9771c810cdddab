/**
 * A store's directory: which files belong to it now, and what they are for. Data blocks and pages are not read; logs, manifest, meta
 * pages and the footers of tables are.
 */
import { BtreeDecoder } from './btree-decoder.js'
import { DATA_FILE } from '../btree/file-names.js'
import { META_AREA_BYTES } from '../btree/pages/meta-page.js'
import { logName } from '../engine/durable/log-replay.js'
import { KvariumError, MisuseError } from '../errors.js'
import { CURRENT, manifestName, parseFileName, tableName } from '../lsm/file-names.js'
import { IDENTITY } from '../store/identity.js'
import { absolutePath, joinPath } from '../vfs/file-system.js'
import { typedError } from '../vfs/vfs-error.js'
import { kindByName, type FileKind } from './identify.js'
import { inspectPlaced, type FileInspection, type FileInspectionOptions, type InspectionSource } from './inspect-file.js'
import { ManifestDecoder, versionOutline } from './manifest-decoder.js'
import { counted } from './show-bytes.js'
import type { Fact, Outline, Problem } from './span.js'

export interface DirectoryInspection {
  readonly directory: string
  /** As the directory remembers it, or as its files tell; absent where neither does. */
  readonly engine?: string
  /** By name. */
  readonly files: readonly DirectoryFile[]
  readonly facts: readonly Fact[]
  /** What is in the logs and, for an LSM, the current version by level. */
  readonly outline: readonly Outline[]
  readonly problems: readonly Problem[]
}

export interface DirectoryFile {
  readonly name: string
  readonly bytes: number
  readonly kind: FileKind
  /** `extra`: nothing in force names it; an open store may be about to, otherwise the next open removes it. */
  readonly state: 'current' | 'obsolete' | 'extra' | 'lock' | 'foreign'
  /** What it is for. */
  readonly role: string
}

/** While a store is open its files may change under the look. */
const ATTEMPTS = 3

/**
 * Looks at a directory without a lock, and without changing anything, so also while a store has it open.
 *
 * Rejects with `LEVEL_NOT_FOUND` when there is no such directory, and with `LEVEL_IO_ERROR` when it cannot be read.
 */
export async function inspectDirectory(
  directory: string,
  source: InspectionSource,
  options: FileInspectionOptions = {},
): Promise<DirectoryInspection> {
  try {
    const place = absolutePath(source.fileSystem, directory)
    const stat = source.fileSystem.stat(place)
    if (stat === undefined) throw new KvariumError('LEVEL_NOT_FOUND', `There is no directory ${directory}`, { file: directory })
    if (stat.kind !== 'directory') throw new MisuseError('LEVEL_INVALID_LOCATION', `${directory} is not a directory`)
    for (let attempt = 1; ; attempt++) {
      const before = sizesOf(place, source)
      const result = await new DirectoryLook(directory, place, source, options).run(before)
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

class DirectoryLook {
  readonly #directory: string
  readonly #place: string
  readonly #source: InspectionSource
  readonly #options: FileInspectionOptions
  readonly #problems: Problem[] = []
  readonly #facts: Fact[] = []
  readonly #outline: Outline[] = []
  readonly #described = new Map<string, Pick<DirectoryFile, 'state' | 'role'>>()
  #sizes: ReadonlyMap<string, number> = new Map()

  /** @param place - The directory in a form that a change of the working directory does not move. */
  constructor(directory: string, place: string, source: InspectionSource, options: FileInspectionOptions) {
    this.#directory = directory
    this.#place = place
    this.#source = source
    this.#options = options
  }

  async run(sizes: ReadonlyMap<string, number>): Promise<DirectoryInspection> {
    this.#sizes = sizes
    const engine = (await this.#identity()) ?? this.#guess()
    if (engine === 'lsm') await this.#lsm()
    else if (engine === 'btree') await this.#btree()
    const files = [...sizes].map(([name, bytes]) => this.#fileOf(name, bytes))
    const directory = this.#directory
    const found = { directory, files, facts: this.#facts, outline: this.#outline, problems: this.#problems }
    return engine === undefined ? found : { ...found, engine }
  }

  async #identity(): Promise<string | undefined> {
    if (!this.#sizes.has(IDENTITY)) {
      this.#problem(IDENTITY, 'it is missing: this is no store, or one whose creation did not finish')
      return undefined
    }
    return this.#look(IDENTITY, inspection => {
      drain(inspection)
      this.#describe(IDENTITY, 'current', 'says that this is a store, and of which engine')
      return inspection.facts().find(fact => fact.name === 'engine')?.value as string | undefined
    })
  }

  #guess(): string | undefined {
    const names = [...this.#sizes.keys()]
    if (names.includes(DATA_FILE)) return 'btree'
    return names.some(name => name === CURRENT || ['manifest', 'table'].includes(kindByName(name))) ? 'lsm' : undefined
  }

  async #lsm(): Promise<void> {
    if (!this.#sizes.has(CURRENT)) {
      this.#problem(CURRENT, 'it is missing: which tables belong to the store is not known')
      return
    }
    const name = await this.#look(CURRENT, inspection => {
      drain(inspection)
      return inspection.facts()[0]?.value as string | undefined
    })
    this.#describe(CURRENT, 'current', `names the manifest in force${name === undefined ? '' : `, ${name}`}`)
    if (name === undefined) return
    if (!this.#sizes.has(name)) {
      this.#problem(name, `it is missing, but ${CURRENT} names it`)
      return
    }
    await this.#look(name, async inspection => {
      drain(inspection)
      const manifest = inspection.decoder
      if (!(manifest instanceof ManifestDecoder)) {
        this.#problem(name, `${CURRENT} names it, but it is a ${inspection.title}`)
        return
      }
      this.#describe(name, 'current', 'says which tables and logs are the store')
      await this.#tables(manifest)
      await this.#logs(manifest.firstLog, manifest.liveLogs)
      this.#outline.push(...versionOutline(manifest.version, this.#options.preview ?? 24))
      const tables = [...manifest.version.files()]
      this.#facts.push(
        { name: 'tables', value: `${tables.length} (${counted(sum(tables.map(file => file.meta.fileBytes)), 'byte')})` },
        { name: 'entries in tables', value: sum(tables.map(file => file.meta.entries)) },
      )
    })
    for (const [other] of this.#sizes) {
      const kind = parseFileName(other)?.kind
      if (this.#described.has(other)) continue
      if (kind === 'manifest') this.#describe(other, other > name ? 'extra' : 'obsolete', `not in force; ${name} is`)
      if (kind === 'table') this.#describe(other, 'extra', 'in no version: being written, or left over')
    }
  }

  async #tables(manifest: ManifestDecoder): Promise<void> {
    for (const { meta } of manifest.version.files()) {
      const name = tableName(meta.number)
      const bytes = this.#sizes.get(name)
      this.#describe(name, 'current', `level ${meta.level} run ${meta.run}, ${counted(meta.entries, 'entry', 'entries')}`)
      if (bytes === undefined) this.#problem(name, `it is missing, but ${manifestName(manifest.number)} names it`)
      else if (bytes !== meta.fileBytes) this.#problem(name, `it has ${bytes} bytes where the manifest says ${meta.fileBytes}`)
      // The footer alone, which is the last part.
      if (bytes !== undefined) await this.#look(name, inspection => drain(inspection, inspection.bytes - 1))
    }
  }

  async #btree(): Promise<void> {
    if (!this.#sizes.has(DATA_FILE)) {
      this.#problem(DATA_FILE, 'it is missing')
      return
    }
    const meta = await this.#look(DATA_FILE, inspection => {
      for (const part of inspection.parts()) if (part.offset >= META_AREA_BYTES) break
      const tree = inspection.decoder
      if (tree instanceof BtreeDecoder && tree.meta !== undefined) {
        this.#facts.push(...tree.facts().filter(({ name }) => !name.startsWith('read') && !name.startsWith('leaves')))
        return tree.meta
      }
      this.#problem(DATA_FILE, 'neither meta page can be read: the tree cannot be found')
      return undefined
    })
    if (meta === undefined) return
    this.#describe(DATA_FILE, 'current', `the tree: ${counted(meta.height, 'level')}, ${counted(meta.root.entries, 'entry', 'entries')}`)
    const logs = Array.from({ length: Math.max(0, Math.min(1000, meta.lastLog - meta.firstLog + 1)) }, (_, i) => meta.firstLog + i)
    await this.#logs(meta.firstLog, logs)
  }

  async #logs(first: number, expected: readonly number[]): Promise<void> {
    for (const number of expected) {
      if (!this.#sizes.has(logName(number))) this.#problem(logName(number), 'it is missing, but belongs to the store')
    }
    for (const [name] of this.#sizes) {
      const file = parseFileName(name)
      if (file?.kind !== 'log') continue
      if (file.number < first) {
        this.#describe(name, 'obsolete', 'what is in it is elsewhere; the store removes it')
        continue
      }
      const facts = await this.#look(name, inspection => {
        drain(inspection)
        return inspection.facts()
      })
      const value = (wanted: string): string => String(facts?.find(fact => fact.name === wanted)?.value ?? '')
      const operations =
        value('sequence') === '' ? 'nothing' : `${counted(Number(value('operations')), 'operation')}, sequence ${value('sequence')}`
      this.#describe(name, 'current', `log: ${operations}`)
      this.#outline.push({ label: `${name}: ${operations}` })
    }
  }

  /** Looks into a file and takes over its problems; a file that went away meanwhile gives `undefined`. */
  async #look<T>(name: string, read: (inspection: FileInspection) => T | Promise<T>): Promise<T | undefined> {
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
    const kind = kindByName(name)
    const { state, role } = this.#described.get(name) ?? this.#undescribed(kind)
    return { name, bytes, kind, state, role }
  }

  #undescribed(kind: FileKind): Pick<DirectoryFile, 'state' | 'role'> {
    if (kind === 'lock') return { state: 'lock', role: 'of the lock; holds no data' }
    if (kind === 'unknown') return { state: 'foreign', role: 'not of the store' }
    if (kind === 'identity' || kind === 'current') return { state: 'extra', role: 'not in force' }
    return { state: 'extra', role: 'nothing that can be read names it' }
  }

  #describe(name: string, state: DirectoryFile['state'], role: string): void {
    this.#described.set(name, { state, role })
  }

  #problem(name: string, message: string): void {
    this.#problems.push({ file: joinPath(this.#directory, name), message })
  }
}

function drain(inspection: FileInspection, offset = 0): void {
  for (const _ of inspection.parts({ offset })) continue
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}
