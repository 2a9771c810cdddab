import { describe, expectTypeOf, it } from 'vitest'
import type { CompressionByLevel } from '../../src/lsm/options.js'
import type { CompressionName } from '../../src/sstable/compression-name.js'
import {
  btreeEngine,
  type BuiltInEngineOptions,
  builtInEngines,
  msgpack,
  type Transaction,
  Kvarium,
  type KvariumOptions,
  type KvariumStats,
} from '../../src/index.js'

interface City {
  readonly name: string
}

/** Never called: the compiler is what is tested. */
async function use(db: Kvarium<string, City>): Promise<void> {
  await db.put('a', { name: 'Aarau' }, { sync: true })
  await db.put(5, 'text', { keyEncoding: 'json', valueEncoding: 'utf8', sync: true })
  await db.del('a', { sync: true })
  await db.batch([{ type: 'put', key: 'a', value: { name: 'Aarau' } }], { sync: true })
  await db.batch().put('a', { name: 'Aarau' }).write({ sync: true })
  await db.clear({ gte: 'a', limit: 5, sync: true })
  await db.open({ createIfMissing: false, cacheSize: 0 })
  expectTypeOf(await db.get('a')).toEqualTypeOf<City | undefined>()
  expectTypeOf(db.getSync('a')).toEqualTypeOf<City | undefined>()
  expectTypeOf(await db.iterator({ highWaterMarkBytes: 1000, reverse: true }).all()).toEqualTypeOf<[string, City][]>()
  expectTypeOf(await db.keys({ highWaterMarkBytes: 1000 }).nextv(5)).toEqualTypeOf<string[]>()
  expectTypeOf(await db.sublevel<string, number>('s', { valueEncoding: msgpack }).get('k')).toEqualTypeOf<number | undefined>()
  expectTypeOf(db.stats()).toEqualTypeOf<KvariumStats>()
  expectTypeOf(await db.approximateSize(1, 2, { keyEncoding: 'json' })).toEqualTypeOf<number>()
  // @ts-expect-error the value must be a city
  await db.put('a', 5)
  // @ts-expect-error sync is a boolean
  await db.put('a', { name: 'Aarau' }, { sync: 'yes' })
}

interface User {
  readonly born: number
}

/** Never called, either. */
async function useTransactions(db: Kvarium<string, City>): Promise<void> {
  const users = db.sublevel<number, User>('users', { keyEncoding: 'json', valueEncoding: 'json' })
  const result = await db.transaction(
    async tx => {
      expectTypeOf(tx).toEqualTypeOf<Transaction<string, City>>()
      expectTypeOf(await tx.get('a')).toEqualTypeOf<City | undefined>()
      expectTypeOf(tx.getSync('a')).toEqualTypeOf<City | undefined>()
      expectTypeOf(await tx.getMany(['a'])).toEqualTypeOf<(City | undefined)[]>()
      expectTypeOf(await tx.has('a')).toEqualTypeOf<boolean>()
      expectTypeOf(await tx.get(7, { sublevel: users })).toEqualTypeOf<User | undefined>()
      expectTypeOf(await tx.get<string, number>('a', { valueEncoding: 'json' })).toEqualTypeOf<number | undefined>()
      expectTypeOf(await tx.iterator({ gte: 'a', limit: 5 }).all()).toEqualTypeOf<[string, City][]>()
      expectTypeOf(await tx.keys({ sublevel: users, gt: 7 }).all()).toEqualTypeOf<number[]>()
      expectTypeOf(await tx.values({ sublevel: users }).all()).toEqualTypeOf<User[]>()
      await tx.put('a', { name: 'Aarau' }, { ttl: 1000 })
      await tx.put(7, { born: 1815 }, { sublevel: users })
      await tx.del(7, { sublevel: users })
      await tx.batch([
        { type: 'put', key: 'a', value: { name: 'Aarau' } },
        { type: 'del', key: 'b' },
      ])
      await tx.clear({ sublevel: users, lt: 7 })
      // @ts-expect-error the value must be a city
      await tx.put('a', 5)
      // @ts-expect-error keys of the store are texts
      await tx.get(7)
      // @ts-expect-error the value must be that of the sublevel
      await tx.put(7, { name: 'Aarau' }, { sublevel: users })
      // @ts-expect-error keys of the sublevel are numbers
      await tx.get('a', { sublevel: users })
      // @ts-expect-error keys of the sublevel are numbers
      tx.getSync('a', { sublevel: users })
      // @ts-expect-error keys of the sublevel are numbers
      await tx.getMany(['a'], { sublevel: users })
      // @ts-expect-error keys of the sublevel are numbers
      await tx.has('a', { sublevel: users })
      // @ts-expect-error keys of the sublevel are numbers
      await tx.hasMany(['a'], { sublevel: users })
      // @ts-expect-error keys of the sublevel are numbers
      await tx.put('a', { born: 1815 }, { sublevel: users })
      // @ts-expect-error keys of the sublevel are numbers
      await tx.del('a', { sublevel: users })
      expectTypeOf(await tx.getMany([7], { sublevel: users })).toEqualTypeOf<(User | undefined)[]>()
      expectTypeOf(await tx.hasMany([7], { sublevel: users })).toEqualTypeOf<boolean[]>()
      await tx.put(5, 'text', { keyEncoding: 'json', valueEncoding: 'utf8' })
      await tx.put('a', 5, { valueEncoding: 'json' })
      await tx.del(5, { keyEncoding: 'json' })
      await tx.get(5, { keyEncoding: 'json' })
      // @ts-expect-error a transaction is a moment itself
      tx.iterator({ snapshot: db.snapshot() })
      // @ts-expect-error durability is an option of the transaction
      await tx.put('a', { name: 'Aarau' }, { sync: true })
      return 5
    },
    { retries: 3, sync: true, maxBytes: 1000, signal: null },
  )
  expectTypeOf(result).toEqualTypeOf<number>()
  expectTypeOf(await db.transaction(tx => tx.getSync('a'))).toEqualTypeOf<City | undefined>()
  // @ts-expect-error there is a number of retries, not a yes or no
  await db.transaction(() => undefined, { retries: true })
  await db.batch([{ type: 'del', key: 'a' }], { conditions: [{ key: 'a', value: { name: 'Aarau' } }] })
  // @ts-expect-error a condition has either a value or "absent"
  await db.batch([{ type: 'del', key: 'a' }], { conditions: [{ key: 'a', absent: true, value: { name: 'Aarau' } }] })
}

