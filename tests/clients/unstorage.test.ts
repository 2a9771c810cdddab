/** unstorage over `kvarium/unstorage`: the cases of unstorage's own drivers, mounts on sublevels, raw values, snapshots, keys with colons. */
import type { Storage } from 'unstorage'
import { createStorage, prefixStorage, restoreSnapshot, snapshot } from 'unstorage'
import { kvariumDriver } from 'kvarium/unstorage'
import { describe, expect, it } from 'vitest'
import { ENGINES, levelOf, useDirectory } from './support/client-place.js'

describe.each(ENGINES)('unstorage on %s', engine => {
  const place = useDirectory()
  const Level = levelOf(engine)

  function openStorage(): Storage {
    const level = new Level(place('storage'))
    const storage = createStorage({ driver: kvariumDriver({ db: level.sublevel('root') }) })
    storage.mount('cache', kvariumDriver({ db: level.sublevel('cache') }))
    const dispose = storage.dispose.bind(storage)
    // A database of the caller is the caller's to close.
    storage.dispose = async () => {
      await dispose()
      await level.close()
    }
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

  describe('what unstorage asks of each driver', () => {
    const open = (): Storage => createStorage({ driver: kvariumDriver({ location: place('driver'), engine }) })

    it('a new store has nothing, and a cleared one neither, also when it is cleared twice', async () => {
      const storage = open()
      expect(await storage.hasItem('s1:a')).toBe(false)
      expect(await storage.getItem('s2:a')).toBeNull()
      expect(await storage.getKeys()).toEqual([])
      await restoreSnapshot(storage, { initial: 'works' })
      expect(await storage.getItem('initial')).toBe('works')
      await storage.clear()
      await storage.clear()
      expect(await storage.getKeys()).toEqual([])
      await storage.dispose()
    })

    it('keys lose their query, and are listed by base and by depth', async () => {
      const storage = open()
      for (const key of ['s1:a', 's2:a', 's3:a?q=1', 'top', 'd0:d1:d2', 'd0:d1_0']) await storage.setItem(key, 'data')
      expect(await storage.getItem('s3:a?q=2')).toBe('data')
      expect((await storage.getKeys()).sort()).toEqual(['d0:d1:d2', 'd0:d1_0', 's1:a', 's2:a', 's3:a', 'top'])
      expect(await storage.getKeys('s1')).toEqual(['s1:a'])
      expect(await storage.getKeys(undefined, { maxDepth: 0 })).toEqual(['top'])
      expect((await storage.getKeys('d0', { maxDepth: 1 })).sort()).toEqual(['d0:d1_0'])
      await storage.removeItem('s1:a')
      expect(await storage.hasItem('s1:a')).toBe(false)
      await storage.dispose()
    })

    it('objects, primitives and what is falsy come back as they were, what is no JSON is refused', async () => {
      const storage = open()
      const values = { object: { json: 'works' }, true: true, false: false, zero: 0, text: 'text' }
      for (const [key, value] of Object.entries(values)) await storage.setItem(`data:${key}.json`, value)
      for (const [key, value] of Object.entries(values)) expect(await storage.getItem(`data:${key}.json`)).toEqual(value)
      await storage.setItem('date.json', { toJSON: () => ({ nested: 'works' }) })
      expect(await storage.getItem('date.json')).toEqual({ nested: 'works' })
      class Opaque {}
      await expect(storage.setItem('bad.json', new Opaque())).rejects.toThrow('Cannot stringify')
      await storage.dispose()
    })

    it('raw bytes of any view, and many items in the order asked for', async () => {
      const storage = open()
      const bytes = Uint8Array.from([0, 255, 1, 2])
      await storage.setItemRaw('raw', new DataView(bytes.buffer, 1, 2))
      expect(await storage.getItemRaw('raw')).toEqual(bytes.slice(1, 3))
      await storage.setItemRaw('raw', bytes.buffer)
      expect(await storage.getItemRaw('raw')).toEqual(bytes)
      expect(await storage.getItemRaw('absent')).toBeNull()
      await storage.setItems([
        { key: 't:1', value: 'one' },
        { key: 't:2?q', value: 'two' },
      ])
      expect(await storage.getItems([{ key: 't:2' }, 't:1', 't:3'])).toEqual([
        { key: 't:2', value: 'two' },
        { key: 't:1', value: 'one' },
        { key: 't:3', value: null },
      ])
      await storage.dispose()
    })
  })
})
