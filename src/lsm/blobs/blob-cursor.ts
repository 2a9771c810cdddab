import { ByteView, KIND_BLOB } from '../../codec/entry.js'
import type { Cursor } from '../../engine/contract.js'
import type { ReadCounts } from '../../trace/ledger.js'
import type { VersionCursor } from '../../engine/version-cursor.js'
import type { BlobFile } from '../versions/blob-file.js'
import type { BlobFiles } from './blob-files.js'

/**
 * A cursor over entries of which some have their values in blob files. A value is read when it is asked for: a scan of the keys reads none.
 */
export class BlobCursor implements Cursor {
  readonly #cursor: VersionCursor
  readonly #files: BlobFiles
  readonly #blobs: ReadonlyMap<number, BlobFile>
  readonly #counts: ReadCounts
  readonly #value = new ByteView()
  #scratch: Uint8Array = new Uint8Array(0)
  /** Whether the value of the current entry is read. */
  #isRead = false

  /** @param blobs of the version that the cursor reads */
  constructor(cursor: VersionCursor, files: BlobFiles, blobs: ReadonlyMap<number, BlobFile>, counts: ReadCounts) {
    this.#cursor = cursor
    this.#files = files
    this.#blobs = blobs
    this.#counts = counts
  }

  get valid(): boolean {
    return this.#cursor.valid
  }

  get key(): ByteView {
    return this.#cursor.key
  }

  get value(): ByteView {
    const cursor = this.#cursor
    if (cursor.kind !== KIND_BLOB || !cursor.valid) return cursor.value
    if (!this.#isRead) {
      this.#scratch = this.#files.scan(this.#blobs, cursor.key.copy(), cursor.value, this.#scratch, this.#value, this.#counts)
      this.#isRead = true
    }
    return this.#value
  }

  first(): boolean {
    this.#isRead = false
    return this.#cursor.first()
  }

  last(): boolean {
    this.#isRead = false
    return this.#cursor.last()
  }

  seek(target: Uint8Array): boolean {
    this.#isRead = false
    return this.#cursor.seek(target)
  }

  seekReverse(target: Uint8Array): boolean {
    this.#isRead = false
    return this.#cursor.seekReverse(target)
  }

  next(): boolean {
    this.#isRead = false
    return this.#cursor.next()
  }

  prev(): boolean {
    this.#isRead = false
    return this.#cursor.prev()
  }

  close(): void {
    this.#cursor.close()
  }
}
