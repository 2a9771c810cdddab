/**
 * The arena: all nodes of one skiplist in one fixed buffer, nothing on the garbage-collected heap.
 *
 * The unit is the 32-bit word in platform byte order; keys and values are plain bytes padded with zeros to a whole
 * word. A node is named by the word index of its anchor; 0 (`NO_NODE`) names none. With h = height of the tower:
 *
 *   word            bytes   field
 *   -2h+1 .. -h-1   4(h-1)  newest node between this one and the next, at level h-1 .. 1; NO_NODE if there is none
 *   -h .. -1        4h      next node at level h-1 .. 0; NO_NODE at the end of the list
 *    0              4       key length << 4 | height                       <- the anchor
 *    1              4       previous node at level 0; the first node points to HEAD
 *    2              4       sequence, low 32 bits
 *    3              4       sequence, high 21 bits << 8 | kind
 *    4              4       value length
 *    5 ..                   key, then value
 *
 * Towers grow downwards from the anchor, so that every field and the key lie at a fixed distance from it, and the
 * pointers of the low levels, which a search follows most, lie next to the key they are compared with. "Newest" is the node
 * with the highest sequence number: by it a cursor skips a whole span in which nothing is newer than a range tombstone.
 *
 * The arena begins with
 *
 *    0   magic, "kvsl"       1   words in use        2   number of entries     3   levels in use
 *    4 .. 31                 HEAD, a node of full height with an empty key, before every entry; its previous
 *                            node is the last entry, so the level-0 list can be entered from both ends. Its top level
 *                            always has the newest node of the list
 *
 * Invariants:
 * 1. Once linked, an entry's key, value, sequence, kind and height never change or move; only its pointers do.
 * 2. Nothing at or behind `words in use` is reachable from HEAD, so resetting HEAD drops all entries.
 * 3. Everything a reader needs is in the buffer: another thread that has the buffer can read the list.
 * 4. `newest` of a node and level is at least as new as every node between it and its next one there. It may be a node
 *    elsewhere: linking a node in between leaves both sides the newest node of the whole.
 */
import type { ByteView, EntryKind } from '../codec/entry.js'
import { MisuseError } from '../errors.js'
import type { Random } from '../vfs/environment.js'

export const NO_NODE = 0
export const MAX_HEIGHT = 12
/** The limit of the 27-bit key length field, far above what a store accepts. */
export const MAX_KEY_LENGTH = 2 ** 27 - 1
/** Word indexes times four must stay within int32 for the engine's fast integer paths. */
export const MAX_CAPACITY = 2 ** 31 - 8

const MAGIC = 0x6c73766b
const WORDS_USED = 1
const ENTRIES = 2
const LEVELS = 3

/** Words of a tower: a next node for every level, a newest node for every level but the lowest. */
function towerWords(height: number): number {
  return 2 * height - 1
}

/** The head node, behind four words of state and its own tower. */
export const HEAD = 4 + towerWords(MAX_HEIGHT)
/** The newest node of the list. */
const NEWEST = HEAD - MAX_HEIGHT - (MAX_HEIGHT - 1)

const PREV = 1
const SEQUENCE_LOW = 2
const SEQUENCE_HIGH_AND_KIND = 3
const VALUE_LENGTH = 4
/** Where the key starts, in words from the anchor; also the words of a node besides tower, key and value. */
export const KEY = 5

const FIRST_FREE = HEAD + KEY
/** Bytes in use of an empty arena. */
export const HEAD_BYTES = FIRST_FREE * 4

/** A call of `TypedArray.set` costs as much as copying about this many bytes in a loop. */
const LOOP_COPY_LIMIT = 32

export type ArenaBuffer = ArrayBuffer | SharedArrayBuffer

/** Words that bytes take with their padding. */
export function wordsFor(byteLength: number): number {
  return Math.ceil(byteLength / 4)
}

/** Bytes of a node. */
export function nodeBytes(height: number, keyLength: number, valueLength: number): number {
  return (towerWords(height) + KEY + wordsFor(keyLength) + wordsFor(valueLength)) * 4
}

/** Two zero bits for every further level: probability 1/4 each, in one draw. */
export function drawHeight(random: Random): number {
  const drawn = 1 + (Math.clz32(random.uint32()) >>> 1)
  return drawn < MAX_HEIGHT ? drawn : MAX_HEIGHT
}

export class Arena {
  readonly buffer: ArenaBuffer
  readonly bytes: Uint8Array
  readonly words: Int32Array
  /** For reading key words in byte order, whatever the platform's: comparing them as integers compares the bytes. */
  readonly view: DataView

  private constructor(buffer: ArenaBuffer) {
    this.buffer = buffer
    this.bytes = new Uint8Array(buffer)
    this.words = new Int32Array(buffer)
    this.view = new DataView(buffer)
  }

