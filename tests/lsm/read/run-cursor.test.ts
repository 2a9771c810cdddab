import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { EntryCursor } from '../../../src/codec/entry.js'
import { RunCursor } from '../../../src/lsm/read/run-cursor.js'
import { TableFile } from '../../../src/lsm/versions/table-file.js'
import { textOf } from '../../contract/support/opened-engine.js'
import { ArrayCursor, internalOrder, type PlainEntry } from '../support/array-cursor.js'
import { compare, entriesOf, keys, moves } from '../support/cursor-moves.js'
import { meta } from '../support/table-metas.js'

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
