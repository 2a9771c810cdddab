import { describe } from 'vitest'
import { golden } from './support/golden.js'

const LSM = {
  engine: 'lsm',
  compression: 'none',
  writeBufferSize: 64 << 10,
  blockSize: 256,
  level0Tables: 2,
  level1Size: 64 << 10,
  maxFileSize: 64 << 10,
  cacheSize: 64 << 10,
  runsPerLevel: 2,
} as const

type Entries = readonly (readonly [string, string])[]

function puts(entries: Entries): { readonly type: 'put'; readonly key: string; readonly value: string }[] {
  return entries.map(([key, value]) => ({ type: 'put', key, value }))
}

describe('the lsm engine, step by step', () => {
  golden('lsm-leveled-steps', { options: LSM, level: 'step' }, async stage => {
    const db = await stage.open()
    await db.batch(
      puts([
        ['ada', '1815'],
        ['barbara', '1939'],
        ['grace', '1906'],
      ]),
    )
    await db.flush()
    stage.title('a newer version, a tombstone, and a second table: level 0 is full')
    await db.put('ada', '10 December 1815')
    await db.del('grace')
    await db.flush()
    await db.settle()
    stage.title('keys beyond all others: tables go down without being read')
    for (const key of ['x', 'y']) {
      await db.put(key, '1')
      await db.flush()
    }
    await db.settle()
    stage.title('a snapshot keeps an old version')
    const snapshot = db.snapshot()
    await db.put('x', '2')
    await db.compactRange()
    await snapshot.close()
    stage.title('close')
    await db.close()
  })

  golden('lsm-tiered', { options: { ...LSM, compaction: 'tiered' } }, async stage => {
    const db = await stage.open()
    for (const [index, key] of ['a', 'b', 'a', 'b'].entries()) {
      stage.title(`run ${index + 1}`)
      await db.put(key, String(index))
      await db.flush()
      await db.settle()
    }
    stage.title('close')
    await db.close()
  })

  golden('lsm-reads', { options: LSM, level: 'step' }, async stage => {
    const db = await stage.open()
    await db.batch(Array.from({ length: 40 }, (_, i) => ({ type: 'put', key: `key ${10 + i}`, value: '.'.repeat(20) })))
    await db.flush()
    await db.put('key 49', 'newer')
    await db.flush()
    await db.settle()
    await db.del('key 20')
    stage.title('get from the memtable: a tombstone')
    await db.get('key 20')
    stage.title('get from a block on disk, and again from the cache')
    await db.get('key 30')
    await db.get('key 30')
    stage.title('get what the filter denies')
    await db.get('key 30!')
    stage.title('get what is outside of every table')
    await db.get('zebra')
    stage.title('scan')
    await db.iterator({ gte: 'key 30', limit: 2 }).all()
    stage.title('close')
    await db.close()
  })

  golden('lsm-torn-log', { options: LSM, level: 'step' }, async stage => {
    const db = await stage.open()
    await db.put('ada', '1815', { sync: true })
    for (let i = 0; i < 4; i++) await db.put(`lost ${i}`, '.'.repeat(600))
    stage.title('reopen after power was lost in the middle of the log')
    stage.losePower(6)
    const again = await stage.open()
    stage.title('close')
    await again.close()
  })
})
