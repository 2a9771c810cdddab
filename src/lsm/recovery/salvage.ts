/**
 * What can still be read of a damaged tree: every entry of every block and log record whose checksum holds, merged into what is live.
 *
 * Invariants:
 * 1. The newest version that can be read wins, by sequence number; range tombstones that can be read apply.
 * 2. What cannot be read is reported, with the keys it may have held where the index or the manifest knows them. For these keys an
 *    older version may be what is left.
 * 3. A manifest with a clean end says which tables belong to the store. Any other may have lost records: then each table in the
 *    directory counts that it does not say to be obsolete, as long as no other table supersedes it (superseded.ts).
 */
import { loadHash32, type Hash32 } from '../../codec/checksum.js'
import { BlobPointer } from '../../codec/blob-pointer.js'
import { ByteView, compareKeys, KIND_BLOB, KIND_PUT, KIND_PUT_EXPIRING, MAX_SEQUENCE } from '../../codec/entry.js'
import { splitExpiring } from '../../codec/expiry.js'
import type { EngineContext, Loss, SalvagedEntry } from '../../engine/contract.js'
import { logName, parseLogName } from '../../engine/durable/log-names.js'
import { messageOf, placeOf, salvageLogs, type SalvagedLogs, type KeyVersion } from '../../engine/durable/log-salvage.js'
import { CorruptionError } from '../../errors.js'
import { keyHash } from '../../sstable/bloom-filter.js'
import { joinPath, type FileHandle } from '../../vfs/file-system.js'
import { readValue } from '../blobs/blob-files.js'
import { blobName, parseFileName, tableName } from '../file-names.js'
import { FilePool } from '../versions/file-pool.js'
import { RangeTombstones } from '../read/range-tombstones.js'
import { salvageManifest, type SalvagedManifest } from './salvaged-manifest.js'
import { SalvagedTable, type Stretch } from './salvaged-table.js'
import { Superseded } from './superseded.js'
import { overlaps, type TableMeta } from '../versions/table-file.js'

const MAX_OPEN_FILES = 64
const ENTRIES_A_TURN = 1024

export async function* salvageTree(context: EngineContext, lost: (loss: Loss) => void): AsyncGenerator<SalvagedEntry> {
  const hash32 = await loadHash32()
  const salvage = new Salvage(context, hash32, lost)
  try {
    let count = 0
    for (const entry of salvage.live()) {
      if (++count % ENTRIES_A_TURN === 0) await context.environment.scheduler.turn()
      // Versions that are not live come in between.
      if (entry !== undefined) yield entry
    }
  } finally {
    salvage.close()
  }
}

class Salvage {
  readonly #context: EngineContext
  readonly #hash32: Hash32
  readonly #lost: (loss: Loss) => void
  readonly #tables = new Map<number, SalvagedTable>()
  /** What is wrong with tables that cannot be opened at all. */
  readonly #unreadable = new Map<number, Loss>()
  readonly #values: SalvagedValues

  constructor(context: EngineContext, hash32: Hash32, lost: (loss: Loss) => void) {
    this.#context = context
    this.#hash32 = hash32
    this.#lost = lost
    this.#values = new SalvagedValues(context, hash32)
  }

