import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { KIND_DELETE, KIND_PUT, type EntryCursor } from '../../src/codec/entry.js'
import { MergingCursor } from '../../src/lsm/read/merging-cursor.js'
import { RunCursor } from '../../src/lsm/read/run-cursor.js'
import { TableFile } from '../../src/lsm/versions/table-file.js'
import { keyOf, textOf } from '../contract/support/opened-engine.js'
import { ArrayCursor, internalOrder, type PlainEntry } from './support/array-cursor.js'
import { meta } from './support/table-metas.js'

type Move = ['first' | 'last' | 'next' | 'prev'] | ['seek', string, number] | ['seekBefore', string]

const keyText = fc.string({ unit: fc.constantFrom('a', 'b', 'c', '\0', 'ÿ'), maxLength: 3 })
const move: fc.Arbitrary<Move> = fc.oneof(
  { weight: 12, arbitrary: fc.constantFrom<Move>(['next'], ['prev']) },
  { weight: 1, arbitrary: fc.constantFrom<Move>(['first'], ['last']) },
  { weight: 2, arbitrary: fc.tuple(fc.constant('seek' as const), keyText, fc.nat(60)) },
  { weight: 2, arbitrary: fc.tuple(fc.constant('seekBefore' as const), keyText) },
)
const moves = fc.array(move, { maxLength: 60, size: '+1' })
const keys = fc.array(keyText, { maxLength: 50, size: '+1' })

function entriesOf(texts: readonly string[]): PlainEntry[] {
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
function compare(cursor: EntryCursor, model: EntryCursor, steps: readonly Move[]): void {
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

describe('a merging cursor', () => {
  it('stands where a cursor over all entries together would, whichever way it turns', () => {
    fc.assert(
      fc.property(
        keys,
        fc.integer({ min: 1, max: 6 }),
        fc.array(fc.nat(5), { minLength: 1, maxLength: 20 }),
        moves,
        (texts, count, places, steps) => {
          const entries = entriesOf(texts)
          const children = Array.from(
            { length: count },
            (_, child) => new ArrayCursor(entries.filter((_entry, i) => places[i % places.length] % count === child)),
          )
          const cursor = new MergingCursor(children)
          compare(cursor, new ArrayCursor(entries), steps)
          cursor.close()
          expect(children.every(child => child.closed)).toBe(true)
        },
      ),
      { numRuns: 300 },
    )
  })
})

describe('a run cursor', () => {
  it('reads tables as one sequence whichever way it turns, those without entries included, and keeps one open at most', () => {
    fc.assert(
      fc.property(keys, fc.integer({ min: 1, max: 5 }), moves, (texts, perTable, steps) => {
        // One version a key here, so that tables can be cut anywhere; a table in three holds range tombstones only.
        const entries = entriesOf([...new Set(texts)]).sort(internalOrder)
        const tables: { file: TableFile; entries: PlainEntry[] }[] = []
        for (let from = 0; from < entries.length; from += perTable) {
          const part = entries.slice(from, from + perTable)
          tables.push({
            file: new TableFile(meta(textOf(part[0].key), textOf(part.at(-1)!.key))),
            entries: tables.length % 3 === 2 ? [] : part,
          })
        }
        const opened: ArrayCursor[] = []
        const open = (file: TableFile): EntryCursor => {
          expect(opened.every(cursor => cursor.closed)).toBe(true)
          const cursor = new ArrayCursor(tables.find(table => table.file === file)!.entries)
          opened.push(cursor)
          return cursor
        }
        const cursor = new RunCursor(
          tables.map(({ file }) => file),
          open,
        )
        compare(cursor, new ArrayCursor(tables.flatMap(table => table.entries)), steps)
        cursor.close()
        expect(opened.every(each => each.closed)).toBe(true)
      }),
      { numRuns: 300 },
    )
  })
})
