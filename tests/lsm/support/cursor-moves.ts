import fc from 'fast-check'
import { expect } from 'vitest'
import { KIND_DELETE, KIND_PUT, type EntryCursor } from '../../../src/codec/entry.js'
import { keyOf, textOf } from '../../contract/support/opened-engine.js'
import type { PlainEntry } from './array-cursor.js'

type Move = ['first' | 'last' | 'next' | 'prev'] | ['seek', string, number] | ['seekBefore', string]

const keyText = fc.string({ unit: fc.constantFrom('a', 'b', 'c', '\0', 'ÿ'), maxLength: 3 })
const move: fc.Arbitrary<Move> = fc.oneof(
  { weight: 12, arbitrary: fc.constantFrom<Move>(['next'], ['prev']) },
  { weight: 1, arbitrary: fc.constantFrom<Move>(['first'], ['last']) },
  { weight: 2, arbitrary: fc.tuple(fc.constant('seek' as const), keyText, fc.nat(60)) },
  { weight: 2, arbitrary: fc.tuple(fc.constant('seekBefore' as const), keyText) },
)
/** Steps that turn at random: each test performs them on its cursor and on a model. */
export const moves = fc.array(move, { maxLength: 60, size: '+1' })
export const keys = fc.array(keyText, { maxLength: 50, size: '+1' })

/** One entry for each text, with the sequences in order; every third is a delete. */
export function entriesOf(texts: readonly string[]): PlainEntry[] {
  return texts.map((text, index) => ({
    key: keyOf(text),
    value: keyOf(`v${index}`),
    sequence: index + 1,
    kind: index % 3 === 0 ? KIND_DELETE : KIND_PUT,
  }))
}

function shown(cursor: EntryCursor): string {
  if (!cursor.valid) return 'not valid'
  return `${textOf(cursor.key.copy())}@${cursor.sequence}/${cursor.kind}=${textOf(cursor.value.copy())}`
}

/** Both cursors do the same; where one stands, the other must stand. */
export function compare(cursor: EntryCursor, model: EntryCursor, steps: readonly Move[]): void {
  for (const step of [['first'] as Move, ...steps]) {
    if ((step[0] === 'next' || step[0] === 'prev') && !model.valid) continue
    const perform = (target: EntryCursor): boolean => {
      if (step[0] === 'seek') return target.seek(keyOf(step[1]), step[2])
      if (step[0] === 'seekBefore') return target.seekBefore(keyOf(step[1]))
      return target[step[0]]()
    }
    expect(perform(cursor)).toBe(perform(model))
    expect(shown(cursor)).toBe(shown(model))
  }
}
