import { describe, expect, it } from 'vitest'
import { buildBlock as build, lowerBound } from '../../exercises/block/reference.js'
import { MergingCursor } from '../../exercises/merging-cursor/reference.js'
import { Kvarium } from '../../src/index.js'
import { LeveledPicker, lsmEngine, type CompactionPicker, type CustomParts } from '../../src/lsm/index.js'
import { MemoryFileSystem, simulatedEnvironment } from '../../src/vfs/index.js'

async function open(parts?: CustomParts, fileSystem = new MemoryFileSystem()): Promise<Kvarium> {
  const engine = lsmEngine(parts && { parts })
  const db = new Kvarium('/store', { engine, environment: simulatedEnvironment({ seed: 1, fileSystem }), level0Tables: 3 })
  await db.open()
  return db
}

/** Flushes `count` tables, each with all of ten keys. */
async function fill(db: Kvarium, tables: number): Promise<void> {
  for (let table = 0; table < tables; table++) {
    for (let key = 0; key < 10; key++) await db.put(`key ${key}`, `${table}`)
    await db.flush()
  }
  await db.settle()
}

const tablesOf = (db: Kvarium): number[] => (db.shape().levels ?? []).map(({ tables }) => tables)

describe('a merging cursor of the user’s own', () => {
  /** How many children each cursor was made of. */
  const counting = (): { readonly made: number[]; readonly parts: CustomParts } => {
    const made: number[] = []
    return { made, parts: { mergingCursor: children => (made.push(children.length), new MergingCursor(children)) } }
  }

  it('merges the sources of a scan, and is spared where there is one', async () => {
    const { made, parts } = counting()
    const db = await open(parts)
    await db.put('a', '1')
    expect(await db.keys().all()).toEqual(['a'])
    expect(made).toEqual([])
    await db.flush()
    await db.put('b', '2')
    expect(await db.keys().all()).toEqual(['a', 'b'])
    expect(await db.keys({ reverse: true }).all()).toEqual(['b', 'a'])
    expect(made).toEqual([2, 2])
    await db.close()
  })

  it('merges the tables of a compaction', async () => {
    const { made, parts } = counting()
    const db = await open(parts)
    await fill(db, 3)
    expect(made).toEqual([3])
    expect(tablesOf(db)).toEqual([0, 1])
    expect(await db.get('key 7')).toBe('2')
    await db.close()
  })
})

describe('a picker of the user’s own', () => {
  it('decides what is compacted, and nothing else does', async () => {
    const never: CompactionPicker = { name: 'never', pick: () => undefined, scores: () => [], pickRange: () => undefined }
    const db = await open({ picker: never })
    await fill(db, 5)
    await db.compactRange()
    expect(tablesOf(db)).toEqual([5])
    expect(db.shape()).toMatchObject({ picker: 'never' })
    await db.close()
  })

  it('that fails rejects its callers, and the store continues', async () => {
    let fails = true
    class Failing extends LeveledPicker {
      override pick(...given: Parameters<LeveledPicker['pick']>): ReturnType<LeveledPicker['pick']> {
        if (fails && given[0].level(0).length > 2) throw new Error('a mistake of the picker')
        return super.pick(...given)
      }
    }
    const db = await open({ picker: new Failing({ level0Tables: 3, level1Bytes: 1 << 20, fanOut: 10 }) })
    await expect(fill(db, 3)).rejects.toThrow('a mistake of the picker')
    expect(await db.get('key 7')).toBe('2')
    fails = false
    await db.settle()
    expect(tablesOf(db)).toEqual([0, 1])
    await db.close()
  })
})

describe('a codec of blocks of the user’s own', () => {
  it('leaves a store that opens without it, and reads one that was written without it', async () => {
    const parts: CustomParts = { blockCodec: { build, lowerBound } }
    for (const [written, read] of [
      [parts, undefined],
      [undefined, parts],
    ]) {
      const fileSystem = new MemoryFileSystem()
      const writing = await open(written, fileSystem)
      await fill(writing, 4)
      await writing.close()
      const reading = await open(read, fileSystem)
      expect(await reading.get('key 3')).toBe('3')
      expect(await reading.keys({ gt: 'key 6' }).all()).toEqual(['key 7', 'key 8', 'key 9'])
      await fill(reading, 4)
      expect(await reading.get('key 10')).toBeUndefined()
      await reading.close()
    }
  })
})
