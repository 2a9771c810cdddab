/** Hazards: a history that misses who made a thing; a key said to lie where it is not; filter bits that are not those of the file. */
import { beforeAll, describe, expect, it } from 'vitest'
import type { Operation } from '../../packages/explorer/src/run/operation.js'
import { Session } from '../../packages/explorer/src/session/session.js'
import type { LevelsPicture } from '../../packages/explorer/src/views/levels-fold.js'
import { SETTINGS } from './support/settings.js'

const LSM = 0
/** One that a flush has written to a table. */
const KEY = 'key000040'

describe('what a session says of one thing', () => {
  let session: Session
  let end: number

  const levelsAt = async (position: number): Promise<LevelsPicture> =>
    (await session.look({ position, pictures: ['levels'] })).lanes[LSM].pictures.levels!
  const tablesAt = async (position: number): Promise<number[]> =>
    (await levelsAt(position)).levels.flatMap(level => level.runTables.flat().map(table => table.number))

  beforeAll(async () => {
    session = new Session()
    await session.begin(SETTINGS)
    const operations: Operation[] = [
      { type: 'del', key: 'key000007' },
      { type: 'put', key: 'key000008', value: 'new' },
      ...Array.from({ length: 12 }, (_, at): Operation => ({ type: 'get', key: `key00010${at}` })),
      { type: 'get', key: KEY },
    ]
    const summary = await session.add([
      { generator: { kind: 'random', count: 400, seed: 3, valueBytes: 100, keys: 150 } },
      ...operations.map(operation => ({ operation })),
    ])
    end = summary.moments
  })

  it('a table: who made it and why, in order, each at its position', async () => {
    for (const table of await tablesAt(end)) {
      const history = await session.history({ lane: LSM, kind: 'table', table }, end)
      const types = history.entries.map(({ type }) => type)
      expect(types[0]).toBe('file.create')
      expect(types).toContain('table.built')
      expect(types).toContain('manifest.edit')
      expect(history.summary[0]).toMatch(/^Made by a (flush|compaction of tables)/)
      const { position, sentence } = history.entries.find(({ type }) => type === 'table.built')!
      expect(sentence).toContain((await session.look({ position, pictures: [] })).moment!.sentence)
    }
  })

  it('a table that is gone: by what it was replaced, also as seen from before', async () => {
    const pick = (await session.seek({ from: 0, direction: 1, at: { type: 'compaction.pick' } }))!
    const [table] = (await levelsAt(pick)).compaction!.inputs.flat()
    const { summary, entries } = await session.history({ lane: LSM, kind: 'table', table }, pick)
    expect(summary).toContainEqual(expect.stringMatching(/^Replaced by a compaction of tables/))
    expect(entries.find(({ position }) => position === pick)).toMatchObject({ type: 'compaction.pick', isLater: false })
    expect(entries.at(-1)).toMatchObject({ type: 'file.remove', isLater: true })
  })

  it('a table from inside: blocks that fill its file, and a filter whose bits answer as it did', async () => {
    const [name] = await tablesAt(end)
    const { blocks, fileBytes, filter } = (await session.table(LSM, name, end))!
    expect(blocks.map(({ offset }) => offset)).toEqual(
      blocks.reduce((starts, { length }) => [...starts, starts.at(-1)! + length], [0]).slice(0, -1),
    )
    expect(blocks.reduce((sum, { length }) => sum + length, 0)).toBe(fileBytes)
    expect(filter!.cells.length * filter!.bitsPerCell).toBeGreaterThanOrEqual(filter!.bits)
    const share = filter!.cells.reduce((sum, cell) => sum + cell, 0) / filter!.bits
    expect(share).toBeGreaterThan(0.3)
    expect(share).toBeLessThan(0.7)
    let probes = 0
    for (let at: number | undefined = 0; at !== undefined;) {
      at = await session.seek({ from: at, direction: 1, at: { type: 'get.probe' }, lane: LSM })
      if (at === undefined) break
      for (const table of await tablesAt(at)) {
        const anatomy = (await session.table(LSM, table, at))!
        if (anatomy.probe === undefined || anatomy.filter!.bitsPerCell > 1) continue
        const { positions, mayContain } = anatomy.probe
        const bits = positions.map(bit => anatomy.filter!.cells[bit])
        expect(bits).toEqual(positions.map((_, index) => (mayContain || index < positions.length - 1 ? 1 : 0)))
        probes++
      }
    }
    expect(probes).toBeGreaterThan(1)
  })

  it('a key: where its versions lie, as the engine would find them', async () => {
    expect((await session.keyPlaces(LSM, 'key000007', end))!.places[0]).toMatchObject({ in: 'memtable', kind: 'tombstone' })
    expect((await session.keyPlaces(LSM, 'key000008', end))!.places[0]).toMatchObject({ in: 'memtable', kind: 'value', valueBytes: 3 })
    expect(await session.keyPlaces(LSM, 'key0000081', end)).toMatchObject({ places: [] })
    let places = 0
    for (let number = 0; number < 150; number++) {
      places += (await session.keyPlaces(LSM, `key${String(number).padStart(6, '0')}`, end))!.places.length
    }
    const { memtable, frozen, levels } = await levelsAt(end)
    expect(places).toBe([memtable, ...frozen, ...levels].reduce((sum, { entries }) => sum + entries, 0))
  })

  it('a key: every operation and every fate of it', async () => {
    const { entries } = await session.history({ lane: LSM, kind: 'key', key: KEY }, end)
    expect(entries.map(({ type }) => type)).toEqual(expect.arrayContaining(['call', 'memtable.insert', 'compaction.key']))
    expect(entries.at(-1)).toMatchObject({ type: 'call', sentence: `get ${KEY}` })
    expect(entries.filter(({ type }) => type === 'call').length - 1).toBe(entries.filter(({ type }) => type === 'memtable.insert').length)
  })

  it('bytes of a file: only what touches them', async () => {
    const { entries } = await session.history({ lane: LSM, kind: 'bytes', file: 'CURRENT', offset: 0, length: 1 }, end)
    expect(entries.length).toBeGreaterThan(0)
    expect(entries.every(({ sentence }) => sentence.includes('CURRENT'))).toBe(true)
  })
})
