import { ByteView, KIND_PUT, type EntryCursor, type EntryKind } from 'kvarium/engine'

/**
 * Several cursors read as one: by key ascending, versions of one key by sequence number descending. The engine makes one for every scan over
 * more than one memtable or run, and for every compaction.
 */
export class MergingCursor implements EntryCursor {
  /** Owns the children: closing it closes them. They come in no particular order. */
  constructor(children: readonly EntryCursor[]) {
    void children
    throw new Error('Not written yet: the constructor of MergingCursor')
  }

  /** Whether it stands on an entry. */
  get valid(): boolean {
    throw new Error('Not written yet: valid')
  }

  get key(): ByteView {
    return new ByteView()
  }

  get value(): ByteView {
    return new ByteView()
  }

  get sequence(): number {
    return 0
  }

  get kind(): EntryKind {
    return KIND_PUT
  }

  /** To the first entry of all. Returns `valid`, as every move does. */
  first(): boolean {
    throw new Error('Not written yet: first')
  }

  last(): boolean {
    throw new Error('Not written yet: last')
  }

  /** To the first entry at or after (key, sequence) in the order above; without a sequence number, to the newest version of the key. */
  seek(key: Uint8Array, sequence?: number): boolean {
    void [key, sequence]
    throw new Error('Not written yet: seek')
  }

  /** To the last entry whose key is less than `key`. */
  seekBefore(key: Uint8Array): boolean {
    void key
    throw new Error('Not written yet: seekBefore')
  }

  /** Called only while `valid`. The move before it may have been backward. */
  next(): boolean {
    throw new Error('Not written yet: next')
  }

  prev(): boolean {
    throw new Error('Not written yet: prev')
  }

  close(): void {
    throw new Error('Not written yet: close')
  }
}
