import { btreeEngine } from '../../../src/btree/factory.js'
import { hashEngine } from '../../../src/hash/factory.js'
import { lsmEngine } from '../../../src/lsm/whole-engine.js'
import type { DamageSubject } from './small-store.js'

const SMALL_LSM = {
  writeBufferSize: 16 << 10,
  blockSize: 128,
  cacheSize: 8 << 10,
  level0Tables: 8,
  maxFileSize: 4 << 10,
  level1Size: 16 << 10,
}

/** The engines whose files are damaged. */
export const SUBJECTS: readonly DamageSubject[] = [
  { name: 'lsm', factory: lsmEngine(), options: SMALL_LSM },
  { name: 'btree', factory: btreeEngine(), options: { pageSize: 256, cacheSize: 8 << 10 } },
  { name: 'btree, compressed', factory: btreeEngine(), options: { pageSize: 256, cacheSize: 8 << 10, compression: 'lz4' } },
  { name: 'hash', factory: hashEngine(), options: { maxFileSize: 16 << 10, cacheSize: 8 << 10 } },
  { name: 'lsm, compressed', factory: lsmEngine(), options: { ...SMALL_LSM, blockSize: 512, compression: 'deflate' } },
]
