/**
 * Opening: from the files that a clean close, a kill or a power loss left, the state to go on from.
 *
 * Invariants:
 * 1. Recovery changes nothing that an earlier version needs until the new manifest is in force, so it can be cut short
 *    anywhere and begun again.
 * 2. What is recovered is a prefix of what was written: sequence numbers follow each other without a gap. Where they do not,
 *    the log before lost an unsynced tail, and everything behind the gap goes, too. A gap before something that was
 *    once durable is corruption: a log is made durable only after those before it.
 * 3. If anything was dropped, or the memtable overflowed, all of it is flushed before the new manifest: no later recovery meets
 *    the same torn logs with new ones behind them.
 */
import type { Hash32 } from '../codec/checksum.js'
import { BatchReader } from '../engine/batch.js'
import { CorruptionError } from '../errors.js'
import type { Ledger } from '../trace/ledger.js'
import { joinPath, type FileSystem } from '../vfs/file-system.js'
import { MeteredFileSystem } from '../vfs/metered-file-system.js'
import { LogReader } from '../wal/reader.js'
import { CURRENT_TEMPORARY, logName, parseFileName, tableName } from './file-names.js'
import type { JobRunner } from './job-runner.js'
import { readManifest, type ManifestState } from './manifest.js'
import { Memtable } from './memtable.js'
import type { MemtablePool } from './memtable-pool.js'
import { Version } from './version.js'

export interface RecoveryOptions {
  readonly fileSystem: FileSystem
  readonly directory: string
  readonly hash32: Hash32
  readonly ledger: Ledger
  readonly pool: MemtablePool
  /** The directory may hold what a crashed creation left: start empty. */
  readonly created: boolean
  readonly runner: JobRunner
}

export interface Recovered {
  readonly version: Version
  readonly memtable: Memtable
  /** Logs that the memtable came from, with their sizes; whole and durable. */
  readonly logs: ReadonlyMap<number, number>
  readonly nextFile: number
  readonly sequence: number
  readonly flushedSequence: number
  /** Bytes of torn tails that were dropped. */
  readonly droppedBytes: number
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
  readonly #reader = new BatchReader()
  readonly #logs = new Map<number, number>()
  #version = new Version()
  #memtable: Memtable
  #nextFile = 1
  #sequence = 0
  #droppedBytes = 0
  #flushed = false

  constructor(options: RecoveryOptions) {
    this.#options = options
    this.#memtable = options.pool.take(0, 0)
  }

  async run(): Promise<Recovered> {
    const { fileSystem, directory, hash32, created } = this.#options
    const manifest = created ? undefined : readManifest(fileSystem, directory, hash32)
    if (manifest === undefined && !created) {
      throw new CorruptionError('The file CURRENT is missing: without it the tables and logs of the store cannot be told from leftovers', {
        file: joinPath(directory, 'CURRENT'),
      })
    }
    const present = this.#present()
    // Numbers are never used twice, not even those of files that no manifest got to mention.
    this.#nextFile = Math.max(manifest?.nextFile ?? 1, ...present.map(file => file.number + 1))
    if (manifest !== undefined) {
      this.#version = manifest.version
      this.#sequence = manifest.lastSequence
      this.#checkTables()
      await this.#replayLogs(manifest, present)
    }
    const flushedSequence = this.#flushed ? this.#sequence : (manifest?.lastSequence ?? 0)
    return {
      version: this.#version,
      memtable: this.#memtable,
      logs: this.#logs,
      nextFile: this.#nextFile,
      sequence: this.#sequence,
      flushedSequence,
      droppedBytes: this.#droppedBytes,
    }
  }

