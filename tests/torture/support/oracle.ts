/**
 * What a store may hold after a crash or a fault: the possible contents after each batch that was issued, identified by a hash.
 *
 * Invariants:
 * 1. `#levels[i]` holds every state that may be after `i` batches. There is one, unless a batch failed: whether that one took
 *    effect is unknown, until a reopened store has shown it. Entries that have expired by `now` are in none.
 * 2. The floors only rise: batches up to `synced` survive power loss, those up to `acknowledged` the death of the process.
 */
import { mix32, type Hash32 } from '../../../src/codec/checksum.js'
import type { Cursor } from '../../../src/engine/contract.js'
import { keyOf, textOf } from '../../contract/support/opened-engine.js'

export type Change =
  | { readonly kind: 'put'; readonly key: string; readonly value: Uint8Array; readonly expiry?: number }
  | { readonly kind: 'del'; readonly key: string }
  | { readonly kind: 'clear'; readonly first: string; readonly last: string }

type Contents = ReadonlyMap<string, number>

/** Contents, as key to hash of the value, and one number for all of it that does not depend on the order. */
export interface State {
  readonly hash: number
  readonly contents: Contents
}

/** What the wall clock shows when a session begins. */
export const START = Date.UTC(2026, 0, 1)

const EMPTY_STATE: State = { hash: 0, contents: new Map() }

export class Oracle {
  readonly #hash32: Hash32
  #levels: State[][] = [[EMPTY_STATE]]
  readonly #batches: { readonly changes: readonly Change[]; uncertain: boolean }[] = []
  synced = 0
  acknowledged = 0
  /** What the wall clock shows. */
  now = START
  /** When values expire, by their hashes: no two writes have the same value. */
  readonly #expiries = new Map<number, number>()

  constructor(hash32: Hash32) {
    this.#hash32 = hash32
  }

  /** Batches issued so far. */
  get issued(): number {
    return this.#batches.length
  }

  /** What a process that sees everything may see. */
  get latest(): readonly State[] {
    return this.#levels.at(-1)!
  }

  /** The wall clock moves on: what is due by then is in no state any more. */
  pass(ms: number): void {
    this.now += ms
    this.#levels = this.#levels.map(states => distinct(states.map(state => this.#live(state))))
  }

  /** When a value expires that was put, by its hash. */
  expiryOf(value: number | undefined): number | undefined {
    return value === undefined ? undefined : this.#expiries.get(value)
  }

  /** Returns the number of the batch. */
  issue(changes: readonly Change[]): number {
    this.#batches.push({ changes, uncertain: false })
    this.#extend()
    return this.issued
  }

  acknowledge(number: number, sync: boolean): void {
    this.acknowledged = Math.max(this.acknowledged, number)
    if (sync) this.synced = Math.max(this.synced, number)
  }