/** Never called, either. */
function useOptions(engine: string): void {
  new Kvarium('db')
  new Kvarium('db', { cacheSize: 1 << 20, compression: { level0: 'none', rest: 'lz4' }, ttl: 1000, createIfMissing: false })
  new Kvarium('db', { engine: 'lsm', compression: false, compaction: 'tiered' })
  new Kvarium('db', { engine: 'btree', pageSize: 8192, cacheSize: 1 << 20, compression: 'lz4' })
  // @ts-expect-error a codec of the other engine
  new Kvarium('db', { engine: 'btree', compression: 'deflate' })
  new Kvarium('db', { engine: 'memory', arenaSize: 1 << 20, keyEncoding: 'json' })
  new Kvarium('db', { engine: btreeEngine(), pageSize: 8192 })
  new Kvarium('db', { engine: builtInEngines.resolve(engine), anything: true })
  new Kvarium<string, City>('db', { valueEncoding: 'json', readOnly: true, engine: 'btree' })
  for (const name of ['lsm', 'btree'] as const) new Kvarium('db', { engine: name, cacheSize: 1 << 20, writeBufferSize: 1 << 20 })
  // @ts-expect-error misspelt
  new Kvarium('db', { cachSize: 3 })
  // @ts-expect-error misspelt
  new Kvarium('db', { engine: 'btree', cachSize: 3 })
  // @ts-expect-error an option of lsm
  new Kvarium('db', { engine: 'btree', blockSize: 4096 })
  // @ts-expect-error an option of btree, and the engine is lsm
  new Kvarium('db', { pageSize: 4096 })
  // @ts-expect-error an option of btree
  new Kvarium('db', { engine: 'memory', pageSize: 4096 })
  // @ts-expect-error there is no such engine
  new Kvarium('db', { engine: 'lmdb' })
  // @ts-expect-error a name is known, a text is not
  new Kvarium('db', { engine })
  // @ts-expect-error a choice
  new Kvarium('db', { compaction: 'level' })
  // @ts-expect-error a size is a number
  new Kvarium('db', { engine: 'btree', cacheSize: '64 MiB' })
}

/** Never called, either. */
async function useOpen(db: Kvarium): Promise<void> {
  await db.open({ cacheSize: 0, readOnly: true })
  // @ts-expect-error a size is a number
  await db.open({ cacheSize: 'none' })
  // @ts-expect-error misspelt
  await db.open({ cachSize: 0 })
}

describe('the types', () => {
  it('know the options of kvarium and of the engine', () => {
    expectTypeOf(use).toBeFunction()
    expectTypeOf(useTransactions).toBeFunction()
    expectTypeOf(useOptions).toBeFunction()
    expectTypeOf(useOpen).toBeFunction()
    expectTypeOf<ConstructorParameters<typeof Kvarium<string, City>>[1]>().toEqualTypeOf<KvariumOptions<string, City> | undefined>()
    expectTypeOf<BuiltInEngineOptions['lsm']['cacheSize']>().toEqualTypeOf<number | 'auto' | undefined>()
    expectTypeOf<BuiltInEngineOptions['lsm']['compression']>().toEqualTypeOf<CompressionName | CompressionByLevel | boolean | undefined>()
    expectTypeOf<BuiltInEngineOptions['btree']['compression']>().toEqualTypeOf<'none' | 'lz4' | boolean | undefined>()
  })
})
