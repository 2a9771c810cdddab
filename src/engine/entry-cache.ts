/**
 * Values of the keys that are read again and again, found by the hash of the key instead of on the way through pages or blocks. For the present
 * moment only: a snapshot sees what the engine has kept for it.
 *
 * Most stores have no use for it, so it sleeps: most gets only count down. Now and then a window of gets is sampled, which only notes hashes.
 * If many of them were noted before, the reads are skewed, and the cache turns on: the second get of a key admits its entry. It turns off
 * when hits become rare, writes counted as misses, or when the engine's cache misses the memory more than the hits are worth. Then it sleeps,
 * longer each time until it stays on for a while.
 *
 *   sample:    hash i32 at the place that its upper bits name
 *   slots:     buckets of four; hash i32 | position i32, 0 for a key that was only seen
 *   arena:     key length u32 | value length u32 | key | value, in units of 8 bytes; a ring that is filled from the head on
 *   position:  counts units and never falls; the entry is intact while the head is less than the whole ring ahead of it
 *
 * Invariants:
 * 1. What `find` returns is what the engine would find now: each write drops its keys in the step that makes it visible, or pauses the cache.
 * 2. No entry expires.
 * 3. A slot whose entry was overwritten in the ring, or dropped, still says that its key was seen.
 */
import { KIND_DELETE_RANGE, type ByteView } from '../codec/entry.js'
import type { BatchReader } from './batch.js'

/** The budget that the cache takes its memory from, which may evict others for it. */
export interface CacheBudget {
  readonly capacityBytes: number
  /** What was evicted since opening. */
  readonly evictions: number
  reserve(bytes: number): void
  release(bytes: number): void
}

export interface EntryCacheStats {
  /** Gets that were answered, and gets that were not while the cache was on. */
  readonly hits: number
  readonly misses: number
  /** Bytes taken out of the engine's cache, and the most that it takes. */
  readonly usedBytes: number
  readonly capacityBytes: number
  readonly isOn: boolean
}

/** How many gets make up a window, and how many pass between two that are sampled. */
export interface EntryCachePace {
  readonly window: number
  readonly sleep: number
}

const PACE: EntryCachePace = { window: 4096, sleep: 61_440 }

/** The ring takes a power of two of up to this share of the budget, and the slots an eighth of the ring. */
const SHARE = 1 / 4
const LEAST_BYTES = 64 * 1024
const MOST_BYTES = 64 * 1024 * 1024
const UNIT_BYTES = 8
const HEADER_BYTES = 8
/** There is a slot for this many units: two for an entry of 16 + 100 bytes. And a place in the sample for four slots. */
const UNITS_A_SLOT = 8
const SLOTS_A_PLACE = 4
/** Longer entries are noted at their first get only now and then, so that the slots remember about as many keys as the ring holds. */
const NOTED_UNITS = 16
const WAYS = 4
const BUCKET = 2 * WAYS
/** An entry may take this part of the ring. */
const ENTRY_PART = 64
/** A hit in this last part of the ring moves the entry to the head. */
const RENEWED_FROM = 3 / 4
/** The positions begin anew from here on. */
const MOST_POSITION = 2 ** 30
/** At first the ring takes this part of its memory, and more as it fills. */
const FIRST_PART = 16
/** A longer value is copied by a call. */
const SHORT_VALUE = 256

/** From this many evictions per get on the engine's cache is too small: there a hit saves a read. Elsewhere it saves only a search. */
const PRESSED = 0.2
/** Shares of a window, by whether the engine's cache is too small: keys seen before that turn the cache on, hits below which it turns off. */
const ON = { pressed: 0.25, resident: 0.5 }
const OFF = { pressed: 0.3, resident: 0.6 }
/** Evictions more than without the cache of entries that use up what it gains: for each hit, or for each get. */
const EVICTIONS_A_HIT = 0.15
const EVICTIONS_A_GET = 0.01
/** In the first windows no hits are expected. Then, while the cache is filling, (n / 64)² of those hits are enough in the n-th window. */
const FIRST_WINDOWS = 8
const FILLING_WINDOWS = 64
/** The longest sleep, in multiples of the first one. */
const MOST_SLEEP = 64

