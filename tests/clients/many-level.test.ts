/** many-level: one process has the store, others use it over a stream, with iterators that read ahead and seek. */
import type { Kvarium } from 'kvarium'
import { ManyLevelGuest, ManyLevelHost } from 'many-level'
import { describe, expect, it } from 'vitest'
import { callbackDatabase } from './support/callback-database.js'
import { ENGINES, levelOf, paddedKey, useDirectory } from './support/client-place.js'

type Host = ConstructorParameters<typeof ManyLevelHost>[0]

const KEYS = Array.from({ length: 1000 }, (_, i) => paddedKey(i))

describe.each(ENGINES)('many-level on %s', engine => {
  const place = useDirectory()
  const Level = levelOf(engine)

  function connect(db: Kvarium, options: { readonly?: boolean } = {}): ManyLevelGuest {
    const host = new ManyLevelHost(callbackDatabase(db) as Host, options)
    const guest = new ManyLevelGuest()
    const stream = guest.createRpcStream()
    stream.pipe(host.createRpcStream()).pipe(stream)
    return guest
  }

  it('what guests write is there for each other, and after a reopening', async () => {
    const db = new Level(place('db'))
    const [first, second] = [connect(db), connect(db)]
    await first.batch(KEYS.map(key => ({ type: 'put', key, value: `${key}!` })))
    await second.del('000500')
    await second.put('é', '🙂')
    await first.close()
    await second.close()
    await db.close()
    const again = new Level(place('db'))
    const guest = connect(again)
    expect(await guest.get('000499')).toBe('000499!')
    await expect(guest.get('000500')).rejects.toMatchObject({ code: 'LEVEL_NOT_FOUND' })
    expect(await guest.getMany(['é', '000500', '000501'])).toEqual(['🙂', undefined, '000501!'])
    expect(await guest.keys().all()).toEqual([...KEYS.filter(key => key !== '000500'), 'é'])
    await guest.clear({ gte: '000100' })
    expect(await guest.keys().all()).toEqual(KEYS.slice(0, 100))
    await guest.close()
    await again.close()
  })

  it('ranges, reverse, limits and seeks of a remote iterator are those of a local one', async () => {
    const db = new Level(place('db'))
    const guest = connect(db)
    await guest.batch(KEYS.map(key => ({ type: 'put', key, value: `${key}!`.repeat(20) })))
    for (const range of [{ gt: '000010', lte: '000400' }, { reverse: true, limit: 7 }, { gte: '000990', reverse: true }, { lt: '0' }]) {
      expect(await guest.keys(range).all()).toEqual(await db.keys(range).all())
      expect(await guest.iterator(range).all()).toEqual(await db.iterator(range).all())
    }
    const iterator = guest.iterator()
    expect(await iterator.next()).toEqual(['000000', '000000!'.repeat(20)])
    iterator.seek('000700')
    expect((await iterator.nextv(3)).map(([key]) => key)).toEqual(KEYS.slice(700, 703))
    iterator.seek('000100x')
    expect((await iterator.next())?.[0]).toBe('000101')
    await iterator.close()
    await guest.close()
    await db.close()
  })

  it('a remote iterator sees one moment, though entries are deleted under it', async () => {
    const db = new Level(place('db'))
    const guest = connect(db)
    await guest.batch(KEYS.map(key => ({ type: 'put', key, value: 'v' })))
    const seen: string[] = []
    for await (const [key] of guest.iterator()) {
      if (seen.push(key) === 3) await db.clear()
    }
    expect(seen).toEqual(KEYS)
    expect(await guest.keys().all()).toEqual([])
    await guest.close()
    await db.close()
  })

  it('a guest may not write to a host that is read-only', async () => {
    const db = new Level(place('db'))
    await db.put('a', '1')
    const guest = connect(db, { readonly: true })
    expect(await guest.get('a')).toBe('1')
    await expect(guest.put('a', '2')).rejects.toMatchObject({ code: 'LEVEL_READONLY' })
    await expect(guest.clear()).rejects.toMatchObject({ code: 'LEVEL_READONLY' })
    expect(await db.get('a')).toBe('1')
    await guest.close()
    await db.close()
  })
})
