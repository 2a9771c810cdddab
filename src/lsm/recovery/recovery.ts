/**
 * Opening: from the files that a clean close, a kill or a power loss left, the state to go on from.
 *
 * Invariants:
 * 1. Recovery changes nothing that an earlier version needs until the new manifest is in force, so it can be cut short
 *    anywhere and begun again.
 * 2. Nothing is written: memtables that are full, or of more than a few logs, are handed over as immutable ones, which the background
 *    flushes once the store is open. What was dropped of a log is cut off by start.ts.
 * 3. Long logs are verified, and loaded once the store is open; see deferred-load.ts.
 * 4. The logs that go on hold records. An open after sessions that wrote nothing costs what the first one cost.
 */
import type { Hash32 } from '../../codec/checksum.js'
import { logName, parseLogName } from '../../engine/durable/log-names.js'
import { replayLogs, type LogReplayOptions, type ReplayedLogs } from '../../engine/durable/log-replay.js'
import { CorruptionError } from '../../errors.js'
import type { Ledger } from '../../trace/ledger.js'
import type { Trace } from '../../trace/span.js'
import type { Scheduler } from '../../vfs/environment.js'
import { joinPath, type FileSystem } from '../../vfs/file-system.js'
import { MeteredFileSystem } from '../../vfs/metered-file-system.js'
import type { ReadLog } from '../../wal/custom-log-reader.js'
import { blobName, CURRENT, manifestName, parseFileName, tableName } from '../file-names.js'
import { readManifest, type ManifestState } from '../versions/manifest.js'
import type { MemtablePool } from '../memtable/memtable-pool.js'
import { tracedBlobs } from '../versions/blob-file.js'
import { blobsOf, Version } from '../versions/version.js'
import { DeferredLoad } from './deferred-load.js'
import { MemtableLoad } from './memtable-load.js'
import { nextFileOf, type Recovered } from './recovered.js'

/** Only reads the records of a log. */
const VERIFYING: Pick<LogReplayOptions, 'apply'> = { apply: () => true }

export interface RecoveryOptions {
  readonly fileSystem: FileSystem
  readonly directory: string
  readonly hash32: Hash32
  readonly ledger: Ledger
  readonly pool: MemtablePool
  /** Reads the logs instead of the built-in reader. */
  readonly readLog: ReadLog | undefined
  /** Logs of this many bytes and more are loaded once the store is open. */
  readonly leastDeferredBytes: number
  readonly scheduler: Scheduler
  readonly trace: Trace | null
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
  readonly #memtables: MemtableLoad
  #version = new Version()
  #sequence = 0
  #replayed: ReplayedLogs | undefined
  #deferred: DeferredLoad | undefined

  constructor(options: RecoveryOptions) {
    this.#options = options
    this.#memtables = new MemtableLoad(options.pool, options.trace)
  }

