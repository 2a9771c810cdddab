/**
 * Reads an open engine around damage, for engines that cannot be read in pieces: from both ends to the first error,
 * then from keys in between, halving the remaining gaps.
 */
import { compareKeys, EMPTY } from '../codec/entry.js'
import type { Cursor, Engine, Loss, SalvagedEntry } from '../engine/contract.js'
import { CorruptionError, KvariumError } from '../errors.js'

/** Most keys to try, and most halvings of one gap without a result. */
const MAX_PROBES = 2000
const MAX_FRUITLESS = 10

/** Every entry that a cursor reaches, each once, in no order. Calls `lost` with every gap and the keys around it. */
export function* probe(engine: Engine, lost: (loss: Loss) => void): Generator<SalvagedEntry> {
  const forward = new Walk(engine, cursor => cursor.first(), undefined)
  yield* forward.entries()
  if (forward.error === undefined) return
  const backward = new Walk(engine, cursor => cursor.last(), forward.last, true)
  yield* backward.entries()
  const gaps: Gap[] = [{ after: forward.last, before: backward.last, error: forward.error, fruitless: 0 }]
  const hopeless: Gap[] = []
  for (let probes = 0; gaps.length > 0; probes++) {
    const gap = gaps.shift()!
    const middle = probes < MAX_PROBES && gap.fruitless < MAX_FRUITLESS ? keyBetween(gap.after, gap.before) : undefined
    if (middle === undefined) {
      hopeless.push(gap)
      continue
    }
    const up = new Walk(engine, cursor => cursor.seek(middle), gap.before)
    yield* up.entries()
    const down = new Walk(engine, cursor => cursor.seekReverse(middle), gap.after, true, up.first)
    yield* down.entries()
    const fruitless = up.last === undefined && down.last === undefined ? gap.fruitless + 1 : 0
    if (down.error !== undefined) gaps.push({ after: gap.after, before: down.last ?? middle, error: down.error, fruitless })
    if (up.error !== undefined) gaps.push({ after: up.last ?? middle, before: gap.before, error: up.error, fruitless })
  }
  for (const gap of joined(hopeless)) lost(lossOf(gap))
}

/** An exclusive range of keys; an absent bound is open. */
interface Gap {
  readonly after: Uint8Array | undefined
  readonly before: Uint8Array | undefined
  readonly error: KvariumError
  readonly fruitless: number
}

/** Joins gaps that are separated only by a key that was tried in vain. */
function joined(gaps: readonly Gap[]): Gap[] {
  const sorted = [...gaps].sort((a, b) => compareKeys(a.after ?? EMPTY, b.after ?? EMPTY))
  const result: Gap[] = []
  for (const gap of sorted) {
    const last = result.at(-1)
    if (last?.before !== undefined && last.before === gap.after) result[result.length - 1] = { ...last, before: gap.before }
    else result.push(gap)
  }
  return result
}

/** One walk until an error, the end, or a key that is known already. */
class Walk {
  first: Uint8Array | undefined
  last: Uint8Array | undefined
  error: KvariumError | undefined
  readonly #engine: Engine
  readonly #start: (cursor: Cursor) => boolean
  readonly #stop: Uint8Array | undefined
  readonly #isBackward: boolean
  readonly #skip: Uint8Array | undefined

  constructor(engine: Engine, start: (cursor: Cursor) => boolean, stop?: Uint8Array, isBackward = false, skip?: Uint8Array) {
    this.#engine = engine
    this.#start = start
    this.#stop = stop
    this.#isBackward = isBackward
    this.#skip = skip
  }

  *entries(): Generator<SalvagedEntry> {
    const cursor = this.#engine.cursor({})
    try {
      for (let entry = this.#move(cursor, true); entry !== undefined; entry = this.#move(cursor, false)) {
        const { key } = entry
        if (this.#stop !== undefined && (this.#isBackward ? compareKeys(key, this.#stop) <= 0 : compareKeys(key, this.#stop) >= 0)) return
        this.first ??= key
        this.last = key
        if (this.#skip === undefined || compareKeys(key, this.#skip) !== 0) yield entry
      }
    } finally {
      cursor.close()
    }
  }

  #move(cursor: Cursor, isStart: boolean): SalvagedEntry | undefined {
    try {
      const valid = isStart ? this.#start(cursor) : this.#isBackward ? cursor.prev() : cursor.next()
      return valid ? { key: cursor.key.copy(), value: cursor.value.copy() } : undefined
    } catch (error) {
      if (!(error instanceof KvariumError)) throw error
      this.error = error
      return undefined
    }
  }
}

/** A key about half-way between, or `undefined` if there is none. */
function keyBetween(after: Uint8Array = EMPTY, before: Uint8Array | undefined): Uint8Array | undefined {
  const length = Math.max(after.length, before?.length ?? 0) + 1
  const sum = new Uint8Array(length)
  let carry = 0
  // Half the sum of two fractions in base 256; no upper bound is the fraction 1.
  for (let i = length - 1; i >= 0; i--) {
    const total = (after[i] ?? 0) + (before === undefined ? 0 : (before[i] ?? 0)) + carry
    sum[i] = total & 0xff
    carry = total >> 8
  }
  if (before === undefined) carry++
  for (let i = 0; i < length; i++) {
    const whole = carry * 256 + sum[i]
    sum[i] = whole >> 1
    carry = whole & 1
  }
  const isBetween = compareKeys(after, sum) < 0 && (before === undefined || compareKeys(sum, before) < 0)
  return isBetween ? trimmed(sum, after) : undefined
}

/** Without trailing bytes that are not needed to stay above `after`. */
function trimmed(key: Uint8Array, after: Uint8Array): Uint8Array {
  let end = key.length
  while (end > 1 && compareKeys(key.subarray(0, end - 1), after) > 0) end--
  return key.slice(0, end)
}

function lossOf({ after, before, error }: Gap): Loss {
  const { file = 'the store', offset, message } = error
  return {
    file,
    ...(offset !== undefined && { offset }),
    message: error instanceof CorruptionError ? message : `reading failed: ${message}`,
    keys: { ...(after !== undefined && { gt: after }), ...(before !== undefined && { lt: before }) },
  }
}
