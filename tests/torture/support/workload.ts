/** The steps of a run, decided beforehand by a seed: the same for every engine, with or without faults. */
import { SeededRandom, type Random } from '../../../src/vfs/index.js'
import { uniform } from '../../../src/vfs/seeded-random.js'
import { START, type Change } from './oracle.js'

export type Step =
  | { readonly kind: 'write'; readonly changes: readonly Change[]; readonly sync: boolean; readonly awaited: boolean }
  | { readonly kind: 'clear'; readonly first: string; readonly last: string; readonly sync: boolean; readonly awaited: boolean }
  /** Puts of different keys. */
  | { readonly kind: 'ingest'; readonly changes: readonly Change[] }
  | { readonly kind: 'flush' | 'compact' | 'settle' | 'checkpoint' | 'reopen' | 'scan' | 'get' | 'snapshot' | 'release' }
  /** The wall clock moves on. */
  | { readonly kind: 'pass'; readonly ms: number }
  /** Started, and waited for when the next step needs it. */
  | { readonly kind: 'in the background'; readonly job: 'flush' | 'compact' }

/** What ingests number their values from. */
const INGESTED = 2 ** 31

/** Before and after every key of the workload. */
export const FIRST_KEY = ''
export const LAST_KEY = '\xff'

const KEYS = [
  ...['', '\0', 'a', 'a\0', 'b', '\x80', '\xff'],
  ...Array.from({ length: 30 }, (_, i) => `key ${String(i).padStart(2, '0')}`),
  ...['', 'x'].map(end => 'long '.repeat(40) + end),
]

/** Entries of every second seed expire. */
export function workload(seed: number, steps: number): readonly Step[] {
  const lasting = lastingWorkload(seed, steps)
  return seed % 2 === 0 ? withExpiries(seed, lasting) : lasting
}

function lastingWorkload(seed: number, steps: number): readonly Step[] {
  const random = new SeededRandom(seed)
  const shape: Shape = {
    syncPercent: pick(random, [10, 30, 60]),
    largestValue: pick(random, [60, 300, 900]),
    keys: pick(random, [12, KEYS.length]),
  }
  let number = 0
  return Array.from({ length: steps }, () => step(random, shape, ++number))
}

interface Shape {
  readonly syncPercent: number
  readonly largestValue: number
  readonly keys: number
}

function step(random: Random, shape: Shape, number: number): Step {
  const roll = uniform(random, 100)
  const sync = uniform(random, 100) < shape.syncPercent
  const awaited = uniform(random, 3) !== 0
  if (roll < 4) return { kind: 'clear', ...range(random, shape), sync, awaited }
  if (roll < 10) return { kind: 'flush' }
  if (roll < 13) return { kind: 'compact' }
  if (roll < 15) return { kind: number % 2 === 0 ? 'settle' : 'checkpoint' }
  if (roll < 19) return { kind: 'reopen' }
  if (roll < 22) return { kind: 'scan' }
  if (roll < 25) return { kind: 'get' }
  if (roll < 28) return { kind: 'snapshot' }
  if (roll < 31) return { kind: 'release' }
  if (roll < 36) return { kind: 'in the background', job: uniform(random, 3) === 0 ? 'compact' : 'flush' }
  if (roll < 40) return { kind: 'ingest', changes: ingested(random, shape, number) }
  const changes: Change[] = []
  for (let left = 1 + uniform(random, 6); left > 0; left--) {
    const key = KEYS[uniform(random, shape.keys)]
    // Later changes of a batch win over earlier ones to the same key, which is worth meeting, too.
    if (uniform(random, 4) === 0) changes.push({ kind: 'del', key })
    else changes.push({ kind: 'put', key, value: valueOf(random, number * 8 + left, sizeOf(random, shape)) })
  }
  return { kind: 'write', changes, sync, awaited }
}

/** The same steps, but some entries expire: soon, later than the end, or before they are put. Time passes in some of the steps. */
function withExpiries(seed: number, steps: readonly Step[]): readonly Step[] {
  const random = new SeededRandom(seed + 1)
  let now = START
  return steps.map(step => {
    if (step.kind === 'write') return { ...step, changes: step.changes.map(change => withExpiry(random, change, now)) }
    if (!PASSIVE.has(step.kind) || uniform(random, 2) === 0) return step
    const ms = 1 + uniform(random, 100)
    now += ms
    return { kind: 'pass', ms }
  })
}

const PASSIVE: ReadonlySet<Step['kind']> = new Set(['scan', 'get', 'snapshot', 'flush', 'settle'])

function withExpiry(random: Random, change: Change, now: number): Change {
  if (change.kind !== 'put') return change
  const roll = uniform(random, 10)
  if (roll < 4) return change
  return {
    ...change,
    expiry: now + (roll < 8 ? 1 + uniform(random, 200) : roll === 8 ? 1e12 + uniform(random, 1000) : -uniform(random, 5)),
  }
}

/** About half of the keys. */
function ingested(random: Random, shape: Shape, number: number): Change[] {
  const keys = KEYS.slice(0, shape.keys).filter(() => uniform(random, 2) === 0)
  return keys.map((key, i) => ({ kind: 'put', key, value: valueOf(random, INGESTED + number * 64 + i, sizeOf(random, shape)) }))
}

function sizeOf(random: Random, { largestValue }: Shape): number {
  return uniform(random, 60) === 0 ? 2000 + uniform(random, 18_000) : uniform(random, largestValue)
}

/** No two writes have the same value. */
function valueOf(random: Random, number: number, size: number): Uint8Array {
  const value = new Uint8Array(size + 4)
  const view = new DataView(value.buffer)
  view.setUint32(0, number)
  const noise = random.uint32()
  for (let i = 4; i < value.length; i++) value[i] = (noise >>> (i & 15)) + (i >>> 4)
  return value
}

function range(random: Random, shape: Shape): { first: string; last: string } {
  if (uniform(random, 4) === 0) return { first: FIRST_KEY, last: LAST_KEY }
  const [a, b] = [KEYS[uniform(random, shape.keys)], KEYS[uniform(random, shape.keys)]]
  return a < b ? { first: a, last: b } : { first: b, last: a }
}

function pick<T>(random: Random, choices: readonly T[]): T {
  return choices[uniform(random, choices.length)]
}
