/**
 * What is in the store: the directory with its files, and the moments that are held.
 *
 * Invariants:
 * 1. Operations are applied in the order of their sequence numbers.
 * 2. A version that a held moment sees stays reachable, and its file stays. No record is freed while a moment is held.
 * 3. `liveBytes` are the keys and values of all records whose newest version is a put.
 */
import { KIND_DELETE_RANGE, KIND_PUT_EXPIRING, type ByteView, type EntryKind } from '../codec/entry.js'
import { readExpiry } from '../codec/expiry.js'
import type { BatchReader } from '../engine/batch.js'
import { keyAfter } from '../engine/range.js'
import type { Hash32 } from '../codec/checksum.js'
import { checkOf, hashKey } from './checks.js'
import type { DataFile, DataFiles } from './data-file.js'
import { Directory, type Place, type Version } from './directory.js'
import type { HintReader } from './hint.js'
import { KeyOrder, RecordWalk, type SortedRecords } from './key-order.js'
import { Moments } from './moments.js'

/** Fewer deleted keys are not worth leaving them out of the order. */
const LEAST_DEAD_RECORDS = 1024

/** A version that was found. */
export class Found implements Place {
  kind: EntryKind = 0
  file = 0
  offset = 0
  length = 0
  checksum = 0
}

export class Entries {
  readonly directory = new Directory()
  readonly moments: Moments
  readonly files: DataFiles
  readonly #hash32: Hash32
  readonly #found = new Found()
  /** The last operation that readers see. */
  sequence = 0
  liveBytes = 0
  live = 0
  #order: KeyOrder | undefined
  /** Records of deleted keys that could not be freed yet. Some may be in use again. */
  #dead: number[] = []
  #prunedVersions = 0
  /** Gets the number of keys in order, and of those that had to be sorted. */
  onSort: ((records: number, sorted: number) => void) | undefined
  /** A file has no version any more that is needed. */
  onUnpinned: (() => void) | undefined
  /** Whether the directory has newer versions than readers of the present see: a write is being applied in slices. */
  isAhead = false

