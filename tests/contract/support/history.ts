import fc from 'fast-check'
import type { BatchOperation, TextRange } from './opened-engine.js'
import type { CursorMove } from './oracle.js'

/** One step of a random history. `which` picks one of the open snapshots or cursors, counted round. */
export type Step =
  | { readonly kind: 'write'; readonly operations: readonly Change[]; readonly sync: boolean }
  | { readonly kind: 'unawaited'; readonly batches: readonly (readonly Change[])[]; readonly cleared: TextRange | undefined }
  | { readonly kind: 'clear'; readonly range: TextRange }
  | { readonly kind: 'get'; readonly key: string; readonly which: number }
  | { readonly kind: 'scan'; readonly range: TextRange; readonly which: number }
  | { readonly kind: 'snapshot' }
  | { readonly kind: 'release'; readonly which: number }
  | { readonly kind: 'open cursor'; readonly range: TextRange; readonly which: number }
  | { readonly kind: 'move cursor'; readonly which: number; readonly moves: readonly CursorMove[] }
  | { readonly kind: 'close cursor'; readonly which: number }
  | { readonly kind: 'flush' | 'settle' | 'reopen' | 'check' }
  | { readonly kind: 'compact'; readonly range: TextRange | undefined }
  | { readonly kind: 'in the background'; readonly job: 'flush' | 'compact' }

/** A put of a value of this many bytes, or a deletion. */
export interface Change {
  readonly key: string
  readonly size: number | undefined
}

/** Few, so that histories meet themselves; of many shapes, so that order, prefixes and shared heads matter. */
const KEYS = [
  ...['', '\0', 'a', 'a\0', 'aa', 'ab', 'b', 'c', 'd', '\x7f', '\x80', '\xff', '\xff\xff'],
  ...Array.from({ length: 12 }, (_, i) => `common prefix ${i}`),
  ...['', '\0', 'x'].map(end => 'long '.repeat(60) + end),
]

const key = fc.constantFrom(...KEYS)
const size = fc.oneof(
  { weight: 12, arbitrary: fc.nat(60) },
  { weight: 4, arbitrary: fc.integer({ min: 100, max: 1500 }) },
  { weight: 1, arbitrary: fc.integer({ min: 3000, max: 40_000 }) },
)
const change: fc.Arbitrary<Change> = fc.record({ key, size: fc.option(size, { freq: 3, nil: undefined }) })
const changes = fc.array(change, { minLength: 1, maxLength: 12 })

const lower = fc.oneof({ weight: 2, arbitrary: fc.constant({}) }, fc.record({ gt: key }), fc.record({ gte: key }))
const upper = fc.oneof({ weight: 2, arbitrary: fc.constant({}) }, fc.record({ lt: key }), fc.record({ lte: key }))
const range: fc.Arbitrary<TextRange> = fc.tuple(lower, upper).map(([low, high]) => ({ ...low, ...high }))
const which = fc.nat(7)

const move: fc.Arbitrary<CursorMove> = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom<CursorMove>(['next'], ['prev']) },
  { weight: 1, arbitrary: fc.constantFrom<CursorMove>(['first'], ['last']) },
  { weight: 1, arbitrary: fc.tuple(fc.constantFrom('seek' as const, 'seekReverse' as const), key) },
)

const record = <T extends Step['kind'], Rest extends object>(kind: T, rest: { [K in keyof Rest]: fc.Arbitrary<Rest[K]> }) =>
  fc.record({ kind: fc.constant(kind), ...rest }) as unknown as fc.Arbitrary<Step>

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 12, arbitrary: record('write', { operations: changes, sync: fc.boolean() }) },
  {
    weight: 3,
    arbitrary: record('unawaited', {
      batches: fc.array(changes, { minLength: 1, maxLength: 6 }),
      cleared: fc.option(range, { nil: undefined }),
    }),
  },
  { weight: 2, arbitrary: record('clear', { range }) },
  { weight: 4, arbitrary: record('get', { key, which }) },
  { weight: 3, arbitrary: record('scan', { range, which }) },
  { weight: 3, arbitrary: record('snapshot', {}) },
  { weight: 2, arbitrary: record('release', { which }) },
  { weight: 3, arbitrary: record('open cursor', { range, which }) },
  { weight: 5, arbitrary: record('move cursor', { which, moves: fc.array(move, { minLength: 1, maxLength: 12 }) }) },
  { weight: 1, arbitrary: record('close cursor', { which }) },
  { weight: 4, arbitrary: record('flush', {}) },
  { weight: 2, arbitrary: record('compact', { range: fc.option(range, { nil: undefined }) }) },
  { weight: 1, arbitrary: record('settle', {}) },
  { weight: 2, arbitrary: record('reopen', {}) },
  { weight: 1, arbitrary: record('check', {}) },
  { weight: 2, arbitrary: record('in the background', { job: fc.constantFrom('flush' as const, 'compact' as const) }) },
)

export interface History {
  /** Seed of the randomness and scheduling of the run's place. */
  readonly seed: number
  readonly steps: readonly Step[]
}

/** @param steps most steps of one history */
export function histories(steps: number): fc.Arbitrary<History> {
  return fc.record({ seed: fc.nat(), steps: fc.array(step, { maxLength: steps, size: 'max' }) })
}

/** The changes as operations; every value is different and contains the number of its write. */
export function operationsOf(changes: readonly Change[], number: number): BatchOperation[] {
  return changes.map(({ key, size }, i) => (size === undefined ? ['del', key] : ['put', key, valueOf(number * 16 + i, size)]))
}

function valueOf(number: number, size: number): Uint8Array {
  const value = new Uint8Array(size)
  for (let i = 0; i < size; i++) value[i] = number + i * (1 + (number >>> 8)) + (i >>> 8)
  return value
}
