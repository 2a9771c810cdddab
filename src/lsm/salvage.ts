/**
 * What can still be read of a damaged tree: every entry of every block and log record whose checksum holds, merged into what is live.
 *
 * Invariants:
 * 1. Of the versions that can be read the newest wins, by sequence number; range tombstones that can be read apply.
 * 2. What cannot be read is told, with the keys it may have held where the index or the manifest knows them. For these keys an
 *    older version may be what is left.
 */
import { loadHash32, type Hash32 } from '../codec/checksum.js'
import { compareKeys, KIND_PUT, MAX_SEQUENCE } from '../codec/entry.js'
import type { EngineContext, Loss, SalvagedEntry } from '../engine/contract.js'
import { messageOf, placeOf, salvageLogs, type Version } from '../engine/log-salvage.js'
import { joinPath, type FileSystem } from '../vfs/file-system.js'
import { parseFileName, tableName } from './file-names.js'
import { FilePool } from './file-pool.js'
import { readManifest, type ManifestState } from './manifest.js'
import { RangeTombstones, type RangeTombstone } from './range-tombstones.js'
import { SalvagedTable } from './salvaged-table.js'
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
  #logs(manifest: ManifestState | undefined): readonly Version[] {
    const { environment, directory } = this.#context
    const { versions, tombstones } = salvageLogs({
      fileSystem: environment.fileSystem,
      directory,
      hash32: this.#hash32,
      firstLog: manifest?.firstLog ?? 0,
      expected: manifest?.logs ?? [],
      lost: this.#lost,
    })
    this.#tombstones.push(...tombstones)
    return versions
  }
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
