import { describe, expect, it } from 'vitest'
import { build, mayContain } from '../../exercises/bloom-filter/reference.js'
import { readLog } from '../../exercises/log-reader/reference.js'
import { makeIndex } from '../../exercises/skiplist/reference.js'
import { CorruptionError, FormatError, Kvarium, MisuseError } from '../../src/index.js'
import { inspectFile } from '../../src/inspect/index.js'
import { lsmEngine, type CustomParts } from '../../src/lsm/index.js'
import { MemoryFileSystem, simulatedEnvironment } from '../../src/vfs/index.js'
import type { LogEnd, ReadLog } from '../../src/wal/index.js'

const DIRECTORY = '/store'
const filter = { build, mayContain }

async function open(fileSystem: MemoryFileSystem, parts?: CustomParts): Promise<Kvarium> {
  const engine = lsmEngine(parts && { parts })
  const db = new Kvarium(DIRECTORY, { engine, environment: simulatedEnvironment({ seed: 1, fileSystem }), writeBufferSize: 16 * 1024 })
  await db.open()
  return db
}

async function fill(db: Kvarium, value: string): Promise<void> {
  for (let i = 0; i < 300; i++) await db.put(`key ${i}`, value.padEnd(60))
  await db.compactRange()
}

/** What keeps a store from opening, or a read from its answer. */
async function refusal(work: () => Promise<unknown>): Promise<unknown> {
  const error: unknown = await work().then(
    () => undefined,
    (reason: unknown) => reason,
  )
  return error instanceof Error && error.cause instanceof Error ? error.cause : error
}

describe('a table with a custom filter', () => {
  it('is refused by a store that does not have that filter, and says why', async () => {
    const fileSystem = new MemoryFileSystem()
    const own = await open(fileSystem, { filter })
    await fill(own, 'v')
    await own.close()
    const stock = await open(fileSystem)
    const error = await refusal(() => stock.get('key 1'))
    expect(error).toBeInstanceOf(FormatError)
    expect((error as Error).message).toContain('open the store with that filter among its parts')
    await stock.close()
  })

  it('is no damage to an inspection', async () => {
    const fileSystem = new MemoryFileSystem()
    const db = await open(fileSystem, { filter })
    await fill(db, 'v')
    await db.close()
    const table = fileSystem.list(DIRECTORY).find(name => name.endsWith('.sst'))!
    const inspection = await inspectFile(`${DIRECTORY}/${table}`, { fileSystem })
    expect([...inspection.parts()].flatMap(({ problem }) => problem ?? [])).toEqual([])
    expect(inspection.problems).toEqual([])
    inspection.close()
  })

  it('stands beside tables with the built-in one', async () => {
    const fileSystem = new MemoryFileSystem()
    const stock = await open(fileSystem)
    await fill(stock, 'old')
    await stock.close()
    const own = await open(fileSystem, { filter })
    await own.put('key 7', 'new')
    await own.flush()
    expect(await own.get('key 7')).toBe('new')
    expect((await own.get('key 8'))?.trim()).toBe('old')
    expect(await own.get('key 301')).toBeUndefined()
    await own.close()
  })

  it('spares as many searches as the built-in one', async () => {
    const asked = async (parts?: CustomParts): Promise<object> => {
      const db = await open(new MemoryFileSystem(), parts)
      await fill(db, 'v')
      for (let i = 0; i < 3000; i++) await db.get(`key ${i}.5`)
      const { filterProbes, filterNegatives, filterFalsePositives } = db.stats().ledger.missing
      await db.close()
      return { filterProbes, filterNegatives, filterFalsePositives }
    }
    expect(await asked({ filter })).toEqual(await asked())
  })

  it('that builds what no table can hold fails the flush', async () => {
    const db = await open(new MemoryFileSystem(), { filter: { build: () => ({ bits: new Uint8Array(8), probes: 256 }), mayContain } })
    await db.put('a', 'b')
    expect(await refusal(() => db.flush())).toMatchObject({ code: 'LEVEL_INVALID_FILTER' })
    await db.close()
  })
})

describe('a log reader of the user’s own', () => {
  const logged = async (): Promise<MemoryFileSystem> => {
    const fileSystem = new MemoryFileSystem()
    const db = await open(fileSystem)
    await db.put('a', '1')
    await db.put('b', '2', { sync: true })
    await db.put('c', '3', { sync: true })
    const left = fileSystem.processCrashClone()
    await db.close()
    return left
  }

  it('brings back what was acknowledged', async () => {
    const db = await open(await logged(), { readLog })
    expect(await db.iterator().all()).toEqual([
      ['a', '1'],
      ['b', '2'],
      ['c', '3'],
    ])
    await db.close()
  })

  it('that finds durable bytes damaged keeps the store from opening', async () => {
    const fileSystem = await logged()
    const log = fileSystem.openWrite(`${DIRECTORY}/${fileSystem.list(DIRECTORY).find(name => name.endsWith('.log'))}`)
    log.write(Uint8Array.of(0xff), 16 + 16)
    log.close()
    expect(await refusal(() => open(fileSystem, { readLog }))).toBeInstanceOf(CorruptionError)
  })

  it.each<LogEnd>([
    { ending: 'torn', validBytes: 0, lastSynced: 0 },
    { ending: 'whole', validBytes: 16, lastSynced: 0 },
    { ending: 'torn', validBytes: 1e9, lastSynced: 0 },
    { ending: 'lost' as LogEnd['ending'], validBytes: 16, lastSynced: 0 },
  ])('that says what cannot be is not believed: %j', async end => {
    const impossible: ReadLog = () => end
    expect(await refusal(async () => open(await logged(), { readLog: impossible }))).toBeInstanceOf(MisuseError)
  })
})

describe('an index of the user’s own', () => {
  it('serves snapshots and scans both ways while newer versions come in', async () => {
    const db = await open(new MemoryFileSystem(), { memtableIndex: makeIndex })
    await db.batch([
      { type: 'put', key: 'a', value: '1' },
      { type: 'put', key: 'b', value: '1' },
    ])
    const snapshot = db.snapshot()
    await db.put('a', '2')
    await db.del('b')
    await db.put('c', '2')
    expect(await db.iterator({ snapshot }).all()).toEqual([
      ['a', '1'],
      ['b', '1'],
    ])
    expect(await db.iterator({ reverse: true }).all()).toEqual([
      ['c', '2'],
      ['a', '2'],
    ])
    await snapshot.close()
    await db.close()
  })

  it('begins anew with every memtable, also where one is used again', async () => {
    let made = 0
    const memtableIndex: CustomParts['memtableIndex'] = context => (made++, makeIndex(context))
    const db = await open(new MemoryFileSystem(), { memtableIndex })
    for (let i = 0; i < 2000; i++) await db.put(`key ${i % 400}`, `${i}`.padEnd(60))
    await db.settle()
    expect(made).toBeGreaterThan(4)
    for (let i = 0; i < 400; i++) expect((await db.get(`key ${i}`))?.trim()).toBe(`${1600 + i}`)
    await db.close()
  })
})
