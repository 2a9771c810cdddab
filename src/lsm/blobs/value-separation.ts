/**
 * What a job does with values that lie, or are to lie, in blob files: makes pointers to those that a log has which becomes one, moves large
 * ones from the entries to new files, and relocates those of files that are to go.
 */
import { BlobPointer, MOST_BLOB_BYTES, valueCheck, valueCheckInSlices } from '../../codec/blob-pointer.js'
import type { Hash32 } from '../../codec/checksum.js'
import { KIND_BLOB, KIND_PUT, KIND_PUT_EXPIRING, type ByteView, type EntryKind } from '../../codec/entry.js'
import { EXPIRY_BYTES, readExpiry } from '../../codec/expiry.js'
import { keyHash } from '../../sstable/bloom-filter.js'
import { SLICED_VALUE_BYTES } from '../../sstable/table-builder.js'
import { joinPath, type FileHandle, type FileSystem } from '../../vfs/file-system.js'
import { blobName } from '../file-names.js'
import type { FilePool } from '../versions/file-pool.js'
import type { BlobMeta } from '../versions/blob-file.js'
import { readValue } from './blob-files.js'
import { BlobWriter } from './blob-writer.js'
import { findPlace, type KeptPlaces } from './value-places.js'

/** What a job is to do with values. Plain data. */
export interface BlobJob {
  /** Values of this length and more leave the entries; 0: none does. */
  readonly threshold: number
  /** Where the values of a memtable lie in logs that become blob files. */
  readonly places?: KeptPlaces | undefined
  /** Numbers of the blob files whose values are moved to new ones. */
  readonly relocated: readonly number[]
  /** File numbers set aside for new blob files; the last one takes all that is left. */
  readonly firstOutput: number
  readonly maxOutputs: number
}

export interface ValueSeparationOptions {
  readonly job: BlobJob | undefined
  readonly fileSystem: FileSystem
  readonly directory: string
  readonly hash32: Hash32
  /** Where inputs are open. */
  readonly inputs: FilePool
  /** Called between the pieces of a long value: a promise when it is time to let others run. */
  breathe(): Promise<void> | undefined
}

export class ValueSeparation {
  /** The pointer that `place` has made, and as it is stored: `stored[0, storedEnd)`. */
  readonly pointer = new BlobPointer()
  readonly stored = new Uint8Array(MOST_BLOB_BYTES)
  storedEnd = 0
  /** Bytes of the value that `place` has read or written. */
  workBytes = 0
  readonly #options: ValueSeparationOptions
  readonly #threshold: number
  readonly #places: KeptPlaces | undefined
  readonly #relocated: ReadonlySet<number>
  readonly #writer: BlobWriter | undefined
  readonly #handles = new Map<number, FileHandle>()
  #scratch: Uint8Array = new Uint8Array(0)

  constructor(options: ValueSeparationOptions) {
    this.#options = options
    const { job, fileSystem, directory, hash32 } = options
    this.#threshold = job === undefined || job.threshold === 0 ? Infinity : job.threshold
    this.#places = job?.places
    this.#relocated = new Set(job?.relocated)
    if (job !== undefined) {
      const { firstOutput: first, maxOutputs: most } = job
      this.#writer = new BlobWriter({ fileSystem, directory, hash32, first, most })
    }
  }

  /** Files that were written and are complete. */
  get files(): readonly BlobMeta[] {
    return this.#writer?.files ?? []
  }

  /** Paths of all that were created. */
  get paths(): readonly string[] {
    return this.#writer?.paths ?? []
  }

  get writtenBytes(): number {
    return this.#writer?.writtenBytes ?? 0
  }

  /** Whether an entry goes into the table with a pointer. */
  applies(kind: EntryKind, value: ByteView): boolean {
    if (kind === KIND_BLOB) return true
    if (kind === KIND_PUT) return value.end - value.start >= this.#threshold
    return kind === KIND_PUT_EXPIRING && value.end - value.start - EXPIRY_BYTES >= this.#threshold
  }

