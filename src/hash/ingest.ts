/**
 * Adds sorted entries as a data file of their own, without a log.
 *
 * Invariants:
 * 1. Until the file has its name, nothing refers to it. When the commit resolves, the name is durable.
 * 2. All entries have one sequence number, the one that follows those of all writes before the commit.
 * 3. Once the file has its name, nothing is read any more: what the directory needs of it is in memory.
 */
import { ByteView, KIND_PUT_EXPIRING, type EntryKind } from '../codec/entry.js'
import { EXPIRY_BYTES, readExpiry } from '../codec/expiry.js'
import type { WriteBatch } from '../engine/batch.js'
import { joinPath, removeLeftover } from '../vfs/file-system.js'
import { bindFileSystem } from '../vfs/traced-file-system.js'
import { checkOf, hashKey } from './checks.js'
import { DataWriter } from './data-writer.js'
import { dataName, type DataName } from './file-names.js'
import type { HashParts } from './parts.js'

const SLICE_ENTRIES = 1024

/** An entry of the file, as the directory needs it. */
interface Written {
  readonly key: Uint8Array
  readonly hash: number
  readonly kind: EntryKind
  readonly length: number
  readonly checksum: number
  readonly expiry: number | undefined
  offset: number
}

export class Ingest {
  readonly #parts: HashParts
  readonly #entries: Written[] = []
  #userBytes = 0

  constructor(parts: HashParts) {
    this.#parts = parts
  }

  /** @param hold runs the commit with the place of the file among the logs, while nothing is written */
  async run(batches: AsyncIterable<WriteBatch>, hold: (commit: (place: number) => Promise<void>) => Promise<void>): Promise<void> {
    const { context, hash32, numbers, ledger } = this.#parts
    const { directory, environment } = context
    const fileSystem = bindFileSystem(environment.fileSystem, context.trace?.trace.currentSpan ?? null)
    const number = numbers.take()
    const onWritten = (entry: number, offset: number): void => void (this.#entries[entry].offset = offset)
    const writer = new DataWriter({ fileSystem, directory, hash32, number, onWritten })
    try {
      for await (const batch of batches) {
        this.#userBytes += batch.userBytes
        this.#copy(batch, writer)
        await environment.scheduler.turn()
      }
      if (this.#entries.length > 0) await hold(place => this.#commit(writer, { number, from: place, to: place }))
      ledger.written.flush += writer.writtenBytes
      ledger.syncs += writer.syncs
    } finally {
      await writer.abandon().catch(() => undefined)
      if (fileSystem.stat(writer.path) !== undefined) removeLeftover(fileSystem, writer.path)
    }
    ledger.userBytes += this.#userBytes
    ledger.operations.puts += this.#entries.length
    ledger.operations.batches++
  }

  #copy(batch: WriteBatch, writer: DataWriter): void {
    const { hash32 } = this.#parts
    for (const reader = batch.reader(); reader.next();) {
      const { value, kind } = reader
      const key = reader.key.copy()
      const hash = hashKey(key, 0, key.length)
      const checksum = checkOf(hash32, hash, value.bytes, value.start, value.end)
      const expiry = kind === KIND_PUT_EXPIRING ? readExpiry(value.bytes, value.start) : undefined
      this.#entries.push({ key, hash, kind, length: value.length, checksum, expiry, offset: 0 })
      writer.batch.put(key, value.bytes.subarray(value.start + (expiry === undefined ? 0 : EXPIRY_BYTES), value.end), expiry)
      writer.writeIfFull()
    }
  }

  async #commit(writer: DataWriter, name: DataName): Promise<void> {
    const { context, entries, ledger, logs } = this.#parts
    const { fileSystem } = context.environment
    const sequence = entries.sequence + 1
    const bytes = await writer.finish(sequence, sequence)
    const path = joinPath(context.directory, dataName(name))
    fileSystem.rename(writer.path, path)
    ledger.syncs++
    try {
      await fileSystem.syncDirectory(context.directory)
    } catch (error) {
      removeLeftover(fileSystem, path)
      // Whether a power loss leaves the name is not known.
      logs.poison(error)
      throw error
    }
    await this.#install(name, bytes, sequence)
  }

  /** Puts the entries of the file into the directory. Readers see none of it before the end. */
  async #install(name: DataName, bytes: number, sequence: number): Promise<void> {
    const { context, entries, files, ledger, expiryClock, traced } = this.#parts
    const file = files.open(name)
    Object.assign(file, { bytes, fileBytes: bytes, firstSequence: sequence, lastSequence: sequence, cleanSequence: sequence })
    ledger.resize(bytes)
    const log = files.list[files.list.length - 1]
    files.list.splice(-1, 0, file)
    const moment = entries.moments.hold(entries.sequence, expiryClock.now())
    entries.isAhead = true
    const view = new ByteView()
    for (let i = 0; i < this.#entries.length; i++) {
      const { key, hash, kind, length, checksum, expiry, offset } = this.#entries[i]
      view.set(key, 0, key.length)
      if (expiry !== undefined) file.noteExpiry(expiry)
      entries.put(entries.recordOf(hash, view), file, { file: file.slot, kind, offset, length, checksum, sequence })
      if (i % SLICE_ENTRIES !== SLICE_ENTRIES - 1) continue
      traced.changed()
      await context.environment.scheduler.turn()
    }
    log.firstSequence = sequence + 1
    log.lastSequence = sequence
    entries.sequence = sequence
    entries.isAhead = false
    moment.release()
  }
}
