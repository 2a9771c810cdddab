/**
 * What can still be read of a damaged tree: every entry of every block and log record whose checksum holds, merged into what is live.
 *
 * Invariants:
 * 1. Of the versions that can be read the newest wins, by sequence number; range tombstones that can be read apply.
 * 2. What cannot be read is told, with the keys it may have held where the index or the manifest knows them. For these keys an
 *    older version may be what is left.
 */
import { loadHash32, type Hash32 } from '../codec/checksum.js'
import { compareKeys, KIND_DELETE_RANGE, KIND_PUT, MAX_SEQUENCE } from '../codec/entry.js'
import { BatchReader } from '../engine/batch.js'
import type { EngineContext, Loss, SalvagedEntry } from '../engine/contract.js'
import { KvariumError } from '../errors.js'
import { joinPath, type FileSystem } from '../vfs/file-system.js'
import { errorCode } from '../vfs/vfs-error.js'
import { salvageLog } from '../wal/salvage.js'
import { parseFileName, tableName } from './file-names.js'
import { FilePool } from './file-pool.js'
import { readManifest, type ManifestState } from './manifest.js'
import { RangeTombstones, type RangeTombstone } from './range-tombstones.js'
import { SalvagedTable, type Version } from './salvaged-table.js'
import type { TableMeta } from './table-file.js'

const MAX_OPEN_FILES = 64
const ENTRIES_A_TURN = 1024

export async function* salvageTree(context: EngineContext, lost: (loss: Loss) => void): AsyncGenerator<SalvagedEntry> {
  const hash32 = await loadHash32()
  const salvage = new Salvage(context, hash32, lost)
  try {
    let count = 0
    for (const entry of salvage.live()) {
      if (++count % ENTRIES_A_TURN === 0) await context.environment.scheduler.turn()
      yield entry
    }
  } finally {
    salvage.close()
  }
}

class Salvage {
  readonly #context: EngineContext
  readonly #hash32: Hash32
  readonly #lost: (loss: Loss) => void
  readonly #tombstones: RangeTombstone[] = []
  readonly #tables: SalvagedTable[] = []

  constructor(context: EngineContext, hash32: Hash32, lost: (loss: Loss) => void) {
    this.#context = context
    this.#hash32 = hash32
    this.#lost = lost
  }

