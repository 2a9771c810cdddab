import { openInWorker } from '../../../src/browser/index.js'
import { registry as builtInEngines } from '../../../src/node-engines.js'
import { Kvarium } from '../../../src/store/portable-kvarium.js'
import type { StoreOptions } from '../../../src/store/store-options.js'
import { MemoryFileSystem } from '../../../src/vfs/memory/memory-file-system.js'
import { served } from '../../browser/support/served-worker.js'

/** `worker` is an LSM tree in a worker, used from its page. */
export type EngineName = 'memory' | 'lsm' | 'btree' | 'worker'
export type TransactionStore = Kvarium

/** An open store on a file system in memory, with buffers so small that writes wait. */
export async function openStore(
  engine: EngineName,
  options: StoreOptions<string, string> & Record<string, unknown> = {},
): Promise<TransactionStore> {
  if (engine === 'worker') {
    const db: unknown = openInWorker(served().worker, '/store', { writeBufferSize: 64 * 1024, ...options })
    await (db as TransactionStore).open()
    return db as TransactionStore
  }
  const small = engine === 'memory' ? { arenaSize: 4096 } : engine === 'lsm' ? { writeBufferSize: 64 * 1024 } : {}
  const store = new Kvarium('/store', { engine: builtInEngines.resolve(engine), fileSystem: new MemoryFileSystem(), ...small, ...options })
  await store.open()
  return store
}

export const ENGINES: readonly EngineName[] = ['memory', 'lsm', 'btree', 'worker']
