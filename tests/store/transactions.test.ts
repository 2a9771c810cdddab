import { describe, expect, it } from 'vitest'
import { Trace } from '../../src/trace/span.js'
import type { TraceEvent } from '../../src/trace/events.js'
import { CommitHistory } from '../../src/store/transactions/commit-history.js'
import { ReadSet } from '../../src/store/transactions/read-set.js'
import { describe as sentenceOf } from '../../src/observe/describe.js'
import { ENGINES, openStore } from './support/transaction-stores.js'

const CONFLICT = { code: 'LEVEL_TRANSACTION_CONFLICT' }

describe.each(ENGINES)('transactions on %s', name => {
  it('write skew is a conflict, though the two write different keys', async () => {
    const db = await openStore(name)
    await db.batch(['a', 'b'].map(key => ({ type: 'put', key, value: 'on call' })))
    const leave = (key: string): Promise<void> =>
      db.transaction(
        async tx => {
          const both = await tx.getMany(['a', 'b'])
          if (both.every(value => value === 'on call')) await tx.put(key, 'away')
        },
        { retries: 0 },
      )
    const [first, second] = await Promise.allSettled([leave('a'), leave('b')])
    expect([first.status, second.status]).toEqual(['fulfilled', 'rejected'])
    expect(second).toMatchObject({ reason: { ...CONFLICT, key: 'a', message: expect.stringContaining('"a"') as string } })
    expect(await db.values().all()).toEqual(['away', 'on call'])
    await db.close()
  })

  it('a key that appears in a range that was read is a conflict, one after the last key seen is not', async () => {
    const db = await openStore(name)
    await db.batch(['b', 'd', 'f'].map(key => ({ type: 'put', key, value: key })))
    const firstTwo = (reverse: boolean, other: string): Promise<void> =>
      db.transaction(
        async tx => {
          await tx.keys({ limit: 2, reverse }).all()
          await db.put(other, other)
          await tx.put('sum', '2')
        },
        { retries: 0 },
      )
    await firstTwo(false, 'e')
    await db.del('sum')
    await expect(firstTwo(false, 'c')).rejects.toMatchObject({ ...CONFLICT, key: 'c' })
    await firstTwo(true, 'a')
    await db.del('sum')
    await expect(firstTwo(true, 'ee')).rejects.toMatchObject(CONFLICT)
    await db.close()
  })

  it('an absent key that was read is a conflict once it is there, a cleared range that was read, too', async () => {
    const db = await openStore(name)
    await db.put('in range', '1')
    const during = (read: 'absent' | 'in range', other: () => Promise<void>): Promise<void> =>
      db.transaction(
        async tx => {
          await tx.get(read)
          await other()
          await tx.put('written', 'yes')
        },
        { retries: 0 },
      )
    await expect(during('absent', () => db.put('absent', 'now'))).rejects.toMatchObject({ key: 'absent' })
    await expect(during('in range', () => db.clear({ gte: 'i', lt: 'j' }))).rejects.toMatchObject({ key: 'in range' })
    expect(await db.get('written')).toBeUndefined()
    await db.close()
  })

  it('blind writes conflict with nothing, and a transaction that only reads sees one moment', async () => {
    const db = await openStore(name)
    await db.put('k', 'before')
    await db.transaction(
      async tx => {
        await tx.put('k', 'mine')
        await db.put('k', 'theirs')
      },
      { retries: 0 },
    )
    expect(await db.get('k')).toBe('mine')
    const seen = await db.transaction(
      async tx => {
        const first = name === 'worker' ? await tx.get('k') : tx.getSync('k')
        await db.put('k', 'later')
        return [first, await tx.get('k'), ...(await tx.values().all())]
      },
      { retries: 0 },
    )
    expect(seen).toEqual(['mine', 'mine', 'mine'])
    await db.close()
  })

  it('counters that many transactions raise at once lose no step', async () => {
    const db = await openStore(name)
    await db.put('counter', '0')
    const raise = (): Promise<void> =>
      db.transaction(async tx => tx.put('counter', String(Number(await tx.get('counter')) + 1)), { retries: 100 })
    await Promise.all(Array.from({ length: 20 }, raise))
    expect(await db.get('counter')).toBe('20')
    await db.close()
  })

  it('reads and scans see its own puts, deletions and clears, in encodings and sublevels', async () => {
    const db = await openStore(name)
    const sub = db.sublevel<number, { n: number }>('sub', { keyEncoding: 'json', valueEncoding: 'json' })
    await db.batch(['a', 'b', 'c', 'é'].map(key => ({ type: 'put', key, value: key })))
    await sub.put(1, { n: 1 })
    await db.transaction(async tx => {
      await tx.put('aa', 'new')
      await tx.del('b')
      await tx.put('é', 'other')
      await tx.put(2, { n: 2 }, { sublevel: sub })
      const entries = async (reverse: boolean): Promise<string[]> =>
        (await tx.iterator({ gte: 'a', reverse }).all()).map(([key, value]) => `${key}=${value}`)
      const expected = ['a=a', 'aa=new', 'c=c', 'é=other']
      expect(await entries(false)).toEqual(expected)
      expect(await entries(true)).toEqual(expected.toReversed())
      expect(await tx.values({ sublevel: sub }).all()).toEqual([{ n: 1 }, { n: 2 }])
      expect(await tx.get(2, { sublevel: sub })).toEqual({ n: 2 })
      const readNow = name === 'worker' ? await tx.get('é') : tx.getSync('é')
      expect([await tx.has('b'), readNow, await db.has('aa')]).toEqual([false, 'other', false])
      await tx.clear({ gte: 'a', limit: 2 })
      expect(await tx.keys({ gte: 'a' }).all()).toEqual(['c', 'é'])
      await tx.clear({ sublevel: sub })
    })
    expect(await db.keys().all()).toEqual(['c', 'é'])
    await db.close()
  })

  it('a sublevel that was made a moment ago, and opens still, is cleared and read', async () => {
    const db = await openStore(name)
    await db.sublevel('new').batch(['a', 'b', 'c'].map(key => ({ type: 'put', key, value: key })))
    await db.transaction(tx => tx.clear({ sublevel: db.sublevel('new'), limit: 1 }))
    await db.transaction(async tx => {
      expect(await tx.keys({ sublevel: db.sublevel('new') }).all()).toEqual(['b', 'c'])
      await tx.clear({ sublevel: db.sublevel('new'), gte: 'c' })
    })
    expect(await db.sublevel('new').keys().all()).toEqual(['b'])
    await db.close()
  })

  it('an error of the function rolls back and is rethrown; a transaction that has ended is an error', async () => {
    const db = await openStore(name)
    const mine = new Error('mine')
    let kept: { get(key: string): Promise<unknown>; put(key: string, value: string): Promise<void> } | undefined
    const failing = db.transaction(async tx => {
      kept = tx
      await tx.put('k', 'v')
      throw mine
    })
    await expect(failing).rejects.toBe(mine)
    expect(await db.get('k')).toBeUndefined()
    const notOpen = { code: 'LEVEL_TRANSACTION_NOT_OPEN' }
    await expect(kept!.get('k')).rejects.toMatchObject(notOpen)
    await expect(kept!.put('k', 'v')).rejects.toMatchObject(notOpen)
    await db.close()
  })

  it('a transaction beyond its bytes fails with the limit, also if the function goes on', async () => {
    const db = await openStore(name)
    const large = db.transaction(
      async tx => {
        await tx.put('first', 'small')
        await tx.put('second', 'x'.repeat(2000)).catch(() => undefined)
      },
      { maxBytes: 1000 },
    )
    await expect(large).rejects.toMatchObject({ code: 'LEVEL_TRANSACTION_TOO_LARGE', message: expect.stringContaining('1000') as string })
    expect(await db.keys().all()).toEqual([])
    await db.close()
  })

  it('an aborted signal ends a transaction that waits, and nothing is written', async () => {
    const db = await openStore(name)
    const controller = new AbortController()
    const waiting = db.transaction(
      async tx => {
        await tx.put('k', 'v')
        controller.abort()
        await new Promise(() => undefined)
      },
      { signal: controller.signal },
    )
    await expect(waiting).rejects.toMatchObject({ code: 'LEVEL_ABORTED' })
    expect(await db.get('k')).toBeUndefined()
    await db.close()
  })

  it('a commit that waits behind a long write is checked when its turn comes', async () => {
    const db = await openStore(name)
    await db.put('k', 'before')
    let long: Promise<void> | undefined
    const waiting = db.transaction(
      async tx => {
        await tx.get('k')
        long = db.batch(Array.from({ length: 3000 }, (_, i) => ({ type: 'put', key: i === 2999 ? 'k' : `fill ${i}`, value: 'long' })))
        await tx.put('result', 'of before')
      },
      { retries: 0 },
    )
    await expect(waiting).rejects.toMatchObject({ key: 'k' })
    await long
    await db.close()
  })

  it('a batch whose conditions hold is written whole, one with a failed condition not at all', async () => {
    const db = await openStore(name)
    const sub = db.sublevel<string, object>('sub', { valueEncoding: 'json' })
    await db.put('version', '1')
    await sub.put('doc', { at: 1 })
    await db.batch<string, unknown>([{ type: 'put', key: 'version', value: '2' }], {
      conditions: [
        { key: 'version', value: '1' },
        { key: 'lock', absent: true },
        { key: 'doc', value: { at: 1 }, sublevel: sub },
      ],
    })
    const wrong = { conditions: [{ key: 'version', value: 'wrong' }] }
    const idle = { code: 'LEVEL_INVALID_CONDITION' }
    await expect(db.batch([], wrong)).rejects.toMatchObject(idle)
    await expect(db.sublevel('a').batch([], wrong)).rejects.toMatchObject(idle)
    const stale = db.batch([{ type: 'put', key: 'version', value: '3' }], { sync: true, conditions: [{ key: 'version', value: '1' }] })
    await expect(stale).rejects.toMatchObject({ code: 'LEVEL_CONDITION_FAILED', key: 'version' })
    expect(await db.get('version')).toBe('2')
    const create = { conditions: [{ key: 'doc', absent: true as const }] }
    await expect(sub.batch([{ type: 'put', key: 'doc', value: {} }], create as object)).rejects.toMatchObject({ key: '!sub!doc' })
    await expect(db.batch([{ type: 'del', key: 'x' }], { conditions: [{ key: 'x' }] as never })).rejects.toMatchObject({
      code: 'LEVEL_INVALID_CONDITION',
    })
    await db.close()
  })

  it('of many conditional batches on one key exactly one wins, also behind a long write', async () => {
    const db = await openStore(name)
    const long = db.batch(Array.from({ length: 3000 }, (_, i) => ({ type: 'put', key: `fill ${i}`, value: '' })))
    const tries = Array.from({ length: 10 }, (_, i) =>
      db.batch([{ type: 'put', key: 'lock', value: String(i) }], { conditions: [{ key: 'lock', absent: true }] }),
    )
    const outcomes = await Promise.allSettled(tries)
    await long
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', ...Array.from({ length: 9 }, () => 'rejected')])
    expect(await db.get('lock')).toBe('0')
    await db.close()
  })

  it('hooks and listeners get a commit as one batch', async () => {
    const db = await openStore(name)
    const written: unknown[] = []
    db.on('write', operations => written.push((operations as { type: string; key: string }[]).map(({ type, key }) => `${type} ${key}`)))
    db.hooks.prewrite.add((operation, batch) => {
      if ((operation as { type: string }).type === 'put')
        (batch as { add(operation: object): void }).add({ type: 'put', key: `index ${(operation as { key: string }).key}`, value: '' })
    })
    await db.transaction(async tx => {
      await tx.put('a', '1')
      await tx.del('b')
    })
    expect(written).toEqual([['put a', 'del b', 'put index a']])
    expect(await db.keys().all()).toEqual(['a', 'index a'])
    await db.close()
  })

  it.skipIf(name === 'btree' || name === 'worker')(
    'an ingest that begins during a transaction is a conflict, and the next run sees all of it',
    async () => {
      const db = await openStore(name)
      let runs = 0
      await db.transaction(async tx => {
        const before = await tx.get('k')
        if (++runs === 1) await db.ingest([['k', 'ingested']])
        await tx.put('seen', String(before))
      })
      expect([runs, await db.get('seen')]).toEqual([2, 'ingested'])
      await db.close()
    },
  )

  it('closing the store ends its transactions', async () => {
    const db = await openStore(name)
    const open = db.transaction(async tx => {
      await tx.put('k', 'v')
      await db.close()
    })
    await expect(open).rejects.toMatchObject({ code: 'LEVEL_DATABASE_NOT_OPEN' })
  })

  it.skipIf(name === 'worker')('a trace has a transaction with its conflicts and its commit', async () => {
    const events: TraceEvent[] = []
    const db = await openStore(name, { trace: new Trace({ level: 'io', listener: event => events.push(event) }) })
    let runs = 0
    await db.transaction(async tx => {
      await tx.get('k')
      if (++runs === 1) await db.put('k', 'other')
      await tx.put('k', 'mine')
    })
    const { operation } = events.find(event => event.type === 'operation.begin' && event.kind === 'transaction')!
    const own = events.filter(event => event.operation === operation)
    expect(own.map(({ type }) => type)).toEqual(['operation.begin', 'transaction.conflict', 'transaction.commit', 'operation.end'])
    expect(sentenceOf(own[1])).toBe('Run 1 of the transaction conflicts: another write has changed "k", which it read.')
    expect(sentenceOf(own[2])).toBe('Run 2 of the transaction commits 1 write after reading 1 key.')
    await db.close()
  })
})

