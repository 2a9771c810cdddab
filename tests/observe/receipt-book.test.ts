import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ReceiptBook } from '../../src/observe/receipt-book.js'
import { renderReceipt } from '../../src/observe/render-receipt.js'
import { tee } from '../../src/observe/tee.js'
import type { TraceEvent } from '../../src/trace/events.js'
import { expectSums, flat } from '../trace/support/receipt-sums.js'
import { EngineStream, FRAME_BYTES, HEADER_BYTES, type Step } from '../trace/support/receipt-stream.js'

const ends = fc.constantFrom('ok' as const, 'ok' as const, 'ok' as const, 'failed' as const)
const common: fc.Arbitrary<Step>[] = [
  fc.record({ do: fc.constant('write' as const), bytes: fc.integer({ min: 1, max: 5000 }), sync: fc.boolean() }),
  fc.record({ do: fc.constant('write' as const), bytes: fc.integer({ min: 1, max: 50 }), sync: fc.boolean() }),
  fc.record({ do: fc.constant('commit' as const), ahead: fc.constantFrom(0, 4096) }),
  fc.record({ do: fc.constant('get' as const), bytes: fc.integer({ min: 0, max: 4096 }) }),
  fc.record({ do: fc.constant('reopen' as const) }),
]
const lsmStep = fc.oneof(
  ...common,
  fc.record({ do: fc.constant('flush' as const), bytes: fc.integer({ min: 1, max: 20_000 }), ends, isLogKnown: fc.boolean() }),
  fc.record({
    do: fc.constant('compact' as const),
    level: fc.integer({ min: 0, max: 3 }),
    kept: fc.double({ min: 0, max: 1, noNaN: true }),
    outputs: fc.integer({ min: 1, max: 3 }),
    ends,
  }),
)
const btreeStep = fc.oneof(...common, fc.record({ do: fc.constant('checkpoint' as const), bytes: fc.integer({ min: 0, max: 50_000 }) }))

const compaction = { level: 0, kept: 1, outputs: 1, ends: 'ok' } as const

