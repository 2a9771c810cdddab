/**
 * Gets of the present moment whose value is in the cache and was checked. From the slot of the key it goes straight to the bytes: the key is
 * compared where it stands before its value in the file. Anything else is left to the way by the record.
 *
 * Invariant: what does not fit is never an answer. A key in a file that differs from that of the slot may be damaged.
 */
import type { Cache } from '../cache/cache.js'
import { KIND_PUT, type ByteView } from '../codec/entry.js'
import { BLOCK_BITS, BLOCK_BYTES, BLOCK_MASK } from './block-memory.js'
import { hashKey } from './checks.js'
import type { DataFiles } from './data-file.js'
import { SLOT_WORDS, SlotPlace, type Directory } from './directory.js'

export const ABSENT = 0
export const FOUND = 1
const LINE_BYTES = 64
/** The record has to be asked. */
export const UNKNOWN = 2

export class ResidentReads {
  readonly #directory: Directory
  readonly #files: DataFiles
  readonly #cache: Cache
  /** Keeps a compiler from leaving reads out. */
  touched = 0

  constructor(directory: Directory, files: DataFiles, cache: Cache) {
    this.#directory = directory
    this.#files = files
    this.#cache = cache
  }

  /** Points `out` at the value of a key, good until the next read, and returns `FOUND`; `ABSENT` if no key has the hash. */
  find(key: Uint8Array, hash: number, out: ByteView): number {
    const slots = this.#directory.slotsOf(hash)
    const mask = slots.length - SLOT_WORDS
    for (let at = (hash << 2) & mask; slots[at + 1] !== 0; at = (at + SLOT_WORDS) & mask)
      if (slots[at] === hash) return this.#look(slots[at + 2], slots[at + 3], key, out)
    return ABSENT
  }

  /** Begins to bring what `find` reads for the first `count` keys into the processor's cache, step by step for all, and notes their hashes. */
  touch(keys: readonly Uint8Array[], from: number, count: number, hashes: Uint32Array): void {
    const directory = this.#directory
    let touched = 0
    for (let i = 0; i < count; i++) {
      const key = keys[from + i]
      const hash = hashKey(key, 0, key.length)
      hashes[i] = hash
      const slots = directory.slotsOf(hash)
      touched ^= slots[(hash << 2) & (slots.length - SLOT_WORDS)]
    }
    for (let i = 0; i < count; i++) touched ^= this.#touchValue(hashes[i])
    this.touched ^= touched
  }

  #touchValue(hash: number): number {
    const slots = this.#directory.slotsOf(hash)
    const mask = slots.length - SLOT_WORDS
    let at = (hash << 2) & mask
    while (slots[at] !== hash && slots[at + 1] !== 0) at = (at + SLOT_WORDS) & mask
    const place = slots[at + 2]
    if ((place & SlotPlace.kindMask) !== KIND_PUT) return 0
    const { places } = this.#files.at(place >>> SlotPlace.fileShift)
    const offset = slots[at + 3]
    const index = offset >>> BLOCK_BITS
    const block = index < places.length ? places[index] : 0
    if (block === 0) return 0
    const { memory } = this.#files
    const bytes = memory.bytesOf(block)
    const start = memory.startOf(block)
    const inBlock = offset & BLOCK_MASK
    const marks = bytes[start + BLOCK_BYTES + (inBlock >> 5)]
    return marks ^ bytes[start + inBlock] ^ bytes[start + ((inBlock + LINE_BYTES) & BLOCK_MASK)]
  }

  #look(place: number, offset: number, key: Uint8Array, out: ByteView): number {
    const keyLength = key.length
    if (((place >>> SlotPlace.keyShift) & SlotPlace.mostKeyBytes) !== keyLength) return UNKNOWN
    if ((place & SlotPlace.kindMask) !== KIND_PUT) return UNKNOWN
    const file = this.#files.at(place >>> SlotPlace.fileShift)
    const { places } = file
    const index = offset >>> BLOCK_BITS
    const block = index < places.length ? places[index] : 0
    if (block === 0) return UNKNOWN
    const { memory } = this.#files
    const bytes = memory.bytesOf(block)
    const inBlock = offset & BLOCK_MASK
    const blockStart = memory.startOf(block)
    const start = blockStart + inBlock
    // Memory answers the lines of the value at once.
    this.touched ^= bytes[start] ^ bytes[blockStart + ((inBlock + LINE_BYTES) & BLOCK_MASK)]
    const lengthBytes = (place >>> SlotPlace.lengthShift) & SlotPlace.lengthMask
    if (inBlock < lengthBytes + keyLength || !memory.isChecked(block, inBlock)) return UNKNOWN
    const keyStart = start - lengthBytes - keyLength
    for (let i = keyLength - 1; i >= 0; i--) if (bytes[keyStart + i] !== key[i]) return UNKNOWN
    let length = bytes[start - lengthBytes] & 0x7f
    for (let i = 1; i < lengthBytes; i++) length |= (bytes[start - lengthBytes + i] & 0x7f) << (7 * i)
    if (inBlock + length > BLOCK_BYTES) return UNKNOWN
    memory.referenced[block] = 1
    this.#cache.hits++
    out.set(bytes, start, start + length)
    return FOUND
  }
}
