/**
 * Opening: from the files that a clean close, a kill or a power loss left, the state to go on from.
 *
 * Invariants:
 * 1. Recovery changes nothing that an earlier version needs until the new manifest is in force, so it can be cut short
 *    anywhere and begun again.
 * 2. If anything was dropped, the memtable overflowed, or logs have gathered, all of it is flushed before the new manifest: no later
 *    recovery meets the same torn logs with new ones behind them, and none has more than a few to read. What finds no room on the disk
 *    stays in memtables, where it can be read, until start.ts can flush it.
 * 3. The logs that go on hold records and are whole. An open after sessions that wrote nothing costs what the first one cost.
 */
import type { Hash32 } from '../../codec/checksum.js'
import type { BatchReader } from '../../engine/batch.js'
import { logName, replayLogs, type ReplayedLogs } from '../../engine/durable/log-replay.js'
import { CorruptionError } from '../../errors.js'
import type { Ledger } from '../../trace/ledger.js'
import { runJob, type Trace, type Tracer } from '../../trace/span.js'
import { joinPath, removeLeftover, type FileSystem } from '../../vfs/file-system.js'
import { MeteredFileSystem } from '../../vfs/metered-file-system.js'
import { isOutOfSpace } from '../../vfs/vfs-error.js'
import type { ReadLog } from '../../wal/custom-log-reader.js'
import { CURRENT, CURRENT_TEMPORARY, manifestName, parseFileName, tableName } from '../file-names.js'
import type { JobRunner } from '../compaction/job-runner.js'
import { readManifest, type ManifestState } from '../versions/manifest.js'
import { emitDropped, emitFrozen, emitNew } from '../memtable/memtable-trace.js'
import { Memtable } from '../memtable/memtable.js'
import type { MemtablePool } from '../memtable/memtable-pool.js'
import type { TableMeta } from '../versions/table-file.js'
import { Version } from '../versions/version.js'

/** More logs than this are not carried on: their contents become a table. */
const MAX_RECOVERED_LOGS = 4

export interface RecoveryOptions {
  readonly fileSystem: FileSystem
  readonly directory: string
  readonly hash32: Hash32
  readonly ledger: Ledger
  readonly pool: MemtablePool
  /** The directory may hold what a crashed creation left: start empty. */
  readonly created: boolean
  readonly runner: JobRunner
  /** Reads the logs instead of the built-in reader. */
  readonly readLog: ReadLog | undefined
  readonly trace: Trace | null
}

export interface Recovered {
  readonly version: Version
  readonly memtable: Memtable
  /** Memtables that are to be flushed, and that the disk had no room for; newest first. */
  readonly unflushed: readonly Memtable[]
  /** Logs that the memtable came from, with their sizes. */
  readonly logs: ReadonlyMap<number, number>
  /** Where the last frame of each of these logs ends. */
  readonly wholeLogs: ReadonlyMap<number, number>
  /** Those among them that may be in the system's memory only. */
  readonly undurableLogs: readonly number[]
  /** What replay found; `undefined` where there was nothing to replay. */
  readonly replayed: ReplayedLogs | undefined
  readonly nextFile: number
  readonly sequence: number
  readonly flushedSequence: number
}

export async function recover(options: RecoveryOptions): Promise<Recovered> {
  const meter = new MeteredFileSystem(options.fileSystem)
  const recovery = new Recovery({ ...options, fileSystem: meter })
  try {
    return await recovery.run()
  } finally {
    options.ledger.read.open += meter.counts().total.bytesRead
  }
}

class Recovery {
  readonly #options: RecoveryOptions
  readonly #step: Tracer | null
  #version = new Version()
  #memtable: Memtable
  #nextFile = 1
  /** No manifest names a file with this number or a larger one, but those that this recovery writes. */
  #firstStray = Infinity
  #sequence = 0
  #logs: ReadonlyMap<number, number> = new Map()
  #wholeLogs: ReadonlyMap<number, number> = new Map()
  #undurableLogs: readonly number[] = []
  #replayed: ReplayedLogs | undefined
  /** Something of the logs is in a table, or is to be: then all of it. */
  #flushes = false
  readonly #unflushed: Memtable[] = []

