/**
 * Writes values into blob files: each in a frame of its own, as the put of a batch, as in a log. So whatever reads logs reads a blob file, and
 * a value is found there with its key.
 */
import { WriteBatch } from '../../engine/batch.js'
import type { Hash32 } from '../../codec/checksum.js'
import { joinPath, type FileSystem } from '../../vfs/file-system.js'
import { LogWriter } from '../../wal/writer.js'
import { blobName } from '../file-names.js'
import { BLOB_FILE_BYTES, type BlobMeta } from '../versions/blob-file.js'

export interface BlobWriterOptions {
  readonly fileSystem: FileSystem
  readonly directory: string
  readonly hash32: Hash32
  /** File numbers that are set aside. The last file takes all that is left. */
  readonly first: number
  readonly most: number
}

export class BlobWriter {
  /** Files that are complete and durable, but for their names. */
  readonly files: BlobMeta[] = []
  readonly paths: string[] = []
  readonly #options: BlobWriterOptions
  readonly #batch = new WriteBatch()
  #log: LogWriter | undefined
  #values = 0
  #valueBytes = 0
  #writtenBytes = 0

  constructor(options: BlobWriterOptions) {
    this.#options = options
  }

  /** The file that takes the values. */
  get number(): number {
    return this.#options.first + this.files.length
  }

  /** Bytes written into files so far. */
  get writtenBytes(): number {
    return this.#writtenBytes + (this.#log?.writtenBytes ?? 0)
  }

  /** Writes a value, and returns where it is in file `number`. A full file is ended before. */
  async add(key: Uint8Array, value: Uint8Array, nextSlice: <T>(work: () => T) => Promise<T>): Promise<number> {
    if (this.isFull) await this.endFile()
    const batch = this.#encoded(key, value)
    const log = (this.#log ??= this.#start())
    await log.appendInSlices(batch.bytes, 0, batch.byteLength, nextSlice)
    return this.#added(log, value.length)
  }

  /** `add` at once, of a short value, to a file that is not full. */
  addShort(key: Uint8Array, value: Uint8Array): number {
    const batch = this.#encoded(key, value)
    const log = (this.#log ??= this.#start())
    log.append(batch.bytes, 0, batch.byteLength)
    return this.#added(log, value.length)
  }

  /** Whether the file is to be ended before another value. */
  get isFull(): boolean {
    return this.#log !== undefined && this.#log.size >= BLOB_FILE_BYTES && this.files.length + 1 < this.#options.most
  }

  /** Ends the file under way. It is durable then, but for its name. */
  async endFile(): Promise<void> {
    const log = this.#log
    if (log === undefined) return
    await log.close({ marker: true })
    this.#log = undefined
    this.#writtenBytes += log.writtenBytes
    this.files.push({ number: log.logNumber, fileBytes: log.size, valueBytes: this.#valueBytes })
    this.#valueBytes = 0
  }

  /** Closes the file under way. */
  async abandon(): Promise<void> {
    await this.#log?.close({ marker: false }).catch(() => undefined)
  }

  #encoded(key: Uint8Array, value: Uint8Array): WriteBatch {
    const batch = this.#batch
    batch.clear()
    batch.put(key, value)
    batch.seal(++this.#values)
    return batch
  }

  /** A value is the last thing in its frame. */
  #added(log: LogWriter, length: number): number {
    this.#valueBytes += length
    return log.size - length
  }

  #start(): LogWriter {
    const { fileSystem, directory, hash32 } = this.#options
    const { number } = this
    const path = joinPath(directory, blobName(number))
    const log = LogWriter.create({ fileSystem, path, logNumber: number, hash32, growBytes: 0 })
    this.paths.push(path)
    return log
  }
}
