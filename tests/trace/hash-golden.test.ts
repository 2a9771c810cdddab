import { describe } from 'vitest'
import { fill, golden, TEARS } from './support/golden.js'

const OPTIONS = { engine: 'hash', maxFileSize: 16 << 10, cacheSize: 8 << 10 } as const
const HASH = { options: OPTIONS, level: 'step' } as const

describe('the hash engine, step by step', () => {
  golden('hash-steps', HASH, async stage => {
    const db = await stage.open()
    await fill(db, 11, 13)
    stage.title('a put of a key that is there: the older value is dead')
    await db.put('key 13', 'changed')
    stage.title('get: the directory says where, and one block is read')
    await db.get('key 13')
    await db.get('key 99')
    stage.title('a snapshot keeps the older version')
    const snapshot = db.snapshot()
    await db.put('key 11', 'changed')
    await db.get('key 11', { snapshot })
    await snapshot.close()
    stage.title('the keys are sorted for the first iterator')
    await db.keys({ limit: 1 }).all()
    stage.title('del')
    await db.del('key 12')
    stage.title('flush: the log is sealed, and a hint file made of it')
    await db.flush()
    stage.title('close')
    await db.close()
  })

  golden('hash-merge', HASH, async stage => {
    const db = await stage.open()
    await fill(db, 11, 14)
    await db.flush()
    await fill(db, 12, 13)
    await db.del('key 14')
    stage.title('compact: what is live of both files goes into one')
    await db.compactRange()
    stage.title('close')
    await db.close()
  })

  golden('hash-recovery', HASH, async stage => {
    const db = await stage.open()
    await fill(db, 11, 12)
    await db.flush()
    await db.put('synced', 'is there', { sync: true })
    await db.put('key 12', 'not synced')
    stage.title('reopen after the process was killed: hint files are read, the log is replayed')
    stage.killProcess()
    const again = await stage.open()
    await again.put('lost', '.'.repeat(600))
    stage.title('reopen after power was lost in the middle of the log')
    stage.losePower(TEARS)
    const torn = await stage.open()
    await torn.close()
    stage.title('after a clean close only hint files are read')
    const last = await stage.open()
    await last.get('key 11')
    stage.title('close')
    await last.close()
  })
})
