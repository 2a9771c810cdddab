/** The engines of the suite, by their names for `--engine`. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { chooseEngines, configureEngines, scaleFor } from '../../packages/lab/src/compare/engine-table.js'
import { LEVEL_PREFIX, LevelStore, loadLevel } from '../../packages/lab/src/compare/level-store.js'
import { loadEngine } from '../../packages/lab/src/compare/own-modules.js'
import { registry } from '../../src/node-engines.js'
import { STORES } from '../peers/stores.js'
import { FILE_PREFIX, levelPlaces } from './own-store.js'

export interface Engine {
  readonly name: string
  /** Its name in `STORES`. */
  readonly store: string
  /** What `--engine` takes, if that is not its name. */
  readonly item?: string
  /** The engine or the package. */
  readonly engine: string
  readonly isKvarium: boolean
  readonly durable: boolean
  /** The guarantee of an acknowledged write without further options. */
  readonly durability: string
}

const WRITTEN = 'handed to the system: survives the process, not a loss of power'

const DURABILITY: Readonly<Record<string, string>> = {
  lsm: WRITTEN,
  btree: WRITTEN,
  'classic-level': WRITTEN,
  lmdb: 'committed and handed to the system, a sync has begun: survives the process',
  'lmdb-nosync': 'committed, never synced: a loss of power may destroy the store',
  'better-sqlite3': 'in the log, handed to the system (WAL, synchronous = NORMAL): survives the process, not a loss of power',
}

export const ENGINES: readonly Engine[] = Object.entries(STORES)
  .filter(([store]) => store !== 'null')
  .map(([store, { from, durable, options }]) => {
    const isKvarium = from === 'kvarium'
    const engine = isKvarium ? String(options?.engine) : from!
    const durability = durable ? (DURABILITY[store] ?? DURABILITY[engine]) : 'in memory: does not survive the process'
    return { name: store.replace(/^kvarium-/, ''), store, engine, isKvarium, durable, durability }
  })

/**
 * An engine of a file, or an abstract-level database of an installed package.
 * @param item - `./array-engine.ts`, `level:classic-level`.
 * @throws MisuseError that says what is wrong with it.
 */
export async function ownEngine(item: string, root: string): Promise<Engine> {
  if (item.startsWith(LEVEL_PREFIX)) {
    const engine = item.slice(LEVEL_PREFIX.length)
    const durable = await isPermanent(engine, root)
    const durability = durable ? 'what the package guarantees without further options' : 'in memory: does not survive the process'
    return { name: engine.replaceAll(/[^\w.-]/g, '-').replace(/^-/, ''), item, store: item, engine, isKvarium: false, durable, durability }
  }
  const factory = await loadEngine(item)
  const { name, durable } = factory
  if (ENGINES.some(engine => engine.name === name))
    throw new TypeError(`${item}: its engine is called "${name}", as one that is there: rename it`)
  registry.register(factory)
  const durability = durable ? 'what the engine guarantees without further options' : 'in memory: does not survive the process'
  return { name, item, store: FILE_PREFIX + resolve(item), engine: name, isKvarium: true, durable, durability }
}

/** Whether the database keeps its data: its manifest says so, which takes an object of the class. */
async function isPermanent(name: string, root: string): Promise<boolean> {
  const directory = mkdtempSync(join(tmpdir(), 'kvarium-bench-level-'))
  try {
    const store = new LevelStore(name, await loadLevel(name, levelPlaces(root)), directory, {})
    await store.open()
    const { permanence } = store.supports
    await store.close()
    return permanence
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

/** Options that a store of the table always has. */
export function fixedOptions({ store }: Engine): Readonly<Record<string, unknown>> {
  return Object.hasOwn(STORES, store) ? (STORES[store].options ?? {}) : {}
}

/** Sizes of buffers and files that shrink with the data, as those of `kvarium compare` do; none for peers. */
export function scaledOptions({ name, isKvarium, store }: Engine, dataBytes: number): Readonly<Record<string, unknown>> {
  const row = name === 'lsm' ? 'lsm-leveled' : name
  if (!isKvarium || store.startsWith(FILE_PREFIX)) return {}
  const [{ options = {} }] = configureEngines(chooseEngines(row), scaleFor(dataBytes), [])
  return Object.fromEntries(Object.entries(options).filter(([option, value]) => option !== 'cacheSize' && typeof value === 'number'))
}
