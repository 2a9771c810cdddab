import { describe } from 'vitest'
import { golden, type Stage } from './support/golden.js'

const LSM = {
  engine: 'lsm',
  compression: 'none',
  writeBufferSize: 64 << 10,
  blockSize: 4096,
  level0Tables: 2,
  level1Size: 64 << 10,
  maxFileSize: 64 << 10,
  cacheSize: 64 << 10,
} as const
const BTREE = { engine: 'btree', pageSize: 512, writeBufferSize: 64 << 10, cacheSize: 64 << 10 } as const

/** A put that the system has, one that the medium has, two that share a sync, and reads. */
async function puts(stage: Stage): Promise<void> {
  stage.title('open an empty directory')
  const db = await stage.open()
  stage.title('put')
  await db.put('ada', '1815')
  stage.title('put, synced')
  await db.put('grace', '1906', { sync: true })
  stage.title('two puts, synced at once')
  await Promise.all([db.put('barbara', '1939', { sync: true }), db.put('frances', '1932', { sync: true })])
  stage.title('get')
  await db.get('ada')
  await db.get('nobody')
  stage.title('close')
  await db.close()
}

/** What is in memory goes where the engine keeps it, while a log is released. */
async function flush(stage: Stage): Promise<void> {
  const db = await stage.open()
  await db.put('ada', '1815')
  stage.title('flush')
  await db.flush()
  stage.title('get from disk')
  await db.get('ada')
  stage.title('put, synced, into the new log')
  await db.put('grace', '1906', { sync: true })
  stage.title('clear')
  await db.clear({ gte: 'a', lt: 'b' })
  stage.title('close')
  await db.close()
}

/** Opening after a process died, and after power was lost. */
async function crashes(stage: Stage): Promise<void> {
  const db = await stage.open()
  await db.put('ada', '1815', { sync: true })
  await db.put('grace', '1906')
  stage.title('reopen after the process was killed')
  stage.killProcess()
  const reopened = await stage.open()
  await reopened.put('barbara', '1939')
  stage.title('reopen after power was lost')
  stage.losePower()
  const again = await stage.open()
  stage.title('get')
  await again.get('ada')
  await again.get('barbara')
  stage.title('close')
  await again.close()
}

/** Two tables, or two checkpoints, and then the most compact form. */
async function compaction(stage: Stage): Promise<void> {
  const db = await stage.open()
  for (const value of ['first', 'second']) {
    await db.batch(Array.from({ length: 20 }, (_, i) => ({ type: 'put', key: `key ${10 + i}`, value: `${value} ${'.'.repeat(40)}` })))
    await db.flush()
  }
  stage.title('compact')
  await db.compactRange()
  await db.settle()
  stage.title('close')
  await db.close()
}

describe('the lsm engine', () => {
  golden('lsm-puts', { options: LSM }, puts)
  golden('lsm-flush', { options: LSM }, flush)
  golden('lsm-crashes', { options: LSM }, crashes)
  golden('lsm-compaction', { options: LSM }, compaction)
})

describe('the btree engine', () => {
  golden('btree-puts', { options: BTREE }, puts)
  golden('btree-checkpoint', { options: BTREE }, flush)
  golden('btree-crashes', { options: BTREE }, crashes)
  golden('btree-compaction', { options: BTREE }, compaction)
})

describe('the memory engine', () => {
  golden('memory-puts', { options: { engine: 'memory' }, level: 'step' }, puts)
})
