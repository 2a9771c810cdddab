/**
 * A merge: copies what is live of some neighbouring files into a new one, which takes their place.
 *
 * Invariants:
 * 1. The new file is durable under its name before a file that it replaces is removed. Its name says which ones those are, so that an opening
 *    in between ignores them.
 * 2. Writes that replaced what was not copied are durable before the new file has its name.
 * 3. A record is moved to the new file only if it still is where the copy was made from. Readers may use either place.
 * 4. A tombstone is left out only where no older file holds what it deletes: all of them were merged after it.
 * 5. An entry that has expired for all readers is left out, or replaced by a tombstone where an older file may hold its key.
 */
import { ByteView, KIND_DELETE_RANGE, KIND_PUT_EXPIRING } from '../codec/entry.js'
import { EXPIRY_BYTES, readExpiry } from '../codec/expiry.js'
import { withSpan, type Span } from '../trace/span.js'
import { newReadCounts } from '../trace/ledger.js'
import { joinPath, removeInBackground, removeLeftover } from '../vfs/file-system.js'
import { bindFileSystem } from '../vfs/traced-file-system.js'
import { DataWriter } from './data-writer.js'
import type { DataFile } from './data-file.js'
import { dataName, hintName } from './file-names.js'
import type { HashParts } from './parts.js'
import { newestIn, writeHint } from './sealing.js'

/** Bytes copied between two turns of the event loop. */
const SLICE_BYTES = 256 * 1024
const SLICE_RECORDS = 4096

interface Copied {
  readonly record: number
  readonly from: DataFile
  readonly offset: number
}

export class Merge {
  readonly #parts: HashParts
  readonly #inputs: readonly DataFile[]
  readonly #reads = newReadCounts()
  /** What was written, in its order; tombstones are `undefined`. */
  readonly #copied: (Copied | undefined)[] = []
  readonly #offsets: number[] = []
  /** Records to forget: they have expired. */
  readonly #expired: number[] = []
  #expiredBytes = 0

  /** @param inputs neighbours, the oldest first */
  constructor(parts: HashParts, inputs: readonly DataFile[]) {
    this.#parts = parts
    this.#inputs = inputs
  }

