/** unstorage over a driver of its own kind: mounts on sublevels, raw values, snapshots, keys with colons. */
import type { Kvarium } from 'kvarium'
import type { Driver, Storage } from 'unstorage'
import { createStorage, defineDriver, prefixStorage, restoreSnapshot, snapshot } from 'unstorage'
import { describe, expect, it } from 'vitest'
import { ENGINES, levelOf, useDirectory } from './support/client-place.js'

/** The keys of a base, which ends in a colon; no base means all. */
function rangeOf(base: string | undefined): { gte?: string; lt?: string } {
  return base === undefined ? {} : { gte: base, lt: `${base}\uffff` }
}

/** A mount is a sublevel of one store, which is closed with the first of them. */
const levelDriver = defineDriver(({ level, name }: { level: Kvarium; name: string }): Driver => {
  const text = level.sublevel(name)
  const raw = level.sublevel<string, Uint8Array>(name, { valueEncoding: 'view' })
  return {
    name: 'kvarium',
    getInstance: () => level,
    hasItem: key => text.has(key),
    getItem: async key => (await text.get(key)) ?? null,
    getItems: async items => {
      const values = await text.getMany(items.map(({ key }) => key))
      return items.map(({ key }, i) => ({ key, value: values[i] ?? null }))
    },
    getItemRaw: async key => (await raw.get(key)) ?? null,
    setItem: (key, value) => text.put(key, value),
    setItems: items => text.batch(items.map(({ key, value }) => ({ type: 'put', key, value }))),
    setItemRaw: (key, value: Uint8Array) => raw.put(key, value),
    removeItem: key => text.del(key),
    getKeys: base => text.keys(rangeOf(base)).all(),
    clear: base => text.clear(rangeOf(base)),
    dispose: () => level.close(),
  }
})

describe.each(ENGINES)('unstorage on %s', engine => {
  const place = useDirectory()
  const Level = levelOf(engine)

  function openStorage(): Storage {
    const level = new Level(place('storage'))
    const storage = createStorage({ driver: levelDriver({ level, name: 'root' }) })
    storage.mount('cache', levelDriver({ level, name: 'cache' }))
    return storage
  }

  it('values of every kind, raw bytes and mounts are there after a reopening', async () => {
    const first = openStorage()
    const bytes = Uint8Array.from({ length: 100_000 }, (_, i) => i)
    await first.setItem('user:1', { name: 'ada', born: 1815 })
    await first.setItem('count', 0)
    await first.setItem('flag', false)
    await first.setItem('cache:user:1', 'cached')
    await first.setItemRaw('blob', bytes)
    await first.setItems(Array.from({ length: 1000 }, (_, i) => ({ key: `many:${i}`, value: `n${i} `.repeat(20) })))
    await first.dispose()
    const second = openStorage()
    expect(await second.getItem('user:1')).toEqual({ name: 'ada', born: 1815 })
    expect(await second.getItem('count')).toBe(0)
    expect(await second.getItem('flag')).toBe(false)
    expect(await second.getItem('user:2')).toBeNull()
    expect(await second.getItem('cache:user:1')).toBe('cached')
    expect(await second.getItemRaw('blob')).toEqual(bytes)
    expect(await second.getItems(['many:999', 'nowhere', 'many:0'])).toEqual([
      { key: 'many:999', value: 'n999 '.repeat(20) },
      { key: 'nowhere', value: null },
      { key: 'many:0', value: 'n0 '.repeat(20) },
    ])
    expect(await second.getKeys('many')).toHaveLength(1000)
    await second.dispose()
  })

  it('the keys of a base end where the base ends, and a clear empties the one mount that it leads to', async () => {
    const storage = openStorage()
    for (const key of ['a', 'a:1', 'a:2:x', 'ab:1', 'b:1', 'cache:a:1', 'cache:b:1']) await storage.setItem(key, key)
    expect((await storage.getKeys('a')).sort()).toEqual(['a:1', 'a:2:x'])
    expect((await storage.getKeys('cache:a')).sort()).toEqual(['cache:a:1'])
    await storage.clear('cache')
    expect((await storage.getKeys()).sort()).toEqual(['a', 'a:1', 'a:2:x', 'ab:1', 'b:1'])
    await storage.removeItem('ab:1')
    expect(await storage.hasItem('ab:1')).toBe(false)
    expect(await storage.hasItem('b:1')).toBe(true)
    await storage.clear()
    expect(await storage.getKeys()).toEqual([])
    await storage.dispose()
  })

  it('a snapshot restored under another base holds the same', async () => {
    const storage = openStorage()
    const from = prefixStorage(storage, 'from')
    for (let i = 0; i < 50; i++) await from.setItem(`k${i}`, { i })
    await restoreSnapshot(storage, await snapshot(storage, 'from'), 'to')
    for (const key of await from.getKeys()) await from.removeItem(key)
    const to = prefixStorage<{ i: number }>(storage, 'to')
    expect(await to.getKeys()).toHaveLength(50)
    expect(await to.getItem('k49')).toEqual({ i: 49 })
    expect(await from.getKeys()).toEqual([])
    await storage.dispose()
  })
})
