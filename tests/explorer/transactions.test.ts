/**
 * Hazards: a transaction that reads another moment than its own, or whose writes are seen before its commit; a conflict that is missed, or made up;
 * one that stays open where its store was closed, has crashed or was left; a commit that power loss may take half of; a run with transactions that is
 * not the same again.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { format } from '../../packages/explorer/src/run/command.js'
import type { Operation, Outcome } from '../../packages/explorer/src/run/operation.js'
import { linesOf } from '../../packages/explorer/src/run/scenario.js'
import { Session } from '../../packages/explorer/src/session/session.js'
import { slice } from '../support/thoroughness.js'
import { SETTINGS } from './support/settings.js'
import { TransactionOracle } from './support/transaction-oracle.js'

const LANES = [...SETTINGS.lanes.keys()]

/** Two balances, and two transfers that have read both before either writes. */
const TRANSFERS = [
  'batch put ann 100; put ben 100; put cat 100',
  'begin t',
  'in t get ann',
  'in t get ben',
  'begin u',
  'in u get ann',
  'in u get cat',
  'in u put ann 80',
  'in u put cat 120',
  'commit u',
  'in t put ann 70',
  'in t put ben 130',
  'in t range',
  'commit t',
  'range',
]

async function ran(script: readonly string[]): Promise<{ readonly session: Session; readonly end: number }> {
  const session = new Session()
  await session.begin(SETTINGS)
  const { moments: end } = await session.add(linesOf(script))
  return { session, end }
}

async function outcomesOf(session: Session, lane = 0): Promise<readonly (Outcome | undefined)[]> {
  return (await session.operations(0, 10_000)).map(({ outcomes }) => outcomes[lane])
}

async function lastOf(script: readonly string[], lane = 0): Promise<Outcome | undefined> {
  return (await outcomesOf((await ran(script)).session, lane)).at(-1)
}

describe('a transaction of a run', () => {
  it.each(LANES)('reads its own moment, and conflicts with a commit that changed what it had read, in lane %i', async lane => {
    const outcomes = await outcomesOf((await ran(TRANSFERS)).session, lane)
    const of = (line: string): Outcome | undefined => outcomes[TRANSFERS.indexOf(line)]
    expect(of('begin t')).toEqual({ status: 'ok', text: 'open: it reads this moment until it ends' })
    expect(of('in u put ann 80')).toEqual({ status: 'ok', text: 'waits for the commit' })
    expect(of('commit u')).toEqual({ status: 'ok', text: 'committed: 2 writes' })
    expect(of('in t range')?.entries).toEqual([
      ['ann', '70'],
      ['ben', '130'],
      ['cat', '100'],
    ])
    expect(of('commit t')).toEqual({
      status: 'conflict',
      code: 'LEVEL_TRANSACTION_CONFLICT',
      text: expect.stringContaining('another write has changed the key "ann", which it read') as string,
    })
    expect(of('range')?.entries).toEqual([
      ['ann', '80'],
      ['ben', '100'],
      ['cat', '120'],
    ])
  })

  it.each([
    [
      ['commit t'],
      'There is no open transaction "t": none is open. Begin one by "begin NAME"; a reopening or a power loss ends all of them',
    ],
    [['begin a', 'in b put x 1'], 'There is no open transaction "b": those open are "a". Use one of them, or begin this one'],
    [['begin a', 'begin a'], 'The transaction "a" is open already: commit or abort it first, or use another name'],
    [['begin a', 'commit a', 'abort a'], 'There is no open transaction "a": none is open'],
    [['begin a', 'reopen', 'in a get x'], 'There is no open transaction "a": none is open'],
    [[...TRANSFERS, 'in t get ann'], 'There is no open transaction "t": none is open'],
  ])('names what is wrong after %j', async (script, message) => {
    for (const lane of LANES)
      expect(await lastOf(script, lane)).toMatchObject({ status: 'failed', text: expect.stringContaining(message) as string })
  })

  it('names few and short names where there are many and long ones', async () => {
    const many = Array.from({ length: 20 }, (_, index) => `begin ${'x'.repeat(5000)}${index}`)
    for (const line of [`commit ${'y'.repeat(5000)}`, `get a at ${'y'.repeat(5000)}`, `crash ${'y'.repeat(5000)} event 1 all`]) {
      const { status, text } = (await lastOf([...many, line]))!
      expect(status).toBe('failed')
      expect(text.length).toBeLessThan(800)
    }
    const { session, end } = await ran(many)
    const { transactions, omitted } = await session.openHere(end)
    expect([transactions.length, omitted, transactions[0].name.length]).toEqual([10, 10, 40])
  })

  it('goes on after a line about it has failed', async () => {
    expect(
      await lastOf(['begin a', 'in a put x 1', 'begin a', `in a put "${'k'.repeat(5000)}" 1`, 'in b get x', 'commit a', 'get x']),
    ).toEqual({
      status: 'found',
      text: '1',
      value: '1',
    })
  })

  it('writes nothing where it is aborted, or its store is closed', async () => {
    for (const end of ['abort t', 'reopen']) {
      expect(await lastOf(['put a 1', 'begin t', 'in t put a 2', 'in t clear', 'in t put b 2', end, 'range'])).toMatchObject({
        entries: [['a', '1']],
      })
    }
  })

  it('conflicts with a key that comes into a range that it walked, and not with what it did not read', async () => {
    const skew = ['put d/ada on', 'put d/bob on', 'begin t', 'in t range d/ e', 'put d/cat on', 'in t put d/ada off', 'commit t']
    expect(await lastOf(skew)).toMatchObject({ status: 'conflict', text: expect.stringContaining('"d/cat"') as string })
    expect(await lastOf(skew.with(4, 'put e 1'))).toMatchObject({ status: 'ok' })
    expect(await lastOf(skew.toSpliced(5, 1))).toMatchObject({ status: 'ok' })
  })

  it('counts the time of an entry from its commit', async () => {
    const script = ['begin t', 'in t put a 1 ttl 50', 'wait 60', 'commit t', 'get a']
    expect(await lastOf(script)).toMatchObject({ status: 'found' })
    expect(await lastOf([...script, 'wait 60', 'get a'])).toMatchObject({ status: 'missing' })
  })
})

