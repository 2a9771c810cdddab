/** Every way to damage a small store that is tried, one at a time. */
import type { Damage } from './verdict.js'
import type { RecordPlace, SmallStore } from './small-store.js'

const ALL_BITS = [1, 2, 4, 8, 16, 32, 64, 128]
/** Odd, so that the eight bits of a byte fall into different shares. */
export const SHARES = 31

/** One of the shares of every damage there is: all eight bits of every byte, every length, every file. */
export function* damagesOf(store: SmallStore, share: number): Generator<Damage> {
  const take = (place: number): boolean => place % SHARES === share
  if (share === 0) yield* fileDamages(store)
  yield* lostWrites(store, take)
  yield* flips(store, ALL_BITS, take)
  yield* truncations(store, take)
  yield* wipes(store, take)
}

/** Whole-file damages: each file deleted, emptied, in the place of each other one, or as it was before. */
export function* fileDamages(store: SmallStore): Generator<Damage> {
  for (const [name, bytes] of store.files) {
    yield cut(store, name, 0, 'emptied')
    yield withFile(store, name, undefined, `${name} deleted`, rightBefore(store, name, 0, false))
    for (const [other, otherBytes] of store.files) {
      if (other === name) continue
      yield withFile(store, name, otherBytes, `${name} replaced by ${other}`)
      const swapped = new Map(store.files).set(name, otherBytes).set(other, bytes)
      yield { what: `${name} and ${other} swapped`, files: swapped, needsOffset: false }
    }
    for (const [generation, old] of (store.older.get(name) ?? []).entries()) {
      // An append-only file of an older generation is that file cut short, with zeros written ahead perhaps.
      const same = commonLength(old, bytes)
      const isCut = old.subarray(same).every(byte => byte === 0)
      const right = isCut ? rightBefore(store, name, same, false) : undefined
      yield withFile(store, name, old, `${name} replaced by its generation ${generation}`, right)
    }
  }
}

/** Every byte of every file changed by each mask in turn. `take` says which ones to try. */
export function* flips(store: SmallStore, masks: readonly number[], take: (place: number) => boolean): Generator<Damage> {
  let place = 0
  for (const [name, bytes] of store.files) {
    for (let at = 0; at < bytes.length; at++) {
      for (const mask of masks) {
        if (!take(place++)) continue
        const damaged = bytes.slice()
        damaged[at] ^= mask
        yield { ...withFile(store, name, damaged, `${name} byte ${at} ^ ${mask}`, rightBefore(store, name, at, true)), needsOffset: true }
      }
    }
  }
}

/** Every file cut at every length. */
export function* truncations(store: SmallStore, take: (place: number) => boolean): Generator<Damage> {
  let place = 0
  for (const [name, bytes] of store.files) {
    for (let length = 0; length < bytes.length; length++) if (take(place++)) yield cut(store, name, length, `cut at ${length}`)
  }
}

/** Every file zeroed from every place to its end, and each of its 64-byte blocks zeroed or turned into noise. */
export function* wipes(store: SmallStore, take: (place: number) => boolean): Generator<Damage> {
  let place = 0
  for (const [name, bytes] of store.files) {
    for (let at = 0; at < bytes.length; at += 16) {
      if (!take(place++)) continue
      const tail = bytes.slice().fill(0, at)
      yield withFile(store, name, tail, `${name} zeroed from ${at}`, rightBefore(store, name, at, false))
      const block = bytes.slice().fill(0, at, at + 64)
      yield withFile(store, name, block, `${name} zeroed from ${at} to ${at + 64}`, rightBefore(store, name, at, true, at + 64))
      const noise = bytes.slice()
      for (let i = at; i < Math.min(at + 64, noise.length); i++) noise[i] = (i * 197 + 71) & 0xff
      yield withFile(store, name, noise, `${name} noise from ${at} to ${at + 64}`, rightBefore(store, name, at, true, at + 64))
    }
  }
}

/** Writes that never reached the medium, or went astray: a stretch as it was before, or as it is in another place of the file. */
export function* lostWrites(store: SmallStore, take: (place: number) => boolean): Generator<Damage> {
  let place = 0
  for (const [name, bytes] of store.files) {
    for (let at = 0; at < bytes.length; at += STRETCH) {
      const end = Math.min(at + STRETCH, bytes.length)
      const others = [...(store.older.get(name) ?? []), bytes.subarray(STRETCH), bytes.subarray(2 * STRETCH)]
      for (const [index, other] of others.entries()) {
        const stale = other.subarray(at, end)
        const same = commonLength(stale, bytes.subarray(at, end))
        if (same >= stale.length || !take(place++)) continue
        const damaged = bytes.slice()
        damaged.set(stale, at)
        yield withFile(store, name, damaged, `${name} from ${at} as in ${index}`, rightBefore(store, name, at + same, true, end))
      }
    }
  }
}

const STRETCH = 256

function cut(store: SmallStore, name: string, length: number, how: string): Damage {
  const bytes = store.files.get(name)!.subarray(0, length)
  return withFile(store, name, bytes, `${name} ${how}`, rightBefore(store, name, length, false))
}

function withFile(store: SmallStore, name: string, bytes: Uint8Array | undefined, what: string, alsoRight?: readonly string[]): Damage {
  const files = new Map(store.files)
  if (bytes === undefined) files.delete(name)
  else files.set(name, bytes)
  return { what, files, needsOffset: false, ...(alsoRight !== undefined && { alsoRight }) }
}

/**
 * The documented exception: in a log that was not closed cleanly, damage from byte `at` on (up to `end`) may look like a tail that was
 * never synced, unless a record that is still there says that these bytes had been durable. Then the records before it must be there.
 */
function rightBefore(store: SmallStore, file: string, at: number, othersSurvive: boolean, end = at + 1): readonly string[] | undefined {
  const inFile = store.records.filter(record => record.file === file)
  const first = inFile.find(record => record.end > at)
  if (first === undefined) return undefined
  const isProof = (record: RecordPlace): boolean => record.offset >= end && record.synced > first.offset
  if (othersSurvive && inFile.some(isProof)) return undefined
  return first.contentsBefore
}

function commonLength(a: Uint8Array, b: Uint8Array): number {
  let length = 0
  while (length < a.length && length < b.length && a[length] === b[length]) length++
  return length
}
