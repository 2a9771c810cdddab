import { registry as builtInEngines } from '../../../src/node-engines.js'
import { Kvarium } from '../../../src/store/portable-kvarium.js'
import type { StoreOptions } from '../../../src/store/store-options.js'
import { MemoryFileSystem } from '../../../src/vfs/memory/memory-file-system.js'

export type EngineName = 'memory' | 'lsm' | 'btree'
export type TransactionStore = Kvarium

/** An open store on a file system in memory, with buffers so small that writes wait. */
export async function openStore(
  engine: EngineName,
  options: StoreOptions<string, string> & Record<string, unknown> = {},
): Promise<TransactionStore> {
  const small = engine === 'memory' ? { arenaSize: 4096 } : engine === 'lsm' ? { writeBufferSize: 64 * 1024 } : {}
  const store = new Kvarium('/store', { engine: builtInEngines.resolve(engine), fileSystem: new MemoryFileSystem(), ...small, ...options })
  await store.open()
  return store
}

export const ENGINES: readonly EngineName[] = ['memory', 'lsm', 'btree']
