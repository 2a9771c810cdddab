/** The command line of the suite. */
import { resolve as absolute } from 'node:path'
import { Command, InvalidArgumentError } from 'commander'
import { nearestName } from '../../src/engine/nearest-name.js'
import { WORKLOADS } from '../../packages/lab/src/workloads/catalogue.js'
import type { Size, Workload } from '../../packages/lab/src/workloads/workload.js'
import { LEVEL_PREFIX } from '../../packages/lab/src/compare/level-store.js'
import { isModulePath } from '../../packages/lab/src/compare/own-modules.js'
import { loadWorkload } from '../../packages/lab/src/workloads/own-workload.js'
import { ENGINES, ownEngine, type Engine } from './engines.js'

export interface Options {
  readonly workloads: readonly Workload[]
  /** Paths of the workloads that come from files. */
  readonly files: ReadonlyMap<Workload, string>
  readonly engines: readonly Engine[]
  readonly size: Size
  readonly rounds: number
  readonly cacheBytes: number
  /** Shrink the buffers of kvarium's engines with the data. */
  readonly isScaled: boolean
  /** Options of an engine, by its name. */
  readonly set: Readonly<Record<string, Readonly<Record<string, unknown>>>>
  readonly report: string | undefined
  readonly directory: string | undefined
  readonly list: boolean
  readonly isQuick: boolean
}

interface Flags {
  readonly workload?: string
  readonly engine?: string
  readonly n?: number
  readonly rounds?: number
  readonly seed: number
  readonly keySize: number
  readonly valueSize: number
  readonly batch: number
  readonly ops?: number
  readonly cache: number
  readonly getSync?: true
  readonly scaled?: true
  readonly set?: readonly string[]
  readonly report?: string
  readonly dir?: string
  readonly quick?: true
  readonly list?: true
}

const DEFAULT_ENGINES = 'lsm,lsm-tiered,btree'
const DEFAULTS = { entries: 1_000_000, rounds: 3 }
/** Some stores take tens of microseconds or a commit per awaited call: this many take a few seconds, and are enough for a 99.9th percentile. */
const MOST_CALLS = 10_000
/** One put at a time, filling a store to any size takes minutes where a commit is a transaction. */
const BATCH = 100
const QUICK = { entries: 50_000, rounds: 1 }
const LEAST_ENTRIES = 100
const MIB = 2 ** 20
const HELP_WIDTH = 110

const EXAMPLES = `
Examples:
  npm run bench -- --quick
  npm run bench -- --workload ycsb-a,fillrandom --engine lsm,btree,classic-level --n 1e6 --report result.json
  npm run bench -- --workload overwrite --engine lsm --set lsm.writeBufferSize=4194304
  npm run bench -- --workload ./examples/delivery-log.ts --engine ./examples/array-engine.ts,lsm,level:classic-level --quick
  npm run bench -- --list

A report of several workloads is a file for each: result-ycsb-a.json, result-fillrandom.json. The exit code is 1 when an
engine failed or was wrong, and 2 when the command was given something that it cannot use.
`

/**
 * Reads the command line; help is written to standard output.
 * @throws CommanderError or TypeError that says what is wrong.
 */
export async function parseOptions(argv: readonly string[], root: string): Promise<Options> {
  const command = new Command('npm run bench --')
    .description('Runs workloads on engines, each in its own process, and measures their cost')
    .option('-w, --workload <names>', 'workloads, separated by commas: names, or files such as ./my-workload.ts (default: all)')
    .option(
      '-e, --engine <names>',
      `engines, separated by commas: names, files such as ./my-engine.ts, packages such as level:classic-level (default: ${DEFAULT_ENGINES})`,
    )
    .option('-n, --n <count>', `entries, such as 1e6 (default: ${DEFAULTS.entries}, with --quick ${QUICK.entries})`, whole(LEAST_ENTRIES))
    .option('--rounds <count>', `times that everything is run (default: ${DEFAULTS.rounds}, with --quick ${QUICK.rounds})`, whole(1))
    .option('--seed <number>', 'of all random choices', whole(0), 1)
    .option('--key-size <bytes>', 'of db_bench keys; YCSB and mixgraph have their own', size, 16)
    .option('--value-size <bytes>', 'of db_bench values, and of each of the ten fields of YCSB', size, 100)
    .option('--batch <entries>', "entries that db_bench's fills, overwrites and deletions write at once", whole(1), BATCH)
    .option('--ops <count>', `calls of runs that read or mix (default: as many as entries, at most ${MOST_CALLS})`, whole(1))
    .option('--cache <bytes>', 'of each engine that has a cache, such as 64MiB', size, 64 * MIB)
    .option('--get-sync', 'read by getSync instead of an awaited get')
    .option('--scaled', "shrink the buffers of kvarium's engines with the data, as `kvarium compare` does (--quick does)")
    .option('--set <engine.option=value>', 'an option of an engine; can be given again', collect)
    .option('--report <file.json>', 'write a report, for `kvarium report`')
    .option('--dir <directory>', 'where the stores are made; should be a disk, not memory (default: .tmp in the repository)')
    .option('--quick', 'everything small and once, in a few minutes: a smoke test, not a measurement')
    .option('--list', 'list the workloads and engines, and run nothing')
    .allowExcessArguments(false)
    .showSuggestionAfterError()
    .configureHelp({ helpWidth: HELP_WIDTH })
    .addHelpText('after', EXAMPLES)
    .exitOverride()
    .parse(argv, { from: 'user' })
  return resolve(command.opts<Flags>(), root)
}

