import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Kvarium } from '../../src/store/portable-kvarium.js'
import type { LedgerCounts } from '../../src/trace/ledger.js'
import { ReceiptBook, type ReceiptBookOptions } from '../../src/observe/receipt-book.js'
import type { TraceLevel } from '../../src/trace/events.js'
import { Trace } from '../../src/trace/span.js'
import { MemoryFileSystem } from '../../src/vfs/memory/memory-file-system.js'
import { MeteredFileSystem } from '../../src/vfs/metered-file-system.js'
import { simulatedEnvironment } from '../../src/vfs/testing/simulated-environment.js'
import { SMALL_BTREE } from '../contract/support/small-btree.js'
import { SMALL_LSM } from '../contract/support/small-lsm.js'
import { LOG_HEADER_BYTES } from '../../src/wal/format.js'
import { expectSums, flat, type Flat } from '../trace/support/receipt-sums.js'
import { slice } from '../support/thoroughness.js'

const ENGINES = [
  ['lsm, leveled', { engine: 'lsm', ...SMALL_LSM, compaction: 'leveled' }],
  ['lsm, tiered', { engine: 'lsm', ...SMALL_LSM, compaction: 'tiered' }],
  ['btree', { engine: 'btree', ...SMALL_BTREE }],
] as const

const NOTHING = { log: 0, flush: 0, compaction: 0, page: 0, meta: 0, backup: 0 }

const WAYS = ['writes', 'writes', 'writes', 'synced', 'reads', 'scan', 'clear', 'flush', 'compact', 'check', 'reopen'] as const

interface CountedStoreSettings extends ReceiptBookOptions {
  readonly seed?: number
  readonly level?: TraceLevel
}

/** A store whose book listens since before it was made, and through all closes. */
class CountedStore {
  readonly meter = new MeteredFileSystem(new MemoryFileSystem())
  readonly book: ReceiptBook
  readonly #trace: Trace
  readonly #options: Readonly<Record<string, unknown>>
  readonly #seed: number
  store: Kvarium
  /** What the book had before this session. */
  before: Flat

  constructor(options: Readonly<Record<string, unknown>>, { seed = 1, level = 'io', ...limits }: CountedStoreSettings = {}) {
    this.book = new ReceiptBook(limits)
    this.#trace = new Trace({ level, listener: this.book.listener })
    this.#options = options
    this.#seed = seed
    this.before = flat(this.book.totals().total)
    this.store = this.#new()
  }

