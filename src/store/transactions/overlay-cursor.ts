/**
 * A cursor of a transaction: the entries of the store at the transaction's moment, with its own writes over them. It records the part of the
 * range in which it has looked at the store.
 *
 * Invariants:
 * 1. In the direction of the walk, the store's cursor and the place among the own writes are at or after the entry that is shown.
 * 2. A stretch that was walked without a gap is one range, from where it began to the last key of the store that was looked at, or to the
 *    bound once the store has no more. A failed step adds nothing to it.
 */
import { ByteView, compareBytes } from '../../codec/entry.js'
import { readLatin1 } from '../../codec/text.js'
import type { Cursor } from '../../engine/contract.js'
import { isBelow, isBeyond, keyAfter, type HalfOpenRange } from '../../engine/range.js'
import { textAfter, keyText, type KeyText, type TextRange } from './key-text.js'
import type { BufferedWrite } from './write-buffer.js'

export interface OverlayOptions {
  readonly base: Cursor
  /** The own writes in the range, ascending. */
  readonly own: readonly BufferedWrite[]
  readonly range: HalfOpenRange
  /** Gets each range that was walked. */
  readonly onWalked: (range: TextRange) => void
  readonly onClosed: (cursor: OverlayCursor) => void
}

type Shown = 'base' | 'own' | 'both'

export class OverlayCursor implements Cursor {
  valid = false
  readonly key = new ByteView()
  readonly value = new ByteView()
  readonly #options: OverlayOptions
  readonly #base: Cursor
  readonly #own: readonly BufferedWrite[]
  #at = 0
  #forward = true
  #shown: Shown = 'base'
  /** Where the walk under way began: its first key forward, the first key after it backward. */
  #begin: KeyText | undefined
  #isWalking = false
  /** A copy of the last key of the store that was looked at; -1 is none yet. */
  #reached = new Uint8Array(64)
  #reachedLength = -1
  #isExhausted = false
  #isClosed = false

  constructor(options: OverlayOptions) {
    this.#options = options
    this.#base = options.base
    this.#own = options.own
  }

  first(): boolean {
    this.#beginWalk(true, this.#options.range.lower)
    this.#at = 0
    this.#look(this.#base.first())
    return this.#show()
  }

  last(): boolean {
    this.#beginWalk(false, this.#options.range.upper)
    this.#at = this.#own.length - 1
    this.#look(this.#base.last())
    return this.#show()
  }

  seek(target: Uint8Array): boolean {
    if (isBelow(this.#options.range.lower, target, 0, target.length)) return this.first()
    this.#beginWalk(true, target)
    this.#at = this.#ownBefore(target)
    this.#look(this.#base.seek(target))
    return this.#show()
  }

  seekReverse(target: Uint8Array): boolean {
    const after = keyAfter(target)
    if (isBeyond(this.#options.range.upper, after, 0, after.length)) return this.last()
    this.#beginWalk(false, after)
    this.#at = this.#ownBefore(after) - 1
    this.#look(this.#base.seekReverse(target))
    return this.#show()
  }

  next(): boolean {
    if (!this.#forward) return this.seek(keyAfter(this.key.copy()))
    if (this.#shown !== 'base') this.#at++
    if (this.#shown !== 'own') this.#look(this.#base.next())
    return this.#show()
  }

  prev(): boolean {
    if (this.#forward) return this.#seekBefore(this.key.copy())
    if (this.#shown !== 'base') this.#at--
    if (this.#shown !== 'own') this.#look(this.#base.prev())
    return this.#show()
  }

  /** Adds what was walked so far to the ranges that were read. The walk may go on. */
  endWalk(): void {
    if (!this.#isWalking || (this.#reachedLength < 0 && !this.#isExhausted)) return
    const { range, onWalked } = this.#options
    const reached = this.#reachedLength < 0 ? undefined : readLatin1(this.#reached, 0, this.#reachedLength)
    if (this.#forward) {
      const end = range.upper && keyText(range.upper)
      onWalked({ lower: this.#begin ?? '', upper: this.#isExhausted ? end : textAfter(reached!) })
    } else {
      const start = range.lower === undefined ? '' : keyText(range.lower)
      onWalked({ lower: this.#isExhausted ? start : reached!, upper: this.#begin })
    }
  }

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.valid = false
    this.endWalk()
    this.#isWalking = false
    this.#base.close()
    this.#options.onClosed(this)
  }

  #seekBefore(key: Uint8Array): boolean {
    this.#beginWalk(false, key)
    this.#at = this.#ownBefore(key) - 1
    let valid = this.#base.seekReverse(key)
    const found = this.#base.key
    if (valid && compareBytes(found.bytes, found.start, found.end, key, 0, key.length) === 0) valid = this.#base.prev()
    this.#look(valid)
    return this.#show()
  }

  #beginWalk(forward: boolean, bound: Uint8Array | undefined): void {
    this.endWalk()
    this.#forward = forward
    this.#begin = bound && keyText(bound)
    this.#isWalking = true
    this.#isExhausted = false
    this.#reachedLength = -1
  }

  /** Records where the store's cursor is now. */
  #look(valid: boolean): void {
    if (!valid) {
      this.#isExhausted = true
      return
    }
    const { bytes, start, end } = this.#base.key
    const length = end - start
    if (this.#reached.length < length) this.#reached = new Uint8Array(length * 2)
    if (length <= 32) for (let i = 0; i < length; i++) this.#reached[i] = bytes[start + i]
    else this.#reached.set(bytes.subarray(start, end))
    this.#reachedLength = length
  }

  /** The number of own writes before the key. */
  #ownBefore(key: Uint8Array): number {
    let low = 0
    for (let high = this.#own.length; low < high;) {
      const middle = (low + high) >>> 1
      if (isBelow(key, this.#own[middle].keyBytes, 0, this.#own[middle].keyBytes.length)) low = middle + 1
      else high = middle
    }
    return low
  }

  /** Shows the nearer of the two entries, past own deletions and what they hide. */
  #show(): boolean {
    for (;;) {
      const own = this.#at >= 0 ? this.#own[this.#at] : undefined
      if (own === undefined) return this.#showBase()
      const order = this.#orderOf(own)
      if (order < 0) return this.#showBase()
      if (own.value !== undefined) {
        this.#shown = order === 0 ? 'both' : 'own'
        this.key.set(own.keyBytes, 0, own.keyBytes.length)
        this.value.set(own.valueBytes, 0, own.valueBytes.length)
        return (this.valid = true)
      }
      this.#at += this.#forward ? 1 : -1
      if (order === 0) this.#look(this.#forward ? this.#base.next() : this.#base.prev())
    }
  }

  #showBase(): boolean {
    this.#shown = 'base'
    this.valid = this.#base.valid
    if (!this.valid) return false
    const { key, value } = this.#base
    this.key.set(key.bytes, key.start, key.end)
    this.value.set(value.bytes, value.start, value.end)
    return true
  }

  /** Negative where the store's entry comes before the own write in the direction of the walk. */
  #orderOf(own: BufferedWrite): number {
    if (!this.#base.valid) return 1
    const { bytes, start, end } = this.#base.key
    const order = compareBytes(bytes, start, end, own.keyBytes, 0, own.keyBytes.length)
    return this.#forward ? order : -order
  }
}
