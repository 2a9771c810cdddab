import { describe, expect, it } from 'vitest'
import type { Engine, EngineFactory } from '../../src/engine/contract.js'
import { builtInEngines, Kvarium } from '../../src/index.js'
import { memoryEngine } from '../../src/memory/factory.js'
import { MemoryFileSystem, simulatedEnvironment } from '../../src/vfs/index.js'

const START = Date.UTC(2026, 0, 1)

/** A store on an engine, and the wall clock that it goes by. */
function storeOn(engine: string, options: object = {}): { readonly db: Kvarium; pass(ms: number): void } {
  const environment = simulatedEnvironment({ seed: 1, fileSystem: new MemoryFileSystem() })
  const { clock } = environment
  let time = START
  const db = new Kvarium('/store', {
    engine: builtInEngines.resolve(engine),
    environment: { ...environment, clock: { now: () => clock.now(), wallTime: () => time } },
    ...options,
  })
  return { db, pass: ms => void (time += ms) }
}

for (const engine of ['lsm', 'btree', 'memory']) {
  describe(`expiry in a store on ${engine}`, () => {
    it('a put, an operation of a batch, a batch and a chained batch take a ttl, each put its own', async () => {
      const { db, pass } = storeOn(engine)
      await db.put('a', '1', { ttl: 10 })
      await db.batch([
        { type: 'put', key: 'b', value: '2', ttl: 20 },
        { type: 'put', key: 'c', value: '3' },
      ])
      await db.batch(
        [
          { type: 'put', key: 'd', value: '4' },
          { type: 'put', key: 'e', value: '5', ttl: 40 },
        ],
        { ttl: 30 },
      )
      await db.batch().put('f', '6', { ttl: 10 }).put('g', '7').write()
      expect(await Promise.all([...'abcdefg'].map(key => db.expiresAt(key)))).toEqual(
        [10, 20, undefined, 30, 40, 10, undefined].map(ttl => ttl && START + ttl),
      )
      pass(10)
      expect(await db.keys().all()).toEqual([...'bcdeg'])
      pass(20)
      expect(await db.keys().all()).toEqual([...'ceg'])
      await db.close()
    })

    it('every way of reading leaves an expired entry out, and a limit counts live ones alone', async () => {
      const { db, pass } = storeOn(engine)
      for (const [i, key] of [...'abcdef'].entries()) await db.put(key, key, i % 2 === 0 ? { ttl: 5 } : {})
      const snapshot = db.snapshot()
      pass(5)
      expect([await db.get('a'), db.getSync('a'), await db.has('a')]).toEqual([undefined, undefined, false])
      expect([await db.getMany([...'ab']), await db.hasMany([...'ab'])]).toEqual([
        [undefined, 'b'],
        [false, true],
      ])
      expect(await db.keys({ limit: 2 }).all()).toEqual(['b', 'd'])
      expect(await db.values({ reverse: true, limit: 2 }).all()).toEqual(['f', 'd'])
      const iterator = db.iterator({ gte: 'a' })
      iterator.seek('c')
      expect(await iterator.next()).toEqual(['d', 'd'])
      await iterator.close()
      expect([await db.get('a', { snapshot }), await db.expiresAt('a', { snapshot })]).toEqual(['a', START + 5])
      expect(await db.keys({ snapshot }).all()).toEqual([...'abcdef'])
      await db.clear({ limit: 1 })
      expect(await db.keys().all()).toEqual(['d', 'f'])
      await snapshot.close()
      await db.close()
    })

    it('the default of a store holds for puts without a ttl, and Infinity is one that does not expire', async () => {
      const { db } = storeOn(engine, { ttl: 100 })
      await db.put('a', '1')
      await db.put('b', '2', { ttl: 5 })
      await db.put('c', '3', { ttl: Infinity })
      await db.batch([{ type: 'put', key: 'd', value: '4' }])
      await db.batch().put('e', '5').write()
      expect(await Promise.all([...'abcde'].map(key => db.expiresAt(key)))).toEqual([
        START + 100,
        START + 5,
        undefined,
        START + 100,
        START + 100,
      ])
      await db.close()
    })

    it('the default of a sublevel holds for every way of writing into it, and for sublevels in it', async () => {
      const { db } = storeOn(engine, { ttl: 1000 })
      const session = db.sublevel('session', { ttl: 100 })
      const inner = session.sublevel('inner')
      const short = session.sublevel('short', { ttl: 7 })
      const other = db.sublevel('other')
      await session.put('a', '1')
      await session.put('b', '2', { ttl: 3 })
      await session.batch([
        { type: 'put', key: 'c', value: '3' },
        { type: 'put', key: 'd', value: '4', ttl: Infinity },
        { type: 'put', key: 'x', value: '5', sublevel: short as never },
        { type: 'put', key: 'x', value: '5', sublevel: other as never },
      ])
      await session
        .batch()
        .put('e', '6')
        .put('y', '7', { sublevel: short as never })
        .write()
      await db.batch([
        { type: 'put', key: 'f', value: '8', sublevel: session },
        { type: 'put', key: 'z', value: '9', sublevel: inner as never },
        { type: 'put', key: 'root', value: '0' },
      ])
      await db.batch().put('g', '10', { sublevel: session }).put('root 2', '0').write()
      await inner.put('i', '11')
      expect(await Promise.all([...'abcdefg'].map(key => session.expiresAt(key)))).toEqual(
        [100, 3, 100, undefined, 100, 100, 100].map(ttl => ttl && START + ttl),
      )
      expect([await short.expiresAt('x'), await short.expiresAt('y')]).toEqual([START + 7, START + 7])
      expect([await inner.expiresAt('z'), await inner.expiresAt('i')]).toEqual([START + 100, START + 100])
      expect(await Promise.all([other.expiresAt('x'), db.expiresAt('root'), db.expiresAt('root 2')])).toEqual(Array(3).fill(START + 1000))
      await db.close()
    })

    it('what is put after the clock was set back stays for its ttl, and is not expired at once', async () => {
      const { db, pass } = storeOn(engine)
      await db.put('old', '1', { ttl: 5 })
      pass(3_600_000)
      expect(await db.get('old')).toBeUndefined()
      pass(-3_600_000)
      await db.put('put', '2', { ttl: 1_000 })
      await db.batch([{ type: 'put', key: 'batch', value: '3', ttl: 1_000 }])
      await db.transaction(tx => tx.put('transaction', '4', { ttl: 1_000 }))
      expect(await db.keys().all()).toEqual(['batch', 'put', 'transaction'])
      expect(await db.expiresAt('put')).toBe(START + 3_601_000)
      pass(3_600_999)
      expect(await db.keys().all()).toEqual(['batch', 'put', 'transaction'])
      pass(1)
      expect(await db.keys().all()).toEqual([])
      await db.close()
    })

    it('keys of another encoding, in a sublevel too, have their expiry', async () => {
      const { db } = storeOn(engine)
      const bytes = db.sublevel<Uint8Array, unknown>('bytes', { keyEncoding: 'view', valueEncoding: 'json' })
      await bytes.put(Uint8Array.of(0, 255), { a: 1 }, { ttl: 9 })
      await db.put(5, { b: 2 }, { keyEncoding: 'json', valueEncoding: 'json', ttl: 8 })
      expect([await bytes.expiresAt(Uint8Array.of(0, 255)), await bytes.get(Uint8Array.of(0, 255))]).toEqual([START + 9, { a: 1 }])
      expect(await db.expiresAt(5, { keyEncoding: 'json' })).toBe(START + 8)
      await db.close()
    })

    it('a prewrite hook sees the ttl of an operation, and may add operations that expire', async () => {
      const { db } = storeOn(engine)
      const index = db.sublevel('index', { ttl: 50 })
      const seen: unknown[] = []
      db.hooks.prewrite.add((operation, batch) => {
        seen.push((operation as { ttl?: number }).ttl)
        batch.add({ type: 'put', key: 'i', value: '', sublevel: index })
      })
      await db.put('a', '1', { ttl: 5 })
      expect([seen, await db.expiresAt('a')]).toEqual([[5], START + 5])
      expect(await index.get('i')).toBe('')
      await db.close()
    })

    it('a ttl that is no positive number is refused, wherever it stands, and changes nothing', async () => {
      for (const ttl of [0, -1, NaN, '5', null, {}] as never[]) {
        const { db } = storeOn(engine)
        await db.put('a', 'before')
        const refusal = { code: 'LEVEL_INVALID_OPTION', message: expect.stringContaining('"ttl"') as string }
        if (ttl !== null) {
          await expect(db.put('a', '1', { ttl })).rejects.toMatchObject(refusal)
          await expect(
            db.batch([
              { type: 'put', key: 'b', value: '1' },
              { type: 'put', key: 'a', value: '1', ttl },
            ]),
          ).rejects.toMatchObject(refusal)
        }
        expect(() => storeOn(engine, { ttl })).toThrow('"ttl"')
        expect(() => db.sublevel('s', { ttl })).toThrow('"ttl"')
        expect(await db.iterator().all()).toEqual([['a', 'before']])
        await db.close()
      }
    })

    it('the longest ttl is one that can be kept', async () => {
      const { db, pass } = storeOn(engine)
      await db.put('a', '1', { ttl: Number.MAX_VALUE })
      await db.put('b', '2', { ttl: 0.25 })
      expect(await db.expiresAt('a')).toBe(2 ** 48 - 1)
      expect(await db.get('b')).toBe('2')
      pass(1)
      expect(await db.get('b')).toBeUndefined()
      await db.close()
    })

    it('a ttl given to open() belongs to the constructor', async () => {
      const { db } = storeOn(engine, { passive: true })
      await db.close()
      await expect(db.open({ ttl: 5 } as object)).rejects.toMatchObject({
        cause: { message: expect.stringContaining('belongs to the constructor') as string },
      })
    })
  })
}