describe('an open transaction', () => {
  const OPEN = [...TRANSFERS.slice(0, 9), 'random 60 keys 20', 'begin sync-one sync', 'in sync-one del ann']

  it('is the same after going back, in a link, and with another lane beside it', async () => {
    const { session } = await ran([...OPEN, 'commit u', 'commit t', 'put later 1'])
    const [row] = await session.operations(9, 10)
    await session.add(linesOf(['in u get ben', 'commit u', 'range']), row.start)
    const { session: again } = await ran([...TRANSFERS.slice(0, 9), 'random 60 keys 20 first 1', 'in u get ben', 'commit u', 'range'])
    const script = await session.script(Infinity)
    expect(await again.script(Infinity)).toEqual(script)
    expect(await again.digest()).toBe(await session.digest())
    await session.replay({ ...SETTINGS, lanes: SETTINGS.lanes.slice(0, 1) })
    expect((await outcomesOf(session)).map(outcome => outcome?.text)).toEqual((await outcomesOf(again)).map(outcome => outcome?.text))
    await session.restore()
    expect(await session.digest()).toBe(await again.digest())
  })

  it('is lost in the lane where power fails, and goes on in the other', async () => {
    const { session } = await ran([...OPEN, 'crash lsm event 200 all', 'commit u', 'get cat'])
    const [lsm, btree] = await Promise.all(LANES.map(lane => outcomesOf(session, lane)))
    expect(lsm.at(-2)).toMatchObject({ status: 'failed', text: expect.stringContaining('"u"') as string })
    expect(btree.at(-2)).toMatchObject({ status: 'ok' })
    expect([lsm.at(-1)?.value, btree.at(-1)?.value]).toEqual(['100', '120'])
  })

  it('is no acknowledged write until its commit, and all of it is one then', async () => {
    const script = [
      'put a 1 sync',
      'begin t sync',
      'in t put b 2',
      'in t del a',
      'in t clear x',
      'put c 3',
      'commit t',
      'begin u',
      'in u put d 4',
    ]
    const { session, end } = await ran(script)
    const rows = await session.operations(0, script.length)
    for (const lane of LANES) {
      const before = await session.crash(lane, rows[6].start - 1)
      expect(before).toMatchObject({ acknowledged: 2, durable: 1 })
      expect(before.outcomes.map(({ entries, isRight }) => [entries, isRight])).toEqual([
        [2, true],
        [1, true],
      ])
      // With its sync, what came before is durable, too; what is in an open transaction is nowhere.
      const after = await session.crash(lane, end)
      expect(after).toMatchObject({ acknowledged: 3, durable: 3 })
      expect(after.outcomes.map(({ entries, kept, isRight }) => [entries, kept, isRight])).toEqual([[2, 3, true]])
    }
  })

  it('makes nothing durable by a commit of nothing', async () => {
    const { session, end } = await ran(['put a 1', 'begin t sync', 'in t get a', 'in t clear x', 'commit t'])
    for (const lane of LANES) {
      const { acknowledged, durable, outcomes } = await session.crash(lane, end)
      expect([acknowledged, durable, outcomes.every(({ isRight }) => isRight)]).toEqual([1, 0, true])
    }
  })

  it('is shown at the positions where it is open, with what it has read and what waits', async () => {
    const { session, end } = await ran([...TRANSFERS.slice(0, 9), 'crash lsm event 30 all', 'begin v', 'commit u', 'commit t'])
    const rows = await session.operations(0, 13)
    const at = async (operation: number): Promise<readonly unknown[]> => {
      const { transactions } = await session.openHere(operation < rows.length ? rows[operation].start - 1 : end)
      return transactions.map(({ name, lanes, operation: begun, reads, writes }) => [name, begun, lanes, reads, writes])
    }
    expect(await at(1)).toEqual([])
    expect(await at(4)).toEqual([['t', 1, [0, 1], ['get ann', 'get ben'], []]])
    expect(await at(9)).toEqual([
      ['t', 1, [0, 1], ['get ann', 'get ben'], []],
      ['u', 4, [0, 1], ['get ann', 'get cat'], ['put ann 80', 'put cat 120']],
    ])
    expect((await at(11)).map(each => (each as unknown[]).slice(0, 3))).toEqual([
      ['t', 1, [1]],
      ['u', 4, [1]],
      ['v', 10, [0, 1]],
    ])
    expect(await at(13)).toEqual([['v', 10, [0, 1], [], []]])
  })

  it('is completed by its name, until it ends', async () => {
    const { session } = await ran(['begin alpha', 'begin beta', 'in alpha put key 1', 'commit alpha'])
    expect(await session.words('transaction', '')).toEqual(['beta'])
    expect(await session.words('key', 'k')).toEqual(['key'])
    await session.add(linesOf(['reopen']))
    expect(await session.words('transaction', '')).toEqual([])
  })
})

