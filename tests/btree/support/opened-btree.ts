import { btreeEngine } from '../../../src/btree/factory.js'
import type { BtreeShape } from '../../../src/btree/shape.js'
import type { Engine } from '../../../src/engine/contract.js'
import type { Environment } from '../../../src/vfs/environment.js'
import { joinPath, type FileSystem } from '../../../src/vfs/file-system.js'
import { simulatedEnvironment } from '../../../src/vfs/index.js'
import { fillOptions } from '../../contract/support/opened-engine.js'
import { SMALL_BTREE } from '../../contract/support/small-btree.js'
import { DIRECTORY } from '../../engine/support/engine-calls.js'

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

export interface OpenSettings {
  readonly fileSystem: FileSystem
  readonly directory?: string
  readonly environment?: Environment
  readonly created?: boolean
  readonly options?: Readonly<Record<string, unknown>>
  readonly seed?: number
}

/** A B+tree engine with small pages and buffers, in memory and on a simulated clock. */
export function openBtree({
  fileSystem,
  directory = DIRECTORY,
  environment,
  created = false,
  options,
  seed = 1,
}: OpenSettings): Promise<Engine> {
  const factory = btreeEngine({ poisonFrames: true })
  return factory.open({
    environment: environment ?? simulatedEnvironment({ seed, fileSystem }),
    directory,
    created,
    options: fillOptions(factory, { ...SMALL_BTREE, ...options }),
  })
}

export async function violations(engine: Engine): Promise<string[]> {
  const all = []
  for await (const { path, message } of engine.check()) all.push(`${path}: ${message}`)
  return all
}

export function shapeOf(engine: Engine): BtreeShape {
  return engine.shape() as BtreeShape
}

export function logBytes(fileSystem: FileSystem): number {
  const logs = fileSystem.list(DIRECTORY).filter(name => name.endsWith('.log'))
  return logs.reduce((sum, name) => sum + fileSystem.stat(joinPath(DIRECTORY, name))!.size, 0)
}
