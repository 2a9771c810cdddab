/** PouchDB over levelup and sublevel-pouchdb: documents with revisions, attachments, changes, keys between separators. */
import { existsSync } from 'node:fs'
import { Kvarium } from 'kvarium'
import LevelPouch from 'pouchdb-adapter-leveldb-core'
import PouchDB from 'pouchdb-core'
import { describe, expect, it } from 'vitest'
import { CallbackLeveldown } from './support/callback-leveldown.js'
import type { EngineName } from './support/client-place.js'
import { ENGINES, levelOf, paddedKey, useDirectory } from './support/client-place.js'

/** An adapter in the way of PouchDB's own for leveldown. It keeps its open stores under the name of the function. */
function adapterOf(engine: EngineName): object {
  const Level = levelOf(engine)
  const factories = {
    [engine]: (location: string) => new CallbackLeveldown(new Level(location, { keyEncoding: 'buffer', valueEncoding: 'buffer' })),
  }
  const db = Object.assign(factories[engine], {
    destroy: (location: string, callback: (error?: Error | null) => void) => {
      Kvarium.destroy(location).then(() => callback(null), callback)
    },
  })
  function KvariumPouch(this: unknown, options: object, callback: (error?: Error | null) => void): void {
    LevelPouch.call(this, { db, migrate: false, ...options }, callback)
  }
  return Object.assign(KvariumPouch, { valid: () => true, use_prefix: false })
}

for (const engine of ENGINES) PouchDB.adapter(engine, adapterOf(engine))

describe.each(ENGINES)('PouchDB on %s', engine => {
  const place = useDirectory()
  const open = (): PouchDB => new PouchDB(place('pouch'), { adapter: engine })

  it('documents, revisions and the sequence of changes are there after a reopening', async () => {
    const first = open()
    const written = await first.bulkDocs(Array.from({ length: 300 }, (_, i) => ({ _id: paddedKey(i), n: i, text: 'é'.repeat(i) })))
    expect(written.filter(({ error }) => error)).toEqual([])
    await first.put({ _id: '000007', _rev: written[7].rev, n: 'seven' })
    await first.remove('000008', written[8].rev)
    await expect(first.put({ _id: '000009', n: 'no revision' })).rejects.toMatchObject({ status: 409 })
    await first.close()
    const second = open()
    expect(await second.info()).toMatchObject({ doc_count: 299, update_seq: 302 })
    expect(await second.get('000007')).toMatchObject({ n: 'seven' })
    expect(await second.get('000007', { rev: written[7].rev })).toMatchObject({ n: 7 })
    await expect(second.get('000008')).rejects.toMatchObject({ status: 404 })
    const { results } = await second.changes({ since: 300 })
    expect(results.map(({ id, seq, deleted }) => [id, seq, deleted ?? false])).toEqual([
      ['000007', 301, false],
      ['000008', 302, true],
    ])
    await second.compact()
    await expect(second.get('000007', { rev: written[7].rev })).rejects.toMatchObject({ status: 404 })
    await second.close()
  })

  it('allDocs answers ranges, in either direction, with the keys that its bounds allow, like a sorted list', async () => {
    const pouch = open()
    // PouchDB's own upper bound is U+00FF: on any store it does not list what begins with a character above that.
    const ids = ['a', 'aa', 'a b', 'b', 'ä', 'é', 'z', 'z\uffef']
    await pouch.bulkDocs(ids.map(_id => ({ _id, is: _id })))
    const sorted = [...ids].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
    const found = async (options: object = {}): Promise<string[]> => (await pouch.allDocs(options)).rows.map(({ id }) => id)
    expect(await found()).toEqual(sorted)
    expect(await found({ descending: true })).toEqual([...sorted].reverse())
    expect(await found({ startkey: 'aa', endkey: 'z' })).toEqual(sorted.slice(sorted.indexOf('aa'), sorted.indexOf('z') + 1))
    expect(await found({ startkey: 'aa', endkey: 'z', inclusive_end: false, skip: 1, limit: 1 })).toEqual(['b'])
    expect(await found({ startkey: 'z', endkey: 'a', descending: true, limit: 2 })).toEqual(['z', 'b'])
    const { rows } = await pouch.allDocs({ keys: ['é', 'a'], include_docs: true })
    expect(rows.map(({ doc }) => doc?.['is'])).toEqual(['é', 'a'])
    await pouch.close()
  })

  it('attachments keep every byte, and go with the document', async () => {
    const first = open()
    const bytes = Buffer.from(Array.from({ length: 200_000 }, (_, i) => (i * 31) % 256))
    const { rev } = await first.put({ _id: 'doc' })
    await first.putAttachment('doc', 'all.bin', rev, bytes, 'application/octet-stream')
    await first.close()
    const second = open()
    expect(bytes.equals(await second.getAttachment('doc', 'all.bin'))).toBe(true)
    const { _rev: last } = await second.get('doc')
    await second.remove('doc', last!)
    await expect(second.getAttachment('doc', 'all.bin')).rejects.toMatchObject({ status: 404 })
    await second.close()
  })

  it('writes made all at once are there after a reopening, and nothing is there after the store is destroyed', async () => {
    const first = open()
    const writes = Array.from({ length: 100 }, (_, i) => first.put({ _id: paddedKey(i), n: i }))
    await Promise.all(writes)
    await first.close()
    const second = open()
    expect((await second.allDocs({})).total_rows).toBe(100)
    await second.destroy()
    expect(existsSync(place('pouch'))).toBe(false)
    const third = open()
    expect((await third.allDocs({})).total_rows).toBe(0)
    await third.close()
  })
})
