/** Stores of a page in folders of OPFS, which is in memory here. `browser.test.ts` has those of Chromium. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { destroyInWorker, openInWorker, repairInWorker, type WorkerStore } from '../../src/browser/index.js'
import { MemoryFolder } from './support/memory-opfs.js'
import { served } from './support/served-worker.js'

let root: MemoryFolder
const { worker } = served({ fileSystem: undefined })

beforeEach(() => {
  root = new MemoryFolder()
  vi.stubGlobal('navigator', { storage: { getDirectory: async () => root } })
})
afterEach(() => {
  vi.unstubAllGlobals()
})

const numbered = (from: number, count: number): { type: 'put'; key: string; value: string }[] =>
  Array.from({ length: count }, (_, i) => ({ type: 'put' as const, key: String(from + i).padStart(5, '0'), value: `value ${from + i}` }))

async function opened(location: string, engine = 'lsm'): Promise<WorkerStore> {
  const db = openInWorker(worker, location, { engine, ...(engine === 'lsm' && { writeBufferSize: 64 << 10 }) } as never)
  await db.open()
  return db
}

async function soundKeys(location: string, engine = 'lsm'): Promise<number> {
  const db = await opened(location, engine)
  for await (const violation of db.check()) expect(violation).toBeUndefined()
  const keys = await db.keys().all()
  await db.close()
  expect(keys).toEqual(numbered(0, keys.length).map(({ key }) => key))
  return keys.length
}

const codeOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'resolved',
    (error: unknown) => (error as { readonly code: string }).code,
  )

describe('a checkpoint of a page', () => {
  it.each(['lsm', 'btree'])('is a store in a folder of its own with what was there at the call: %s', async engine => {
    const db = await opened('app/people', engine)
    for (let from = 0; from < 1000; from += 100) {
      await db.batch(numbered(from, 100))
      if (from % 400 === 0) await db.flush()
    }
    const before = db.batch(numbered(1000, 7))
    const made = db.checkpoint('app/copy')
    const after = db.batch(numbered(1007, 300))
    await Promise.all([before, made, after])
    await db.batch(numbered(1307, 10))
    expect(await soundKeys('app/copy', engine)).toBe(1007)
    await db.checkpoint('/another/')
    await db.close()
    expect(await soundKeys('another', engine)).toBe(1317)
    expect(await soundKeys('app/people', engine)).toBe(1317)
  })

  it('copies more tables than there are spare files', async () => {
    const db = await opened('people')
    for (let table = 0; table < 60; table++) {
      await db.ingest(numbered(20 * table, 20).map(({ key, value }) => [key, value] as const))
    }
    root.disk.turns = 40
    await db.checkpoint('copy')
    await db.close()
    expect(await soundKeys('copy')).toBe(1200)
  })

  it('leaves no folder when it is ended', async () => {
    const db = await opened('people')
    await db.batch(numbered(0, 3000))
    await db.flush()
    expect(await codeOf(db.checkpoint('ended', { signal: AbortSignal.abort() }))).toBe('LEVEL_ABORTED')
    const abort = new AbortController()
    const made = codeOf(db.checkpoint('ended', { signal: abort.signal }))
    while (!root.folders().includes('ended')) await new Promise(resolve => setImmediate(resolve))
    abort.abort()
    expect(await made).toBe('LEVEL_ABORTED')
    expect(root.folders()).toEqual(['people'])
    await db.checkpoint('ended')
    await db.close()
    expect(await soundKeys('ended')).toBe(3000)
  })

  it('leaves no folder when the disk is full, and works once there is room', async () => {
    const db = await opened('people')
    await db.batch(numbered(0, 3000))
    await db.flush()
    for (const room of [10, 300, 20_000]) {
      root.disk.room = room
      expect(await codeOf(db.checkpoint('copy'))).toBe('LEVEL_IO_ERROR')
      expect(root.folders()).toEqual(['people'])
    }
    root.disk.room = Infinity
    await db.checkpoint('copy')
    await db.close()
    expect(await soundKeys('copy')).toBe(3000)
  })

  it('is refused in the store itself and where a store is, which stays', async () => {
    const [db, other] = [await opened('people'), await opened('other')]
    await other.batch(numbered(0, 10))
    await other.close()
    expect(await codeOf(db.checkpoint('people'))).toBe('LEVEL_INVALID_LOCATION')
    expect(await codeOf(db.checkpoint('people/copy'))).toBe('LEVEL_INVALID_LOCATION')
    expect(await codeOf(db.checkpoint(''))).toBe('LEVEL_INVALID_LOCATION')
    expect(await codeOf(db.checkpoint('other'))).toBe('LEVEL_ALREADY_EXISTS')
    await db.batch(numbered(0, 5))
    await db.close()
    expect(await codeOf(db.checkpoint('late'))).toBe('LEVEL_DATABASE_NOT_OPEN')
    expect(root.folders()).toEqual(['people', 'other'])
    expect([await soundKeys('people'), await soundKeys('other')]).toEqual([5, 10])
  })

  it('may be in a folder that has that of the store, and in two folders at once', async () => {
    const db = await opened('app/people')
    await db.batch(numbered(0, 1000))
    await db.flush()
    await Promise.all([db.checkpoint('app'), db.checkpoint('copy'), db.batch(numbered(1000, 1000))])
    await db.flush()
    await db.close()
    expect([await soundKeys('app'), await soundKeys('copy'), await soundKeys('app/people')]).toEqual([1000, 1000, 2000])
  })

  it('is awaited by a close', async () => {
    const db = await opened('people')
    await db.batch(numbered(0, 2000))
    const made = db.checkpoint('copy')
    await Promise.all([made, db.close()])
    expect(await soundKeys('copy')).toBe(2000)
  })
})

describe('a store of a page that is not open', () => {
  it('is destroyed with its folder, but for what else is in it', async () => {
    for (const location of ['people', 'people/inner', 'alone']) {
      const db = await opened(location)
      await db.put('00000', 'value')
      await db.close()
    }
    await destroyInWorker(worker, 'alone')
    await destroyInWorker(worker, 'people')
    await destroyInWorker(worker, 'none/at all')
    expect(root.folders()).toEqual(['people', 'people/inner'])
    expect(await soundKeys('people/inner')).toBe(1)
    expect(await soundKeys('people')).toBe(0)
    expect(await codeOf(destroyInWorker(worker, ''))).toBe('LEVEL_INVALID_LOCATION')
    expect(await codeOf(destroyInWorker(worker, 'people', { engine: {} as never }))).toBe('LEVEL_INVALID_OPTION')
  })

  it('is repaired', async () => {
    const db = await opened('people')
    await db.batch(numbered(0, 500))
    await db.close()
    expect(await repairInWorker(worker, 'people')).toMatchObject({ engine: 'lsm', entries: 500, losses: [] })
    expect(await soundKeys('people')).toBe(500)
    expect(await codeOf(repairInWorker(worker, 'none'))).toBe('LEVEL_NOT_FOUND')
    expect(root.folders()).toEqual(['people'])
  })
})
