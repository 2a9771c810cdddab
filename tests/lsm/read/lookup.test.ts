import { describe, expect, it } from 'vitest'
import type { Engine } from '../../../src/engine/contract.js'
import { keyOf, rangeOf, textOf } from '../../contract/support/opened-engine.js'
import { batchOf, get, openLsm, put } from '../support/opened-lsm.js'

/** Puts what is written so far into the deepest level, into level 0, or leaves it in the memtable. */
const PLACES: Readonly<Record<string, (engine: Engine) => unknown>> = {
  'the deepest level': engine => engine.compact(),
  'level 0': engine => engine.flush(),
  'the memtable': () => undefined,
}

describe('a get', () => {
  it.each(Object.entries(PLACES))('finds a key in %s, and none beside it', async (_, move) => {
    const engine = await openLsm({ created: true })
    for (const key of ['b', 'd', 'f']) await put(engine, key, key.toUpperCase())
    await move(engine)
    expect(['b', 'd', 'f'].map(key => get(engine, key))).toEqual(['B', 'D', 'F'])
    expect(['a', 'c', 'e', 'g', ''].map(key => get(engine, key))).toEqual([undefined, undefined, undefined, undefined, undefined])
    await engine.close()
  })

  it('gives the newest version, wherever the older ones are', async () => {
    const engine = await openLsm({ created: true })
    await put(engine, 'a', 'deepest')
    await engine.compact()
    expect(get(engine, 'a')).toBe('deepest')
    await put(engine, 'a', 'level 0')
    await engine.flush()
    expect(get(engine, 'a')).toBe('level 0')
    await put(engine, 'a', 'newer table')
    await engine.flush()
    expect(get(engine, 'a')).toBe('newer table')
    await put(engine, 'a', 'memtable')
    expect(get(engine, 'a')).toBe('memtable')
    await engine.close()
  })

  it('gives a snapshot the newest version that is not newer than it', async () => {
    const engine = await openLsm({ created: true })
    const snapshots = []
    for (const value of ['deepest', 'level 0', 'memtable']) {
      await put(engine, 'a', value)
      snapshots.push(engine.snapshot())
      if (value === 'deepest') await engine.compact()
      if (value === 'level 0') await engine.flush()
    }
    const values = snapshots.map(snapshot => textOf(engine.get(keyOf('a'), snapshot)!))
    expect(values).toEqual(['deepest', 'level 0', 'memtable'])
    for (const snapshot of snapshots) snapshot.release()
    await engine.close()
  })

  it('ends at a tombstone or under a range tombstone, and finds what was put after it', async () => {
    const engine = await openLsm({ created: true })
    for (const key of ['a', 'b', 'c']) await put(engine, key, 'old')
    await engine.compact()
    await engine.write(batchOf([['del', 'a']]), { sync: false })
    await engine.clear(rangeOf({ gte: 'b', lte: 'c' }), { sync: false })
    await put(engine, 'c', 'new')
    const seen = (): unknown[] => ['a', 'b', 'c'].map(key => get(engine, key))
    expect(seen()).toEqual([undefined, undefined, 'new'])
    await engine.flush()
    expect(seen()).toEqual([undefined, undefined, 'new'])
    await engine.close()
  })

  it('reads no table below the version that it meets first', async () => {
    const engine = await openLsm({ created: true })
    await put(engine, 'a', 'old')
    await engine.flush()
    await put(engine, 'a', 'new')
    const before = engine.stats()
    expect(get(engine, 'a')).toBe('new')
    expect(engine.stats().ledger.read).toEqual(before.ledger.read)
    await engine.close()
  })
})