  /** Makes the pointer of an entry at once. False, having done nothing, where that may take long: then `placeInSlices` does it. */
  place(key: ByteView, value: ByteView, sequence: number, kind: EntryKind): boolean {
    const { pointer } = this
    if (kind === KIND_BLOB) {
      pointer.read(value)
      this.workBytes = 0
      if (!this.#relocated.has(pointer.file)) return this.#keep(value)
      this.workBytes = pointer.length
      if (pointer.length > SLICED_VALUE_BYTES || this.#writer!.isFull) return false
      const bytes = this.#read(key)
      pointer.offset = this.#writer!.addShort(key.copy(), bytes)
      pointer.file = this.#writer!.number
      return this.#store()
    }
    const start = this.#take(value, kind)
    if (pointer.length > SLICED_VALUE_BYTES) return false
    const { hash32 } = this.#options
    const place = this.#places && findPlace(this.#places, sequence)
    if (place === undefined && this.#writer!.isFull) return false
    const owned = key.copy()
    pointer.check = valueCheck(hash32, keyHash(hash32, owned), value.bytes, start, value.end)
    pointer.offset = place?.offset ?? this.#writer!.addShort(owned, value.bytes.subarray(start, value.end))
    pointer.file = place?.log ?? this.#writer!.number
    return this.#store()
  }

  /** `place` of a long value, or where a file must be ended first. */
  async placeInSlices(key: ByteView, value: ByteView, sequence: number, kind: EntryKind): Promise<void> {
    const { pointer } = this
    const { hash32 } = this.#options
    const owned = key.copy()
    let bytes: Uint8Array
    if (kind === KIND_BLOB) {
      pointer.read(value)
      bytes = this.#read(key)
    } else {
      bytes = value.bytes.subarray(this.#take(value, kind), value.end)
      const check = valueCheckInSlices(hash32, keyHash(hash32, owned), bytes, 0, bytes.length)
      let piece = check.next()
      for (; piece.done !== true; piece = check.next()) await this.#options.breathe()
      pointer.check = piece.value
      const place = this.#places && findPlace(this.#places, sequence)
      if (place !== undefined) {
        pointer.file = place.log
        pointer.offset = place.offset
        this.#store()
        return
      }
    }
    pointer.offset = await this.#writer!.add(owned, bytes, async work => {
      await this.#options.breathe()
      return work()
    })
    pointer.file = this.#writer!.number
    this.#store()
  }

  /** Ends the last file: all are durable then, but for their names. */
  async finish(): Promise<void> {
    await this.#writer?.endFile()
  }

  /** Closes all files. */
  async close(): Promise<void> {
    await this.#writer?.abandon()
    for (const handle of this.#handles.values()) handle.close()
  }

  /** Takes length and expiry of a put, and returns where its value begins. */
  #take({ bytes, start, end }: ByteView, kind: EntryKind): number {
    const { pointer } = this
    pointer.expiry = kind === KIND_PUT_EXPIRING ? readExpiry(bytes, start) : undefined
    const from = kind === KIND_PUT_EXPIRING ? start + EXPIRY_BYTES : start
    pointer.length = end - from
    return from
  }

  #keep({ bytes, start, end }: ByteView): true {
    this.stored.set(bytes.subarray(start, end))
    this.storedEnd = end - start
    return true
  }

  #store(): true {
    this.storedEnd = this.pointer.write(this.stored, 0)
    return true
  }

  /** The value that the pointer is at, good until the next one. */
  #read(key: ByteView): Uint8Array {
    const { inputs, directory, hash32 } = this.#options
    const { file, length } = this.pointer
    let handle = this.#handles.get(file)
    if (handle === undefined) {
      handle = inputs.openRead(joinPath(directory, blobName(file)))
      this.#handles.set(file, handle)
    }
    if (this.#scratch.length < length) this.#scratch = new Uint8Array(length)
    readValue(handle, this.pointer, keyHash(hash32, key.copy()), hash32, this.#scratch, 0)
    return this.#scratch.subarray(0, length)
  }
}