/** The memory engine without its expiry. */
const refusing: EngineFactory = {
  ...memoryEngine,
  name: 'plain',
  async open(context) {
    const engine = await memoryEngine.open(context)
    return new Proxy(engine, {
      get(target, name: keyof Engine) {
        if (name === 'name') return 'plain'
        const member = name === 'expiresAt' ? undefined : target[name]
        return typeof member === 'function' ? member.bind(target) : member
      },
    })
  },
}

describe('an engine that cannot expire entries', () => {
  it('refuses a ttl with a word that says so, and changes nothing', async () => {
    const { db } = storeOn('memory', { engine: refusing })
    const refusal = {
      code: 'LEVEL_NOT_SUPPORTED',
      message: 'The engine "plain" cannot expire entries: leave out "ttl", or use another engine',
    }
    await expect(db.put('a', '1', { ttl: 5 })).rejects.toMatchObject(refusal)
    await expect(db.batch([{ type: 'put', key: 'a', value: '1', ttl: 5 }])).rejects.toMatchObject(refusal)
    expect(() => db.batch().put('a', '1', { ttl: 5 })).toThrow(refusal.message)
    await db.put('a', '2', { ttl: Infinity })
    expect([await db.iterator().all(), await db.expiresAt('a')]).toEqual([[['a', '2']], undefined])
    await db.close()
  })
})
