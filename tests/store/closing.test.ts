import { describe, expect, it } from 'vitest'
import { Kvarium } from '../../src/store/portable-kvarium.js'
import { MemoryFileSystem } from '../../src/vfs/memory/memory-file-system.js'

describe.each(['lsm', 'btree', 'memory'] as const)('closing a %s store', engine => {
  it('lets every call that is under way finish, and refuses later ones in the words of Level', async () => {
    const db = new Kvarium<string, string>('/store', { engine, fileSystem: new MemoryFileSystem(), valueEncoding: 'utf8' })
    await db.open()
    await db.batch(Array.from({ length: 3000 }, (_, i) => ({ type: 'put', key: `k${i}`, value: 'v'.repeat(100) })))
    const violations: unknown[] = []
    const checked = (async () => {
      for await (const violation of db.check()) violations.push(violation)
    })()
    const calls = [db.flush(), db.compactRange(), db.compactRange('k1', 'k2'), db.settle(), checked]
    calls.push(
      db.approximateSize('k', 'l').then(() => undefined),
      db.clear({ limit: 10 }),
      db.put('last', 'one', { sync: true }),
    )
    const outcomes = Promise.allSettled(calls)
    await db.close()
    expect((await outcomes).map(({ status }) => status)).toEqual(calls.map(() => 'fulfilled'))
    expect(violations).toEqual([])
    for (const call of [
      () => db.flush(),
      () => db.compactRange(),
      () => db.settle(),
      () => db.approximateSize('k', 'l'),
      () => db.clear(),
    ]) {
      await expect(call()).rejects.toMatchObject({ code: 'LEVEL_DATABASE_NOT_OPEN' })
    }
    await db.open()
    expect(await db.keys().all()).toHaveLength(3000 - 10 + 1)
    await db.close()
  })
})
