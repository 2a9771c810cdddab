/** The engines of the suite, by their names for `--engine`. */
import { chooseEngines, configureEngines, scaleFor } from '../../packages/lab/src/compare/engine-table.js'
import { STORES } from '../peers/stores.js'

export interface Engine {
  readonly name: string
  /** Its name in `STORES`. */
  readonly store: string
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

/** Sizes of buffers and files that shrink with the data, as those of `kvarium compare` do; none for peers. */
export function scaledOptions({ name, isKvarium }: Engine, dataBytes: number): Readonly<Record<string, unknown>> {
  const row = name === 'lsm' ? 'lsm-leveled' : name
  if (!isKvarium) return {}
  const [{ options = {} }] = configureEngines(chooseEngines(row), scaleFor(dataBytes), [])
  return Object.fromEntries(Object.entries(options).filter(([option, value]) => option !== 'cacheSize' && typeof value === 'number'))
}
