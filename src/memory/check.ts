/** The memory engine's invariants about its list, and a walk that finds where they do not hold. */
import { KIND_DELETE, KIND_PUT, KIND_PUT_EXPIRING, compareBytes, type EntryKind } from '../codec/entry.js'
import type { Skiplist } from '../skiplist/skiplist.js'
import type { Violation } from '../engine/contract.js'
import { VersionCursor } from '../engine/version-cursor.js'

const KINDS: readonly EntryKind[] = [KIND_PUT, KIND_DELETE, KIND_PUT_EXPIRING]

/** What the engine assumes about the present. */
export interface Belief {
  readonly sequence: number
  readonly entries: number
  readonly bytes: number
}

export function* checkVersions(list: Skiplist, belief: Belief): Generator<Violation> {
  yield* checkOrder(list, belief.sequence)
  let entries = 0
  let bytes = 0
  const cursor = new VersionCursor(list.cursor(), belief.sequence, { lower: undefined, upper: undefined })
  for (let valid = cursor.first(); valid; valid = cursor.next()) {
    entries++
    bytes += cursor.key.length + cursor.value.length
  }
  if (entries !== belief.entries) yield violation('', `${entries} keys are live, ${belief.entries} were counted`)
  if (bytes !== belief.bytes) yield violation('', `${bytes} bytes are live, ${belief.bytes} were counted`)
}

function* checkOrder(list: Skiplist, sequence: number): Generator<Violation> {
  const cursor = list.cursor()
  const before = list.cursor()
  let forward = 0
  for (let valid = cursor.first(); valid; valid = cursor.next()) {
    const at = `entry ${forward++}`
    if (cursor.sequence > sequence) yield violation(at, `sequence ${cursor.sequence} is above the present, ${sequence}`)
    if (!KINDS.includes(cursor.kind)) yield violation(at, `unknown kind ${cursor.kind}`)
    if (forward === 1) {
      before.first()
      continue
    }
    const a = before.key
    const b = cursor.key
    const order = compareBytes(a.bytes, a.start, a.end, b.bytes, b.start, b.end)
    if (order > 0) yield violation(at, 'its key is less than the one before')
    if (order === 0 && before.sequence <= cursor.sequence) yield violation(at, 'it is not older than the version before')
    before.next()
  }
  let backward = 0
  for (let valid = cursor.last(); valid; valid = cursor.prev()) backward++
  if (forward !== list.count) yield violation('', `${forward} entries are linked, ${list.count} were inserted`)
  if (backward !== forward) yield violation('', `${forward} entries are linked forward and ${backward} backward`)
}

function violation(place: string, message: string): Violation {
  return { path: place === '' ? 'memory' : `memory / ${place}`, message }
}
