/** Calls of an engine with text for keys and values, and the store in memory that they work on. */
import { WriteBatch } from '../../../src/engine/batch.js'
import type { Engine } from '../../../src/engine/contract.js'
import { joinPath, type FileSystem } from '../../../src/vfs/file-system.js'
import { MemoryFileSystem } from '../../../src/vfs/index.js'
import { keyOf, textOf, walkForward } from '../../contract/support/opened-engine.js'

export const DIRECTORY = '/store'

export type Operation = readonly ['put', string, string] | readonly ['del', string]

export function emptyFileSystem(): MemoryFileSystem {
  const fileSystem = new MemoryFileSystem()
  fileSystem.makeDirectory(DIRECTORY)
  // An image is durable, directory included.
  return fileSystem.processCrashClone()
}

export function batchOf(operations: readonly Operation[]): WriteBatch {
  const batch = new WriteBatch()
  for (const [kind, key, value] of operations) {
    if (kind === 'put') batch.put(keyOf(key), keyOf(value))
    else batch.del(keyOf(key))
  }
  return batch
}

export function put(engine: Engine, key: string, value: string, sync = false): Promise<void> | void {
  return engine.write(batchOf([['put', key, value]]), { sync })
}

export function get(engine: Engine, key: string): string | undefined {
  const value = engine.get(keyOf(key))
  return value === undefined ? undefined : textOf(value)
}

/** Everything as `key=value`. */
export function scan(engine: Engine): string[] {
  const cursor = engine.cursor({})
  try {
    return walkForward(cursor)
  } finally {
    cursor.close()
  }
}

/** The same of a map. */
export function listed(model: ReadonlyMap<string, string>): string[] {
  return [...model].sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, value]) => `${key}=${value}`)
}

export function sizeOf(fileSystem: FileSystem, directory = DIRECTORY): number {
  return fileSystem.list(directory).reduce((sum, name) => sum + fileSystem.stat(joinPath(directory, name))!.size, 0)
}

/** One character over and over. */
export function filler(bytes: number, seed = 0): string {
  return String.fromCharCode(97 + (seed % 26)).repeat(bytes)
}
