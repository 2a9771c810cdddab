import { btreeEngine } from '../../../src/btree/open.js'
import type { BtreeShape } from '../../../src/btree/shape.js'
import { WriteBatch } from '../../../src/engine/batch.js'
import type { Engine } from '../../../src/engine/contract.js'
import type { Environment } from '../../../src/vfs/environment.js'
import { joinPath, type FileSystem } from '../../../src/vfs/file-system.js'
import { MemoryFileSystem, simulatedEnvironment } from '../../../src/vfs/index.js'
import { fillOptions, keyOf, textOf, walkForward } from '../../contract/support/opened-engine.js'
import { SMALL_BTREE } from '../../contract/support/small-btree.js'

export const DIRECTORY = '/store'

export type Operation = readonly ['put', string, string] | readonly ['del', string]

export interface OpenSettings {
  readonly fileSystem: FileSystem
  readonly environment?: Environment
  readonly created?: boolean
  readonly options?: Readonly<Record<string, unknown>>
  readonly seed?: number
}

export function emptyFileSystem(): MemoryFileSystem {
  const fileSystem = new MemoryFileSystem()
  fileSystem.makeDirectory(DIRECTORY)
  // An image is durable, directory included.
  return fileSystem.processCrashClone()
}

/** A B+tree engine with small pages and buffers, in memory and on a simulated clock. */
export function openBtree({ fileSystem, environment, created = false, options, seed = 1 }: OpenSettings): Promise<Engine> {
  const factory = btreeEngine({ poisonFrames: true })
  return factory.open({
    environment: environment ?? simulatedEnvironment({ seed, fileSystem }),
    directory: DIRECTORY,
    created,
    options: fillOptions(factory, { ...SMALL_BTREE, ...options }),
  })
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

export function listed(model: ReadonlyMap<string, string>): string[] {
  return [...model].sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, value]) => `${key}=${value}`)
}

export async function violations(engine: Engine): Promise<string[]> {
  const all = []
  for await (const { path, message } of engine.check()) all.push(`${path}: ${message}`)
  return all
}

export function shapeOf(engine: Engine): BtreeShape {
  return engine.shape() as BtreeShape
}

export function sizeOf(fileSystem: FileSystem): number {
  return fileSystem.list(DIRECTORY).reduce((sum, name) => sum + fileSystem.stat(joinPath(DIRECTORY, name))!.size, 0)
}

export function logBytes(fileSystem: FileSystem): number {
  const logs = fileSystem.list(DIRECTORY).filter(name => name.endsWith('.log'))
  return logs.reduce((sum, name) => sum + fileSystem.stat(joinPath(DIRECTORY, name))!.size, 0)
}

export function filler(bytes: number, seed = 0): string {
  return String.fromCharCode(97 + (seed % 26)).repeat(bytes)
}