  static allocate(capacityBytes: number, shared: boolean): Arena {
    if (!Number.isInteger(capacityBytes) || capacityBytes < HEAD_BYTES || capacityBytes > MAX_CAPACITY) {
      const range = `a whole number of bytes from ${HEAD_BYTES} to ${MAX_CAPACITY}`
      throw new MisuseError('LEVEL_INVALID_OPTION', `capacityBytes of a skiplist must be ${range}, got ${capacityBytes}`)
    }
    const rounded = Math.ceil(capacityBytes / 4) * 4
    const arena = new Arena(shared ? new SharedArrayBuffer(rounded) : new ArrayBuffer(rounded))
    arena.reset()
    return arena
  }

  static over(buffer: ArenaBuffer): Arena {
    const whole = buffer.byteLength >= HEAD_BYTES && buffer.byteLength % 4 === 0
    const arena = whole ? new Arena(buffer) : undefined
    if (arena?.words[0] !== MAGIC) {
      throw new MisuseError('LEVEL_INVALID_OPTION', 'the buffer holds no skiplist: pass what transferable() returned')
    }
    return arena
  }

  /** An arena of another size with the same contents. */
  grown(capacityBytes: number): Arena {
    const shared = typeof SharedArrayBuffer !== 'undefined' && this.buffer instanceof SharedArrayBuffer
    const arena = Arena.allocate(capacityBytes, shared)
    arena.words.set(this.words.subarray(0, this.wordsUsed))
    return arena
  }

  /** Drops every node. The bytes behind the head stay as they are: no word is read before it is written again. */
  reset(): void {
    this.words.fill(0, 0, FIRST_FREE)
    this.words[0] = MAGIC
    this.words[WORDS_USED] = FIRST_FREE
    this.words[LEVELS] = 1
    this.words[HEAD] = MAX_HEIGHT
    this.words[HEAD + PREV] = HEAD
  }

  get wordsUsed(): number {
    return this.words[WORDS_USED]
  }

  get entries(): number {
    return this.words[ENTRIES]
  }

  /** The tallest tower so far; a search starts there. */
  get levels(): number {
    return this.words[LEVELS]
  }

  next(node: number, level: number): number {
    return this.words[node - 1 - level]
  }

  prev(node: number): number {
    return this.words[node + PREV]
  }

  /** The newest node between a node and its next one at a level above 0, or one that is newer still; NO_NODE if there is none. */
  newest(node: number, level: number): number {
    return this.words[node - (this.words[node] & 15) - level]
  }

  height(node: number): number {
    return this.words[node] & 15
  }

  keyLength(node: number): number {
    return this.words[node] >>> 4
  }

  sequence(node: number): number {
    return (this.words[node + SEQUENCE_HIGH_AND_KIND] >>> 8) * 2 ** 32 + (this.words[node + SEQUENCE_LOW] >>> 0)
  }

  kind(node: number): EntryKind {
    return (this.words[node + SEQUENCE_HIGH_AND_KIND] & 255) as EntryKind
  }

  valueLength(node: number): number {
    return this.words[node + VALUE_LENGTH]
  }

  /** Four bytes of the key from byte `at` on as a number whose order is theirs; zeros stand for those behind its end. */
  keyWord(node: number, at: number): number {
    const left = this.keyLength(node) - at
    if (left <= 0) return 0
    const start = ((node + KEY) << 2) + at
    if (left >= 4) return this.view.getUint32(start)
    let word = 0
    for (let i = 0; i < left; i++) word |= this.bytes[start + i] << (24 - 8 * i)
    return word >>> 0
  }

  setKeyView(node: number, view: ByteView): void {
    const start = (node + KEY) << 2
    view.set(this.bytes, start, start + this.keyLength(node))
  }

  setValueView(node: number, view: ByteView): void {
    const start = (node + KEY + ((this.keyLength(node) + 3) >>> 2)) << 2
    view.set(this.bytes, start, start + this.words[node + VALUE_LENGTH])
  }

  /** Writes a new node, except its value and its pointers, at the end of the used words. The caller has checked the room. */
  append(
    height: number,
    key: Uint8Array,
    keyStart: number,
    keyEnd: number,
    valueLength: number,
    sequence: number,
    kind: EntryKind,
  ): number {
    const words = this.words
    const node = words[WORDS_USED] + towerWords(height)
    const keyLength = keyEnd - keyStart
    const valueAt = node + KEY + ((keyLength + 3) >>> 2)
    const end = valueAt + ((valueLength + 3) >>> 2)
    const high = Math.floor(sequence / 2 ** 32)
    // The padding first: with nothing to pad these are words that get their contents below.
    words[valueAt - 1] = 0
    words[end - 1] = 0
    words[node] = (keyLength << 4) | height
    words[node + SEQUENCE_LOW] = sequence - high * 2 ** 32
    words[node + SEQUENCE_HIGH_AND_KIND] = (high << 8) | kind
    words[node + VALUE_LENGTH] = valueLength
    this.#copy((node + KEY) << 2, key, keyStart, keyEnd)
    words[WORDS_USED] = end
    return node
  }

