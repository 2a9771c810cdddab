/** Hazards: a history that misses who made a thing; a key said to lie where it is not; filter bits that are not those of the file. */
import { beforeAll, describe, expect, it } from 'vitest'
import type { Operation } from '../../packages/explorer/src/run/operation.js'
import { Session } from '../../packages/explorer/src/session/session.js'
import type { LevelsPicture } from '../../packages/explorer/src/views/levels-fold.js'
import { SETTINGS } from './support/settings.js'

const LSM = 0
const BTREE = 1
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

  it('a key of a B+tree: the pages that carry it, from its write to the checkpoint', async () => {
    const own = new Session()
    await own.begin(SETTINGS)
    const { moments } = await own.add([
      { operation: { type: 'put', key: 'key', value: 'red' } },
      { operation: { type: 'snapshot', name: 'before' } },
      { generator: { kind: 'random', count: 60, seed: 3, valueBytes: 100, keys: 60 } },
      { operation: { type: 'put', key: 'key', value: 'blue' } },
      { operation: { type: 'flush' } },
    ])
    const { entries, summary } = await own.history({ lane: BTREE, kind: 'key', key: 'key' }, moments)
    const types = entries.map(({ type }) => type)
    expect(types).toEqual(expect.arrayContaining(['call', 'page.change', 'page.new', 'page.split', 'page.write', 'page.clean']))
    expect(summary[0]).toMatch(/^Written or deleted 2 times so far; last written by operation 63 \(put key blue\) at moment/)
    expect(summary[1]).toMatch(/^That is durable since a checkpoint/)
    const first = entries.findIndex(({ type }) => type === 'call')
    // Nothing carries a key that has not been written yet.
    expect(first).toBe(0)
    const changes = entries.filter(({ type }) => type === 'page.change').length
    expect(changes).toBe(entries.filter(({ type, sentence }) => type === 'call' && sentence.startsWith('put')).length)
  })

  it('a key: durable when its log is, or when what replaces its log is', async () => {
    for (const lane of [LSM, BTREE]) {
      const { entries } = await session.history({ lane, kind: 'key', key: 'key000008' }, end)
      const { position } = entries.findLast(({ type }) => type === 'call')!
      const before = await session.history({ lane, kind: 'key', key: 'key000008' }, position - 1)
      expect(before.summary.at(-1)).toMatch(/^Written by operation 402 \(put key000008 new\) later, at moment [\d,]+\.$/)
      const after = await session.history({ lane, kind: 'key', key: 'key000008' }, end)
      expect(after.summary).toContain('That is not durable in this run: power loss could take it.')
    }
  })

  it('bytes of a file: only what touches them, also under the name that the file had first', async () => {
    const { entries, summary } = await session.history({ lane: LSM, kind: 'bytes', file: 'CURRENT', offset: 0, length: 1 }, end)
    expect(entries.map(({ type }) => type)).toEqual(expect.arrayContaining(['file.write', 'file.sync', 'file.rename']))
    expect(entries.every(({ sentence }) => sentence.includes('CURRENT'))).toBe(true)
    expect(summary[0]).toMatch(/^Written by the opening at moment \d+, with the 16 bytes from offset 0, counted as meta\.$/)
    expect(summary[1]).toMatch(/^The byte is durable since a sync by the opening at moment \d+\.$/)
    expect(summary.at(-1)).toBe('The file is there at the end of the run.')
  })

  it('bytes of a log: the operation that wrote them, when they became durable, and who removed the file', async () => {
    const created = (await session.history({ lane: LSM, kind: 'file', file: '000001.log' }, 0)).entries
    const write = created.filter(({ type }) => type === 'file.write')[1]
    const bytes = { lane: LSM, kind: 'bytes', file: '000001.log', offset: 16, length: 4 } as const
    const { summary } = await session.history(bytes, write.position)
    expect(summary[0]).toMatch(
      /^Written by operation 1 \(put key\d+ .*\) at moment [\d,]+, with the \d+ bytes from offset 16, counted as log\.$/,
    )
    expect(summary[1]).toMatch(/power loss could take it/)
    expect(summary.at(-1)).toMatch(/^The file is removed by a flush.* later, at moment [\d,]+\.$/)
    const before = await session.history(bytes, write.position - 1)
    expect(before.summary.slice(0, 2)).toEqual([
      'They have not been written at this moment.',
      expect.stringMatching(/^Written by operation 1 .* later, at moment/),
    ])
  })

  it('bytes of a data file: the newest write, what it wrote over, and the one that comes later', async () => {
    // The meta pages lie at the beginning, and checkpoints write them in turns.
    const meta = { lane: BTREE, kind: 'bytes', file: 'data.btree', offset: 100, length: 8 } as const
    const writes = (await session.history(meta, end)).entries.filter(({ type }) => type === 'file.write')
    expect(writes.length).toBeGreaterThan(1)
    const first = await session.history(meta, writes[0].position)
    expect(first.summary).toContainEqual(
      expect.stringMatching(/^The range is not durable yet: power loss could take it\. Synced by the opening/),
    )
    expect(first.summary).toContainEqual(expect.stringMatching(/^Written over by .* later, at moment/))
    const last = await session.history(meta, end)
    expect(last.summary[0]).toContain(`at moment ${writes.at(-1)!.position.toLocaleString('en-US')},`)
    expect(last.summary[1]).toMatch(/earlier writes? here (is|are) written over/)
  })

  it('a file: made by, written by, durable since, removed by', async () => {
    const [table] = await tablesAt(end)
    const file = `${String(table).padStart(6, '0')}.sst`
    const { summary } = await session.history({ lane: LSM, kind: 'file', file }, end)
    expect(summary[0]).toMatch(/^Made by a (flush|compaction)/)
    expect(summary[1]).toMatch(/^Written /)
    expect(summary[2]).toMatch(/^What has been written so far is durable since a sync by a (flush|compaction)/)
    expect(summary[3]).toMatch(/^Its name is durable since moment/)
    expect((await session.history({ lane: LSM, kind: 'file', file: 'nothing' }, end)).summary).toEqual(['No event of this lane names it.'])
  })

  it('a job: why it ran, what it made, how it ended, and what became of its tables', async () => {
    const { jobs } = await session.timeline({ from: 0, to: end, buckets: end })
    const flush = jobs.find(({ kind, lane }) => kind === 'flush' && lane === LSM)!
    const selection = { lane: LSM, kind: 'job', job: flush.job, from: flush.from, name: 'flush' } as const
    const { title, summary } = await session.history(selection, end)
    expect(title).toBe(`Job ${flush.job} (flush)`)
    expect(summary[0]).toMatch(/^A flush.*, begun at moment/)
    expect(summary[1]).toMatch(/^It made \d+ tables?: \d+/)
    expect(summary).toContainEqual(expect.stringMatching(/^It removed \d+\.log\.$/))
    expect(summary).toContainEqual(expect.stringMatching(/^Ended at moment [\d,]+, with 0 bytes read and [\d,]+ bytes written\.$/))
    expect(summary).toContainEqual(expect.stringMatching(/^Table \d+ is replaced by a compaction of tables .* at moment/))
    const { entries } = await session.history(selection, flush.from)
    expect(entries[0]).toMatchObject({ position: flush.from, type: 'job.begin' })
    const compaction = jobs.find(({ kind, lane }) => kind === 'compaction' && lane === LSM)!
    const other = await session.history({ lane: LSM, kind: 'job', job: compaction.job, from: compaction.from, name: 'compaction' }, 0)
    expect(other.summary[0]).toMatch(/^A compaction.*, begun later, at moment/)
  })

  it('a snapshot: who took it, what reads at it, and how it ended', async () => {
    const own = new Session()
    await own.begin(SETTINGS)
    const add = async (operation: Operation): Promise<number> => (await own.add([{ operation }])).moments
    const taken = await add({ type: 'snapshot', name: 'before' })
    await add({ type: 'put', key: 'key', value: 'red' })
    const read = await add({ type: 'get', key: 'key', snapshot: 'before' })
    await add({ type: 'reopen' })
    const again = await add({ type: 'snapshot', name: 'before' })
    for (const lane of [LSM, BTREE]) {
      const of = async (position: number): Promise<readonly string[]> =>
        (await own.history({ lane, kind: 'snapshot', name: 'before' }, position)).summary
      expect(await of(taken)).toEqual([
        expect.stringMatching(/^Taken by operation 1 \(snapshot before\) at moment \d+: it holds .* sequence number 0\.$/),
        'No get has read at it so far.',
        expect.stringMatching(/^Released when the store was closed later, at moment/),
      ])
      expect((await of(read))[1]).toBe('1 get has read at it so far.')
      expect(await of(again)).toEqual([
        expect.stringMatching(/^Taken by operation 5/),
        'No get has read at it so far.',
        'It is held at the end of the run.',
      ])
    }
  })
})
