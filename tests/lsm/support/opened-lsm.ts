import type { Engine, Violation } from '../../../src/engine/contract.js'
import { parseFileName } from '../../../src/lsm/file-names.js'
import type { LsmSettings } from '../../../src/lsm/settings.js'
import { lsmEngine } from '../../../src/lsm/whole-engine.js'
import type { LsmShape } from '../../../src/lsm/shape.js'
import type { Environment } from '../../../src/vfs/environment.js'
import type { FileSystem } from '../../../src/vfs/file-system.js'
import { simulatedEnvironment } from '../../../src/vfs/index.js'
import { fillOptions } from '../../contract/support/opened-engine.js'
import { SMALL_LSM } from '../../contract/support/small-lsm.js'
import { DIRECTORY, emptyFileSystem } from '../../engine/support/engine-calls.js'

export {
  DIRECTORY,
  batchOf,
  emptyFileSystem,
  filler,
  get,
  listed,
  put,
  scan,
  sizeOf,
  type Operation,
} from '../../engine/support/engine-calls.js'

export interface OpenSettings extends LsmSettings {
  readonly fileSystem?: FileSystem
  readonly environment?: Environment
  readonly directory?: string
  readonly created?: boolean
  readonly options?: Readonly<Record<string, unknown>>
  readonly seed?: number
}

/** An LSM engine with small buffers, files and levels, in memory and on a simulated clock unless it says otherwise. */
export async function openLsm(settings: OpenSettings = {}): Promise<Engine> {
  const { fileSystem = emptyFileSystem(), seed = 1, directory = DIRECTORY, created = false, options } = settings
  const environment = settings.environment ?? simulatedEnvironment({ seed, fileSystem })
  const factory = lsmEngine(settings)
  return factory.open({ environment, directory, created, options: fillOptions(factory, { ...SMALL_LSM, ...options }) })
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

export function blobsOf(engine: Engine): number[] {
  return (engine.shape() as LsmShape).blobs?.map(({ number }) => number) ?? []
}

/** Files on disk that belong to no version. Only the manifest lists logs, so all of them count as live. */
export function leftovers(engine: Engine, fileSystem: FileSystem, directory = DIRECTORY): string[] {
  const live = tablesOf(engine)
  const blobs = blobsOf(engine)
  const names = fileSystem.list(directory)
  const newest = names.filter(name => parseFileName(name)?.kind === 'manifest').at(-1)
  return names.filter(name => {
    const file = parseFileName(name)
    if (file === undefined) return name !== 'CURRENT'
    if (file.kind === 'table') return !live.includes(file.number)
    if (file.kind === 'blob') return !blobs.includes(file.number)
    return file.kind === 'manifest' && name !== newest
  })
}