  /** Every live entry, and `undefined` for a version that is not. */
  *live(): Generator<SalvagedEntry | undefined> {
    const { environment, directory } = this.#context
    const manifest = salvageManifest(environment.fileSystem, directory, this.#hash32, this.#lost)
    const unlisted = this.#openTables(manifest)
    const logs = this.#logs(manifest)
    const isDoubtful = manifest?.isComplete !== true && (unlisted.length > 0 || manifest?.isDamaged !== false)
    let superseded: Superseded | undefined
    let isDamaged = manifest?.isDamaged !== false
    if (isDoubtful) {
      const survey = new Survey(this.#tables, logs)
      yield* survey.run()
      superseded = survey.superseded
      if (manifest !== undefined) {
        this.#leaveOut(manifest, unlisted, survey)
        isDamaged = this.#explain(manifest, survey) || isDamaged
      }
    } else if (manifest !== undefined) this.#explain(manifest, undefined)
    for (const [number, loss] of this.#unreadable) if (isDamaged || manifest?.tables.has(number) === true) this.#lost(loss)
    yield* this.#merged(logs, superseded, number => isDamaged || manifest?.tables.has(number) === true)
  }

  close(): void {
    for (const table of this.#tables.values()) table.close()
    this.#values.close()
  }

  *#merged(
    logs: SalvagedLogs,
    superseded: Superseded | undefined,
    belongs: (table: number) => boolean,
  ): Generator<SalvagedEntry | undefined> {
    const tables = [...this.#tables.values()]
    // What a job left over that did not end is damaged by nothing but the crash.
    const sources = tables.map(table => table.versions(belongs(table.number) ? this.#lost : ignore))
    const tombstones = RangeTombstones.of([...tables.flatMap(table => table.rangeTombstones), ...logs.tombstones])
    let last: Uint8Array | undefined
    for (const version of mergeVersions([...sources, logs.versions.values()])) {
      const { key, sequence, kind, value } = version
      const isOlder = last !== undefined && compareKeys(last, key) === 0
      last = key
      const isLive =
        !isOlder &&
        (kind === KIND_PUT || kind === KIND_PUT_EXPIRING || kind === KIND_BLOB) &&
        (tombstones === undefined || tombstones.newestOver(key, 0, key.length, MAX_SEQUENCE) <= sequence) &&
        superseded?.has(version) !== true
      if (!isLive) yield undefined
      else if (kind === KIND_BLOB) yield this.#withValue(version)
      else yield { key, ...(kind === KIND_PUT ? { value } : splitExpiring(value)) }
    }
  }

  /** An entry whose value lies in a blob file; `undefined`, and reported, where it cannot be read. */
  #withValue({ key, value: stored }: KeyVersion): SalvagedEntry | undefined {
    const pointer = new BlobPointer()
    let file = this.#context.directory
    try {
      pointer.read(viewOf(stored))
      file = joinPath(this.#context.directory, blobName(pointer.file))
      const value = this.#values.read(pointer, key)
      return { key, value, ...(pointer.expiry !== undefined && { expiresAt: pointer.expiry }) }
    } catch (error) {
      this.#lost({ ...placeOf(error, file), message: `a value is lost: ${messageOf(error)}`, keys: { gte: key, lte: key } })
      return undefined
    }
  }

  /** Opens the tables that may belong to the store, and returns the numbers of those that the manifest does not name. */
  #openTables(manifest: SalvagedManifest | undefined): readonly number[] {
    const { environment, directory } = this.#context
    const { fileSystem } = environment
    const pool = new FilePool(fileSystem, MAX_OPEN_FILES)
    const there = fileSystem.list(directory).flatMap(name => {
      const file = parseFileName(name)
      return file?.kind === 'table' ? [file.number] : []
    })
    const unlisted = there.filter(number => manifest?.tables.has(number) !== true && manifest?.removed.has(number) !== true)
    const listed = there.filter(number => manifest?.tables.has(number) === true)
    for (const number of manifest?.isComplete === true ? listed : [...listed, ...unlisted]) {
      const path = joinPath(directory, tableName(number))
      const meta = manifest?.tables.get(number)
      try {
        const file = pool.openRead(path)
        this.#tables.set(
          number,
          SalvagedTable.open({ file, number, hash32: this.#hash32, compression: environment, largest: meta?.largest }),
        )
      } catch (error) {
        this.#unreadable.set(number, lossOf(meta, placeOf(error, path), `the whole table is lost: ${messageOf(error)}`))
      }
    }
    return manifest?.isComplete === true ? [] : unlisted
  }

  /**
   * Leaves out what was obsolete when the manifest began: no version since then can name it. Unless a job was under way then, whose output
   * it is; but then the store has its inputs as long as none of its tables is missing or damaged.
   */
  #leaveOut(manifest: SalvagedManifest, unlisted: readonly number[], survey: Survey): void {
    const { number, tables, startSequence } = manifest
    if (startSequence === undefined || [...tables.keys()].some(table => !survey.isSound(table))) return
    for (const table of unlisted) {
      if (table > number || (survey.contents.get(table)?.maxSequence ?? Infinity) > startSequence) continue
      this.#tables.get(table)?.close()
      this.#tables.delete(table)
    }
  }

  /**
   * Reports tables and logs that the manifest names and that are not there, unless its lost end explains that. Returns whether its end is
   * lost.
   */
  #explain(manifest: SalvagedManifest, survey: Survey | undefined): boolean {
    const { directory } = this.#context
    const missingTables = [...manifest.tables.values()].filter(({ number }) => !this.#tables.has(number) && !this.#unreadable.has(number))
    const logsThere = this.#logNumbers()
    const missingLogs = manifest.logs.filter(log => !logsThere.includes(log))
    const unlisted = [...this.#tables.keys()].filter(number => !manifest.tables.has(number))
    // Logs go in their order, each once a table holds its operations.
    const flushed = unlisted.filter(number => (survey?.contents.get(number)?.maxSequence ?? 0) > manifest.lastSequence)
    const isFlushed = (log: number): boolean =>
      !logsThere.some(number => number >= manifest.firstLog && number < log) && flushed.some(number => number > log)
    // The tables that a compaction read go together, once it has ended.
    const present = [...manifest.tables.keys()].filter(number => this.#tables.has(number))
    const ended = unlisted.filter(number => survey?.superseded.isMadeOf(number, present) === false)
    const isCompacted = (meta: TableMeta): boolean =>
      ended.some(
        number =>
          number > meta.number &&
          (manifest.isDamaged || survey?.contents.get(number)?.stretches.some(at => overlaps(boundsOf(at), meta)) === true),
      )
    const lostTables = missingTables.filter(meta => !isCompacted(meta))
    const lostLogs = missingLogs.filter(log => !isFlushed(log))
    const isShort = lostTables.length < missingTables.length || lostLogs.length < missingLogs.length
    if (isShort && !manifest.isDamaged) {
      const names = unlisted.map(tableName).join(', ')
      this.#lost({
        file: manifest.path,
        message: `the end of the manifest is missing: it does not name ${names}, which the store went on with`,
      })
    }
    for (const meta of lostTables) {
      this.#lost(lossOf(meta, { file: joinPath(directory, tableName(meta.number)) }, 'the whole table is lost: it is missing'))
    }
    for (const log of lostLogs) this.#lost({ file: joinPath(directory, logName(log)), message: 'the log is missing' })
    return isShort
  }

  #logs(manifest: SalvagedManifest | undefined): SalvagedLogs {
    const { environment, directory } = this.#context
    return salvageLogs({
      fileSystem: environment.fileSystem,
      directory,
      hash32: this.#hash32,
      firstLog: manifest?.firstLog ?? 0,
      ends: manifest?.wholeLogs ?? new Map(),
      lost: this.#lost,
    })
  }

  #logNumbers(): readonly number[] {
    const { environment, directory } = this.#context
    return environment.fileSystem.list(directory).flatMap(name => parseLogName(name) ?? [])
  }
}

/** Values in blob files. The log that a file was made of may still be there in its place. */
class SalvagedValues {
  readonly #context: EngineContext
  readonly #hash32: Hash32
  readonly #pool: FilePool
  readonly #open = new Map<number, FileHandle>()

  constructor(context: EngineContext, hash32: Hash32) {
    this.#context = context
    this.#hash32 = hash32
    this.#pool = new FilePool(context.environment.fileSystem, MAX_OPEN_FILES)
  }

  read(pointer: BlobPointer, key: Uint8Array): Uint8Array {
    const file = this.#file(pointer.file)
    // A damaged length must not size an array.
    if (pointer.offset + pointer.length > file.size()) {
      throw new CorruptionError('it lies behind the end of its file', { file: file.path, offset: pointer.offset })
    }
    const value = new Uint8Array(pointer.length)
    readValue(file, pointer, keyHash(this.#hash32, key), this.#hash32, value, 0)
    return value
  }

  close(): void {
    for (const file of this.#open.values()) file.close()
  }

  #file(number: number): FileHandle {
    const found = this.#open.get(number)
    if (found !== undefined) return found
    const { environment, directory } = this.#context
    const path = joinPath(directory, blobName(number))
    const log = joinPath(directory, logName(number))
    const isThere = environment.fileSystem.stat(path) !== undefined || environment.fileSystem.stat(log) === undefined
    const file = this.#pool.openRead(isThere ? path : log)
    this.#open.set(number, file)
    return file
  }
}

/** A first reading of all files, to see what each holds and which are made of which. */
class Survey {
  readonly contents = new Map<number, { isLog: boolean; stretches: Stretch[]; maxSequence: number }>()
  readonly superseded = new Superseded(this.contents)
  readonly #tables: ReadonlyMap<number, SalvagedTable>
  readonly #logs: SalvagedLogs
  readonly #damaged = new Set<number>()

  constructor(tables: ReadonlyMap<number, SalvagedTable>, logs: SalvagedLogs) {
    this.#tables = tables
    this.#logs = logs
  }

  /** Yields once for each version. */
  *run(): Generator<undefined> {
    const sources = [...this.#tables.values()].map(table => {
      const stretches: Stretch[] = []
      const sequences = table.rangeTombstones.map(({ sequence }) => sequence)
      this.contents.set(table.number, { isLog: false, stretches, maxSequence: sequences.reduce((a, b) => Math.max(a, b), 0) })
      return table.versions(() => this.#damaged.add(table.number), stretches)
    })
    let same: KeyVersion[] = []
    for (const version of mergeVersions([...sources, this.#logs.versions.values()])) {
      const { file, sequence } = version
      const contents = this.contents.get(file) ?? { isLog: true, stretches: [], maxSequence: 0 }
      this.contents.set(file, contents)
      contents.maxSequence = Math.max(contents.maxSequence, sequence)
      if (same.length > 0 && compareVersions(same[0], version) !== 0) same = []
      for (const newer of same) if (newer.file > file) this.superseded.add(file, newer.file)
      same.push(version)
      yield undefined
    }
  }

  /** Whether the table is there and every part of it was read. */
  isSound(table: number): boolean {
    return this.#tables.has(table) && !this.#damaged.has(table)
  }
}

function viewOf(bytes: Uint8Array): ByteView {
  const view = new ByteView()
  view.set(bytes, 0, bytes.length)
  return view
}

function ignore(): void {}

function boundsOf({ first, last }: Stretch): { readonly smallest: Uint8Array; readonly largest: Uint8Array } {
  return { smallest: first, largest: last }
}

function lossOf(meta: TableMeta | undefined, place: { readonly file: string; readonly offset?: number }, message: string): Loss {
  return { ...place, message, ...(meta !== undefined && { keys: { gte: meta.smallest, lte: meta.largest } }) }
}

/** All versions by key, the newest of a key first, and the copy in the newest file first. */
function* mergeVersions(sources: readonly Iterator<KeyVersion>[]): Generator<KeyVersion> {
  const heads = sources.flatMap(source => {
    const first = source.next()
    return first.done === true ? [] : [{ source, version: first.value }]
  })
  while (heads.length > 0) {
    let first = 0
    for (let i = 1; i < heads.length; i++) {
      const [a, b] = [heads[i].version, heads[first].version]
      const order = compareVersions(a, b) || b.file - a.file
      if (order < 0) first = i
    }
    const head = heads[first]
    yield head.version
    const next = head.source.next()
    if (next.done === true) heads.splice(first, 1)
    else head.version = next.value
  }
}

function compareVersions(a: KeyVersion, b: KeyVersion): number {
  return compareKeys(a.key, b.key) || b.sequence - a.sequence
}
