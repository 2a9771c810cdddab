import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { describe, expect, it } from 'vitest'
import type { Kvarium } from '../../src/index.js'
import { openReader, type ReaderHandle } from '../../src/reader/index.js'
import { bundledProgram } from '../support/bundled-program.js'
import { codeOf, openStore, SHARED_ENGINES, temporaryDirectory } from './support/shared-store.js'
import { ReaderThread } from './support/started-thread.js'
import { slice } from '../support/thoroughness.js'

const ROUNDS = slice(4, 12)

const keyOf = (number: number): string => `key ${String(number).padStart(4, '0')}`

const fill = (db: Kvarium, value: string): Promise<void> =>
  db.batch(Array.from({ length: 1000 }, (_, i) => ({ type: 'put', key: keyOf(i), value })))

/** The port of a thread that has ended closes a few turns later. */
async function readersAre(db: Kvarium, count: number): Promise<void> {
  while (db.stats().readers !== count) await wait(1)
}

describe.each(SHARED_ENGINES)('a reader of %s in another thread', engine => {
  it('reads its moment while the store overwrites and compacts it away', async () => {
    const db = await openStore(engine)
    await fill(db, 'first '.repeat(20))
    const share = await db.share()
    const threads = [new ReaderThread(), new ReaderThread()]
    for (const thread of threads) expect(await thread.open(share.handle())).toEqual({})
    share.release()
    const stop = new Int32Array(new SharedArrayBuffer(4))
    const reading = threads.map(thread => thread.ask({ do: 'read until', stop, value: 'first '.repeat(20) }))
    for (let round = 0; round < ROUNDS; round++) {
      await fill(db, `${round} `.repeat(40))
      await db.compactRange()
    }
    Atomics.store(stop, 0, 1)
    for (const answer of await Promise.all(reading)) {
      expect(answer).toMatchObject({ result: { wrong: 0 } })
    }
    await threads[0].ask({ do: 'refresh' })
    expect(await threads[0].ask({ do: 'get', keys: [keyOf(7)] })).toEqual({ result: [`${ROUNDS - 1} `.repeat(40)] })
    expect(await threads[1].ask({ do: 'get', keys: [keyOf(7)] })).toEqual({ result: ['first '.repeat(20)] })
    expect(await threads[0].ask({ do: 'stats' })).toMatchObject({ result: { ledger: { found: { operations: 1 } } } })
  })

  it('releases its version when it is closed, when its thread ends, and when its thread is killed', async () => {
    const db = await openStore(engine)
    await fill(db, 'value')
    const share = await db.share()
    const [closing, ending, killed] = [new ReaderThread(), new ReaderThread(), new ReaderThread()]
    for (const thread of [closing, ending, killed]) await thread.open(share.handle())
    expect(db.stats().readers).toBe(3)
    await closing.ask({ do: 'close' })
    await readersAre(db, 2)
    const ended = once(ending.worker, 'exit')
    ending.worker.postMessage({ do: 'leave' })
    await ended
    await readersAre(db, 1)
    await killed.worker.terminate()
    await readersAre(db, 0)
  })

  it('is opened while the store’s thread is busy', async () => {
    const db = await openStore(engine)
    await fill(db, 'value')
    const share = await db.share()
    const thread = new ReaderThread()
    const opened = thread.open(share.handle())
    const until = performance.now() + 300
    while (performance.now() < until) db.getSync(keyOf(1))
    expect(await opened).toEqual({})
    expect(await thread.ask({ do: 'get', keys: [keyOf(3), 'none'] })).toEqual({ result: ['value', undefined] })
  })

  it('learns that the store was closed', async () => {
    const db = await openStore(engine)
    await fill(db, 'value')
    const thread = new ReaderThread()
    await thread.open((await db.share()).handle())
    await db.close()
    expect(await thread.ask({ do: 'get', keys: [keyOf(3)] })).toMatchObject({ error: { code: 'LEVEL_READER_DETACHED' } })
    expect(await thread.ask({ do: 'refresh' })).toMatchObject({ error: { code: 'LEVEL_READER_DETACHED' } })
    expect(await thread.ask({ do: 'close' })).toEqual({})
  })

  it('reads in this thread what another one writes, and learns that that thread has ended', async () => {
    const program = bundledProgram(join(import.meta.dirname, 'support/store-thread.ts'))
    const worker = new Worker(program, { workerData: { location: temporaryDirectory(), engine } })
    const [handle] = (await once(worker, 'message')) as [ReaderHandle]
    const reader = await openReader(handle)
    expect(reader.getSync('a')).toBe('1')
    await reader.refresh()
    await worker.terminate()
    while ((await codeOf(() => reader.getSync('a'))) === undefined) await wait(1)
    expect(await codeOf(reader.get('a'))).toBe('LEVEL_READER_DETACHED')
    expect(await codeOf(reader.refresh())).toBe('LEVEL_READER_DETACHED')
    await reader.close()
  })

  it('needs the port of its handle in the transfer list', async () => {
    const db = await openStore(engine)
    const share = await db.share()
    const thread = new ReaderThread()
    expect(() => thread.worker.postMessage({ do: 'open', handle: share.handle() })).toThrow(/transfer/i)
  })
})
