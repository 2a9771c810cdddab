/**
 * Runs the workloads on the stores, interleaved: in every round each workload visits the stores one after another, in
 * alternating order, each time in a fresh process.
 */
import { execFile, type ChildProcess } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { LoadOfOthers } from '../../packages/lab/src/compare/process-counters.js'
import { isBusy } from '../../packages/lab/src/report/machine-load.js'
import type { Outcome, Task } from './child.js'
import { historyEntry, historyPage, type HistoryEntry } from './history.js'
import { hasSqlite, installPeers } from './install.js'
import { describeMachine, type Machine } from './machine.js'
import { USAGE, parseOptions, type Options } from './options.js'
import { allTable, barsTable, judge, type Run } from './report.js'
import { prepareProgram, type Program } from '../program.js'
import { median } from '../table.js'
import { STORES } from './stores.js'
import { WORKLOADS } from './workloads.js'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const CHILD_TIMEOUT_MS = 30 * 60_000

const execute = promisify(execFile)

class Bench {
  readonly #options: Options
  readonly #directory: string
  readonly #program: Program
  readonly #filled = new Map<string, string>()
  #running: ChildProcess | undefined
  readonly runs: Run[] = []

  constructor(options: Options, directory: string, program: Program) {
    this.#options = options
    this.#directory = directory
    this.#program = program
  }

  async run(): Promise<void> {
    const { rounds, works } = this.#options
    for (let round = 0; round < rounds; round++) {
      for (const work of works) {
        const stores = [...this.#storesFor(work)]
        if (round % 2 === 1) stores.reverse()
        if (round === 0 && work !== 'big') stores.push('null')
        for (const store of stores) await this.#measure(round, store, work)
      }
    }
  }

  stop(): void {
    this.#running?.kill('SIGKILL')
  }

  #storesFor(work: string): readonly string[] {
    const { addReferences, barSet } = this.#options
    const stores = this.#options.stores.filter(store => WORKLOADS[work].transactions !== true || STORES[store].transactions === true)
    if (!addReferences) return stores
    const references = barSet.references.filter(
      ({ store, works }) => works.includes(work) && (store !== 'better-sqlite3' || hasSqlite(ROOT)),
    )
    return [...stores, ...references.map(({ store }) => store)]
  }

  async #measure(round: number, store: string, work: string): Promise<void> {
    const load = new LoadOfOthers()
    const start = performance.now()
    let run: Run
    try {
      const directory = await this.#dataFor(store, work)
      const { metrics, cpuMs } = await this.#spawn(store, work, directory)
      run = { round, store, work, metrics, othersCores: load.cores(cpuMs) ?? NaN }
    } catch (error) {
      run = { round, store, work, metrics: {}, error: firstLines(error), othersCores: NaN }
    }
    this.runs.push(run)
    const numbers = Object.entries(run.metrics).map(([name, value]) => `${name} ${Number(value.toPrecision(4))}`)
    const seconds = ((performance.now() - start) / 1000).toFixed(1)
    process.stderr.write(
      `round ${round + 1}, ${work}, ${store} (${seconds} s, others ${run.othersCores.toFixed(1)} cores): ${run.error ?? numbers.join(', ')}\n`,
    )
  }

  /** The directory that is filled once for all read workloads of a durable store. */
  async #dataFor(store: string, work: string): Promise<string | undefined> {
    if (!WORKLOADS[work].loaded || !STORES[store].durable) return undefined
    if (work === 'open-killed') return this.#killed(store)
    let directory = this.#filled.get(store)
    if (directory === undefined) {
      directory = join(this.#directory, `${store}-filled`)
      await this.#spawn(store, 'load', directory)
      this.#filled.set(store, directory)
    }
    return directory
  }

  /** A directory whose store was filled and killed, for one opening. */
  async #killed(store: string): Promise<string> {
    const directory = mkdtempSync(join(this.#directory, `${store}-killed-`))
    await this.#spawn(store, 'load-and-die', directory).catch((error: unknown) => {
      if ((error as { signal?: string }).signal !== 'SIGKILL') throw error
    })
    return directory
  }

  async #spawn(store: string, work: string, filled?: string): Promise<Outcome> {
    const { entries, bigEntries, cacheBytes, compact, encoding, seconds, leastReads, puts, syncPuts, set } = this.#options
    const directory = filled ?? mkdtempSync(join(this.#directory, `${store}-`))
    const task: Task = {
      store,
      work,
      root: ROOT,
      dist: this.#program.dist,
      directory,
      filled: filled !== undefined,
      compact,
      encoding,
      cacheBytes: WORKLOADS[work]?.cacheBytes ?? cacheBytes,
      entries: work === 'big' ? bigEntries : entries,
      seconds,
      leastReads,
      puts,
      syncPuts,
      set: set[store] ?? {},
    }
    try {
      const running = execute(process.execPath, [this.#program.child, JSON.stringify(task)], { timeout: CHILD_TIMEOUT_MS })
      this.#running = running.child
      const { stdout } = await running
      return JSON.parse(stdout, (_key, value: unknown) => (value === null ? NaN : value)) as Outcome
    } finally {
      if (filled === undefined) rmSync(directory, { recursive: true, force: true })
    }
  }
}

function temporaryDirectory(parent: string): string {
  mkdirSync(parent, { recursive: true })
  const directory = mkdtempSync(join(parent, 'bench-peers-'))
  process.on('exit', () => rmSync(directory, { recursive: true, force: true }))
  return directory
}

function firstLines(error: unknown): string {
  const { stderr, message } = error as { stderr?: string; message: string }
  const lines = (stderr === undefined || stderr === '' ? message : stderr).split('\n').filter(line => line.trim() !== '')
  return 'failed: ' + (lines.find(line => /^\w*Error/.test(line)) ?? lines.slice(0, 3).join(' / '))
}

/** Keeps what a release is to keep of the run, and writes the page anew. */
function writeHistory(version: string, { node, processor, cores }: Machine, options: Options, runs: readonly Run[]): void {
  const folder = join(ROOT, 'bench/history')
  const about = { version, node, processor, cores, entries: options.entries, cacheMiB: options.cacheBytes / 2 ** 20 }
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, `${version}.json`), JSON.stringify(historyEntry(about, runs, options.barSet.bars)) + '\n')
  const files = readdirSync(folder).filter(name => name.endsWith('.json'))
  const entries = files
    .sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))
    .map(name => JSON.parse(readFileSync(join(folder, name), 'utf8')) as HistoryEntry)
  writeFileSync(join(folder, 'README.md'), historyPage(entries, options.barSet.bars))
}