  /** Writes the value of a node, or the part of it from byte `at` on. */
  fillValue(node: number, at: number, value: Uint8Array, start: number, end: number): void {
    const valueAt = node + KEY + ((this.keyLength(node) + 3) >>> 2)
    this.#copy((valueAt << 2) + at, value, start, end)
  }

  /** Links a node in behind `path[level]` at each of its levels; `path` is right for all levels in use. */
  link(node: number, path: Int32Array): void {
    const words = this.words
    const height = words[node] & 15
    const levels = words[LEVELS]
    const before = path[0]
    const after = words[before - 1]
    words[node + PREV] = before
    for (let level = 0; level < height; level++) {
      const pointer = path[level] - 1 - level
      words[node - 1 - level] = words[pointer]
      words[pointer] = node
      if (level > 0) this.#splitSpan(path[level], node, height, level, levels)
    }
    words[(after === NO_NODE ? HEAD : after) + PREV] = node
    this.#noteNewest(node, path, height, levels)
    if (height > levels) words[LEVELS] = height
    words[ENTRIES]++
  }

  /**
   * Links all nodes of an empty list. `nodes` has them by ascending sequence number, `order` the indexes of `nodes` in internal order.
   */
  linkAll(nodes: Int32Array, order: Int32Array): void {
    const words = this.words
    const last = new Int32Array(MAX_HEIGHT).fill(HEAD)
    // The index of the newest node behind the last one of each level, or -1.
    const newest = new Int32Array(MAX_HEIGHT).fill(-1)
    let levels = 1
    for (let i = 0; i < order.length; i++) {
      const index = order[i]
      const node = nodes[index]
      const height = words[node] & 15
      words[node + PREV] = last[0]
      for (let level = 0; level < height; level++) {
        const before = last[level]
        words[before - 1 - level] = node
        if (level > 0) this.#endSpan(before, level, nodes, newest)
        last[level] = node
      }
      // What is newest in a span is so in the larger spans around it, unless they have a newer one.
      for (let level = height; level < MAX_HEIGHT && newest[level] < index; level++) newest[level] = index
      if (height > levels) levels = height
    }
    for (let level = 0; level < MAX_HEIGHT; level++) {
      words[last[level] - 1 - level] = NO_NODE
      if (level > 0) this.#endSpan(last[level], level, nodes, newest)
    }
    words[HEAD + PREV] = last[0]
    words[NEWEST] = nodes[order.length - 1]
    words[LEVELS] = levels
    words[ENTRIES] = order.length
  }

  #endSpan(before: number, level: number, nodes: Int32Array, newest: Int32Array): void {
    const index = newest[level]
    this.words[before - (this.words[before] & 15) - level] = index < 0 ? NO_NODE : nodes[index]
    newest[level] = -1
  }

  /** Updates `newest` on both sides of a node just linked behind `before`. Above the levels in use `before` is HEAD. */
  #splitSpan(before: number, node: number, height: number, level: number, levels: number): void {
    const words = this.words
    const span = before - (words[before] & 15) - level
    if (level >= levels) words[span] = words[NEWEST]
    words[node - height - level] = words[span]
  }

  /** Updates `newest` of the spans that now contain the node. */
  #noteNewest(node: number, path: Int32Array, height: number, levels: number): void {
    const words = this.words
    const newest = words[NEWEST]
    if (newest === NO_NODE || this.sequence(node) >= this.sequence(newest)) {
      for (let level = height; level < levels; level++) {
        const before = path[level]
        words[before - (words[before] & 15) - level] = node
      }
      words[NEWEST] = node
      return
    }
    for (let level = height; level < levels; level++) {
      const before = path[level]
      const span = before - (words[before] & 15) - level
      if (words[span] === NO_NODE || this.sequence(words[span]) < this.sequence(node)) words[span] = node
    }
  }

  #copy(target: number, source: Uint8Array, start: number, end: number): void {
    const bytes = this.bytes
    if (end - start <= LOOP_COPY_LIMIT) {
      for (let i = start; i < end; i++) bytes[target++] = source[i]
    } else if (start === 0 && end === source.length) {
      bytes.set(source, target)
    } else {
      bytes.set(source.subarray(start, end), target)
    }
  }
}
