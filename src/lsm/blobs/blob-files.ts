/**
 * The blob files of an open store: values apart from their keys.
 *
 * Invariants:
 * 1. A value is checked whenever it is read from a file. The check takes in its key.
 * 2. A file is open from its first read on, as long as a version holds it.
 */
import type { Cache } from '../../cache/cache.js'
import { CacheEntry } from '../../cache/eviction-policy.js'
import type { Frame } from '../../cache/frame-pool.js'
import { BlobPointer, valueCheck } from '../../codec/blob-pointer.js'
import type { Hash32 } from '../../codec/checksum.js'
import type { ByteView } from '../../codec/entry.js'
import { CorruptionError } from '../../errors.js'
import { keyHash } from '../../sstable/bloom-filter.js'
import type { ReadCounts } from '../../trace/ledger.js'
import { joinPath, type FileHandle } from '../../vfs/file-system.js'
import { blobName } from '../file-names.js'
import type { BlobFile, BlobResource } from '../versions/blob-file.js'
import type { FilePool } from '../versions/file-pool.js'

/** A value that takes a larger part of the cache is read past it. */
const MOST_CACHE_SHARE = 1 / 16

export interface BlobFilesOptions {
  readonly directory: string
  readonly hash32: Hash32
  readonly pool: FilePool
  readonly cache: Cache
}

/** A value in the cache. */
class CachedValue extends CacheEntry {
  referenced = false
  readonly bytes: number
  readonly frame: Frame
  readonly #values: Map<number, CachedValue>
  readonly #number: number
  readonly #offset: number
  readonly #cache: Cache

  constructor(values: Map<number, CachedValue>, number: number, offset: number, length: number, cache: Cache) {
    super()
    this.bytes = length
    this.frame = cache.frames.take(length)
    this.#values = values
    this.#number = number
    this.#offset = offset
    this.#cache = cache
  }

  override get tracedFile(): number {
    return this.#number
  }

  override get tracedId(): number {
    return this.#offset
  }

  evict(): void {
    this.#values.delete(this.#offset)
    this.#cache.frames.give(this.frame)
  }
}

interface OpenBlob {
  readonly handle: FileHandle
  /** The values that are in the cache, by their offsets. */
  readonly values: Map<number, CachedValue>
}

export class BlobFiles {
  readonly #options: BlobFilesOptions
  readonly #open = new Map<BlobResource, OpenBlob>()
  readonly #pointer = new BlobPointer()

  constructor(options: BlobFilesOptions) {
    this.#options = options
  }

  /**
   * Points `out`, which is at a pointer as it is stored, at the value, from the cache or the file. It is good until the next read. Returns when
   * the entry expires, or `undefined`.
   * @param blobs of the version that has the entry
   */
  get(blobs: ReadonlyMap<number, BlobFile>, key: Uint8Array, out: ByteView, counts: ReadCounts): number | undefined {
    const pointer = this.#pointer
    pointer.read(out)
    const { file, offset, length } = pointer
    const { values, handle } = this.#opened(fileOf(blobs, file))
    const { cache } = this.#options
    const cached = values.get(offset)
    if (cached !== undefined) {
      this.#hit(cached, counts)
      out.set(cached.frame.bytes, cached.frame.start, cached.frame.start + length)
      return pointer.expiry
    }
    if (length > cache.capacityBytes * MOST_CACHE_SHARE || !cache.makeRoom(length)) {
      const bytes = new Uint8Array(length)
      this.#read(handle, pointer, key, bytes, 0, counts)
      out.set(bytes, 0, length)
      return pointer.expiry
    }
    const value = new CachedValue(values, file, offset, length, cache)
    const { bytes, start } = value.frame
    try {
      this.#read(handle, pointer, key, bytes, start, counts)
    } catch (error) {
      cache.frames.give(value.frame)
      throw error
    }
    cache.misses++
    if (cache.trace !== null) cache.trace.emit({ type: 'cache.miss', file, id: offset, bytes: length })
    values.set(offset, value)
    cache.insert(value)
    out.set(bytes, start, start + length)
    return pointer.expiry
  }

  /** The value of an entry of a scan, in memory that is the caller's: `scratch`, or a larger array, which is returned. Leaves the cache as it is. */
  scan(
    blobs: ReadonlyMap<number, BlobFile>,
    key: Uint8Array,
    stored: ByteView,
    scratch: Uint8Array,
    out: ByteView,
    counts: ReadCounts,
  ): Uint8Array {
    const pointer = this.#pointer
    pointer.read(stored)
    const { file, offset, length } = pointer
    const { values, handle } = this.#opened(fileOf(blobs, file))
    const target = scratch.length < length ? new Uint8Array(Math.max(length, 2 * scratch.length)) : scratch
    const cached = values.get(offset)
    if (cached === undefined) {
      this.#read(handle, pointer, key, target, 0, counts)
    } else {
      this.#hit(cached, counts)
      const { bytes, start } = cached.frame
      target.set(bytes.subarray(start, start + length))
    }
    out.set(target, 0, length)
    return target
  }

  /** Closes a file, and drops its values from the cache. */
  close(file: BlobFile): void {
    const open = this.#open.get(file.resource)
    if (open === undefined) return
    this.#open.delete(file.resource)
    this.#close(open)
  }

  closeAll(): void {
    for (const open of this.#open.values()) this.#close(open)
    this.#open.clear()
  }

  #close({ handle, values }: OpenBlob): void {
    const { cache } = this.#options
    for (const value of [...values.values()]) {
      cache.remove(value)
      value.evict()
    }
    handle.close()
  }

  #hit(value: CachedValue, counts: ReadCounts): void {
    const { cache } = this.#options
    value.referenced = true
    cache.hits++
    counts.blocksFromCache++
    if (cache.trace !== null) {
      cache.trace.emit({ type: 'cache.hit', file: value.tracedFile, id: value.tracedId, bytes: value.bytes })
    }
  }

  #read(handle: FileHandle, pointer: BlobPointer, key: Uint8Array, bytes: Uint8Array, start: number, counts: ReadCounts): void {
    counts.blocksFromDisk++
    counts.bytesFromDisk += readValue(handle, pointer, keyHash(this.#options.hash32, key), this.#options.hash32, bytes, start)
  }

  #opened(file: BlobFile): OpenBlob {
    const found = this.#open.get(file.resource)
    if (found !== undefined) return found
    const { pool, directory } = this.#options
    const open = { handle: pool.openRead(joinPath(directory, blobName(file.meta.number))), values: new Map<number, CachedValue>() }
    this.#open.set(file.resource, open)
    return open
  }
}

function fileOf(blobs: ReadonlyMap<number, BlobFile>, number: number): BlobFile {
  const file = blobs.get(number)
  if (file === undefined) throw new CorruptionError(`A value lies in ${blobName(number)}, which is not a part of the store`)
  return file
}

/** Reads and checks the value of a pointer into `bytes`, from `start` on. Returns its length. */
export function readValue(
  handle: FileHandle,
  { offset, length, check }: BlobPointer,
  hashOfKey: number,
  hash32: Hash32,
  bytes: Uint8Array,
  start: number,
): number {
  const end = start + length
  const read = handle.read(bytes, offset, start, end)
  const place = { file: handle.path, offset }
  if (read < length) throw new CorruptionError(`A value of ${length} bytes is cut off after ${read}; ${ADVICE}`, place)
  if (valueCheck(hash32, hashOfKey, bytes, start, end) !== check) throw new CorruptionError(`A value is damaged; ${ADVICE}`, place)
  return length
}

const ADVICE = 'restore the file from a backup, or run `kvarium repair`, which keeps all other values'