it('a key has the steps and the commit that name it in its history, and the conflict', async () => {
  const { session, end } = await ran(TRANSFERS)
  for (const lane of LANES) {
    const { summary, entries } = await session.history({ lane, kind: 'key', key: 'ann' }, end)
    expect(summary[0]).toContain('Written or deleted 2 times so far; last written by operation 10 (commit u)')
    const said = entries.map(({ sentence }) => sentence)
    for (const line of ['in t get ann', 'in u put ann 80', 'commit u', 'commit t']) expect(said).toContain(line)
    expect(said.some(sentence => sentence.includes('conflicts'))).toBe(true)
  }
})

it('figures and predictions count what was committed', async () => {
  const { session, end } = await ran([
    'begin t',
    'in t put a 12345',
    'in t put a 123',
    'in t get a',
    'commit t',
    'begin u',
    'in u put b 1',
    'abort u',
  ])
  const { lanes } = await session.facts(end)
  for (const lane of LANES) {
    expect(lanes[lane]).toMatchObject({ heldBytes: 4, found: 1, keysFound: 1, failed: 0 })
    expect((await session.prediction(lane, end)).work).toMatchObject({ puts: 1, keys: 1, valueBytes: 3 })
  }
})

it('a program does in Node what the run did', async () => {
  const script = [
    ...TRANSFERS,
    'commit none',
    'begin a',
    'begin a',
    'in a put z 1',
    'in a del ann',
    `in a put ${'k'.repeat(5000)} 1`,
    'abort a',
    `put ${'k'.repeat(70_000)} 1`,
    'release none',
    'begin b',
    'reopen',
    'get ann',
    'begin c',
  ]
  const { session } = await ran(script)
  const folder = join(import.meta.dirname, '../../.tmp/explorer-transactions')
  mkdirSync(folder, { recursive: true })
  const file = join(folder, 'run.mjs')
  writeFileSync(file, await session.program())
  const lines: unknown[][] = []
  const log = vi.spyOn(console, 'log').mockImplementation((...line) => void lines.push(line))
  try {
    await import(/* @vite-ignore */ pathToFileURL(file).href)
  } finally {
    log.mockRestore()
  }
  const rows = await session.operations(0, script.length)
  for (const [lane, { name }] of SETTINGS.lanes.entries()) {
    const printed = lines.flatMap(line => (line[0] === name && typeof line.at(-1) !== 'object' ? [line.at(-1)] : []))
    const said = rows.flatMap(({ text, outcomes: { [lane]: outcome } }): unknown[] => {
      if (outcome?.status === 'found') return [outcome.value]
      if (outcome?.status === 'failed') return []
      return text.startsWith('commit ') ? [outcome?.code ?? 'committed'] : text.startsWith('abort ') ? ['aborted'] : []
    })
    expect(printed).toEqual(said)
  }
})