  constructor(files: DataFiles, hash32: Hash32) {
    this.files = files
    this.#hash32 = hash32
    this.moments = new Moments(() => this.#afterRelease())
  }

  get memoryBytes(): number {
    const tombstones = this.files.all.reduce((sum, file) => sum + file.tombstones.byteLength, 0)
    return (
      this.directory.memoryBytes + (this.#order?.memoryBytes ?? 0) + this.#dead.length * 8 + this.directory.older.size * 160 + tombstones
    )
  }

  get orderBytes(): number {
    return this.#order?.memoryBytes ?? 0
  }

  /**
   * Applies operations of a batch that begins at byte `base` of a file; all of them, or as many as are given. Returns whether there may be
   * more. With `only` all have that sequence number.
   */
  apply(reader: BatchReader, file: DataFile, base: number, most = Infinity, only?: number): boolean {
    const { key, value } = reader
    for (let done = 0; done < most; done++) {
      if (!reader.next()) return false
      const { kind } = reader
      const sequence = only ?? reader.sequence
      if (kind === KIND_DELETE_RANGE) {
        file.tombstones.deleteRange(key.copy(), value.copy())
        this.#removeRange(key.copy(), value.copy(), sequence)
        continue
      }
      const hash = hashKey(key.bytes, key.start, key.end)
      if (kind === 0) {
        const record = this.directory.find(hash, key.bytes, key.start, key.end)
        if (record !== 0 && this.directory.isPut(record)) {
          file.tombstones.del(key.copy())
          this.remove(record, sequence)
        }
        continue
      }
      if (kind === KIND_PUT_EXPIRING) file.noteExpiry(readExpiry(value.bytes, value.start))
      const checksum = checkOf(this.#hash32, hash, value.bytes, value.start, value.end)
      this.put(this.recordOf(hash, key), file, {
        file: file.slot,
        kind,
        offset: base + value.start,
        length: value.length,
        checksum,
        sequence,
      })
    }
    return true
  }

  /** Takes the puts of a hint file. */
  load(hint: HintReader, file: DataFile): void {
    const { lastSequence: sequence } = file
    const { columns } = hint
    // Its records would be missing in an order that is there by now.
    this.dropOrder()
    const added = this.directory.load(columns, file.slot, sequence, (record, put) => {
      this.put(record, file, { file: file.slot, ...hint.put(put), sequence })
    })
    file.putBytes += added.bytes
    file.puts += added.puts
    file.liveBytes += added.bytes
    file.live += added.puts
    this.liveBytes += added.bytes
    this.live += added.puts
  }

  /** Deletes what the tombstones of a file delete in older ones. */
  deleteAll(tombstones: BatchReader, sequence: number): void {
    const { key, value } = tombstones
    while (tombstones.next()) {
      if (tombstones.kind === KIND_DELETE_RANGE) {
        this.#removeRange(key.copy(), value.copy(), sequence)
        continue
      }
      const record = this.directory.find(hashKey(key.bytes, key.start, key.end), key.bytes, key.start, key.end)
      if (record !== 0 && this.directory.isPut(record)) this.remove(record, sequence)
    }
  }

  /** The record of a key, 0 if there is none. */
  recordFor(key: ByteView): number {
    return this.directory.find(hashKey(key.bytes, key.start, key.end), key.bytes, key.start, key.end)
  }

  /** The record of a key, made if there is none. */
  recordOf(hash: number, key: ByteView): number {
    const { directory } = this
    const known = directory.find(hash, key.bytes, key.start, key.end)
    if (known !== 0) return known
    const record = directory.add(hash, key.bytes, key.start, key.end)
    this.#order?.add(record)
    return record
  }

  put(record: number, file: DataFile, version: Version): void {
    const { directory } = this
    const keyBytes = directory.keyLengthAt(record)
    this.#supersede(record, keyBytes)
    directory.set(record, version)
    const bytes = keyBytes + version.length
    file.putBytes += bytes
    file.puts++
    file.liveBytes += bytes
    file.live++
    this.liveBytes += bytes
    this.live++
  }

  /** Deletes the key of a record that has a value. */
  remove(record: number, sequence: number): void {
    const { directory } = this
    this.#supersede(record, directory.keyLengthAt(record))
    directory.setDeleted(record, sequence)
    if (this.#order === undefined && this.moments.isEmpty) directory.free(record)
    else this.#dead.push(record)
  }

  /** The version of a key that a moment sees; `undefined` if it sees none, or a deletion. */
  find(hash: number, key: Uint8Array, moment: number): Found | undefined {
    const record = this.directory.find(hash, key, 0, key.length)
    return record === 0 ? undefined : this.versionOf(record, moment)
  }

  /** The version of a record that a moment sees; `undefined` if it sees none, or a deletion. */
  versionOf(record: number, moment: number): Found | undefined {
    const { directory } = this
    const found = this.#found
    if (directory.sequenceAt(record) <= moment) {
      found.kind = directory.kindAt(record)
      found.file = directory.fileAt(record)
      found.offset = directory.offsetAt(record)
      found.length = directory.lengthAt(record)
      found.checksum = directory.checksumAt(record)
    } else {
      const version = directory.older.get(record)?.find(({ sequence }) => sequence <= moment)
      if (version === undefined) return undefined
      Object.assign(found, {
        kind: version.kind,
        file: version.file,
        offset: version.offset,
        length: version.length,
        checksum: version.checksum,
      })
    }
    return found.kind === 0 ? undefined : found
  }

  /** The records in the order of their keys. */
  sorted(): SortedRecords {
    const unsorted = this.#order === undefined ? this.directory.count : this.#order.unsorted
    this.#order ??= new KeyOrder(this.directory)
    const records = this.#order.get()
    if (unsorted > 0) this.onSort?.(records.long.length + records.short.length, unsorted)
    return records
  }

  /** Forgets the order, until it is asked for. */
  dropOrder(): void {
    this.#order = undefined
    this.#purge()
  }

  /** Puts a newest version elsewhere, if it still is at that place. Returns whether it was. */
  relocate(record: number, from: DataFile, offset: number, to: DataFile, newOffset: number): boolean {
    const { directory } = this
    if (!directory.isUsed(record) || !directory.isPut(record)) return false
    if (directory.fileAt(record) !== from.slot || directory.offsetAt(record) !== offset) return false
    const bytes = directory.keyLengthAt(record) + directory.lengthAt(record)
    from.liveBytes -= bytes
    from.live--
    to.liveBytes += bytes
    to.live++
    directory.move(record, to.slot, newOffset)
    return true
  }

  /** The newest version of a record is not that any more. */
  #supersede(record: number, keyBytes: number): void {
    const { directory, files, moments } = this
    const sequence = directory.sequenceAt(record)
    const isPut = directory.isPut(record)
    if (moments.newest >= sequence && sequence > 0) {
      const version = directory.versionAt(record)
      const versions = directory.older.get(record)
      if (versions === undefined) directory.older.set(record, [version])
      else versions.unshift(version)
      if (isPut) files.at(version.file).pins++
    }
    if (!isPut) return
    const file = files.at(directory.fileAt(record))
    const bytes = keyBytes + directory.lengthAt(record)
    file.liveBytes -= bytes
    file.live--
    this.liveBytes -= bytes
    this.live--
  }

  #removeRange(first: Uint8Array, last: Uint8Array, sequence: number): void {
    const walk = new RecordWalk(this.directory, this.sorted())
    walk.seek(first)
    const after = keyAfter(last)
    for (let record = walk.ahead; record !== 0 && this.directory.compareWith(record, after) < 0; record = walk.ahead) {
      walk.forward()
      if (this.directory.isPut(record)) this.remove(record, sequence)
    }
    this.#purge()
  }

  #afterRelease(): void {
    const { older } = this.directory
    const { moments } = this
    if (older.size > 0 && (moments.isEmpty || older.size >= this.#prunedVersions * 2)) {
      for (const [record, versions] of older) {
        let newer = this.directory.sequenceAt(record)
        const kept = versions.filter(version => {
          const isNeeded = moments.hasBetween(version.sequence, newer)
          newer = version.sequence
          if (!isNeeded && version.kind !== 0) this.files.at(version.file).pins--
          return isNeeded
        })
        if (kept.length === 0) older.delete(record)
        else if (kept.length < versions.length) older.set(record, kept)
      }
      this.#prunedVersions = Math.max(older.size, 64)
      this.onUnpinned?.()
    }
    this.#purge()
  }

  /** Frees the records of deleted keys, once that is worth it. */
  #purge(): void {
    const dead = this.#dead
    if (!this.moments.isEmpty || dead.length === 0) return
    if (this.#order !== undefined && dead.length < Math.max(LEAST_DEAD_RECORDS, this.#order.count / 4)) return
    this.#dead = []
    for (const record of dead) if (this.directory.isUsed(record) && !this.directory.isPut(record)) this.directory.free(record)
    this.#order?.removeFree()
  }
}