  /** From now on the batch may have happened or not. */
  fail(number: number): void {
    this.#batches[number - 1].uncertain = true
    this.#levels.length = number
    while (this.#levels.length <= this.issued) this.#extend()
  }

  /** A process has seen this state, so that later ones grow from it. */
  settle(seen: State): void {
    this.#levels[this.#levels.length - 1] = [seen]
  }

  /** Whether the state is that after some number of batches, `floor` of them at least. */
  allows(hash: number, floor: number): State | undefined {
    for (let level = this.issued; level >= floor; level--) {
      const state = this.#levels[level].find(candidate => candidate.hash === hash)
      if (state !== undefined) return state
    }
    return undefined
  }

  /** Hashes of what a power loss at this moment may leave. */
  afterPowerLoss(): ReadonlySet<number> {
    return new Set(this.#levels.slice(this.synced).flatMap(states => states.map(({ hash }) => hash)))
  }

  after(state: State, changes: readonly Change[]): State {
    const contents = new Map(state.contents)
    let hash = state.hash
    const drop = (key: string): void => {
      const value = contents.get(key)
      if (value === undefined) return
      hash = minus(hash, this.#entryHash(key, value))
      contents.delete(key)
    }
    for (const change of changes) {
      if (change.kind === 'clear') {
        for (const key of contents.keys()) if (change.first <= key && key <= change.last) drop(key)
        continue
      }
      drop(change.key)
      if (change.kind === 'del') continue
      const value = this.#hash32(change.value, 0)
      if (change.expiry !== undefined) {
        this.#expiries.set(value, change.expiry)
        if (change.expiry <= this.now) continue
      }
      contents.set(change.key, value)
      hash = plus(hash, this.#entryHash(change.key, value))
    }
    return { hash, contents }
  }

  /** What a cursor walks over. */
  read(cursor: Cursor, backwards = false): State {
    const contents = new Map<string, number>()
    let hash = 0
    try {
      for (let valid = backwards ? cursor.last() : cursor.first(); valid; valid = backwards ? cursor.prev() : cursor.next()) {
        const key = textOf(cursor.key.bytes.subarray(cursor.key.start, cursor.key.end))
        const value = this.valueHash(cursor.value.bytes.subarray(cursor.value.start, cursor.value.end))
        if (contents.has(key)) throw new Error(`a scan met the key ${JSON.stringify(key)} twice`)
        contents.set(key, value)
        hash = plus(hash, this.#entryHash(key, value))
      }
    } finally {
      cursor.close()
    }
    return { hash, contents }
  }

  valueHash(value: Uint8Array): number {
    return this.#hash32(value, 0)
  }

  /** For messages: how a state differs from the nearest one that would have been right. */
  explain(found: State, floor: number): string {
    let best = ''
    let fewest = Infinity
    for (let level = this.issued; level >= 0; level--) {
      for (const state of this.#levels[level]) {
        const differences = compare(found.contents, state.contents)
        if (differences.length >= fewest) continue
        fewest = differences.length
        const shown = differences.slice(0, 8).join(', ') + (differences.length > 8 ? ', ...' : '')
        best =
          differences.length === 0 ? `it is the state after ${level} batches` : `nearest is the state after ${level} batches, but ${shown}`
      }
    }
    return `expected the state after ${floor} to ${this.issued} batches; ${best}`
  }

  #extend(): void {
    const number = this.#levels.length
    const { changes, uncertain } = this.#batches[number - 1]
    const before = this.#levels[number - 1]
    const states = before.map(state => this.after(state, changes))
    if (uncertain) states.push(...before)
    this.#levels.push(distinct(states))
  }

  #live(state: State): State {
    const due = [...state.contents].filter(([, value]) => (this.#expiries.get(value) ?? Infinity) <= this.now)
    return due.length === 0
      ? state
      : this.after(
          state,
          due.map(([key]): Change => ({ kind: 'del', key })),
        )
  }

  readonly #keyHashes = new Map<string, number>()

  #entryHash(key: string, value: number): number {
    let keyHash = this.#keyHashes.get(key)
    if (keyHash === undefined) this.#keyHashes.set(key, (keyHash = this.#hash32(keyOf(key), 1)))
    return mix32(keyHash, value) * 0x10_0000 + (mix32(value, keyHash) & 0xf_ffff)
  }
}

function distinct(states: readonly State[]): State[] {
  return states.filter((state, index) => states.findIndex(({ hash }) => hash === state.hash) === index)
}

/** Sums of entry hashes modulo 2^52. */
const MODULUS = 2 ** 52

function plus(a: number, b: number): number {
  const sum = a + b
  return sum >= MODULUS ? sum - MODULUS : sum
}

function minus(a: number, b: number): number {
  return a >= b ? a - b : a - b + MODULUS
}

function compare(found: Contents, expected: Contents): string[] {
  const differences: string[] = []
  for (const [key, value] of expected) {
    if (!found.has(key)) differences.push(`${JSON.stringify(key)} is missing`)
    else if (found.get(key) !== value) differences.push(`${JSON.stringify(key)} has another value`)
  }
  for (const key of found.keys()) if (!expected.has(key)) differences.push(`${JSON.stringify(key)} should not be there`)
  return differences
}
