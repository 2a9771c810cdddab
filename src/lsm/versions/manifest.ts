/**
 * The manifest: a log of version edits, and the file `CURRENT` that names the one in force.
 *
 * Invariants:
 * 1. The first record of a manifest is a whole version; each later one is applied to it in order.
 * 2. An edit is in force once it is durable; only then may files that it drops be removed.
 * 3. `CURRENT` is replaced by rename after the manifest it names is durable, so it always names a readable one.
 */
import { encodeUtf8, readUtf8 } from '../../codec/text.js'
import type { Hash32 } from '../../codec/checksum.js'
import { CorruptionError } from '../../errors.js'
import { withSpan, type Span } from '../../trace/span.js'
import { joinPath, removeLeftover, type FileSystem } from '../../vfs/file-system.js'
import { bindFileSystem } from '../../vfs/traced-file-system.js'
import { LogReader } from '../../wal/reader.js'
import { LogWriter } from '../../wal/writer.js'
import { CURRENT, CURRENT_TEMPORARY, manifestName, parseManifestName } from '../file-names.js'
import { decodeVersionEdit, encodeVersionEdit, type VersionEdit } from './version-edit.js'
import { Version } from './version.js'

/** What the manifest says about the store. */
export interface ManifestState {
  readonly version: Version
  readonly nextFile: number
  readonly lastSequence: number
  /** Logs that are not obsolete; each must exist. */
  readonly logs: readonly number[]
  /** Bytes of those logs that are complete. */
  readonly wholeLogs: ReadonlyMap<number, number>
  readonly firstLog: number
  readonly manifestNumber: number
  /** Where the last valid record ends. */
  readonly validBytes: number
}

/** Bytes of `CURRENT` at the most; more is damage. */
const MAX_CURRENT_BYTES = 64

/** The manifest in force, or `undefined` where there is no `CURRENT`. */
export function readManifest(fileSystem: FileSystem, directory: string, hash32: Hash32): ManifestState | undefined {
  if (fileSystem.stat(joinPath(directory, CURRENT)) === undefined) return undefined
  const manifestNumber = readCurrent(fileSystem, directory)
  const path = joinPath(directory, manifestName(manifestNumber))
  if (fileSystem.stat(path) === undefined) throw new CorruptionError(`${CURRENT} names a manifest that is not there`, { file: path })

  let version: Version | undefined
  let nextFile = 0
  let lastSequence = 0
  let firstLog = 0
  const logs = new Set<number>()
  const wholeLogs = new Map<number, number>()
  const reader = new LogReader({ fileSystem, path, logNumber: manifestNumber, hash32 })
  const replay = reader.replay((payload, offset) => {
    try {
      const edit = decodeVersionEdit(payload)
      version = (version ?? new Version()).apply({ deleted: edit.deleted ?? [], added: edit.added ?? [], blobs: edit.blobs })
      nextFile = Math.max(nextFile, edit.nextFile ?? 0)
      lastSequence = Math.max(lastSequence, edit.lastSequence ?? 0)
      firstLog = Math.max(firstLog, edit.firstLog ?? 0)
      for (const log of edit.logs ?? []) logs.add(log)
      for (const log of edit.wholeLogs ?? []) wholeLogs.set(log.number, log.bytes)
    } catch (cause) {
      if (!(cause instanceof CorruptionError)) throw cause
      throw new CorruptionError(cause.message, { file: path, offset, cause })
    }
  })
  // CURRENT only ever names a manifest whose first record is durable.
  if (version === undefined) throw new CorruptionError('The manifest holds no version', { file: path, offset: replay.validBytes })
  const live = [...logs].filter(log => log >= firstLog).sort((a, b) => a - b)
  return { version, nextFile, lastSequence, firstLog, logs: live, wholeLogs, manifestNumber, validBytes: replay.validBytes }
}