  async run(span: Span | null): Promise<void> {
    const { context, hash32, ledger, numbers, files, logs } = this.#parts
    const { environment, directory } = context
    const fileSystem = bindFileSystem(environment.fileSystem, span)
    const first = this.#inputs[0]
    const last = this.#inputs[this.#inputs.length - 1]
    const number = numbers.take()
    const { firstSequence } = first
    const cleanSequence = this.#parts.entries.sequence
    const onWritten = (entry: number, offset: number): void => void (this.#offsets[entry] = offset)
    const writer = new DataWriter({ fileSystem, directory, hash32, number, onWritten })
    const output = files.open({ number, from: first.from, to: last.to })
    Object.assign(output, { firstSequence, lastSequence: last.lastSequence, cleanSequence })
    try {
      this.#keepTombstones(writer, output)
      await this.#copy(writer, output, span)
      output.bytes = output.fileBytes = await writer.finish(firstSequence, last.lastSequence)
      ledger.written.compaction += writer.writtenBytes
      ledger.syncs += writer.syncs
      await logs.sync()
      fileSystem.rename(writer.path, joinPath(directory, dataName(output)))
      ledger.resize(output.bytes)
    } catch (error) {
      await writer.abandon().catch(() => undefined)
      removeLeftover(fileSystem, writer.path)
      withSpan(span, () => {
        files.drop(output)
        this.#parts.traced.changed()
      })
      throw error
    } finally {
      ledger.read.compaction += this.#reads.bytesFromDisk
    }
    files.list = files.list.flatMap(file => (file === first ? [output] : this.#inputs.includes(file) ? [] : [file]))
    withSpan(span, () => this.#parts.traced.changed())
    await this.#install(output, span)
    await writeHint(this.#parts, output, await newestIn(this.#parts, [output]), fileSystem)
    ledger.syncs++
    await fileSystem.syncDirectory(directory)
    for (const file of this.#inputs) file.isObsolete = true
    withSpan(span, () => this.#parts.traced.changed())
    span?.emit({
      type: 'data.add',
      file: number,
      from: output.from,
      to: output.to,
      puts: output.live,
      bytes: output.bytes,
      replaces: this.#inputs.map(file => file.number),
    })
    if (this.#expired.length > 0) span?.emit({ type: 'entries.expire', entries: this.#expired.length, bytes: this.#expiredBytes })
    await dropObsolete(this.#parts, span)
  }

  #keepTombstones({ batch }: DataWriter, output: DataFile): void {
    for (const file of this.#inputs) {
      if (!this.#isNeeded(file.lastSequence) || file.tombstones.count === 0) continue
      file.tombstones.seal(1)
      for (const reader = file.tombstones.reader(); reader.next();) {
        const key = reader.key.copy()
        for (const target of [batch, output.tombstones]) {
          if (reader.kind === KIND_DELETE_RANGE) target.deleteRange(key, reader.value.copy())
          else target.del(key)
        }
        this.#copied.push(undefined)
      }
    }
  }

  /** Whether a deletion of that sequence number or an earlier one may hide something in an older file. */
  #isNeeded(sequence: number): boolean {
    const { list } = this.#parts.files
    return list.slice(0, list.indexOf(this.#inputs[0])).some(file => file.cleanSequence < sequence)
  }

  async #copy(writer: DataWriter, output: DataFile, span: Span | null): Promise<void> {
    const { entries, context, traced } = this.#parts
    const { directory } = entries
    const { scheduler } = context.environment
    const slots = new Map(this.#inputs.map(file => [file.slot, file]))
    traced.changed()
    const records = await newestIn(this.#parts, this.#inputs)
    records.sort((a, b) => directory.fileAt(a) - directory.fileAt(b) || directory.offsetAt(a) - directory.offsetAt(b))
    const key = new ByteView()
    const value = new ByteView()
    let bytes = 0
    let looked = 0
    for (const record of records) {
      const from = directory.isUsed(record) && directory.isPut(record) ? slots.get(directory.fileAt(record)) : undefined
      if (from !== undefined) bytes += withSpan(span, () => this.#copyOne(writer, output, record, from, key, value))
      writer.writeIfFull()
      if (bytes < SLICE_BYTES && ++looked < SLICE_RECORDS) continue
      bytes = looked = 0
      withSpan(span, () => traced.changed())
      await scheduler.turn()
    }
    withSpan(span, () => traced.changed())
  }

  #copyOne({ batch }: DataWriter, output: DataFile, record: number, from: DataFile, key: ByteView, value: ByteView): number {
    const { entries, files, expiryClock, ledger } = this.#parts
    const { directory } = entries
    const offset = directory.offsetAt(record)
    const kind = directory.kindAt(record)
    files.counts = this.#reads
    files.readAt(from.slot, offset, directory.lengthAt(record), directory.checksumAt(record), directory.hashAt(record), value)
    directory.setKey(record, key)
    const keyBytes = key.copy()
    if (kind === KIND_PUT_EXPIRING) {
      const expiry = readExpiry(value.bytes, value.start)
      if (expiry <= entries.moments.expiryHorizon(expiryClock.now())) {
        this.#expired.push(record)
        const expiredBytes = key.length + value.length - EXPIRY_BYTES
        this.#expiredBytes += expiredBytes
        ledger.expiredBytes += expiredBytes
        entries.remove(record, entries.sequence)
        this.#parts.traced.removed(keyBytes)
        if (this.#isNeeded(Infinity)) {
          batch.del(keyBytes)
          output.tombstones.del(keyBytes)
          this.#copied.push(undefined)
        }
        return key.length
      }
      output.noteExpiry(expiry)
      batch.put(keyBytes, value.bytes.subarray(value.start + EXPIRY_BYTES, value.end), expiry)
    } else {
      batch.put(keyBytes, value.bytes.subarray(value.start, value.end))
    }
    output.puts++
    output.putBytes += key.length + value.length
    this.#copied.push({ record, from, offset })
    return key.length + value.length
  }

  /** Moves the records to the new file, in slices. */
  async #install(output: DataFile, span: Span | null): Promise<void> {
    const { entries, context, traced } = this.#parts
    for (let i = 0; i < this.#copied.length; i++) {
      const copied = this.#copied[i]
      if (copied !== undefined && entries.relocate(copied.record, copied.from, copied.offset, output, this.#offsets[i]))
        withSpan(span, () => traced.placed(copied.record, copied.from.number))
      if (i % SLICE_RECORDS !== 0) continue
      withSpan(span, () => traced.changed())
      await context.environment.scheduler.turn()
    }
    withSpan(span, () => traced.changed())
  }
}

/** Removes files that were merged into others and that no held moment needs. */
export async function dropObsolete({ files, context, ledger, traced }: HashParts, span: Span | null): Promise<void> {
  const fileSystem = bindFileSystem(context.environment.fileSystem, span)
  for (const file of files.all) {
    if (!file.isObsolete || file.pins > 0) continue
    const path = files.path(file)
    const hint = joinPath(context.directory, hintName(file.number))
    withSpan(span, () => {
      files.drop(file)
      traced.changed()
    })
    try {
      await removeInBackground(fileSystem, path)
      ledger.resize(-file.fileBytes)
      span?.emit({ type: 'data.drop', file: file.number, bytes: file.fileBytes })
      if (file.hintBytes > 0) await removeInBackground(fileSystem, hint)
      ledger.resize(-file.hintBytes)
    } catch {
      // Replaced by another one; the next opening removes it.
    }
  }
}
