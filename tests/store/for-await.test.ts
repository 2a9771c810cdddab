import { describe, expect, it } from 'vitest'
import { openMemory } from './support/test-store.js'

const KEYS = Array.from({ length: 600 }, (_, i) => String(i).padStart(4, '0'))

async function filled(): ReturnType<typeof openMemory<string, string>> {
  const db = await openMemory()
  await db.batch(KEYS.map(key => ({ type: 'put', key, value: `value of ${key}` })))
  return db
}

describe('for await', () => {
  it('shows every entry once, in order, over many batches', async () => {
    const db = await filled()
    const seen: string[] = []
    for await (const [key, value] of db.iterator()) {
      expect(value).toBe(`value of ${key}`)
      seen.push(key)
    }
    expect(seen).toEqual(KEYS)
    await db.close()
  })

  it('leaving the loop closes the iterator', async () => {
    const db = await filled()
    const iterator = db.keys()
    for await (const key of iterator) if (key === '0300') break
    await expect(iterator.next()).rejects.toMatchObject({ code: 'LEVEL_ITERATOR_NOT_OPEN' })
    await db.close()
  })

  it('an error in the loop closes the iterator and comes out', async () => {
    const db = await filled()
    const iterator = db.values()
    const loop = async (): Promise<void> => {
      for await (const value of iterator) if (value === 'value of 0010') throw new Error('enough')
    }
    await expect(loop()).rejects.toThrow('enough')
    await expect(iterator.next()).rejects.toMatchObject({ code: 'LEVEL_ITERATOR_NOT_OPEN' })
    await db.close()
  })

  it('a seek in the loop takes effect at once, whatever was read ahead', async () => {
    const db = await filled()
    const iterator = db.keys()
    const seen: string[] = []
    for await (const key of iterator) {
      seen.push(key)
      if (key === '0020') iterator.seek('0590')
    }
    expect(seen).toEqual([...KEYS.slice(0, 21), ...KEYS.slice(590)])
    await db.close()
  })

  it('callers that do not wait for each other get the entries in order', async () => {
    const db = await filled()
    const iteration = db.keys({ limit: 100 })[Symbol.asyncIterator]()
    const results = await Promise.all(Array.from({ length: 101 }, () => iteration.next()))
    expect(results.map(result => result.value as unknown)).toEqual([...KEYS.slice(0, 100), undefined])
    await db.close()
  })
})