  #present(): { kind: string; number: number }[] {
    const { fileSystem, directory } = this.#options
    return fileSystem.list(directory).flatMap(name => parseFileName(name) ?? [])
  }

  /** A missing table is noticed now, not when somebody happens to read it. */
  #checkTables(): void {
    const { fileSystem, directory } = this.#options
    for (const { meta } of this.#version.files()) {
      const file = joinPath(directory, tableName(meta.number))
      const size = fileSystem.stat(file)?.size
      if (size === undefined) throw new CorruptionError('A table that belongs to the store is missing', { file })
      if (size !== meta.fileBytes) throw new CorruptionError(`A table has ${size} bytes where the manifest says ${meta.fileBytes}`, { file })
      this.#options.ledger.resize(size)
    }
  }

  async #replayLogs(manifest: ManifestState, present: readonly { kind: string; number: number }[]): Promise<void> {
    const there = new Set(present.filter(file => file.kind === 'log').map(file => file.number))
    for (const number of manifest.logs) {
      if (there.has(number)) continue
      const file = joinPath(this.#options.directory, logName(number))
      throw new CorruptionError('A log that belongs to the store is missing', { file })
    }
    const live = [...there].filter(number => number >= manifest.firstLog).sort((a, b) => a - b)
    for (const number of live) await this.#replayLog(number)
    if (this.#droppedBytes > 0 || this.#flushed) {
      await this.#flush()
      this.#logs.clear()
    } else {
      for (const number of this.#logs.keys()) await this.#makeDurable(number)
    }
  }

  async #replayLog(number: number): Promise<void> {
    const { fileSystem, directory, hash32, pool } = this.#options
    const path = joinPath(directory, logName(number))
    const batches: Uint8Array[] = []
    let firstGap = -1
    const reader = this.#reader
    // Batches that find the memtable full wait for its flush, which is asynchronous.
    const replay = new LogReader({ fileSystem, path, logNumber: number, hash32 }).replay((payload, offset) => {
      if (firstGap >= 0) return
      try {
        reader.reset(payload, 0, payload.length)
      } catch (cause) {
        throw new CorruptionError('A log record is not a write batch', { file: path, offset, cause })
      }
      if (reader.firstSequence !== this.#sequence + 1) {
        firstGap = offset
        return
      }
      this.#sequence += reader.count
      if (batches.length === 0 && this.#memtable.hasRoom(payload.length, reader.count)) this.#apply(reader, path, offset)
      else batches.push(payload.slice())
    })
    if (firstGap >= 0 && replay.lastSynced > firstGap) {
      throw new CorruptionError('Records are missing between this log and the one before it', { file: path, offset: firstGap })
    }
    for (const batch of batches) {
      reader.reset(batch, 0, batch.length)
      if (!this.#memtable.hasRoom(batch.length, reader.count)) {
        await this.#flush()
        this.#memtable = pool.take(Memtable.bytesFor(batch.length, reader.count), 0)
      }
      this.#apply(reader, path, 0)
    }
    this.#logs.set(number, replay.validBytes)
    this.#droppedBytes += replay.droppedBytes + (firstGap < 0 ? 0 : replay.validBytes - firstGap)
  }

  #apply(reader: BatchReader, file: string, offset: number): void {
    try {
      this.#memtable.apply(reader)
    } catch (cause) {
      if (cause instanceof CorruptionError) throw new CorruptionError(cause.message, { file, offset, cause })
      throw cause
    }
  }

  async #flush(): Promise<void> {
    const { pool, runner } = this.#options
    this.#flushed = true
    const memtable = this.#memtable
    if (memtable.isEmpty) return
    const number = this.#nextFile++
    const added = await runner.flush(memtable, this.#version, number, [])
    this.#version = this.#version.apply({ deleted: [], added })
    this.#memtable = pool.take(0, 0)
    pool.retire(memtable)
  }

  /** What a killed process left is only in the system's memory yet; the next log must not become durable before it. */
  async #makeDurable(number: number): Promise<void> {
    const { fileSystem, directory, ledger } = this.#options
    const file = fileSystem.openWrite(joinPath(directory, logName(number)))
    try {
      await file.sync()
      ledger.syncs++
    } finally {
      file.close()
    }
  }
}

/** Removes what no version names: files of crashed jobs, obsolete logs, old manifests. Failures leave them for the next open. */
export function removeObsolete(
  fileSystem: FileSystem,
  directory: string,
  live: { readonly version: Version; readonly logs: ReadonlySet<number>; readonly manifest: number },
): void {
  const tables = new Set([...live.version.files()].map(file => file.meta.number))
  for (const name of fileSystem.list(directory)) {
    const file = parseFileName(name)
    const obsolete =
      name === CURRENT_TEMPORARY ||
      (file?.kind === 'table' && !tables.has(file.number)) ||
      (file?.kind === 'log' && !live.logs.has(file.number)) ||
      (file?.kind === 'manifest' && file.number !== live.manifest)
    if (!obsolete) continue
    try {
      fileSystem.remove(joinPath(directory, name))
    } catch {
      // Harmless: the numbers of these files are not used again.
    }
  }
}