  *live(): Generator<SalvagedEntry> {
    const manifest = this.#manifest()
    this.#openTables(manifest)
    const sources = [...this.#tables.map(table => table.versions()), this.#logs(manifest).values()]
    const tombstones = RangeTombstones.of(this.#tombstones)
    let last: Uint8Array | undefined
    for (const { key, sequence, kind, value } of mergeVersions(sources)) {
      if (last !== undefined && compareKeys(last, key) === 0) continue
      last = key
      if (kind !== KIND_PUT) continue
      if (tombstones !== undefined && tombstones.newestOver(key, 0, key.length, MAX_SEQUENCE) > sequence) continue
      yield { key, value }
    }
  }

  close(): void {
    for (const table of this.#tables) table.close()
  }

  /** What the manifest says, or `undefined`: then every table and log there counts. */
  #manifest(): ManifestState | undefined {
    const { environment, directory } = this.#context
    try {
      const manifest = readManifest(environment.fileSystem, directory, this.#hash32)
      if (manifest !== undefined) return manifest
      this.#lost({
        file: joinPath(directory, 'CURRENT'),
        message: 'CURRENT is missing: all tables and logs are taken to belong to the store',
      })
    } catch (error) {
      const consequence = 'all tables and logs are taken to belong to the store, and what was deleted long ago may come back'
      this.#lost({ ...placeOf(error, directory), message: `${messageOf(error)}; ${consequence}` })
    }
    return undefined
  }

  #openTables(manifest: ManifestState | undefined): void {
    const { environment, directory } = this.#context
    const { fileSystem, deflate } = environment
    const pool = new FilePool(fileSystem, MAX_OPEN_FILES)
    for (const { number, meta } of tablesOf(fileSystem, directory, manifest)) {
      const path = joinPath(directory, tableName(number))
      try {
        const table = SalvagedTable.open({ file: pool.openRead(path), number, hash32: this.#hash32, deflate, lost: this.#lost })
        this.#tables.push(table)
        this.#tombstones.push(...table.rangeTombstones)
      } catch (error) {
        const keys = meta === undefined ? undefined : { smallest: meta.smallest, largest: meta.largest }
        const message = `the whole table is lost: ${messageOf(error)}`
        this.#lost({ ...placeOf(error, path), message, ...(keys !== undefined && { keys }) })
      }
    }
  }

  /** The newest version of each key in the logs, in the order of the keys. */
  #logs(manifest: ManifestState | undefined): Version[] {
    const { environment, directory } = this.#context
    const { fileSystem } = environment
    const present = fileSystem.list(directory).flatMap(name => {
      const file = parseFileName(name)
      return file?.kind === 'log' ? [{ number: file.number, path: joinPath(directory, name) }] : []
    })
    for (const number of manifest?.logs ?? []) {
      if (present.some(log => log.number === number)) continue
      this.#lost({ file: joinPath(directory, `${String(number).padStart(6, '0')}.log`), message: 'the log is missing' })
    }
    const newest = new Map<string, Version>()
    for (const { number, path } of present) {
      if (manifest !== undefined && number < manifest.firstLog) continue
      try {
        this.#readLog(path, number, newest)
      } catch (error) {
        this.#lost({ ...placeOf(error, path), message: messageOf(error) })
      }
    }
    return [...newest.values()].sort((a, b) => compareKeys(a.key, b.key))
  }

  #readLog(path: string, number: number, newest: Map<string, Version>): void {
    const file = this.#context.environment.fileSystem.openRead(path)
    const reader = new BatchReader()
    try {
      salvageLog(file, number, this.#hash32, {
        record: payload => {
          reader.reset(payload, 0, payload.length)
          for (let sequence = reader.firstSequence; reader.next(); sequence++) this.#take(reader, sequence, newest)
        },
        lost: (from, to) => {
          const message = `bytes ${from} to ${to} of the log cannot be read: writes that were never made durable, or damage`
          this.#lost({ file: path, offset: from, message })
        },
      })
    } finally {
      file.close()
    }
  }

  #take({ kind, key, value }: BatchReader, sequence: number, newest: Map<string, Version>): void {
    if (kind === KIND_DELETE_RANGE) {
      this.#tombstones.push({ first: key.copy(), last: value.copy(), sequence })
      return
    }
    const name = nameOf(key.bytes, key.start, key.end)
    const before = newest.get(name)
    if (before === undefined || before.sequence < sequence) newest.set(name, { key: key.copy(), value: value.copy(), sequence, kind })
  }
}

/** Bytes as a string of the same length, to be the key of a Map. */
function nameOf(bytes: Uint8Array, start: number, end: number): string {
  let name = ''
  for (let at = start; at < end; at += 4096) name += String.fromCharCode(...bytes.subarray(at, Math.min(end, at + 4096)))
  return name
}

function tablesOf(
  fileSystem: FileSystem,
  directory: string,
  manifest: ManifestState | undefined,
): readonly { readonly number: number; readonly meta?: TableMeta }[] {
  if (manifest !== undefined) return [...manifest.version.files()].map(({ meta }) => ({ number: meta.number, meta }))
  return fileSystem.list(directory).flatMap(name => {
    const file = parseFileName(name)
    return file?.kind === 'table' ? [{ number: file.number }] : []
  })
}

/** All versions by key, and of one key the newest first. */
function* mergeVersions(sources: readonly Iterator<Version>[]): Generator<Version> {
  const heads = sources.flatMap(source => {
    const first = source.next()
    return first.done === true ? [] : [{ source, version: first.value }]
  })
  while (heads.length > 0) {
    let first = 0
    for (let i = 1; i < heads.length; i++) if (compareVersions(heads[i].version, heads[first].version) < 0) first = i
    const head = heads[first]
    yield head.version
    const next = head.source.next()
    if (next.done === true) heads.splice(first, 1)
    else head.version = next.value
  }
}

function compareVersions(a: Version, b: Version): number {
  return compareKeys(a.key, b.key) || b.sequence - a.sequence
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** Where an error says it happened. Only errors of files are losses; anything else is thrown on. */
function placeOf(error: unknown, otherwise: string): { readonly file: string; readonly offset?: number } {
  if (!(error instanceof KvariumError) && errorCode(error) === undefined) throw error
  const { file = otherwise, offset } = error as Partial<KvariumError>
  return offset === undefined ? { file } : { file, offset }
}