  async run(): Promise<Recovered> {
    const { fileSystem, directory, hash32 } = this.#options
    const manifest = readManifest(fileSystem, directory, hash32)
    if (manifest === undefined) {
      throw new CorruptionError('The file CURRENT is missing: without it nothing says which tables and logs belong to the store', {
        file: joinPath(directory, CURRENT),
      })
    }
    const nextFile = nextFileOf(fileSystem, directory, manifest.nextFile)
    this.#version = manifest.version
    this.#sequence = manifest.lastSequence
    const tables = [...manifest.version.files()].map(file => file.meta)
    this.#options.trace?.emit({
      type: 'manifest.read',
      manifest: manifest.manifestNumber,
      tables,
      ...tracedBlobs(blobsOf(manifest.version)),
    })
    this.#checkTables(manifest)
    await this.#replay(manifest)
    return {
      version: this.#version,
      memtable: this.#memtables.memtable,
      immutable: this.#memtables.immutable,
      deferred: this.#deferred,
      ...this.#liveLogs(manifest),
      replayed: this.#replayed,
      firstLog: manifest.firstLog,
      firstStray: manifest.nextFile,
      nextFile,
      sequence: this.#sequence,
      flushedSequence: manifest.lastSequence,
    }
  }

  #liveLogs(manifest: ManifestState): Pick<Recovered, 'logs' | 'listedLogs' | 'unlistedLogs' | 'wholeLogs' | 'undurableLogs'> {
    const logs = new Map<number, number>()
    const replayed = this.#replayed
    // A log without records has no part in the store any more.
    for (const number of replayed?.filled ?? []) {
      const kept = replayed!.keptBytes.get(number)!
      logs.set(number, kept === replayed!.validBytes.get(number) ? replayed!.logs.get(number)! : kept)
    }
    const numbers = [...logs.keys()]
    const whole = manifest.wholeLogs
    return {
      logs,
      listedLogs: numbers.filter(number => manifest.logs.includes(number)),
      unlistedLogs: numbers.filter(number => !manifest.logs.includes(number)),
      wholeLogs: new Map([...whole].filter(([number]) => logs.has(number))),
      undurableLogs: numbers.filter(number => !whole.has(number)),
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
    for (const { meta, resource } of this.#version.blobs.values()) {
      const file = joinPath(directory, blobName(meta.number))
      const size = fileSystem.stat(file)?.size
      if (size === undefined) {
        this.#checkManifest(manifest, meta.number, `blob file ${meta.number}`)
        throw new CorruptionError('A blob file that belongs to the store is missing, and the values in it', { file })
      }
      if (size < meta.fileBytes) {
        throw new CorruptionError(`A blob file has ${size} bytes where the manifest says ${meta.fileBytes}`, { file })
      }
      resource.fileBytes = size
      this.#options.ledger.resize(size)
    }
    for (const { meta } of this.#version.files()) {
      const missing = meta.blobs?.find(([file]) => !this.#version.blobs.has(file))
      if (missing !== undefined)
        throw new CorruptionError(`Table ${meta.number} has values in ${blobName(missing[0])}, which the manifest does not name`)
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
    const { readLog, leastDeferredBytes } = this.#options
    const isDeferred = readLog === undefined && this.#logBytes(manifest.firstLog) >= leastDeferredBytes
    const replayed = await replayLogs({
      fileSystem,
      directory,
      hash32,
      firstLog: manifest.firstLog,
      expected: manifest.logs,
      durableHeaders: true,
      wholeLogs: manifest.wholeLogs,
      sequence: manifest.lastSequence,
      readLog,
      trace: this.#options.trace ?? undefined,
      ...(isDeferred ? VERIFYING : this.#loading()),
    })
    this.#replayed = replayed
    this.#sequence = replayed.sequence
    if (!isDeferred) this.#memtables.end()
    else if (replayed.filled.size > 0) this.#deferred = this.#deferredLoad(replayed)
  }

  #loading(): Pick<LogReplayOptions, 'beginLog' | 'apply'> {
    const memtables = this.#memtables
    return {
      beginLog: (number, bytes) => memtables.beginLog(number, bytes),
      apply: (reader, _bytes, _offset, base) => {
        memtables.apply(reader, base)
        return true
      },
    }
  }

  #deferredLoad({ filled, keptBytes, sequence }: ReplayedLogs): DeferredLoad {
    const logs = new Map([...filled].map(number => [number, keptBytes.get(number)!]))
    const { ledger } = this.#options
    return new DeferredLoad({ ...this.#options, memtables: this.#memtables, logs, sequence, onRead: bytes => (ledger.read.open += bytes) })
  }

  /** Length of the logs from one on. */
  #logBytes(firstLog: number): number {
    const { fileSystem, directory } = this.#options
    const names = fileSystem.list(directory).filter(name => (parseLogName(name) ?? -1) >= firstLog)
    return names.reduce((sum, name) => sum + (fileSystem.stat(joinPath(directory, name))?.size ?? 0), 0)
  }
}