const NO_BYTES = new Uint8Array(0)
const NO_WORDS = new Int32Array(0)

export class EntryCache {
  readonly #budget: CacheBudget
  readonly #pace: EntryCachePace
  readonly #units: number
  readonly #mask: number
  /** Units of the ring that the budget has given. */
  #granted = 0
  #sample = NO_WORDS
  readonly #samplePlaces: number
  #slots = NO_WORDS
  #bytes = NO_BYTES
  #words = NO_WORDS
  #head: number
  /** The head when the cache was cleared last. */
  #first: number
  /** Hash and slot of the last `find`; no slot: -1. */
  #hash = 0
  #at = -1
  #noise = 1
  /** Gets until the next window; below 0 those of the window. */
  #rest: number
  #sleep: number
  /** Gets that passed before the window. */
  #slept: number
  /** Windows since the cache turned on. */
  #windows = 0
  #hitsBefore = 0
  #evictionsBefore = 0
  /** Evictions per get when the cache turned on. */
  #pressure = 0
  /** Keys of the sampled window that were in the sample. */
  #seen = 0
  #isOn = false
  #pauses = 0
  #hits = 0
  #misses = 0

  /** The cache of a budget; `undefined` if that is too small to share. */
  static of(budget: CacheBudget, pace = PACE): EntryCache | undefined {
    return budget.capacityBytes * SHARE < LEAST_BYTES ? undefined : new EntryCache(budget, pace)
  }

  private constructor(budget: CacheBudget, pace: EntryCachePace) {
    this.#budget = budget
    this.#pace = pace
    this.#units = 2 ** Math.floor(Math.log2(Math.min(MOST_BYTES, budget.capacityBytes * SHARE) / UNIT_BYTES))
    this.#samplePlaces = this.#units / UNITS_A_SLOT / SLOTS_A_PLACE
    this.#mask = this.#units / UNITS_A_SLOT / WAYS - 1
    this.#head = this.#first = this.#units
    this.#rest = 2 * pace.window
    this.#slept = this.#rest
    this.#sleep = pace.sleep
  }

  get stats(): EntryCacheStats {
    return {
      hits: this.#hits,
      misses: this.#misses,
      usedBytes: this.#sample.byteLength + this.#slots.byteLength + this.#granted * UNIT_BYTES,
      capacityBytes: this.#samplePlaces * 4 + (this.#units / UNITS_A_SLOT + this.#units) * UNIT_BYTES,
      isOn: this.#isOn,
    }
  }

  /** Counts a get of the present moment. Returns whether that is to call `find`, and then, if the key is found elsewhere, `offer`. */
  isAsked(): boolean {
    return --this.#rest < 0 && (this.#rest >= -this.#pace.window || this.#begin())
  }

