/** The command line of the runner. */
import { parseArgs } from 'node:util'
import { BAR_SETS, type BarSet } from './bars.js'
import type { Encoding } from './data.js'
import { STORES } from './stores.js'
import { WORKLOADS } from './workloads.js'

export const USAGE = `Measures kvarium against other stores, the same work in the same run, each store and workload in its own process.

npm run bench:peers -- [options]
  --n COUNT            entries (1000000)
  --rounds COUNT       times that everything is measured, interleaved (3)
  --only WORK,...      of ${Object.keys(WORKLOADS).join(', ')}
  --stores STORE,...   of ${Object.keys(STORES)
    .filter(name => name !== 'null')
    .join(', ')}
                       (those that the bars need)
  --bars ENGINE        what is judged, and measured by default (lsm)
                       lsm: kvarium-lsm against classic-level and lmdb
                       btree: kvarium-btree against the same, and lmdb-nosync for puts and fills
  --quick              100000 entries, one round, a second per read workload: a smoke test, not a measurement
  --big                add 'big': load and read back --big-n entries with a cache of 64 MiB, and watch the memory
  --big-n COUNT        (5000000)
  --seconds COUNT      time for each full iteration (3)
  --least-reads COUNT  calls of each read workload, which goes on until throughput and hit rate are steady (1000000)
  --puts COUNT         single puts (250000, or n if that is less)
  --sync-puts COUNT    durable puts (20000)
  --encoding NAME      utf8, buffer or view, of keys and values (utf8)
  --cache-mib COUNT    cache of each durable store (256)
  --as-loaded          do not compact the data before reads
  --set STORE.OPTION=VALUE   pass an option to a store; may be repeated
  --dir DIRECTORY      where the stores keep their files (.tmp in the repository); should be a disk, not memory
  --json FILE          write everything measured
  --history VERSION    keep the medians as bench/history/VERSION.json, and write bench/history/README.md anew
  --help`

export interface Options {
  readonly entries: number
  readonly rounds: number
  readonly works: readonly string[]
  readonly stores: readonly string[]
  readonly barSet: BarSet
  /** Whether to add the references where needed: true if no stores were named. */
  readonly addReferences: boolean
  readonly bigEntries: number
  readonly seconds: number
  readonly leastReads: number
  readonly puts: number
  readonly syncPuts: number
  readonly encoding: Encoding
  readonly cacheBytes: number
  readonly compact: boolean
  readonly set: Readonly<Record<string, Record<string, unknown>>>
  readonly directory: string | undefined
  readonly json: string | undefined
  readonly history: string | undefined
}

/** `undefined` for a request for help. Throws a `TypeError` that says what is wrong. */
export function parseOptions(argv: readonly string[]): Options | undefined {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      n: { type: 'string' },
      rounds: { type: 'string' },
      only: { type: 'string' },
      stores: { type: 'string' },
      bars: { type: 'string', default: 'lsm' },
      quick: { type: 'boolean', default: false },
      big: { type: 'boolean', default: false },
      'big-n': { type: 'string' },
      seconds: { type: 'string' },
      'least-reads': { type: 'string' },
      puts: { type: 'string' },
      'sync-puts': { type: 'string' },
      encoding: { type: 'string', default: 'utf8' },
      'cache-mib': { type: 'string' },
      'as-loaded': { type: 'boolean', default: false },
      set: { type: 'string', multiple: true, default: [] },
      dir: { type: 'string' },
      json: { type: 'string' },
      history: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) return undefined
  const { quick, encoding } = values
  if (encoding !== 'utf8' && encoding !== 'buffer' && encoding !== 'view') {
    throw new TypeError(`--encoding must be utf8, buffer or view, not '${encoding}'`)
  }
  if (!Object.hasOwn(BAR_SETS, values.bars)) {
    throw new TypeError(`--bars must be one of ${Object.keys(BAR_SETS).join(', ')}, not '${values.bars}'`)
  }
  const barSet = BAR_SETS[values.bars]
  const entries = count('n', values.n, quick ? 100_000 : 1_000_000)
  const works = values.only === undefined ? [...barSet.works] : names('only', values.only, WORKLOADS)
  if (values.big && !works.includes('big')) works.push('big')
  return {
    entries,
    rounds: count('rounds', values.rounds, quick ? 1 : 3),
    works,
    stores: values.stores === undefined ? [barSet.subject, ...barSet.peers] : names('stores', values.stores, STORES),
    barSet,
    addReferences: values.stores === undefined,
    bigEntries: count('big-n', values['big-n'], 5_000_000),
    seconds: count('seconds', values.seconds, quick ? 1 : 3),
    leastReads: count('least-reads', values['least-reads'], quick ? 1 : 1_000_000),
    puts: Math.min(entries, count('puts', values.puts, 250_000)),
    syncPuts: count('sync-puts', values['sync-puts'], quick ? 5_000 : 20_000),
    encoding,
    cacheBytes: count('cache-mib', values['cache-mib'], 256) * 2 ** 20,
    compact: !values['as-loaded'],
    set: settings(values.set),
    directory: values.dir,
    json: values.json,
    history: version(values.history),
  }
}

function count(name: string, text: string | undefined, byDefault: number): number {
  if (text === undefined) return byDefault
  const value = Number(text)
  if (!Number.isSafeInteger(value) || value < 1) throw new TypeError(`--${name} must be a whole number above 0, not '${text}'`)
  return value
}

function version(text: string | undefined): string | undefined {
  if (text === undefined || /^\d+\.\d+\.\d+[\w.-]*$/.test(text)) return text
  throw new TypeError(`--history wants a version such as 1.2.3, not '${text}'`)
}

function names(option: string, text: string, known: Readonly<Record<string, unknown>>): string[] {
  const all = text.split(',')
  for (const name of all) {
    if (!Object.hasOwn(known, name)) throw new TypeError(`--${option}: '${name}' is none of ${Object.keys(known).join(', ')}`)
  }
  return all
}

function settings(texts: readonly string[]): Record<string, Record<string, unknown>> {
  const set: Record<string, Record<string, unknown>> = {}
  for (const text of texts) {
    const match = /^([\w-]+)\.(\w+)=(.*)$/.exec(text)
    if (match === null || !Object.hasOwn(STORES, match[1])) throw new TypeError(`--set wants STORE.OPTION=VALUE, not '${text}'`)
    const [, store, option, value] = match as unknown as [string, string, string, string]
    const literal = value === 'true' || value === 'false' || (value !== '' && !Number.isNaN(Number(value)))
    set[store] = { ...set[store], [option]: literal ? (JSON.parse(value) as unknown) : value }
  }
  return set
}
