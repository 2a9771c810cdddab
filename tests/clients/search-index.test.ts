/** search-index: an inverted index whose keys are arrays in the encoding charwise, made with its option `Level`. */
import { once } from 'node:events'
import { SearchIndex } from 'search-index'
import { describe, expect, it } from 'vitest'
import { ENGINES, levelOf, useDirectory } from './support/client-place.js'

const DOCS = [
  { _id: 'mercury', text: 'closest to the sun and smallest', moons: 0, kind: 'rock' },
  { _id: 'venus', text: 'hottest, turns the other way', moons: 0, kind: 'rock' },
  { _id: 'earth', text: 'water and life under the sun', moons: 1, kind: 'rock' },
  { _id: 'mars', text: 'red dust and old water', moons: 2, kind: 'rock' },
  { _id: 'jupiter', text: 'largest, with a red spot', moons: 95, kind: 'gas' },
  { _id: 'saturn', text: 'rings of ice', moons: 146, kind: 'gas' },
]

describe.each(ENGINES)('search-index on %s', engine => {
  const place = useDirectory()

  async function openIndex(name = 'index'): Promise<SearchIndex> {
    const index = new SearchIndex({ name: place(name), Level: levelOf(engine) })
    await once(index.EVENTS, 'ready')
    return index
  }

  async function found(index: SearchIndex, query: unknown): Promise<(string | number)[]> {
    const { RESULT } = await index.QUERY(query)
    return RESULT.map(({ _id }) => _id).sort()
  }

  it('every word, field and range finds its documents, also after a reopening', async () => {
    const first = await openIndex()
    await first.PUT(DOCS)
    const check = async (index: SearchIndex): Promise<void> => {
      expect(await found(index, 'water')).toEqual(['earth', 'mars'])
      expect(await found(index, { AND: ['red', 'water'] })).toEqual(['mars'])
      expect(await found(index, { OR: ['ice', 'red'] })).toEqual(['jupiter', 'mars', 'saturn'])
      expect(await found(index, { NOT: { INCLUDE: 'sun', EXCLUDE: 'life' } })).toEqual(['mercury'])
      expect(await found(index, { FIELD: 'kind', VALUE: 'gas' })).toEqual(['jupiter', 'saturn'])
      expect(await found(index, { FIELD: 'moons', VALUE: { GTE: 1, LTE: 95 } })).toEqual(['earth', 'jupiter', 'mars'])
      expect(await found(index, 'nowhere')).toEqual([])
      expect(await index.DOCUMENT_COUNT()).toBe(6)
      expect((await index.DICTIONARY({ FIELD: 'kind' })).RESULT).toEqual(['gas', 'rock'])
    }
    await check(first)
    await first.INDEX.STORE.close()
    const second = await openIndex()
    await check(second)
    await second.INDEX.STORE.close()
  })

  it('a deleted or replaced document is found by none of its old words', async () => {
    const index = await openIndex()
    await index.PUT(DOCS)
    await index.DELETE('mars', 'saturn', 'earth')
    await index.PUT([{ _id: 'earth', text: 'blue', moons: 1, kind: 'home' }])
    expect(await found(index, 'water')).toEqual([])
    expect(await found(index, 'ice')).toEqual([])
    expect(await found(index, 'red')).toEqual(['jupiter'])
    expect(await found(index, 'blue')).toEqual(['earth'])
    expect((await index.ALL_DOCUMENTS()).map(({ _id }) => _id).sort()).toEqual(['earth', 'jupiter', 'mercury', 'venus'])
    await index.INDEX.STORE.close()
  })

  it('an index that was exported and imported into another store answers the same', async () => {
    const from = await openIndex('from')
    await from.PUT(DOCS)
    const entries = await from.EXPORT()
    await from.INDEX.STORE.close()
    const to = await openIndex('to')
    await to.IMPORT(entries)
    expect(await found(to, { AND: ['red', 'water'] })).toEqual(['mars'])
    const { RESULT } = await to.QUERY('rings', { DOCUMENTS: true })
    expect(RESULT.map(({ _doc }) => _doc)).toEqual([DOCS[5]])
    await to.FLUSH()
    expect(await to.DOCUMENT_COUNT()).toBe(0)
    await to.INDEX.STORE.close()
  })

  it('thousands of index entries come through flushes and merges', async () => {
    const first = await openIndex()
    const word = (i: number): string => `w${String.fromCharCode(97 + (i % 26))}${i % 100}`
    await first.PUT(
      Array.from({ length: 150 }, (_, i) => ({ _id: i, text: Array.from({ length: 10 }, (_, k) => word(i * 7 + k)).join(' ') })),
    )
    await first.INDEX.STORE.close()
    const second = await openIndex()
    const expected = Array.from({ length: 150 }, (_, i) => i).filter(i =>
      Array.from({ length: 10 }, (_, k) => word(i * 7 + k)).includes('wa0'),
    )
    expect((await second.QUERY('wa0', { PAGE: { SIZE: 1000 } })).RESULT.map(({ _id }) => Number(_id)).sort((a, b) => a - b)).toEqual(
      expected,
    )
    expect(await second.DOCUMENT_COUNT()).toBe(150)
    await second.INDEX.STORE.close()
  })
})
