/** datastore-level, the datastore of IPFS: binary values under path-like keys, queries by prefix, filter and order. */
import { LevelDatastore } from 'datastore-level'
import { Key } from 'interface-datastore'
import { describe, expect, it } from 'vitest'
import { ENGINES, levelOf, paddedKey, useDirectory } from './support/client-place.js'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

async function collect<T>(items: Iterable<T> | AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}

describe.each(ENGINES)('datastore-level on %s', engine => {
  const place = useDirectory()
  const Level = levelOf(engine)

  async function openDatastore(): Promise<LevelDatastore> {
    const level = new Level<string, Uint8Array>(place('blocks'), { keyEncoding: 'utf8', valueEncoding: 'view' })
    const datastore = new LevelDatastore(level as unknown as Exclude<ConstructorParameters<typeof LevelDatastore>[0], string>)
    await datastore.open()
    return datastore
  }

  it('opens with the options of classic-level that it always passes, and finds everything after a reopening', async () => {
    const first = await openDatastore()
    for (let i = 0; i < 2000; i++) await first.put(new Key(`/blocks/${paddedKey(i)}`), bytes(`${i}`.repeat(20)))
    await first.delete(new Key('/blocks/000007'))
    await first.close()
    const second = await openDatastore()
    expect(await second.has(new Key('/blocks/000006'))).toBe(true)
    expect(await second.has(new Key('/blocks/000007'))).toBe(false)
    await expect(second.get(new Key('/blocks/000007'))).rejects.toMatchObject({ name: 'NotFoundError' })
    const value = await second.get(new Key('/blocks/001999'))
    expect(value).toEqual(bytes('1999'.repeat(20)))
    expect(Object.getPrototypeOf(value)).toBe(Uint8Array.prototype)
    expect(await collect(second.query({ prefix: '/blocks' }))).toHaveLength(1999)
    await second.close()
  })

  it('a query by prefix, filter, order, offset and limit answers like a sorted map', async () => {
    const datastore = await openDatastore()
    const names = Array.from({ length: 300 }, (_, i) => `/${['a', 'ab', 'b', 'bä', 'ÿ'][i % 5]}/${paddedKey(i)}`)
    const batch = datastore.batch()
    for (const name of names) batch.put(new Key(name), bytes(name))
    await batch.commit()
    const sorted = [...names].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
    const keysOf = async (query: Parameters<LevelDatastore['queryKeys']>[0]): Promise<string[]> =>
      (await collect(datastore.queryKeys(query))).map(key => key.toString())
    expect(await keysOf({})).toEqual(sorted)
    for (const prefix of ['/a', '/a/', '/b', '/bä', '/c']) {
      expect(await keysOf({ prefix })).toEqual(sorted.filter(name => name.startsWith(prefix)))
    }
    expect(await keysOf({ prefix: '/b/', offset: 3, limit: 5 })).toEqual(sorted.filter(name => name.startsWith('/b/')).slice(3, 8))
    const odd = await collect(
      datastore.query({
        prefix: '/a/',
        filters: [({ key }) => Number(key.name()) % 2 === 1],
        orders: [(a, b) => (a.key.toString() < b.key.toString() ? 1 : -1)],
      }),
    )
    const expected = sorted.filter(name => name.startsWith('/a/') && Number(name.slice(3)) % 2 === 1).reverse()
    expect(odd.map(({ key }) => key.toString())).toEqual(expected)
    expect(odd.map(({ value }) => new TextDecoder().decode(value))).toEqual(expected)
    await datastore.close()
  })

  it('a query does not see what is written, deleted or batched while it runs', async () => {
    const datastore = await openDatastore()
    for (let i = 0; i < 200; i++) await datastore.put(new Key(`/${paddedKey(i)}`), bytes(`${i}`))
    const seen: string[] = []
    for await (const { key, value } of datastore.query({})) {
      seen.push(new TextDecoder().decode(value))
      await datastore.put(new Key(`${key.toString()}x`), bytes('new'))
      const batch = datastore.batch()
      batch.delete(key)
      await batch.commit()
    }
    expect(seen).toEqual(Array.from({ length: 200 }, (_, i) => `${i}`))
    expect((await collect(datastore.query({}))).map(({ value }) => new TextDecoder().decode(value))).toEqual(Array(200).fill('new'))
    await datastore.close()
  })

  it('getMany, putMany and deleteMany of datastore-core stream through the store', async () => {
    const datastore = await openDatastore()
    const keys = Array.from({ length: 50 }, (_, i) => new Key(`/many/${paddedKey(i)}`))
    await collect(datastore.putMany(keys.map(key => ({ key, value: bytes(key.toString()) }))))
    const values = await collect(datastore.getMany(keys))
    expect(values.map(({ value }) => new TextDecoder().decode(value))).toEqual(keys.map(String))
    await collect(datastore.deleteMany(keys.slice(10)))
    expect(await collect(datastore.queryKeys({}))).toHaveLength(10)
    await datastore.close()
  })
})
