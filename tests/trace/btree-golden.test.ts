import { describe } from 'vitest'
import type { Kvarium } from '../../src/index.js'
import { fill, golden, TEARS } from './support/golden.js'

const OPTIONS = { engine: 'btree', pageSize: 256, writeBufferSize: 64 << 10, cacheSize: 8 << 10 } as const
const BTREE = { options: OPTIONS, level: 'step' } as const

/** Keys in pairs, each in a leaf of its own: so alike that a branch has room for few of them. */
function fillPairs(db: Kvarium, letters: string, sameBytes: number): Promise<void> {
  const keys = [...letters].flatMap(letter => [`${letter.repeat(sameBytes)}1`, `${letter.repeat(sameBytes)}2`])
  return db.batch(keys.map(key => ({ type: 'put', key, value: '.'.repeat(120) })))
}

describe('the btree engine, step by step', () => {
  golden('btree-steps', BTREE, async stage => {
    const db = await stage.open()
    await fill(db, 11, 14)
    stage.title('a checkpoint: pages, free list and log before the meta page that counts from then on')
    await db.flush()
    stage.title('a put into a clean page: that is copied')
    await db.put('key 13', 'changed')
    stage.title('the next put into the copy')
    await db.put('key 14', 'changed')
    stage.title('a snapshot keeps the old version, and what is put then copies once more')
    const snapshot = db.snapshot()
    await db.put('key 11', 'changed')
    await db.get('key 11', { snapshot })
    await snapshot.close()
    stage.title('a value that needs a page of its own')
    await db.put('key 12', '.'.repeat(600))
    stage.title('close')
    await db.close()
  })

  golden('btree-splits', BTREE, async stage => {
    const db = await stage.open()
    stage.title('keys in ascending order: the full leaf stays as it is, and a root comes above')
    await fill(db, 11, 15)
    stage.title('a key in between: the leaf is split in the middle')
    for (const i of [4, 2]) await db.put(`key 11${i}`, '.'.repeat(40))
    stage.title('the root is full: another one comes above')
    await fillPairs(db, 'abcdefghi', 60)
    stage.title('get')
    await db.get('key 112')
    stage.title('close')
    await db.close()
  })

  golden('btree-clears', { options: OPTIONS, level: 'io' }, async stage => {
    const db = await stage.open()
    await fillPairs(db, 'abcdefghijklm', 160)
    await db.flush()
    stage.title('clear: what lies between the ends leaves the tree unread, what is left at the ends is merged')
    await db.clear({ gt: 'b', lt: 'l' })
    stage.title('the next checkpoint writes what is left; the space of the others is free')
    await db.flush()
    stage.title('clear everything')
    await db.clear()
    await db.flush()
    stage.title('close')
    await db.close()
  })

  golden('btree-recovery', BTREE, async stage => {
    const db = await stage.open()
    await fill(db, 11, 16)
    await db.flush()
    await db.put('synced', 'is there', { sync: true })
    await db.put('key 12', 'not synced')
    stage.title('reopen after the process was killed: the log is replayed into the tree')
    stage.killProcess()
    const again = await stage.open()
    for (let i = 0; i < 4; i++) await again.put(`lost ${i}`, '.'.repeat(600))
    stage.title('reopen after power was lost in the middle of the log: a checkpoint makes an end of it')
    stage.losePower(TEARS)
    const torn = await stage.open()
    await torn.close()
    stage.title('get from disk, again from memory, and step by step')
    const last = await stage.open()
    await last.get('key 15')
    await last.get('key 15')
    await last.iterator({ gte: 'key 14', limit: 3 }).all()
    stage.title('close')
    await last.close()
  })

  golden('btree-packs', BTREE, async stage => {
    const db = await stage.open()
    for (const i of [55, 12, 83, 34, 61, 19, 77, 48, 25, 90, 15, 66, 39, 72, 51, 28]) await fill(db, i, i)
    await db.flush()
    for (const i of [12, 34, 61, 77, 25, 66]) await db.del(`key ${i}`)
    stage.title('compact: leaves are filled up from their right neighbours, and pages move to the front of the file')
    await db.compactRange()
    stage.title('close')
    await db.close()
  })
})