  constructor(options: RecoveryOptions) {
    this.#options = options
    this.#step = options.trace?.at('step') ?? null
    this.#memtable = this.#takeMemtable(0)
  }

  async run(): Promise<Recovered> {
    const { fileSystem, directory, hash32, created } = this.#options
    const manifest = created ? undefined : readManifest(fileSystem, directory, hash32)
    if (manifest === undefined && !created) {
      throw new CorruptionError('The file CURRENT is missing: without it nothing says which tables and logs belong to the store', {
        file: joinPath(directory, CURRENT),
      })
    }
    // Numbers are never used twice, not even those of files that no manifest got to mention.
    const present = fileSystem.list(directory).flatMap(name => parseFileName(name)?.number ?? [])
    this.#nextFile = Math.max(manifest?.nextFile ?? 1, ...present.map(number => number + 1))
    if (manifest !== undefined) {
      this.#version = manifest.version
      this.#firstStray = manifest.nextFile
      this.#sequence = manifest.lastSequence
      this.#checkTables(manifest)
      await this.#replay(manifest)
    }
    const flushedSequence = this.#flushes ? this.#sequence : (manifest?.lastSequence ?? 0)
    return {
      version: this.#version,
      memtable: this.#memtable,
      unflushed: this.#unflushed,
      logs: this.#logs,
      wholeLogs: this.#wholeLogs,
      undurableLogs: this.#undurableLogs,
      replayed: this.#replayed,
      nextFile: this.#nextFile,
      sequence: this.#sequence,
      flushedSequence,
    }
  }

