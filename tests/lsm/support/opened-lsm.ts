import { WriteBatch } from '../../../src/engine/batch.js'
import type { Engine, Violation } from '../../../src/engine/contract.js'
import { parseFileName } from '../../../src/lsm/file-names.js'
import { lsmEngine, type LsmSettings } from '../../../src/lsm/open.js'
import type { LsmShape } from '../../../src/lsm/shape.js'
import type { Environment } from '../../../src/vfs/environment.js'
import { joinPath, type FileSystem } from '../../../src/vfs/file-system.js'
import { MemoryFileSystem, simulatedEnvironment } from '../../../src/vfs/index.js'
import { fillOptions, keyOf, textOf, walkForward } from '../../contract/support/opened-engine.js'
import { SMALL_LSM } from '../../contract/support/small-lsm.js'

export const DIRECTORY = '/store'

export type Operation = readonly ['put', string, string] | readonly ['del', string]

export interface OpenSettings extends LsmSettings {
  readonly fileSystem?: FileSystem
  readonly environment?: Environment
  readonly directory?: string
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

/** An LSM engine with small buffers, files and levels, in memory and on a simulated clock unless it says otherwise. */
export async function openLsm(settings: OpenSettings = {}): Promise<Engine> {
  const { fileSystem = emptyFileSystem(), seed = 1, directory = DIRECTORY, created = false, options, executor, manifestBytes } = settings
  const environment = settings.environment ?? simulatedEnvironment({ seed, fileSystem })
  const factory = lsmEngine({ ...(executor && { executor }), ...(manifestBytes !== undefined && { manifestBytes }) })
  return factory.open({ environment, directory, created, options: fillOptions(factory, { ...SMALL_LSM, ...options }) })
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

export async function violations(engine: Engine): Promise<Violation[]> {
  const all = []
  for await (const violation of engine.check()) all.push(violation)
  return all
}

export function tablesOf(engine: Engine): number[] {
  return (engine.shape() as LsmShape).levels
    .flatMap(level => level.runTables.flatMap(run => run.map(table => table.number)))
    .sort((a, b) => a - b)
}

export function sizeOf(fileSystem: FileSystem, directory = DIRECTORY): number {
  return fileSystem.list(directory).reduce((sum, name) => sum + fileSystem.stat(joinPath(directory, name))!.size, 0)
}

/** Files on disk that belong to no version. Only the manifest lists logs, so all of them count as live. */
export function leftovers(engine: Engine, fileSystem: FileSystem, directory = DIRECTORY): string[] {
  const live = tablesOf(engine)
  const names = fileSystem.list(directory)
  const newest = names.filter(name => parseFileName(name)?.kind === 'manifest').at(-1)
  return names.filter(name => {
    const file = parseFileName(name)
    if (file === undefined) return name !== 'CURRENT'
    if (file.kind === 'table') return !live.includes(file.number)
    return file.kind === 'manifest' && name !== newest
  })
}

export function filler(bytes: number, seed = 0): string {
  return String.fromCharCode(97 + (seed % 26)).repeat(bytes)
}
