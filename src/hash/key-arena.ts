/**
 * The keys of the directory, one behind the other in chunks: a length as a varint, then the bytes.
 *
 * Invariant: the bytes of a key never change. A rewrite puts the keys that are left into new chunks; views of old ones stay good.
 */
import { compareBytes, EMPTY, type ByteView } from '../codec/entry.js'

const CHUNK_BITS = 18
export const CHUNK_BYTES = 1 << CHUNK_BITS
const MOST_CHUNKS = 1 << (32 - CHUNK_BITS)
/** Fewer bytes of dropped keys are not worth a rewrite. */
const LEAST_WASTE_BYTES = 4 * CHUNK_BYTES

export class KeyArena {
  #chunks: Uint8Array[] = []
  /** Place 0 is no key. */
  #at = 1
  #end = 0
  #liveBytes = 0
  #wastedBytes = 0
  #memoryBytes = 0
  #start = 0
  #stop = 0

  get memoryBytes(): number {
    return this.#memoryBytes
  }

  /** Whether more bytes are of dropped keys than of others. */
  get isWasteful(): boolean {
    return this.#wastedBytes > LEAST_WASTE_BYTES && this.#wastedBytes > this.#liveBytes
  }

  /** Whether it takes this many bytes of keys more. */
  hasRoom(bytes: number, keys: number): boolean {
    return this.#chunks.length + Math.ceil((2 * (bytes + 4 * keys)) / CHUNK_BYTES) < MOST_CHUNKS
  }

  /** Returns the place of the copy. */
  add(bytes: Uint8Array, start: number, end: number): number {
    const length = end - start
    const size = length + (length < 0x80 ? 1 : length < 0x4000 ? 2 : 4)
    if (this.#chunks.length === 0 || this.#at + size > this.#end) this.#begin(size)
    const index = this.#chunks.length - 1
    const chunk = this.#chunks[index]
    const place = index * CHUNK_BYTES + this.#at
    let at = this.#at
    for (let rest = length, left = size - length; left > 0; left--, rest >>>= 7) chunk[at++] = left > 1 ? (rest & 0x7f) | 0x80 : rest
    if (length > 48) chunk.set(bytes.subarray(start, end), at)
    else for (let i = start; i < end; i++) chunk[at++] = bytes[i]
    this.#at += size
    this.#liveBytes += size
    return place
  }

  /** `add` of a key that has its length before it in `bytes`, as it has here. */
  addEncoded(bytes: Uint8Array, start: number, end: number): number {
    const size = end - start
    if (this.#chunks.length === 0 || this.#at + size > this.#end) this.#begin(size)
    const index = this.#chunks.length - 1
    const chunk = this.#chunks[index]
    const at = this.#at
    if (size > 48) chunk.set(bytes.subarray(start, end), at)
    else for (let i = 0; i < size; i++) chunk[at + i] = bytes[start + i]
    this.#at += size
    this.#liveBytes += size
    return index * CHUNK_BYTES + at
  }

  drop(place: number): void {
    this.#locate(place)
    const size = this.#stop - (place & (CHUNK_BYTES - 1))
    this.#liveBytes -= size
    this.#wastedBytes += size
  }

  set(place: number, out: ByteView): void {
    const chunk = this.#locate(place)
    out.set(chunk, this.#start, this.#stop)
  }

  lengthAt(place: number): number {
    this.#locate(place)
    return this.#stop - this.#start
  }

  equals(place: number, bytes: Uint8Array, start: number, end: number): boolean {
    const chunk = this.#locate(place)
    const at = this.#start
    if (this.#stop - at !== end - start) return false
    for (let i = end - start - 1; i >= 0; i--) if (chunk[at + i] !== bytes[start + i]) return false
    return true
  }

  compare(place: number, other: number): number {
    const chunk = this.#locate(place)
    const start = this.#start
    const stop = this.#stop
    const second = this.#locate(other)
    return compareBytes(chunk, start, stop, second, this.#start, this.#stop)
  }

  /** Keeps the keys for which `visit` calls `move`, which returns the new place of a key. */
  rewrite(visit: (move: (place: number) => number) => void): void {
    const before = this.#chunks
    this.#chunks = []
    this.#at = 1
    this.#end = this.#liveBytes = this.#wastedBytes = this.#memoryBytes = 0
    visit(place => {
      const chunk = this.#locate(place, before)
      return this.add(chunk, this.#start, this.#stop)
    })
  }

  #locate(place: number, chunks = this.#chunks): Uint8Array {
    const chunk = chunks[place >>> CHUNK_BITS] ?? EMPTY
    let at = place & (CHUNK_BYTES - 1)
    let length = 0
    for (let shift = 0; ; shift += 7) {
      const byte = chunk[at++]
      length |= (byte & 0x7f) << shift
      if (byte < 0x80) break
    }
    this.#start = at
    this.#stop = at + length
    return chunk
  }

  /** A key that is longer than a chunk has one of its own. */
  #begin(size: number): void {
    const bytes = Math.max(CHUNK_BYTES, size + 1)
    this.#chunks.push(new Uint8Array(bytes))
    this.#memoryBytes += bytes
    this.#at = this.#chunks.length === 1 ? 1 : 0
    this.#end = bytes
  }
}
