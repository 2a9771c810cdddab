/** The engines under torture, each with small stores and options that a seed decides. */
import type { Engine, EngineFactory } from '../../../src/engine/contract.js'
import { btreeEngine } from '../../../src/btree/factory.js'
import { hashEngine } from '../../../src/hash/factory.js'
import { openHash } from '../../../src/hash/open.js'
import '../../../src/hash/salvage.js'
import { openBtree } from '../../../src/btree/open.js'
// What the first repair loads is loaded before: turns of the event loop are counted.
import '../../../src/btree/recovery/salvage.js'
import { lsmEngine } from '../../../src/lsm/whole-engine.js'
import type { KvariumOptions } from '../../../src/store/store-options.js'
import { SeededRandom, simulatedEnvironment, type Environment, type FileSystem, type Random } from '../../../src/vfs/index.js'
import { nodeDeflate } from '../../../src/vfs/node.js'
import { uniform } from '../../../src/vfs/seeded-random.js'
import { absolutePath } from '../../../src/vfs/file-system.js'
import { fillOptions } from '../../contract/support/opened-engine.js'
import { START } from './oracle.js'

export const DIRECTORY = '/store'

export interface Subject {
  readonly name: string
  /** Opens a store, by default `DIRECTORY`; the seed decides the options. Without a `wallTime` it is that of the start of a session. */
  open(seed: number, fileSystem: FileSystem, created: boolean, settings?: OpenSettings): Promise<Opened>
  /** The options of a store with this engine and the options that `open` gives it. */
  storeOptions(seed: number): Pick<KvariumOptions<string, string>, 'engine'>
  /** Whether the end of a file decides what it holds, so that a read that ends early reads as a shorter file. */
  endsMatter(path: string): boolean
}

export interface OpenSettings {
  readonly directory?: string
  /** Milliseconds since the Unix epoch. */
  readonly wallTime?: () => number
}

export interface Opened {
  readonly engine: Engine
  readonly environment: Environment
}

type Options = Readonly<Record<string, unknown>>

function subject(
  name: string,
  factoryOf: (random: Random) => EngineFactory,
  optionsOf: (random: Random) => Options,
  endsMatter: (path: string) => boolean,
): Subject {
  return {
    name,
    endsMatter,
    storeOptions(seed) {
      const random = new SeededRandom(seed)
      return { engine: factoryOf(random), ...optionsOf(random) }
    },
    async open(seed, fileSystem, created, { directory = DIRECTORY, wallTime = () => START } = {}) {
      const random = new SeededRandom(seed)
      const simulated = simulatedEnvironment({ seed, fileSystem, deflate: nodeDeflate })
      const environment = { ...simulated, clock: { now: () => simulated.clock.now(), wallTime } }
      const factory = factoryOf(random)
      const options = fillOptions(factory, optionsOf(random))
      return { environment, engine: await factory.open({ environment, directory, created, options }) }
    },
  }
}

function pick<T>(random: Random, choices: readonly T[]): T {
  return choices[uniform(random, choices.length)]
}

const lsm = subject(
  'lsm',
  random => lsmEngine({ manifestBytes: pick(random, [600, 1500, 1 << 20]) }),
  random => {
    const level0Tables = 1 + uniform(random, 3)
    const runsPerLevel = 2 + uniform(random, 2)
    return {
      writeBufferSize: 16 << 10,
      maxFileSize: pick(random, [4 << 10, 8 << 10, 16 << 10]),
      blockSize: pick(random, [256, 1024, 4096]),
      cacheSize: pick(random, [0, 8 << 10, 1 << 20]),
      maxOpenFiles: pick(random, [8, 1000]),
      filterBitsPerKey: pick(random, [0, 10]),
      filterAllocation: pick(random, ['uniform', 'by-level'] as const),
      compression: pick(random, ['none', 'none', 'lz4', 'deflate'] as const),
      compaction: pick(random, ['leveled', 'tiered', 'lazy-leveled'] as const),
      level0Tables,
      runsPerLevel,
      level0StopTables: Math.max(level0Tables, runsPerLevel) + 1 + uniform(random, 4),
      level1Size: 16 << 10,
      fanOut: 2 + uniform(random, 3),
    }
  },
  path => !path.endsWith('.sst'),
)

const POISONED = { poisonFrames: true }

const btree = subject(
  'btree',
  () => ({
    ...btreeEngine(POISONED),
    // Not by an import, which a busy machine may take more turns for than a test waits.
    open: context => openBtree({ ...context, directory: absolutePath(context.environment.fileSystem, context.directory) }, POISONED),
  }),
  random => ({
    writeBufferSize: pick(random, [16 << 10, 16 << 10, 64 << 10]),
    pageSize: pick(random, [256, 512, 4096]),
    cacheSize: pick(random, [0, 8 << 10, 1 << 20]),
    compression: pick(random, ['none', 'none', 'lz4'] as const),
  }),
  path => path.endsWith('.log'),
)

const hash = subject(
  'hash',
  () => ({
    ...hashEngine(POISONED),
    open: context => openHash({ ...context, directory: absolutePath(context.environment.fileSystem, context.directory) }, true),
  }),
  random => ({
    maxFileSize: pick(random, [16 << 10, 16 << 10, 64 << 10]),
    cacheSize: pick(random, [0, 8 << 10, 1 << 20]),
    mergeThreshold: pick(random, [20, 50]),
  }),
  path => path.endsWith('.log'),
)

export const SUBJECTS: ReadonlyMap<string, Subject> = new Map([lsm, btree, hash].map(each => [each.name, each]))