  /** Points `out` at the value of a key; false if the cache does not have it. The bytes are valid until the next call of any kind. */
  find(key: Uint8Array, out: ByteView): boolean {
    const { length } = key
    const hash = hashOf(key, 0, length)
    if (!this.#isOn) {
      const place = (hash >>> 8) & (this.#samplePlaces - 1)
      if (this.#sample[place] === hash) this.#seen++
      else this.#sample[place] = hash
      return false
    }
    const slots = this.#slots
    const bucket = (hash & this.#mask) * BUCKET
    this.#hash = hash
    this.#at = -1
    for (let at = bucket; at < bucket + BUCKET; at += 2) {
      if (slots[at] !== hash) continue
      this.#at = at
      const position = slots[at + 1]
      const age = this.#head - position
      if (position === 0 || age > this.#units) break
      const unit = position & (this.#units - 1)
      const words = this.#words
      const bytes = this.#bytes
      const start = unit * UNIT_BYTES + HEADER_BYTES
      if (words[unit * 2] !== length) break
      let i = 0
      while (i < length && bytes[start + i] === key[i]) i++
      if (i < length) break
      out.set(bytes, start + length, start + length + words[unit * 2 + 1])
      if (age > this.#units * RENEWED_FROM) this.#renew(age, unit, out)
      this.#hits++
      return true
    }
    this.#misses++
    return false
  }

  /** Takes note of the key that `find` did not find last, and of its value, which does not expire. */
  offer(key: Uint8Array, { bytes, start, end }: ByteView): void {
    if (!this.#isOn) return
    const units = unitsOf(key.length + end - start)
    if (this.#at < 0) {
      this.#note(units)
      return
    }
    if (this.#pauses > 0 || units > this.#units / ENTRY_PART) return
    const position = this.#room(units)
    const unit = position & (this.#units - 1)
    if (unit + units > this.#granted) return
    const target = this.#bytes
    this.#words[unit * 2] = key.length
    this.#words[unit * 2 + 1] = end - start
    let at = unit * UNIT_BYTES + HEADER_BYTES
    for (let i = 0; i < key.length; i++) target[at++] = key[i]
    if (end - start > SHORT_VALUE) target.set(bytes.subarray(start, end), at)
    else for (let i = start; i < end; i++) target[at++] = bytes[i]
    this.#slots[this.#at + 1] = position
    this.#head = position + units
  }

  /** Drops what a batch is about to change. */
  drop(batch: BatchReader): void {
    if (!this.#isOn) return
    const { key } = batch
    const slots = this.#slots
    while (batch.next()) {
      if (batch.kind === KIND_DELETE_RANGE) {
        this.#clear()
        continue
      }
      const hash = hashOf(key.bytes, key.start, key.end)
      const bucket = (hash & this.#mask) * BUCKET
      for (let at = bucket; at < bucket + BUCKET; at += 2) if (slots[at] === hash) slots[at + 1] = 0
    }
    this.#rest -= batch.count
    if (this.#rest < -this.#pace.window) this.#judge()
  }

  /** Drops everything, and admits nothing while work changes what the present moment is. */
  async paused<T>(work: () => Promise<T>): Promise<T> {
    this.#clear()
    this.#pauses++
    try {
      return await work()
    } finally {
      this.#pauses--
    }
  }

  /** The window is over. Returns whether the get under way belongs to another one. */
  #begin(): boolean {
    if (this.#isOn) this.#judge()
    else this.#look()
    if (this.#sample.length === 0) {
      this.#budget.reserve(this.#samplePlaces * 4)
      this.#sample = new Int32Array(this.#samplePlaces)
    }
    this.#seen = 0
    if (this.#head > MOST_POSITION) this.#clear()
    if (this.#isOn && (this.#head & (this.#units - 1)) * 2 > this.#granted) this.#grant(Math.min(this.#units, this.#granted * 2))
    // Without those that made room for the cache of entries.
    this.#evictionsBefore = this.#budget.evictions
    return this.#isOn
  }

  /** Whether the cache turns on. */
  #look(): void {
    const { window } = this.#pace
    this.#pressure = (this.#budget.evictions - this.#evictionsBefore) / (this.#slept + window)
    if (this.#seen >= window * (this.#pressure >= PRESSED ? ON.pressed : ON.resident)) this.#turnOn()
    else this.#slept = this.#rest = this.#sleep
  }

  /** Whether the cache stays on. */
  #judge(): void {
    const { window } = this.#pace
    const hits = this.#hits - this.#hitsBefore
    const evictions = this.#budget.evictions - this.#evictionsBefore - window * this.#pressure
    this.#hitsBefore = this.#hits
    this.#evictionsBefore = this.#budget.evictions
    this.#rest = -1
    const filled = Math.min(1, Math.max(0, ++this.#windows - FIRST_WINDOWS) / FILLING_WINDOWS)
    const isPressed = this.#pressure >= PRESSED
    const least = window * (isPressed ? OFF.pressed : OFF.resident)
    const most = isPressed ? EVICTIONS_A_HIT * Math.max(hits, least) : EVICTIONS_A_GET * window
    if (hits >= least * filled ** 2 && evictions <= most) {
      if (filled === 1) this.#sleep = this.#pace.sleep
      return
    }
    this.#isOn = false
    this.#clear()
    this.#slept = this.#rest = this.#sleep
    this.#sleep = Math.min(this.#sleep * 2, this.#pace.sleep * MOST_SLEEP)
    this.#budget.release(this.#granted * UNIT_BYTES + this.#slots.byteLength)
    this.#granted = 0
    this.#slots = NO_WORDS
    this.#bytes = NO_BYTES
    this.#words = NO_WORDS
  }

  #turnOn(): void {
    this.#isOn = true
    this.#windows = 0
    this.#hitsBefore = this.#hits
    this.#rest = -1
    // The system gives the memory as it is touched.
    this.#bytes = new Uint8Array(this.#units * UNIT_BYTES)
    this.#words = new Int32Array(this.#bytes.buffer)
    this.#slots = new Int32Array((this.#units / UNITS_A_SLOT) * 2)
    this.#budget.reserve(this.#slots.byteLength)
    this.#grant(this.#units / FIRST_PART)
  }

  #grant(units: number): void {
    if (units === this.#granted) return
    this.#budget.reserve((units - this.#granted) * UNIT_BYTES)
    this.#granted = units
  }

  /** The head goes to the start of a lap from which no entry is in reach. */
  #clear(): void {
    if (this.#head === this.#first) return
    this.#head = (Math.floor(this.#head / this.#units) + 2) * this.#units
    if (this.#head > MOST_POSITION) {
      this.#slots.fill(0)
      this.#head = this.#units
    }
    this.#first = this.#head
  }

  /** Where an entry of this length, in units, goes: at the head, or at the start of the ring if it would not fit before the end. */
  #room(units: number): number {
    const unit = this.#head & (this.#units - 1)
    return unit + units > this.#units ? this.#head + this.#units - unit : this.#head
  }

  /** Moves an entry to the head, as long as it does not overwrite itself. */
  #renew(age: number, unit: number, out: ByteView): void {
    const start = unit * UNIT_BYTES
    const units = unitsOf(out.end - start - HEADER_BYTES)
    const position = this.#room(units)
    if (age + position - this.#head + units > this.#units) return
    const to = (position & (this.#units - 1)) * UNIT_BYTES
    this.#bytes.copyWithin(to, start, out.end)
    this.#slots[this.#at + 1] = position
    this.#head = position + units
    out.set(this.#bytes, out.start + to - start, out.end + to - start)
  }

  /** Remembers the key that `find` did not find last, in place of one that has no entry, seldom of one that has. */
  #note(units: number): void {
    const noise = (this.#noise = Math.imul(this.#noise, 1_664_525) + 1_013_904_223)
    if ((noise >>> 24) * units >= 256 * NOTED_UNITS) return
    const slots = this.#slots
    const bucket = (this.#hash & this.#mask) * BUCKET
    const first = (noise >>> 22) & (WAYS - 1)
    let at = bucket + 2 * first
    for (let i = 0; i < WAYS; i++) {
      const other = bucket + 2 * ((first + i) & (WAYS - 1))
      const position = slots[other + 1]
      if (position !== 0 && this.#head - position <= this.#units) continue
      at = other
      break
    }
    const position = slots[at + 1]
    if (position !== 0 && this.#head - position <= this.#units && (noise >>> 19) % WAYS > 0) return
    slots[at] = this.#hash
    slots[at + 1] = 0
  }
}

function unitsOf(dataBytes: number): number {
  return (HEADER_BYTES + dataBytes + UNIT_BYTES - 1) >>> 3
}

function hashOf(bytes: Uint8Array, start: number, end: number): number {
  let hash = end - start
  let at = start
  for (; at + 4 <= end; at += 4) {
    hash = Math.imul(hash ^ (bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)), 0x9e3779b1)
    hash ^= hash >>> 15
  }
  for (; at < end; at++) hash = Math.imul(hash ^ bytes[at], 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d)
  return hash ^ (hash >>> 13)
}
