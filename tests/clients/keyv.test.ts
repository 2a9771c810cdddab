/** keyv over an adapter of the kind that its documentation describes: times to live, and namespaces in one store. */
import { EventEmitter } from 'node:events'
import type { Kvarium } from 'kvarium'
import type { KeyvStoreAdapter, StoredData } from 'keyv'
import { Keyv } from 'keyv'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { ENGINES, levelOf, useDirectory } from './support/client-place.js'

/** The interface that Keyv needs from a store. Keyv puts the namespace and a colon in front of each key, and the expiry into the value. */
class LevelAdapter extends EventEmitter implements KeyvStoreAdapter {
  /** Keyv iterates only over the stores that it knows by their names in here. */
  readonly opts = undefined
  namespace?: string
  readonly #level: Kvarium

  constructor(level: Kvarium) {
    super()
    this.#level = level
  }

  async get<Value>(key: string): Promise<StoredData<Value> | undefined> {
    return (await this.#level.get(key)) as StoredData<Value> | undefined
  }

  async getMany<Value>(keys: string[]): Promise<StoredData<Value | undefined>[]> {
    return (await this.#level.getMany(keys)) as StoredData<Value | undefined>[]
  }

  async set(key: string, value: string): Promise<void> {
    await this.#level.put(key, value)
  }

  async setMany(entries: { key: string; value: string }[]): Promise<void> {
    await this.#level.batch(entries.map(({ key, value }) => ({ type: 'put', key, value })))
  }

  async delete(key: string): Promise<boolean> {
    const there = await this.#level.has(key)
    await this.#level.del(key)
    return there
  }

  async deleteMany(keys: string[]): Promise<boolean> {
    const there = await this.#level.hasMany(keys)
    await this.#level.batch(keys.map(key => ({ type: 'del', key })))
    return there.some(Boolean)
  }

  async has(key: string): Promise<boolean> {
    return this.#level.has(key)
  }

  async clear(): Promise<void> {
    const { namespace } = this
    await this.#level.clear(namespace === undefined ? {} : { gte: `${namespace}:`, lt: `${namespace};` })
  }

  async disconnect(): Promise<void> {
    await this.#level.close()
  }
}

describe.each(ENGINES)('keyv on %s', engine => {
  const place = useDirectory()
  const Level = levelOf(engine)
  const NOON = Date.UTC(2020, 0, 1, 12)

  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['Date'], now: NOON })
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  it('finds every value after a reopening, and what has expired meanwhile no more', async () => {
    const first = new Keyv({ store: new LevelAdapter(new Level(place('cache'))), namespace: 'a' })
    for (let i = 0; i < 500; i++) await first.set(`k${i}`, { i, text: 'ä'.repeat(i) }, i % 2 === 0 ? 1000 : undefined)
    await first.disconnect()
    vi.setSystemTime(NOON + 2000)
    const second = new Keyv({ store: new LevelAdapter(new Level(place('cache'))), namespace: 'a' })
    for (let i = 0; i < 500; i++) {
      expect(await second.get(`k${i}`)).toEqual(i % 2 === 0 ? undefined : { i, text: 'ä'.repeat(i) })
    }
    expect(await second.has('k0')).toBe(false)
    expect(await second.has('k1')).toBe(true)
    await second.disconnect()
  })

  it('clearing one namespace leaves those whose names begin alike', async () => {
    const level = new Level(place('cache'))
    const namespaces = ['a', 'aa', 'a:b', 'b'].map(namespace => new Keyv({ store: new LevelAdapter(level), namespace }))
    for (const keyv of namespaces) for (let i = 0; i < 50; i++) await keyv.set(`k${i}`, `${keyv.namespace} ${i}`)
    const second = namespaces[1]
    await second.clear()
    expect(await second.get('k1')).toBeUndefined()
    for (const keyv of namespaces) if (keyv !== second) expect(await keyv.get('k49')).toBe(`${keyv.namespace} 49`)
    expect(await level.keys().all()).toHaveLength(150)
    await level.close()
  })

  it('many at once are read, written and deleted in the order in which they were asked for', async () => {
    const keyv = new Keyv<number>({ store: new LevelAdapter(new Level(place('cache'))) })
    await keyv.setMany(Array.from({ length: 200 }, (_, i) => ({ key: `k${i}`, value: i })))
    expect(await keyv.get(['k7', 'absent', 'k5', 'k7'])).toEqual([7, undefined, 5, 7])
    expect(await keyv.delete(['k7', 'k5'])).toBe(true)
    expect(await keyv.get(['k7', 'k6', 'k5'])).toEqual([undefined, 6, undefined])
    expect(await keyv.delete('k7')).toBe(false)
    await Promise.all(Array.from({ length: 100 }, (_, i) => keyv.set('same', i)))
    expect(await keyv.get('same')).toBe(99)
    await keyv.disconnect()
  })
})