function describe(machine: Machine, options: Options, runs: readonly Run[]): string {
  const others = runs.map(run => run.othersCores).filter(cores => !Number.isNaN(cores))
  const busy = isBusy(median(others))
    ? ['THE MACHINE WAS BUSY: other processes change the ratios, not only the times. Do not quote these.']
    : []
  return [
    ...busy,
    `Node ${machine.node}, ${machine.system}, ${machine.cores} cores (${machine.processor}), ${machine.memoryMiB} MiB`,
    Object.entries(machine.versions)
      .map(([name, version]) => `${name} ${version}`)
      .join(', '),
    `${options.entries} entries of 16 + 100 bytes, ${options.encoding}, cache ${options.cacheBytes / 2 ** 20} MiB each, ${options.rounds} rounds, ` +
      (options.compact ? 'compacted before reads' : 'not compacted before reads'),
    `load average at the start ${machine.load1.toFixed(2)}; cores kept busy by others meanwhile: median ${median(others).toFixed(2)}, most ${Math.max(...others).toFixed(2)}`,
  ].join('\n')
}

async function main(): Promise<void> {
  const options = parseOptions(process.argv.slice(2))
  if (options === undefined) {
    console.log(USAGE)
    return
  }
  installPeers(ROOT)
  const program = temporaryDirectory(join(ROOT, '.tmp'))
  const directory = options.directory === undefined ? program : temporaryDirectory(resolve(options.directory))
  const machine = describeMachine(ROOT)
  const needsBuild = options.stores.some(store => STORES[store].from === 'kvarium')
  const bench = new Bench(
    options,
    directory,
    await prepareProgram({ root: ROOT, directory: program, child: 'bench/peers/child.ts', needsBuild }),
  )
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      bench.stop()
      process.exit(130)
    })
  }
  await bench.run()
  const { runs } = bench
  const stores = [...new Set(runs.map(run => run.store))].filter(store => store !== 'null')
  const { bars, peers, references } = options.barSet
  const own = stores.filter(store => store.startsWith('kvarium'))
  const compared = new Set([...peers, ...references.map(reference => reference.store)])
  const subjects = own.length > 0 ? own : stores.filter(store => !compared.has(store))
  const tables = subjects.filter(store => judge(runs, store, bars).length > 0).map(store => barsTable(runs, store, bars))
  console.log([describe(machine, options, runs), ...tables, allTable(runs, stores, bars)].join('\n\n'))
  const verdicts = subjects.flatMap(store => judge(runs, store, bars))
  if (options.json !== undefined) writeFileSync(options.json, JSON.stringify({ machine, options, verdicts, runs }, null, 2) + '\n')
  if (options.history !== undefined) writeHistory(options.history, machine, options, runs)
  const failed = runs.filter(run => run.error !== undefined)
  for (const { round, store, work, error } of failed) console.error(`round ${round + 1}, ${work}, ${store} ${error}`)
  if (failed.length > 0) process.exitCode = 1
}

try {
  await main()
} catch (error) {
  if (!(error instanceof TypeError)) throw error
  console.error(error.message)
  process.exitCode = 2
}
