/** y-leveldb, the persistence of Yjs: arrays as keys in an encoding of its own, streams over ranges, work that it does not wait for. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { LeveldbPersistence } from 'y-leveldb'
import * as Y from 'yjs'
import { ENGINES, levelOf, useDirectory } from './support/client-place.js'

/** The updates of a document in which a text grows by a few characters each time. */
function updatesOf(count: number, mark: string): Uint8Array[] {
  const document = new Y.Doc()
  const updates: Uint8Array[] = []
  document.on('update', (update: Uint8Array) => updates.push(update))
  for (let i = 0; i < count; i++) document.getText('text').insert(0, `${mark}${i} `)
  return updates
}

const textOf = (count: number, mark: string): string => Array.from({ length: count }, (_, i) => `${mark}${count - 1 - i} `).join('')

describe.each(ENGINES)('y-leveldb on %s', engine => {
  const place = useDirectory()
  const Level = levelOf(engine)
  const open = (): LeveldbPersistence => new LeveldbPersistence(place('yjs'), { Level })

  // The client turns the error of a transaction into a warning and goes on.
  beforeEach(() => {
    vi.spyOn(console, 'warn')
  })
  afterEach(() => {
    expect(console.warn).not.toHaveBeenCalled()
    vi.restoreAllMocks()
  })

  async function store(persistence: LeveldbPersistence, name: string, count: number, mark: string): Promise<void> {
    for (const update of updatesOf(count, mark)) await persistence.storeUpdate(name, update)
  }

  async function read(persistence: LeveldbPersistence, name: string): Promise<string> {
    return (await persistence.getYDoc(name)).getText('text').toJSON()
  }

  it('finds every update after a reopening, beyond a clock of 255', async () => {
    const first = open()
    await store(first, 'doc', 300, 'a')
    await first.destroy()
    const second = open()
    expect(await read(second, 'doc')).toBe(textOf(300, 'a'))
    // The next clock is found by a range in reverse with a limit of one.
    expect(await second.storeUpdate('doc', updatesOf(1, 'b')[0])).toBe(300)
    await second.destroy()
  })

  it('merges more than 500 updates into one, and the clear that it does not wait for is done when it closes', async () => {
    const first = open()
    await store(first, 'doc', 510, 'a')
    await store(first, 'doc2', 3, 'c')
    expect(await read(first, 'doc')).toBe(textOf(510, 'a'))
    await first.destroy()
    const second = open()
    expect(await read(second, 'doc')).toBe(textOf(510, 'a'))
    expect(await second.storeUpdate('doc', updatesOf(1, 'b')[0])).toBe(511)
    expect(await read(second, 'doc2')).toBe(textOf(3, 'c'))
    await second.destroy()
    const level = new Level<Buffer, Buffer>(place('yjs'), { keyEncoding: 'buffer', valueEncoding: 'buffer' })
    const keys = await level.keys().all()
    // The state vector of each document, and the updates: one merged and one new for the first, three for the other.
    expect(keys).toHaveLength(2 + 2 + 3)
    await level.close()
  })

  it('clearing a document leaves those whose names begin or end alike', async () => {
    const persistence = open()
    const names = ['do', 'doc', 'doc2', 'dod', '', 'ä']
    for (const name of names) await store(persistence, name, 5, name)
    await persistence.setMeta('doc', 'title', 'gone')
    await persistence.setMeta('doc2', 'title', { stays: [1, 2, 3] })
    await persistence.clearDocument('doc')
    expect((await persistence.getAllDocNames()).sort()).toEqual(names.filter(name => name !== 'doc').sort())
    for (const name of names) expect(await read(persistence, name)).toBe(name === 'doc' ? '' : textOf(5, name))
    expect(await persistence.getMeta('doc', 'title')).toBeUndefined()
    expect(await persistence.getMeta('doc2', 'title')).toEqual({ stays: [1, 2, 3] })
    await persistence.clearAll()
    expect(await persistence.getAllDocNames()).toEqual([])
    await persistence.destroy()
  })

  it('metadata, state vectors and differences are those of the last update', async () => {
    const persistence = open()
    const updates = updatesOf(20, 'a')
    for (const update of updates.slice(0, 10)) await persistence.storeUpdate('doc', update)
    const vector = await persistence.getStateVector('doc')
    for (const update of updates.slice(10)) await persistence.storeUpdate('doc', update)
    const remote = new Y.Doc()
    for (const update of updates.slice(0, 10)) Y.applyUpdate(remote, update)
    expect(Y.encodeStateVector(remote)).toEqual(new Uint8Array(vector))
    Y.applyUpdate(remote, await persistence.getDiff('doc', vector))
    expect(remote.getText('text').toJSON()).toBe(textOf(20, 'a'))
    await persistence.setMeta('doc', 'b', 2)
    await persistence.setMeta('doc', 'a', 'one')
    await persistence.setMeta('doc', 'c', null)
    await persistence.delMeta('doc', 'c')
    expect([...(await persistence.getMetas('doc'))]).toEqual([
      ['a', 'one'],
      ['b', 2],
    ])
    await persistence.flushDocument('doc')
    expect(await read(persistence, 'doc')).toBe(textOf(20, 'a'))
    const [state] = await persistence.getAllDocStateVectors()
    expect(state?.name).toBe('doc')
    await persistence.destroy()
  })
})
