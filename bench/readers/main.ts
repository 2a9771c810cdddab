/** What reader threads give: getSync of resident data in one thread and in two, beside the store's own, with the CPU that each read takes. */
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { Worker } from 'node:worker_threads'
import type { builtInEngines, Kvarium } from '../../src/index.js'
import { prepareProgram, type Program } from '../program.js'
import { median, short, table } from '../table.js'
import { keyOf, RandomKeys } from './random-keys.js'
import type { ReaderTask, RunResult } from './reader-thread.js'

interface Library {
  readonly Kvarium: typeof Kvarium
  readonly builtInEngines: typeof builtInEngines
}

const USAGE = `npm run bench:readers -- [options]
  --engine NAMES   of lsm, btree (both)
  --n COUNT        entries of 16 + 100 B, loaded in random order (1000000)
  --calls COUNT    reads of a thread in a run (1000000)
  --rounds COUNT   runs of each row, interleaved (5)
  --cache BYTES    cache of each thread (400000000)`

const { values } = parseArgs({
  options: {
    engine: { type: 'string', default: 'lsm,btree' },
    n: { type: 'string', default: '1000000' },
    calls: { type: 'string', default: '1000000' },
    rounds: { type: 'string', default: '5' },
    cache: { type: 'string', default: '400000000' },
    help: { type: 'boolean', default: false },
  },
})
const [entries, calls, rounds, cacheBytes] = [values.n, values.calls, values.rounds, values.cache].map(Number)

/** One run of a row. */
interface Run {
  readonly callsPerSecond: number
  readonly cpuMicrosPerCall: number
  readonly hitRate: number
  /** Cores that other processes used meanwhile. */
  readonly otherCores: number
}

/** Reader threads that begin each run at once. */
class ReaderThreads {
  readonly #start = new Int32Array(new SharedArrayBuffer(4))
  readonly #workers: Worker[]
  #runs = 0