  #new(): Kvarium {
    const environment = simulatedEnvironment({ seed: this.#seed, fileSystem: this.meter })
    return new Kvarium('/store', { ...this.#options, environment, trace: this.#trace })
  }

  async reopen(): Promise<void> {
    await this.store.close()
    this.before = flat(this.book.totals().total)
    this.store = this.#new()
    await this.store.open()
  }

  /** The book against the meter, since ever, and against the ledger, part by part, since open. */
  expectAgreement(all = true): void {
    expectSums(this.book, all)
    const { total } = this.book.totals()
    const metered = this.meter.counts()
    const sum = (parts: Readonly<Record<string, number>>): number => Object.values(parts).reduce((a, b) => a + b, 0)
    expect(sum(total.written)).toBe(metered.total.bytesWritten)
    expect(sum(total.read)).toBe(metered.total.bytesRead)
    expect(total.microSyncs).toBe((metered.total.syncs + metered.directorySyncs) * 1e6)
    const session = Object.fromEntries(Object.entries(flat(total)).map(([name, value]) => [name, value - this.before[name]]))
    expect(session).toEqual(countsOf(this.store.stats().ledger))
  }
}

function countsOf({ written, read, syncs }: LedgerCounts): Flat {
  const { open, get, scan, compaction, changes, backup } = read
  const { log, flush, page, meta, compaction: merged, backup: copied } = written
  const reads = { open, get, scan, compaction, changes, backup }
  return flat({ written: { log, flush, compaction: merged, page, meta, backup: copied }, read: reads, microSyncs: syncs * 1e6 })
}

async function act({ store }: CountedStore, way: (typeof WAYS)[number], size: number, seed: number): Promise<void> {
  const key = (i: number): string => `key ${(seed * 7919 + i * 104_729) % 500}`
  const value = (i: number): string => 'v'.repeat((i * 37 + seed) % (2 * size))
  if (way === 'writes') {
    for (let i = 0; i < size; i++) await (i % 7 === 0 ? store.del(key(i)) : store.put(key(i), value(i)))
  } else if (way === 'synced') {
    await Promise.all(Array.from({ length: 1 + (size % 9) }, (_, i) => store.put(key(i), value(i), { sync: true })))
    await store.batch(
      [
        { type: 'put', key: key(1), value: 'a' },
        { type: 'put', key: key(2), value: 'b' },
      ],
      { sync: true },
    )
  } else if (way === 'reads') for (let i = 0; i < size; i++) store.getSync(key(i))
  else if (way === 'scan') await store.iterator({ gte: key(1), limit: size }).all()
  else if (way === 'clear') await store.clear({ gte: key(1), lt: `${key(1)}5` })
  else if (way === 'flush') await store.flush()
  else if (way === 'compact') await store.compactRange()
  else if (way === 'check') for await (const violation of store.check()) expect(violation).toBeUndefined()
}

for (const [name, options] of ENGINES) {
  describe(`receipts of ${name}`, () => {
    it('add up to the ledger, part by part, at quiet moments and over reopenings', async () => {
      const step = fc.tuple(fc.constantFrom(...WAYS), fc.integer({ min: 1, max: 120 }))
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 25 }), fc.integer({ min: 1, max: 1000 }), async (steps, seed) => {
          const counted = new CountedStore(options, { seed, operations: 1e6 })
          await counted.store.open()
          let turn = seed
          for (const [way, size] of steps) {
            if (way === 'reopen') await counted.reopen()
            else await act(counted, way, size, turn++)
            await counted.store.settle()
            counted.expectAgreement()
          }
          await counted.store.close()
          expectSums(counted.book, true)
        }),
        { numRuns: slice(4, 12) },
      )
    })

    it('leave nothing unbilled that belongs to the data of an operation', async () => {
      const counted = new CountedStore(options, { operations: 1e6 })
      await counted.store.open()
      for (let turn = 0; turn < 20; turn++) await act(counted, 'writes', 100, turn)
      await counted.store.flush()
      // A B+tree that settles may move pages to free space: that is maintenance.
      if (options.engine !== 'btree') await counted.store.settle()
      const lines = counted.book.unbilled().filter(({ cause }) => cause !== 'open')
      // The log that was begun last waits for its first record.
      for (const { cause, amounts } of lines)
        expect([cause, amounts.written]).toEqual(['maintenance', { ...NOTHING, log: LOG_HEADER_BYTES }])
      const phases = new Set([...counted.book.receipts()].flatMap(({ kind, state }) => (kind === 'write' ? (state?.phase ?? 'none') : [])))
      expect(phases).not.toContain('pending')
      expect(phases).not.toContain('none')
      await counted.store.close()
    })

    it('stay within their limits over a long run, and still add up', async () => {
      const counted = new CountedStore(options, { operations: 50, cohorts: 4 })
      await counted.store.open()
      for (let turn = 0; turn < 30; turn++) await act(counted, turn % 5 === 4 ? 'scan' : 'writes', 100, turn)
      await counted.reopen()
      await counted.store.flush()
      await counted.store.settle()
      counted.expectAgreement(false)
      expect(counted.book.cohorts().length).toBeLessThanOrEqual(6)
      expect([...counted.book.receipts()].length).toBeLessThanOrEqual(51)
      await counted.store.close()
    })

    it('count the same user bytes as the ledger', async () => {
      const counted = new CountedStore(options)
      await counted.store.open()
      for (const way of ['writes', 'synced', 'clear', 'reads', 'writes'] as const) await act(counted, way, 60, 3)
      expect(counted.book.totals().userBytes).toBe(counted.store.stats().ledger.userBytes)
      await counted.store.close()
    })
  })
}