describe('receipts', () => {
  for (const [engine, step] of [
    ['tables', lsmStep],
    ['pages', btreeStep],
  ] as const) {
    it(`add up to every byte and sync at any moment, with ${engine}`, () => {
      fc.assert(
        fc.property(fc.array(step, { maxLength: 60, size: 'max' }), steps => {
          const book = new ReceiptBook()
          const stream = new EngineStream(book.listener)
          for (const one of steps) {
            stream.run(one)
            expectSums(book, true)
            const { syncs, ...bytes } = stream.emitted
            expect(flat(book.totals().total)).toMatchObject({ ...bytes, microSyncs: syncs * 1e6 })
          }
        }),
        { numRuns: 50 },
      )
    })

    it(`add up when old operations and cohorts are no longer kept one by one, with ${engine}`, () => {
      fc.assert(
        fc.property(fc.array(step, { maxLength: 80, size: 'max' }), fc.integer({ min: 1, max: 5 }), (steps, kept) => {
          const book = new ReceiptBook({ operations: kept, cohorts: kept })
          const all = new ReceiptBook({ cohorts: kept })
          const stream = new EngineStream(tee(book.listener, all.listener))
          for (const one of steps) stream.run(one)
          expectSums(book, false)
          expectSums(all, true)
          expect(book.totals()).toEqual(all.totals())
          expect([...book.receipts()].filter(({ status }) => status !== 'under way').length).toBeLessThanOrEqual(kept)
        }),
        { numRuns: 50 },
      )
    })
  }

  it('divide a flush by the bytes of the log records, and its manifest edit with it', () => {
    const book = new ReceiptBook()
    const stream = new EngineStream(book.listener)
    const small = stream.write(100 - FRAME_BYTES)
    const large = stream.write(300 - FRAME_BYTES)
    expect(book.receipt(small)).toMatchObject({ writtenBytes: 100, state: { phase: 'pending', levels: [] }, later: [] })
    stream.flush(400)
    expect(book.receipt(small)?.later).toMatchObject([
      { cause: 'flush', jobs: 1, amounts: { written: { flush: 100, meta: 10 }, microSyncs: 250_000 } },
    ])
    expect(book.receipt(large)?.later).toMatchObject([
      { cause: 'flush', jobs: 1, amounts: { written: { flush: 300, meta: 30 }, microSyncs: 750_000 } },
    ])
    expect(book.receipt(small)).toMatchObject({ writtenBytes: 210, writeAmplification: 210 / 80, state: { phase: 'flushed', levels: [0] } })
  })

  it('divide a compaction by what each memtable has in its inputs, level by level', () => {
    const book = new ReceiptBook()
    const stream = new EngineStream(book.listener)
    const first = stream.write(80)
    stream.flush(100)
    const second = stream.write(80)
    stream.flush(300)
    // 400 bytes read, 200 written: a quarter of both is the first one's.
    stream.compact({ ...compaction, kept: 0.5 })
    expect(book.receipt(first)?.later.at(-1)).toMatchObject({
      cause: 'compaction',
      level: 1,
      amounts: { written: { compaction: 50 }, read: { compaction: 100 } },
    })
    expect(book.receipt(second)?.later.at(-1)).toMatchObject({
      level: 1,
      amounts: { written: { compaction: 150 }, read: { compaction: 300 } },
    })
    const third = stream.write(80)
    stream.flush(200)
    // Level 1 holds 200 bytes, a quarter of them the first one's: an eighth of the 400 bytes of the next merge.
    stream.compact({ ...compaction, outputs: 2 })
    expect(book.receipt(first)?.later.at(-1)).toMatchObject({ level: 1, jobs: 2, amounts: { written: { compaction: 50 + 50 } } })
    expect(book.receipt(third)?.later.at(-1)).toMatchObject({ level: 1, jobs: 1, amounts: { written: { compaction: 200 } } })
    stream.compact({ ...compaction, level: 1 })
    expect(book.receipt(first)?.later.map(({ cause, level }) => [cause, level])).toEqual([
      ['flush', undefined],
      ['compaction', 1],
      ['compaction', 2],
    ])
    expect(book.receipt(first)?.state).toEqual({ phase: 'settled', levels: [2] })
  })

  it('divide a checkpoint among the writes since the last one', () => {
    const book = new ReceiptBook()
    const stream = new EngineStream(book.listener)
    const before = stream.write(80)
    stream.checkpoint(1000)
    const after = stream.write(80)
    stream.write(180)
    stream.checkpoint(3000)
    expect(book.receipt(before)?.later).toMatchObject([{ cause: 'checkpoint', jobs: 1, amounts: { written: { page: 1000, meta: 512 } } }])
    expect(book.receipt(after)?.later).toMatchObject([
      { cause: 'log', amounts: { written: { log: HEADER_BYTES / 3 } } },
      { cause: 'checkpoint', jobs: 1, amounts: { written: { page: 1000, meta: 170 } } },
    ])
    expect(book.receipt(after)?.state).toEqual({ phase: 'settled', levels: [] })
  })

  it('share a sync among those who waited for it, and room written ahead among all of the log', () => {
    const book = new ReceiptBook()
    const stream = new EngineStream(book.listener)
    const waiting = [stream.write(80, true), stream.write(80, true), stream.write(80, true)]
    expect(book.receipt(waiting[0])?.status).toBe('under way')
    stream.commit(4000)
    const receipts = waiting.map(operation => book.receipt(operation)!)
    expect(receipts.map(({ now }) => now.microSyncs)).toEqual([333_333, 333_333, 333_334])
    expect(receipts.map(({ commits }) => commits)).toEqual([[3], [3], [3]])
    expect(receipts.map(({ now }) => now.written.log)).toEqual([100, 100, 100])
    stream.write(80)
    expect(book.receipt(waiting[0])?.later).toMatchObject([{ cause: 'log', amounts: { written: { log: 1000 } } }])
  })

  it('say what a get searched, and nothing of what was skipped', () => {
    const book = new ReceiptBook()
    const stream = new EngineStream(book.listener)
    const operation = stream.get(512)
    expect(book.receipt(operation)).toMatchObject({
      kind: 'get',
      status: 'found',
      now: { read: { get: 512 } },
      searched: { memtables: 1, tables: 1, touched: { filterProbes: 1, blocksFromDisk: 1, bytesFromDisk: 512 } },
      writtenBytes: 0,
      writeAmplification: 0,
    })
    expect(book.receipt(operation)).not.toHaveProperty('state')
  })

  it('bill data of a log that was replayed to the operations that wrote it before', () => {
    const book = new ReceiptBook()
    const stream = new EngineStream(book.listener)
    const before = stream.write(80)
    stream.reopen()
    const after = stream.write(80)
    stream.flush(1000)
    for (const operation of [before, after])
      expect(book.receipt(operation)?.later.at(-1)).toMatchObject({ cause: 'flush', amounts: { written: { flush: 500 } } })
  })

  it('leave unbilled what a merge of data from before the book costs', () => {
    const events: TraceEvent[] = []
    const early = new ReceiptBook()
    const book = new ReceiptBook()
    let listening = false
    const stream = new EngineStream(
      tee(early.listener, event => {
        events.push(event)
        if (listening) book.listener(event)
      }),
    )
    stream.write(80)
    stream.flush(300)
    stream.write(480)
    listening = true
    stream.reopen()
    const known = stream.write(30)
    // 50 bytes of the memtable were replayed, and 50 are the operation's.
    stream.flush(100)
    stream.compact(compaction)
    expectSums(book, true)
    expect(book.receipt(known)).toMatchObject({
      later: [{ amounts: { written: { flush: 50 } } }, { amounts: { written: { compaction: 50 } } }],
    })
    const earlier = book.unbilled().find(({ cause }) => cause === 'earlier')
    expect(earlier?.amounts.written).toMatchObject({ flush: 50, compaction: 350 })
  })

  it('bill a flush whose log the manifest never heard of', () => {
    const book = new ReceiptBook()
    const stream = new EngineStream(book.listener)
    const operation = stream.write(80)
    stream.flush(500, 'ok', false)
    stream.compact(compaction)
    expect(book.receipt(operation)?.later).toMatchObject([
      { amounts: { written: { flush: 500 } } },
      { amounts: { written: { compaction: 500 } } },
    ])
  })

  it('leave a failed job unbilled, and bill its data when the next one succeeds', () => {
    const book = new ReceiptBook()
    const stream = new EngineStream(book.listener)
    const operation = stream.write(80)
    stream.flush(500, 'failed')
    expect(book.unbilled().find(({ cause }) => cause === 'failed')?.amounts.written.flush).toBe(500)
    expect(book.receipt(operation)?.state?.phase).toBe('pending')
    stream.flush(600)
    expect(book.receipt(operation)?.later).toMatchObject([{ cause: 'flush', amounts: { written: { flush: 600 } } }])
  })

  it('follow data that recovery flushed, whose flush is part of opening', () => {
    const book = new ReceiptBook()
    const stream = new EngineStream(book.listener)
    const operation = stream.write(80)
    stream.reopen(700)
    expect(book.receipt(operation)).toMatchObject({ state: { phase: 'flushed', levels: [0] }, later: [] })
    expect(book.unbilled().find(({ cause }) => cause === 'open')?.amounts.written.flush).toBe(700)
    stream.compact(compaction)
    expect(book.receipt(operation)?.later).toMatchObject([{ cause: 'compaction', level: 1, amounts: { written: { compaction: 700 } } }])
  })

  it('follow tables that are moved down without being rewritten', () => {
    const book = new ReceiptBook()
    const stream = new EngineStream(book.listener)
    const operation = stream.write(80)
    stream.flush(500)
    stream.move(0)
    stream.move(1)
    expect(book.receipt(operation)?.state).toEqual({ phase: 'settled', levels: [2] })
    expect(book.receipt(operation)?.later.at(-1)?.amounts.written).toMatchObject({ compaction: 0, meta: 80 })
  })

  it('go on growing when their cohort is put together with older ones', () => {
    const book = new ReceiptBook({ cohorts: 1 })
    const stream = new EngineStream(book.listener)
    const operations = [1, 2, 3].map(() => {
      const operation = stream.write(80)
      stream.flush(400)
      return operation
    })
    expect(book.cohorts()).toMatchObject([{ log: 0, operations: 3, now: { written: { log: 300 } } }])
    stream.compact(compaction)
    for (const operation of operations) {
      expect(book.receipt(operation)?.later).toMatchObject([
        // The second and third log.
        { cause: 'log', amounts: { written: { log: (2 * HEADER_BYTES) / 3 } } },
        { cause: 'flush', amounts: { written: { flush: 400 } } },
        { cause: 'compaction', amounts: { written: { compaction: 400 } } },
      ])
    }
  })

  it('do not mix a store that was made anew with the one before', () => {
    const book = new ReceiptBook()
    const before = new EngineStream(book.listener)
    before.write(80)
    before.flush(500)
    const operation = new EngineStream(book.listener).write(80)
    expect(book.receipt(operation)).toMatchObject({ state: { phase: 'pending' }, later: [] })
  })

  it('forget the oldest operations beyond the limit', () => {
    const book = new ReceiptBook({ operations: 2 })
    const stream = new EngineStream(book.listener)
    const [first, second, third] = [stream.write(1), stream.write(2), stream.write(3)]
    expect(book.receipt(first)).toBeUndefined()
    expect([...book.receipts()].map(({ operation }) => operation)).toEqual([second, third])
    expect(book.cohorts()).toMatchObject([{ operations: 3, userBytes: 6 }])
  })

  it('share exactly where products are beyond 2^53', () => {
    const book = new ReceiptBook()
    const stream = new EngineStream(book.listener)
    for (let i = 0; i < 5; i++) stream.write(1e9 + i)
    stream.flush(7e12 + 3)
    expectSums(book, true)
  })

  it('refuse limits that keep nothing', () => {
    expect(() => new ReceiptBook({ operations: 0 })).toThrow(/'operations'.*whole number from 1, not 0/)
    expect(() => new ReceiptBook({ cohorts: 1.5 })).toThrow(/'cohorts'/)
  })

  it('read like the receipts of a shop', () => {
    const book = new ReceiptBook()
    const stream = new EngineStream(book.listener)
    const write = stream.write(80, true)
    stream.write(280, true)
    stream.commit()
    stream.flush(400)
    stream.compact(compaction)
    expect(renderReceipt(book.receipt(write)!)).toMatchInlineSnapshot(`
      "RECEIPT of operation 1                                ok
      write, 1 entry, 80 B of user data
      --------------------------------------------------------
      now
        log                                              100 B
        sync, shared by 2                                  0.5
      later
        flush
          table                                          100 B
          manifest, meta page                             10 B
          syncs                                           0.25
        compaction into level 1
          table                                          100 B
          manifest, meta page                             10 B
          read                                           100 B
          syncs                                           0.25
      --------------------------------------------------------
      written                                            320 B
      write amplification                                4.00x
      state                                settled, in level 1
      "
    `)
    expect(renderReceipt(book.receipt(stream.get(512))!)).toMatchInlineSnapshot(`
      "RECEIPT of operation 3                             found
      get, 3 B
      --------------------------------------------------------
      now
        memtables searched                                   1
        tables asked                                         1
        filters asked                                        1
        blocks from disk                                     1
        read                                             512 B
      "
    `)
  })
})
