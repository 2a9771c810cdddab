/**
 * Writes a data file: the frames of a log, then two empty batches that say which sequence numbers it covers, and the marker of a clean close.
 * The sequence numbers of its other batches are made up.
 */
import type { Hash32 } from '../codec/checksum.js'
import { BatchReader, WriteBatch } from '../engine/batch.js'
import { joinPath, type FileSystem } from '../vfs/file-system.js'
import { LogWriter } from '../wal/writer.js'
import { newName } from './file-names.js'

export const BATCH_BYTES = 64 * 1024

export interface DataWriterOptions {
  readonly fileSystem: FileSystem
  readonly directory: string
  readonly hash32: Hash32
  readonly number: number
  /** Gets the place of the value of the entry with this number, counted from 0, once it is written. */
  readonly onWritten: (entry: number, offset: number) => void
}

export class DataWriter {
  readonly batch = new WriteBatch()
  readonly #options: DataWriterOptions
  readonly #log: LogWriter
  readonly #reader = new BatchReader()
  #written = 0
  #sequence = 1

  constructor(options: DataWriterOptions) {
    this.#options = options
    const { fileSystem, directory, number, hash32 } = options
    this.#log = LogWriter.create({ fileSystem, path: joinPath(directory, newName(number)), logNumber: number, hash32, growBytes: 0 })
  }

  get path(): string {
    return this.#log.path
  }

  get writtenBytes(): number {
    return this.#log.writtenBytes
  }

  get syncs(): number {
    return this.#log.syncs
  }

  /** Writes the entries of the batch, if they are enough for a frame. */
  writeIfFull(): boolean {
    return this.batch.byteLength >= BATCH_BYTES && this.#write()
  }

  /** Ends the file. It is durable then, but for its name. Returns where the last frame ends. */
  async finish(firstSequence: number, lastSequence: number): Promise<number> {
    this.writeRest()
    this.#writeBound(firstSequence)
    this.#writeBound(lastSequence + 1)
    await this.#log.close({ marker: true })
    return this.#log.size
  }

  writeRest(): void {
    if (this.batch.count > 0) this.#write()
  }

  async abandon(): Promise<void> {
    await this.#log.close({ marker: false })
  }

  #write(): true {
    const { batch } = this
    batch.seal(this.#sequence)
    this.#log.append(batch.bytes, 0, batch.byteLength)
    const base = this.#log.payloadBase
    const reader = this.#reader.reset(batch.bytes, 0, batch.byteLength)
    while (reader.next()) this.#options.onWritten(this.#written++, base + reader.value.start)
    this.#sequence += batch.count
    batch.clear()
    return true
  }

  #writeBound(sequence: number): void {
    const bound = new WriteBatch()
    bound.seal(sequence)
    this.#log.append(bound.bytes, 0, bound.byteLength)
  }
}
