/**
 * The second stage: random histories on a real store with the part in it, and on a sorted map. If they differ, fast-check shrinks the
 * history to a short one.
 */
import fc from 'fast-check'
import { DrivenStore, type Outcome } from './driven-store.js'
import type { Exercise } from './exercise.js'
import { showOperation, type Operation } from './operation.js'
import { Oracle } from './oracle.js'

/** Keys that share beginnings, one that is empty, and some whose bytes are above 127, which JavaScript orders differently as text. */
const KEYS = ['', 'a', 'aa', 'ab', 'b', 'ba', 'c', 'd', 'é', 'ｚ', '😀', 'z']
export const HISTORIES = 100
const LONGEST = 40

/** Runs up to `numRuns` histories. */
export async function modelStage<Part>(exercise: Exercise<Part>, part: Part, seed: number, numRuns: number): Promise<string | undefined> {
  const property = fc.asyncProperty(histories(), fc.integer({ min: 0, max: 2 ** 31 }), async (history, storeSeed) => {
    const settings = { factory: exercise.plug(part), options: exercise.options, seed: storeSeed }
    const store = await DrivenStore.open(settings)
    await compareWithOracle(store, history).finally(() => store.close().catch(() => undefined))
  })
  const details = await fc.check(property, { seed, numRuns })
  if (!details.failed) return undefined
  const [history = [], storeSeed] = details.counterexample ?? []
  const steps = history.map((operation, i) => `  ${String(i + 1).padStart(2)}. ${showOperation(operation)}`)
  const { errorInstance: error } = details
  return [
    `A store with your part in it shows something else than a sorted map. The shortest history that was found (seed ${seed}, of the store ${storeSeed}):`,
    '      open()',
    ...steps,
    `→ ${error instanceof Error ? error.message : String(error)}`,
  ].join('\n')
}

/** @throws when the store differs from the oracle, or its own check finds an error. */
async function compareWithOracle(store: DrivenStore, history: readonly Operation[]): Promise<void> {
  const oracle = new Oracle()
  for (const [i, operation] of history.entries()) {
    if (operation.do === 'tear' && !oracle.mayTear) continue
    const expected = oracle.do(operation)
    const actual = await store.do(operation).catch((cause: unknown) => {
      throw new Error(`Step ${i + 1} failed: ${messageOf(cause)}`, { cause })
    })
    demand(`Step ${i + 1} returned`, actual, expected)
  }
  demand('After that, the store contains', await store.do({ do: 'scan', from: '' }), oracle.entries)
  for (const [key, value] of oracle.entries)
    demand(`After that, get(${JSON.stringify(key)}) returned`, await store.do({ do: 'get', key }), value)
  const [violation] = await store.violations()
  if (violation !== undefined) throw new Error(`After that, the store's own check says: ${violation}`)
}

function demand(what: string, actual: Outcome, expected: Outcome): void {
  const [shown, wanted] = [show(actual), show(expected)]
  if (shown !== wanted) throw new Error(`${what} ${shown}; it must be ${wanted}.`)
}

function show(outcome: Outcome): string {
  if (outcome === undefined) return 'nothing'
  if (typeof outcome === 'string') return cut(outcome)
  return outcome.length === 0 ? 'no entries' : outcome.map(([key, value]) => `${JSON.stringify(key)} = ${cut(value)}`).join(', ')
}

function cut(value: string): string {
  return value.length > 40 ? `${JSON.stringify(value.slice(0, 8))}… (${value.length})` : JSON.stringify(value)
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message
}

function histories(): fc.Arbitrary<Operation[]> {
  const key = fc.constantFrom(...KEYS)
  const at = fc.constantFrom({}, {}, { at: 'snapshot' as const })
  const value = fc.oneof(
    { weight: 6, arbitrary: fc.string({ maxLength: 6 }) },
    // Long enough that a few of them fill a memtable and many blocks.
    { weight: 1, arbitrary: fc.integer({ min: 100, max: 4000 }).map(length => 'v'.padEnd(length, '.')) },
  )
  const operations: fc.WeightedArbitrary<Operation>[] = [
    { weight: 12, arbitrary: fc.record({ do: fc.constant('put' as const), key, value, sync: fc.boolean() }) },
    { weight: 4, arbitrary: fc.record({ do: fc.constant('del' as const), key }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('clear' as const), from: key, to: key }) },
    { weight: 3, arbitrary: fc.tuple(key, at).map(([from, when]) => ({ do: 'get' as const, key: from, ...when })) },
    {
      weight: 3,
      arbitrary: fc
        .tuple(fc.record({ do: fc.constant('scan' as const), from: key, behind: fc.boolean(), reverse: fc.boolean() }), at)
        .map(([scan, when]) => ({ ...scan, ...when })),
    },
    { weight: 2, arbitrary: fc.constant({ do: 'snapshot' as const }) },
    { weight: 3, arbitrary: fc.constantFrom(...(['flush', 'compact', 'reopen', 'kill'] as const)).map(kind => ({ do: kind })) },
    {
      weight: 2,
      arbitrary: fc.record({
        do: fc.constant('tear' as const),
        left: fc.integer({ min: 0, max: 40 }),
        then: fc.constantFrom('nothing', 'zeros'),
      }),
    },
  ]
  return fc.array(fc.oneof(...operations), { maxLength: LONGEST, size: 'max' })
}
