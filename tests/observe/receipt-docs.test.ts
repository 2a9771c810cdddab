import { registry as builtInEngines } from '../../src/node-engines.js'
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { Kvarium } from '../../src/store/portable-kvarium.js'
import type { EventOf, TraceEvent } from '../../src/trace/events.js'
import { ReceiptBook } from '../../src/observe/receipt-book.js'
import { renderReceipt } from '../../src/observe/render-receipt.js'
import { tee } from '../../src/observe/tee.js'
import { Trace } from '../../src/trace/span.js'
import { simulatedEnvironment } from '../../src/vfs/testing/simulated-environment.js'

const page = readFileSync(new URL('../../docs/receipts.md', import.meta.url), 'utf8')

/** The example of the page, on a clock and scheduler that do the same thing every time. */
async function runExample(engine: 'lsm' | 'btree'): Promise<{ book: ReceiptBook; writes: number[]; get: number; events: TraceEvent[] }> {
  const book = new ReceiptBook()
  const events: TraceEvent[] = []
  const trace = new Trace({ level: 'step', listener: tee(book.listener, event => events.push(event)) })
  const db = new Kvarium('shop', {
    engine: builtInEngines.resolve(engine),
    compression: 'none',
    trace,
    environment: simulatedEnvironment({ seed: 1 }),
  })
  await db.open()
  await Promise.all([
    db.put('apple', 'a'.repeat(95), { sync: true }),
    db.put('banana', 'b'.repeat(194), { sync: true }),
    db.put('cherry', 'c'.repeat(294), { sync: true }),
  ])
  await db.flush()
  await db.put('cherry', 'C'.repeat(294))
  await db.compactRange()
  await db.get('apple')
  const operationsOf = (kind: string): number[] => [...book.receipts()].flatMap(receipt => (receipt.kind === kind ? receipt.operation : []))
  return { book, writes: operationsOf('write').sort((a, b) => a - b), get: operationsOf('get')[0], events }
}

function allOf<Type extends TraceEvent['type']>(events: readonly TraceEvent[], type: Type): EventOf<Type>[] {
  return events.filter((event): event is TraceEvent & EventOf<Type> => event.type === type)
}

describe('the page about receipts', () => {
  it('shows the receipts that its example gets', async () => {
    const lsm = await runExample('lsm')
    expect(page).toContain(renderReceipt(lsm.book.receipt(lsm.writes[0])!))
    expect(page).toContain(renderReceipt(lsm.book.receipt(lsm.get)!))
    const btree = await runExample('btree')
    expect(page).toContain(renderReceipt(btree.book.receipt(btree.writes[0])!))
    expect(page).toContain(renderReceipt(btree.book.receipt(btree.get)!))
  })

  it('calculates by hand with the numbers that the engine gives', async () => {
    const { book, writes, events } = await runExample('lsm')
    expect(allOf(events, 'log.append').map(({ length }) => length)).toEqual([131, 232, 332, 332])
    expect(allOf(events, 'table.built').map(({ fileBytes }) => fileBytes)).toEqual([1085, 763, 1085])
    const [open, first, second, merged] = allOf(events, 'manifest.edit')
    expect(open.whole).toBe(true)
    expect([first, second, merged].map(({ length }) => length)).toEqual([50, 51, 52])
    const floor = Math.floor
    const flush = floor((1085 * 131) / 695)
    // The second memtable comes first in the merge and is rounded down, so the first one has the rest.
    const ofFirst = { table: 1085 - floor((1085 * 763) / 1848), manifest: 52 - floor((52 * 763) / 1848) }
    const compaction = floor((ofFirst.table * 131) / 695)
    const meta = floor((50 * 131) / 695) + floor((ofFirst.manifest * 131) / 695)
    const receipt = book.receipt(writes[0])!
    expect(receipt.now.written.log).toBe(131)
    expect(receipt.later.map(({ cause, amounts: { written } }) => [cause, written.flush, written.compaction])).toEqual([
      ['flush', flush, 0],
      ['compaction', 0, compaction],
    ])
    expect(receipt.writtenBytes).toBe(131 + flush + compaction + meta)
    for (const number of [flush, ofFirst.table, compaction, meta, receipt.writtenBytes]) expect(page).toContain(`**${number}**`)
  })
})
