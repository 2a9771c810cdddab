import { expect } from 'vitest'
import { registry } from '../../../src/node-engines.js'
import { KvariumStore } from '../../../src/store/kvarium.js'
import { MemoryFileSystem, SeededRandom } from '../../../src/vfs/index.js'
import { nodeEnvironment } from '../../../src/vfs/node/node-environment.js'
import { ReadOffload } from '../../../src/vfs/read-offload.js'
import { SlowDisk } from './slow-disk.js'

export const ENTRIES = 2000
export const ENGINES = ['lsm', 'btree']
export const keyOf = (number: number): string => String(number).padStart(6, '0')
export const valueOf = (number: number): string => `${number} `.repeat(20)

export type Store = KvariumStore<string, string>

export interface SlowStore {
  readonly db: Store
  readonly disk: SlowDisk
}

/** No block stays in the cache, and the tables or pages are small. */
export function smallOptions(engine: string, cacheSize = 0): object {
  const both = { cacheSize, writeBufferSize: 32 << 10 }
  return engine === 'lsm' ? { ...both, maxFileSize: 32 << 10, blockSize: 512, compression: 'none' } : { ...both, pageSize: 512 }
}

/** A store with `ENTRIES` entries on a disk that can become slow. */
export async function openSlowStore(engine: string, cacheSize = 0): Promise<SlowStore> {
  const disk = new SlowDisk(new MemoryFileSystem())
  disk.offload = new ReadOffload({ now: () => disk.now })
  const environment = { ...nodeEnvironment({ random: new SeededRandom(1) }), fileSystem: disk, readOffload: disk.offload }
  const options = { engine, ...smallOptions(engine, cacheSize) }
  const db: Store = new KvariumStore<string, string>('/store', options, { environment, registry })
  await db.open()
  await db.batch(Array.from({ length: ENTRIES }, (_, i) => ({ type: 'put', key: keyOf(i), value: valueOf(i) }) as const))
  await db.flush()
  await db.settle()
  // With an empty cache.
  await db.close()
  await db.open()
  return { db, disk }
}

/** Reads become slow, and the store notices. */
export async function slowDown({ db, disk }: SlowStore): Promise<void> {
  disk.readMs = 5
  for (let i = 0; i < 40 && !disk.offload!.isOn; i++) await db.get(keyOf(i * 50))
  expect(disk.offload!.isOn).toBe(true)
  disk.blocking = disk.offThread = 0
}