  /** A missing table is noticed now, not at its first read. */
  #checkTables(manifest: ManifestState): void {
    const { fileSystem, directory } = this.#options
    for (const { meta } of this.#version.files()) {
      const file = joinPath(directory, tableName(meta.number))
      const size = fileSystem.stat(file)?.size
      if (size === undefined) {
        this.#checkManifest(manifest, meta.number, `table ${meta.number}`)
        throw new CorruptionError('A table that belongs to the store is missing', { file })
      }
      if (size !== meta.fileBytes)
        throw new CorruptionError(`A table has ${size} bytes where the manifest says ${meta.fileBytes}`, { file })
      this.#options.ledger.resize(size)
    }
  }

  /** A file that is gone, with tables behind it that the manifest does not know: then the manifest has lost its end, not the store the file. */
  #checkManifest({ manifestNumber, validBytes }: ManifestState, missing: number, what: string): void {
    const { fileSystem, directory } = this.#options
    const known = new Set([...this.#version.files()].map(({ meta }) => meta.number))
    const newer = fileSystem.list(directory).find(name => {
      const file = parseFileName(name)
      return file?.kind === 'table' && file.number > missing && !known.has(file.number)
    })
    if (newer === undefined) return
    throw new CorruptionError(`The end of the manifest is missing: it names ${what}, which is gone, and does not name ${newer}`, {
      file: joinPath(directory, manifestName(manifestNumber)),
      offset: validBytes,
    })
  }

  async #replay(manifest: ManifestState): Promise<void> {
    const { fileSystem, directory, hash32 } = this.#options
    for (const log of manifest.logs) {
      if (fileSystem.stat(joinPath(directory, logName(log))) === undefined) this.#checkManifest(manifest, log, `log ${log}`)
    }
    const replayed = await replayLogs({
      fileSystem,
      directory,
      hash32,
      firstLog: manifest.firstLog,
      expected: manifest.logs,
      durableHeaders: true,
      wholeLogs: manifest.wholeLogs,
      sequence: manifest.lastSequence,
      readLog: this.#options.readLog,
      trace: this.#options.trace ?? undefined,
      apply: (reader, bytes) => this.#apply(reader, bytes),
      makeRoom: async (bytes, operations) => {
        await this.#flush()
        this.#memtable = this.#takeMemtable(Memtable.bytesFor(bytes, operations))
      },
    })
    this.#replayed = replayed
    this.#sequence = replayed.sequence
    const { filled } = replayed
    if (replayed.droppedBytes > 0 || this.#flushes || filled.size > MAX_RECOVERED_LOGS) {
      await this.#flush()
      return
    }
    // What the manifest knows to be complete is durable.
    this.#undurableLogs = [...filled].filter(number => !manifest.wholeLogs.has(number))
    // A log without records has no part in the store any more.
    this.#logs = new Map([...replayed.logs].filter(([number]) => filled.has(number)))
    this.#wholeLogs = new Map([...replayed.validBytes].filter(([number]) => filled.has(number)))
  }

  #apply(reader: BatchReader, bytes: number): boolean {
    if (!this.#memtable.hasRoom(bytes, reader.count)) return false
    this.#memtable.apply(reader, this.#step)
    return true
  }

  /** Takes the place of the memtable before. */
  #takeMemtable(bytes: number): Memtable {
    const { pool, trace } = this.#options
    const memtable = pool.take(bytes, 0)
    if (trace !== null) emitNew(trace, memtable)
    return memtable
  }

  async #flush(): Promise<void> {
    const { pool, trace } = this.#options
    this.#flushes = true
    const memtable = this.#memtable
    if (memtable.isEmpty) return
    if (trace !== null) emitFrozen(trace, memtable)
    // Tables enter level 0 in the order of their ages.
    const added = this.#unflushed.length > 0 ? undefined : await this.#flushIfRoom(memtable)
    if (added === undefined) {
      this.#unflushed.unshift(memtable)
      this.#memtable = this.#takeMemtable(0)
      return
    }
    this.#version = this.#version.apply({ deleted: [], added })
    if (trace !== null) emitDropped(trace, memtable)
    this.#memtable = this.#takeMemtable(0)
    pool.retire(memtable)
  }

  /** The table that the memtable was flushed to, if any entry was worth one; `undefined` where the disk has no room for it. */
  async #flushIfRoom(memtable: Memtable): Promise<readonly TableMeta[] | undefined> {
    const { runner, trace } = this.#options
    try {
      return await flushRecovered(runner, trace, memtable, this.#version, this.#nextFile++, [])
    } catch (error) {
      if (!isOutOfSpace(error)) throw error
    }
    return this.#removeStrays() ? this.#flushIfRoom(memtable) : undefined
  }

  /**
   * Removes, once, tables that an earlier recovery wrote and no manifest got to name, which a full disk would keep for ever. Returns whether
   * there were any. Every table that any manifest names has a smaller number than the next one of this manifest.
   */
  #removeStrays(): boolean {
    const { fileSystem, directory } = this.#options
    const named = new Set([...this.#version.files()].map(({ meta }) => meta.number))
    const strays = fileSystem.list(directory).filter(name => {
      const file = parseFileName(name)
      return file?.kind === 'table' && file.number >= this.#firstStray && !named.has(file.number)
    })
    this.#firstStray = Infinity
    for (const name of strays) removeLeftover(fileSystem, joinPath(directory, name))
    return strays.length > 0
  }
}

/** Writes a memtable that recovery filled to a table. */
export function flushRecovered(
  runner: JobRunner,
  trace: Trace | null,
  memtable: Memtable,
  version: Version,
  number: number,
  snapshots: readonly number[],
): Promise<readonly TableMeta[]> {
  const options = { reason: 'recovery', remote: runner.remote }
  return runJob(trace, 'flush', span => runner.flush(memtable, version, number, snapshots, span), options)
}

/** Removes what no version names: files of crashed jobs, obsolete logs, old manifests. Failures leave them for the next open. */
export function removeObsolete(
  fileSystem: FileSystem,
  directory: string,
  live: { readonly version: Version; readonly logs: ReadonlySet<number>; readonly manifest: number },
): void {
  const tables = new Set([...live.version.files()].map(file => file.meta.number))
  let names: readonly string[] = []
  try {
    names = fileSystem.list(directory)
  } catch {
    // They take up space and do no other harm.
  }
  for (const name of names) {
    const file = parseFileName(name)
    const obsolete =
      name === CURRENT_TEMPORARY ||
      (file?.kind === 'table' && !tables.has(file.number)) ||
      (file?.kind === 'log' && !live.logs.has(file.number)) ||
      (file?.kind === 'manifest' && file.number !== live.manifest)
    // The numbers of these files are not used again.
    if (obsolete) removeLeftover(fileSystem, joinPath(directory, name))
  }
}
