/**
 * Random histories of interleaved transactions and plain writes over few keys. What was committed must be explained by some serial order: the
 * results of all reads, and what the store holds in the end.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { slice } from '../support/thoroughness.js'
import { runHistory, type History, type Operation, type TransactionPlan } from './support/interleaving.js'
import { ENGINES, openStore, type EngineName } from './support/transaction-stores.js'
import { explain } from './support/serial-order.js'

const KEYS = ['a', 'b', 'c', 'd'] as const
const key = fc.constantFrom(...KEYS)
const inSublevel = fc.boolean()
const bound = fc.option(fc.constantFrom('', ...KEYS, 'e'), { nil: undefined })

const range = fc.record({
  gte: bound,
  lt: bound,
  reverse: fc.boolean(),
  limit: fc.constantFrom(-1, -1, 1, 2),
  inSublevel,
})

const operation: fc.Arbitrary<Operation> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('get' as const), key, inSublevel }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('getMany' as const), keys: fc.array(key, { minLength: 1, maxLength: 3 }), inSublevel }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('has' as const), key, inSublevel }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('scan' as const), range, taken: fc.integer({ min: 0, max: 4 }) }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('put' as const), key, inSublevel }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('del' as const), key, inSublevel }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('batch' as const), keys: fc.array(key, { minLength: 1, maxLength: 3 }), inSublevel }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('clear' as const), range }) },
)

const transaction: fc.Arbitrary<TransactionPlan> = fc.record({
  operations: fc.array(operation, { minLength: 1, maxLength: 5 }),
  fails: fc.integer({ min: 0, max: 9 }).map(roll => roll === 0),
  retries: fc.integer({ min: 0, max: 1 }),
  sync: fc.boolean(),
})

const plain = fc.oneof(
  fc.record({ kind: fc.constant('put' as const), key, inSublevel }),
  fc.record({ kind: fc.constant('del' as const), key, inSublevel }),
  // A long write takes several turns, in which others wait.
  fc.record({ kind: fc.constant('long' as const), key, inSublevel }),
  fc.record({ kind: fc.constant('clear' as const), range: range.map(one => ({ ...one, limit: -1, reverse: false })) }),
)

const history: fc.Arbitrary<History> = fc
  .record({
    start: fc.array(fc.record({ key, inSublevel }), { maxLength: 6 }),
    transactions: fc.array(transaction, { minLength: 2, maxLength: 5 }),
    plain: fc.array(plain, { maxLength: 2 }),
  })
  .chain(plan => {
    const turns = plan.transactions.flatMap((one, index) => Array.from({ length: one.operations.length + 1 }, () => index))
    const writes = plan.plain.map((_write, index) => plan.transactions.length + index)
    return fc.record({
      ...Object.fromEntries(Object.entries(plan).map(([name, value]) => [name, fc.constant(value)])),
      order: fc.shuffledSubarray([...turns, ...writes], { minLength: turns.length + writes.length }),
      /** What happens after each step: nothing, a few microtasks, or a turn of the event loop. */
      pauses: fc.array(fc.integer({ min: 0, max: 4 }), {
        minLength: turns.length + writes.length,
        maxLength: turns.length + writes.length,
      }),
    }) as unknown as fc.Arbitrary<History>
  })

const RUNS: Record<EngineName, number> = slice(
  { memory: 250, lsm: 200, btree: 200, worker: 40 },
  { memory: 3000, lsm: 3000, btree: 3000, worker: 3000 },
)

describe.each(ENGINES)('transactions on %s', name => {
  it('committed transactions and plain writes have a serial order', async () => {
    const store = await openStore(name)
    let committed = 0
    let conflicts = 0
    try {
      await fc.assert(
        fc.asyncProperty(history, async plan => {
          const result = await runHistory(store, plan)
          committed += result.committed.length
          conflicts += result.conflicts
          const { order, closest } = explain(result)
          expect(order, `no serial order explains ${JSON.stringify(result, undefined, 1)}; ${closest}`).toBeDefined()
        }),
        { numRuns: RUNS[name] },
      )
    } finally {
      await store.close()
    }
    // Histories in which nothing meets would prove nothing.
    expect(committed).toBeGreaterThan(RUNS[name])
    expect(conflicts).toBeGreaterThan(RUNS[name] / 20)
  })
})