/** The number of the manifest that `CURRENT` names. Throws a CorruptionError if it names none. */
export function readCurrent(fileSystem: FileSystem, directory: string): number {
  const path = joinPath(directory, CURRENT)
  const file = fileSystem.openRead(path)
  try {
    const bytes = new Uint8Array(MAX_CURRENT_BYTES)
    const length = file.read(bytes, 0)
    const text = readUtf8(bytes, 0, length)
    if (!text.endsWith('\n')) throw new CorruptionError(`${CURRENT} does not name a manifest`, { file: path, offset: 0 })
    return parseManifestName(text.slice(0, -1), path)
  } finally {
    file.close()
  }
}

/** Appends edits to the manifest in force. */
export class ManifestWriter {
  readonly number: number
  /** Size of the manifest with nothing but the version it began with. */
  readonly startBytes: number
  /** Where the last record begins. */
  lastOffset: number
  readonly #log: LogWriter
  /** Physical bytes written to `CURRENT`. */
  readonly #currentBytes: number

  private constructor(number: number, log: LogWriter, offset: number, currentBytes: number) {
    this.number = number
    this.lastOffset = offset
    this.startBytes = log.size
    this.#log = log
    this.#currentBytes = currentBytes
  }

  /** Starts a manifest with a whole version in its first record and puts it in force, in the span. */
  static async start(
    fileSystem: FileSystem,
    directory: string,
    number: number,
    hash32: Hash32,
    whole: VersionEdit,
    span: Span | null = null,
  ): Promise<ManifestWriter> {
    const name = manifestName(number)
    // The file outlives the span: other jobs append to it.
    const path = joinPath(directory, name)
    const log = withSpan(span, () => LogWriter.create({ fileSystem, path, logNumber: number, hash32, growBytes: 0 }))
    const files = bindFileSystem(fileSystem, span)
    let mayBeInForce = false
    try {
      const offset = withSpan(span, () => log.append(encodeVersionEdit(whole)))
      await withSpan(span, () => log.sync())
      // The names of the manifest and of every file it mentions must be durable before it is in force.
      await files.syncDirectory(directory)
      const current = encodeUtf8(`${name}\n`)
      await writeTemporary(files, directory, current)
      mayBeInForce = true
      files.rename(joinPath(directory, CURRENT_TEMPORARY), joinPath(directory, CURRENT))
      await files.syncDirectory(directory)
      return new ManifestWriter(number, log, offset, current.length)
    } catch (error) {
      await log.close({ marker: false }).catch(() => undefined)
      if (!mayBeInForce) removeLeftover(files, path)
      throw error
    }
  }

  get bytesWritten(): number {
    return this.#log.writtenBytes + this.#currentBytes
  }

  get size(): number {
    return this.#log.size
  }

  /** Whether an earlier failure keeps it from taking edits. */
  get poisoned(): boolean {
    return this.#log.poisoned
  }

  /** Syncs so far, of the manifest, `CURRENT` and the directory. */
  get syncs(): number {
    return this.#log.syncs + SYNCS_TO_START
  }

  /** Resolves when the edit is durable. A failure poisons the manifest: no later edit is taken. */
  append(edit: VersionEdit): Promise<void> {
    this.lastOffset = this.#log.append(encodeVersionEdit(edit))
    return this.#log.sync()
  }

  close(marker: boolean): Promise<void> {
    return this.#log.close({ marker })
  }
}

/** The directory twice and `CURRENT` once. */
const SYNCS_TO_START = 3

/** What is to replace `CURRENT`. */
async function writeTemporary(fileSystem: FileSystem, directory: string, contents: Uint8Array): Promise<void> {
  const temporary = joinPath(directory, CURRENT_TEMPORARY)
  if (fileSystem.stat(temporary) !== undefined) fileSystem.remove(temporary)
  const file = fileSystem.create(temporary)
  try {
    file.write(contents, 0)
    await file.sync()
  } finally {
    file.close()
  }
}