const key = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f')
const name = fc.constantFrom('t', 'u')
const put = fc.record({ type: fc.constant('put' as const), key, value: fc.nat(99).map(String) })
const del = fc.record({ type: fc.constant('del' as const), key })
const interval = fc.uniqueArray(key, { maxLength: 2 }).map(keys => {
  const [from, to] = keys.toSorted()
  return { ...(from !== undefined && { from }), ...(to !== undefined && { to }) }
})
const clear = interval.map(each => ({ type: 'clear' as const, ...each }))
const range = fc
  .record({ each: interval, limit: fc.option(fc.integer({ min: 1, max: 4 }), { nil: undefined }), isReverse: fc.boolean() })
  .map(({ each, limit, isReverse }) => ({
    type: 'range' as const,
    ...each,
    ...(limit !== undefined && { limit }),
    ...(isReverse && { reverse: true }),
  }))
const get = fc.record({ type: fc.constant('get' as const), key })
const step = fc.oneof({ weight: 3, arbitrary: get }, { weight: 4, arbitrary: put }, del, range, clear)
const operation: fc.Arbitrary<Operation> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ type: fc.constant('begin' as const), name }) },
  { weight: 20, arbitrary: fc.record({ type: fc.constant('in' as const), name, operation: step }) },
  { weight: 6, arbitrary: fc.record({ type: fc.constant('commit' as const), name }) },
  fc.record({ type: fc.constant('abort' as const), name }),
  { weight: 2, arbitrary: put },
  del,
  clear,
  range,
  get,
  fc.record({ type: fc.constant('batch' as const), operations: fc.array(fc.oneof(put, del), { minLength: 1, maxLength: 3 }) }),
  fc.constantFrom<Operation>({ type: 'flush' }, { type: 'compact' }, { type: 'sync' }, { type: 'wait', ms: 5 }, { type: 'reopen' }),
)

it('transactions that interleave in any way read their moments, conflict where the store says, and take effect in the order of their commits', async () => {
  const counts = { committed: 0, conflicts: 0 }
  await fc.assert(
    fc.asyncProperty(fc.array(operation, { minLength: 30, maxLength: 80 }), fc.nat(), async (operations, at) => {
      const { session, end } = await ran(operations.map(each => format({ operation: each })))
      const oracle = new TransactionOracle()
      const expected = operations.map(each => oracle.do(each))
      for (const lane of LANES) {
        const outcomes = await outcomesOf(session, lane)
        for (const [index, { changed, ...outcome }] of expected.entries()) {
          expect({ operation: operations[index], ...outcomes[index] }).toMatchObject({ operation: operations[index], ...outcome })
          if (changed === undefined) continue
          const named = /the key ("[^"]*")/.exec(outcomes[index]!.text)?.[1] ?? '""'
          expect(changed).toContain(JSON.parse(named))
        }
        expect((await session.facts(end)).lanes[lane].heldBytes).toBe(oracle.bytes)
        if (at % 4 !== lane) continue
        const { outcomes: images } = await session.crash(lane, at % (end + 1))
        expect(images.filter(({ isRight }) => !isRight)).toEqual([])
      }
      counts.committed += oracle.committed
      counts.conflicts += oracle.conflicts
    }),
    { seed: 1, numRuns: slice(8, 150) },
  )
  expect(counts.committed).toBeGreaterThan(10)
  expect(counts.conflicts).toBeGreaterThan(5)
})