async function resolve(flags: Flags, root: string): Promise<Options> {
  const isQuick = flags.quick === true
  const preset = isQuick ? QUICK : DEFAULTS
  const entries = flags.n ?? preset.entries
  const { keySize, report } = flags
  if (keySize < String(entries - 1).length) {
    throw new TypeError(`--key-size ${keySize} is too small for ${entries} different keys: take ${String(entries - 1).length} or more`)
  }
  if (report !== undefined && !report.endsWith('.json')) throw new TypeError(`--report takes the name of a .json file, not "${report}"`)
  const engines = await choose('engine', flags.engine ?? DEFAULT_ENGINES, ENGINES, item => ownEngine(item, root))
  const files = new Map<Workload, string>()
  const ownWorkload = async (path: string): Promise<Workload> => {
    const workload = await loadWorkload(path)
    files.set(workload, absolute(path))
    return workload
  }
  return {
    workloads: flags.workload === undefined ? WORKLOADS : await choose('workload', flags.workload, WORKLOADS, ownWorkload),
    files,
    engines,
    size: {
      entries,
      operations: flags.ops ?? Math.min(entries, MOST_CALLS),
      keyBytes: keySize,
      valueBytes: flags.valueSize,
      seed: flags.seed,
      batch: flags.batch,
      readsSync: flags.getSync === true,
    },
    rounds: flags.rounds ?? preset.rounds,
    cacheBytes: flags.cache,
    isScaled: flags.scaled === true || isQuick,
    set: settings(flags.set ?? [], engines),
    report,
    directory: flags.dir,
    list: flags.list === true,
    isQuick,
  }
}

/** @param own - Makes one of a file, or of a package. */
async function choose<T extends { readonly name: string }>(
  what: string,
  list: string,
  known: readonly T[],
  own: (item: string) => Promise<T>,
): Promise<readonly T[]> {
  const names = known.map(({ name }) => name)
  const chosen: T[] = []
  for (const item of list.split(',').map(text => text.trim())) {
    const found = isModulePath(item) || item.startsWith(LEVEL_PREFIX) ? await own(item) : known.find(one => one.name === item)
    if (found === undefined) {
      const nearest = nearestName(item, names)
      const hint = nearest === undefined ? '' : ` Did you mean ${nearest}?`
      throw new TypeError(`There is no ${what} "${item}".${hint} Known: ${names.join(', ')}; or give a file, such as ./my-${what}.ts`)
    }
    if (chosen.some(one => one !== found && one.name === found.name)) throw new TypeError(`Two of the ${what}s are called "${found.name}"`)
    if (!chosen.includes(found)) chosen.push(found)
  }
  return chosen
}

function settings(texts: readonly string[], engines: readonly Engine[]): Options['set'] {
  const set: Record<string, Record<string, unknown>> = {}
  for (const text of texts) {
    const [, engine, option, value] = /^([\w.-]+)\.(\w+)=(.*)$/.exec(text) ?? []
    if (engine === undefined) throw new TypeError(`--set takes ENGINE.OPTION=VALUE, not "${text}"`)
    if (!engines.some(({ name }) => name === engine)) throw new TypeError(`--set ${text}: the engine ${engine} is not among those to run`)
    const isLiteral = value === 'true' || value === 'false' || (value !== '' && !Number.isNaN(Number(value)))
    set[engine] = { ...set[engine], [option]: isLiteral ? (JSON.parse(value) as unknown) : value }
  }
  return set
}

function whole(least: number): (text: string) => number {
  return text => {
    const value = Number(text)
    if (text.trim() !== '' && Number.isSafeInteger(value) && value >= least) return value
    throw new InvalidArgumentError(`It must be a whole number of at least ${least}.`)
  }
}

const UNITS: Readonly<Record<string, number>> = { '': 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30 }

function size(text: string): number {
  const [, digits, unit = ''] = /^(\d+)\s*([kmg]?)(?:i?b)?$/i.exec(text.trim()) ?? []
  const bytes = Number(digits) * UNITS[unit.toLowerCase()]
  if (digits !== undefined && Number.isSafeInteger(bytes) && bytes >= 1) return bytes
  throw new InvalidArgumentError('It must be a number of bytes above 0, also with KiB, MiB or GiB.')
}

function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value]
}