  constructor(program: Program, handles: readonly ReaderTask['handle'][]) {
    this.#workers = handles.map((handle, i) => {
      const library = join(program.dist, 'reader.js')
      const task: ReaderTask = { library, handle, entries, cacheBytes, calls, seed: 1 + i, start: this.#start }
      return new Worker(program.child, { workerData: task, transferList: [handle.port] })
    })
  }

  /** Resolves when every thread has opened its reader and read every key once. */
  async ready(): Promise<void> {
    await this.#messages()
  }

  async run(): Promise<readonly RunResult[]> {
    const results = this.#messages()
    Atomics.store(this.#start, 0, ++this.#runs)
    Atomics.notify(this.#start, 0)
    return (await results) as readonly RunResult[]
  }

  async end(): Promise<void> {
    const ended = this.#workers.map(worker => once(worker, 'exit'))
    Atomics.store(this.#start, 0, -1)
    Atomics.notify(this.#start, 0)
    await Promise.all(ended)
  }

  async #messages(): Promise<unknown[]> {
    const all = (await Promise.all(this.#workers.map(worker => once(worker, 'message')))) as [unknown][]
    return all.map(([message]) => message)
  }
}

/** CPU of the machine but for this process, in seconds. */
function othersSeconds(): number {
  const [, user, nice, system, , , irq, softirq] = /^cpu +(.*)$/m.exec(readFileSync('/proc/stat', 'utf8'))![0].split(/ +/).map(Number)
  const own = process.cpuUsage()
  return (user + nice + system + irq + softirq) / 100 - (own.user + own.system) / 1e6
}

async function measured(work: () => Promise<readonly RunResult[]>): Promise<Run> {
  const [cpu, others, began] = [process.cpuUsage(), othersSeconds(), performance.now()]
  const results = await work()
  const [{ user, system }, othersUsed, ms] = [process.cpuUsage(cpu), othersSeconds() - others, performance.now() - began]
  const done = results.length * calls
  const hits = results.reduce((sum, result) => sum + result.hits, 0)
  const misses = results.reduce((sum, result) => sum + result.misses, 0)
  return {
    callsPerSecond: results.reduce((sum, result) => sum + calls / (result.ms / 1000), 0),
    cpuMicrosPerCall: (user + system) / done,
    hitRate: hits / (hits + misses),
    otherCores: Math.max(0, othersUsed / (ms / 1000)),
  }
}

/** The same reads in the thread of the store. */
async function runInStore(db: Kvarium, random: RandomKeys): Promise<readonly RunResult[]> {
  const before = db.stats().cache!
  const began = performance.now()
  for (let call = 0; call < calls; call++) if (db.getSync(random.next()) === undefined) throw new Error('a key is missing')
  const ms = performance.now() - began
  const { hits, misses } = db.stats().cache!
  return [{ ms, hits: hits - before.hits, misses: misses - before.misses }]
}

async function load(db: Kvarium): Promise<void> {
  const order = Uint32Array.from({ length: entries }, (_, i) => i)
  const random = new RandomKeys(entries, 99)
  for (let i = entries - 1; i > 0; i--) {
    const j = Number(random.next()) % (i + 1)
    ;[order[i], order[j]] = [order[j], order[i]]
  }
  const value = 'v'.repeat(100)
  for (let i = 0; i < entries; i += 1000) {
    await db.batch(Array.from(order.subarray(i, i + 1000), number => ({ type: 'put', key: keyOf(number), value })))
  }
  await db.flush()
  await db.settle()
}

async function measure(library: Library, program: Program, directory: string, engine: string): Promise<string[][]> {
  const db = new library.Kvarium(join(directory, engine), { engine: library.builtInEngines.resolve(engine), cacheSize: cacheBytes })
  await load(db)
  const share = await db.share()
  const one = new ReaderThreads(program, [share.handle()])
  await one.ready()
  const two = new ReaderThreads(program, [share.handle(), share.handle()])
  await two.ready()
  for (let i = 0; i < entries; i++) db.getSync(keyOf(i))
  const random = new RandomKeys(entries, 7)
  const rows: readonly { readonly name: string; readonly run: () => Promise<readonly RunResult[]>; readonly runs: Run[] }[] = [
    { name: 'the store itself', run: () => runInStore(db, random), runs: [] },
    { name: '1 reader thread', run: () => one.run(), runs: [] },
    { name: '2 reader threads', run: () => two.run(), runs: [] },
  ]
  // A first round is for the compiler.
  for (let round = -1; round < rounds; round++) {
    for (const { run, runs } of rows) {
      const outcome = await measured(run)
      if (round >= 0) runs.push(outcome)
    }
  }
  await Promise.all([one.end(), two.end()])
  await db.close()
  const single = rows[1].runs
  return rows.map(({ name, runs }) => {
    const of = (field: keyof Run): number => median(runs.map(run => run[field]))
    const ratios = runs.map((run, round) => run.callsPerSecond / single[round].callsPerSecond)
    const spread = `${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)}`
    return [
      `${engine}: ${name}`,
      short(of('callsPerSecond')),
      `${median(ratios).toFixed(2)} (${spread})`,
      of('cpuMicrosPerCall').toFixed(2),
      `${(of('hitRate') * 100).toFixed(1)} %`,
      of('otherCores').toFixed(2),
    ]
  })
}

if (values.help) {
  console.log(USAGE)
} else {
  const root = join(import.meta.dirname, '../..')
  mkdirSync(join(root, '.tmp'), { recursive: true })
  const directory = mkdtempSync(join(root, '.tmp/readers-'))
  try {
    const program = await prepareProgram({ root, directory, child: 'bench/readers/reader-thread.ts', needsBuild: true })
    const library = (await import(pathToFileURL(join(program.dist, 'index.js')).href)) as Library
    const rows: string[][] = []
    for (const engine of values.engine.split(',')) rows.push(...(await measure(library, program, directory, engine)))
    console.log(`${cpus().length} cores, ${cpus()[0].model}, Node ${process.versions.node}`)
    console.log(table(['getSync', 'calls/s', '÷ 1 reader', 'CPU, µs a call', 'cache hits', 'cores of others'], rows))
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}
