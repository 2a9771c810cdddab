/** `getProperty` as of classic-level. */
import { describe, expect, it } from 'vitest'
import { Kvarium } from '../../src/index.js'
import { MemoryFileSystem } from '../../src/vfs/index.js'

const NUMBER = 'leveldb.num-files-at-level'

describe.each(['lsm', 'btree', 'memory'] as const)('the properties of a store on %s', engine => {
  it('are strings, empty for a name that does not exist', async () => {
    const db = new Kvarium('/store', { engine, fileSystem: new MemoryFileSystem() })
    await db.put('ada', '1815')
    await db.flush()
    const tables = engine === 'lsm' ? 1 : 0
    const onAllLevels = Array.from({ length: 8 }, (_, level) => Number(db.getProperty(`${NUMBER}${level}`)))
    expect(onAllLevels.reduce((sum, n) => sum + n)).toBe(tables)
    expect(db.getProperty(`${NUMBER}99`)).toBe('0')
    expect(Number(db.getProperty('leveldb.approximate-memory-usage'))).toBeGreaterThan(0)
    expect(db.getProperty('leveldb.stats')).toContain('Files')
    expect(db.getProperty('leveldb.sstables').includes("['ada' .. 'ada']")).toBe(engine === 'lsm')
    for (const name of ['', 'foo', 'leveldb.foo', NUMBER, `${NUMBER}x`]) expect(db.getProperty(name)).toBe('')
    await db.close()
  })

  it('cannot be had of a store that is not open, nor by a name that is no string', async () => {
    const db = new Kvarium('/store', { engine, fileSystem: new MemoryFileSystem() })
    const refusal: unknown = expect.objectContaining({ code: 'LEVEL_DATABASE_NOT_OPEN' })
    expect(() => db.getProperty('leveldb.stats')).toThrow(refusal)
    await db.open()
    expect(() => db.getProperty(5 as unknown as string)).toThrow(TypeError)
    await db.close()
    expect(() => db.getProperty('leveldb.stats')).toThrow(refusal)
  })
})
