import { describe, expectTypeOf, it } from 'vitest'
import type { CompressionByLevel } from '../../src/lsm/options.js'
import type { CompressionName } from '../../src/sstable/block-compression.js'
import { msgpack, type Kvarium, type KvariumOptions, type KvariumStats } from '../../src/index.js'

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

describe('the types', () => {
  it('know the options of kvarium and of the engine', () => {
    expectTypeOf(use).toBeFunction()
    expectTypeOf<ConstructorParameters<typeof Kvarium<string, City>>[1]>().toEqualTypeOf<KvariumOptions<string, City> | undefined>()
    expectTypeOf<KvariumOptions<string, City>['cacheSize']>().toEqualTypeOf<number | undefined>()
    expectTypeOf<KvariumOptions<string, City>['compression']>().toEqualTypeOf<CompressionName | CompressionByLevel | boolean | undefined>()
  })
})