describe('the commit history', () => {
  it('keeps nothing once no transaction is open, and nothing older than the oldest', () => {
    const history = new CommitHistory({ snapshot: () => ({ release: () => undefined }) })
    const first = history.begin()
    history.addKeys(['a', 'b'])
    const second = history.begin()
    history.addKeys(['c'])
    const all = history.bytes
    history.end(first)
    expect(history.bytes).toBeLessThan(all)
    const reads = new ReadSet()
    for (const key of ['a', 'b']) reads.add(key)
    expect(history.conflictOf(second, reads)).toBeUndefined()
    reads.add('c')
    expect(history.conflictOf(second, reads)).toBe('c')
    history.end(second)
    expect([history.bytes, history.isOpen]).toEqual([0, false])
  })

  it('past its limit the oldest transaction is overrun, never memory', () => {
    const history = new CommitHistory({ snapshot: () => ({ release: () => undefined }) }, 2000)
    const oldest = history.begin()
    for (let i = 0; i < 15; i++) history.addKeys([`key ${i}`])
    const younger = history.begin()
    for (let i = 0; i < 10; i++) history.addKeys([`key ${i}`])
    expect([oldest.isOverrun, younger.isOverrun]).toEqual([true, false])
    for (let i = 0; i < 100_000; i++) history.addKeys(['key'])
    expect(younger.isOverrun).toBe(true)
    expect(history.bytes).toBeLessThanOrEqual(2000)
  })
})
