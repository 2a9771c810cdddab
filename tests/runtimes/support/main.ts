/**
 * The built package on other runtimes: abstract-level's own suite, races for the lock of a directory, killed writers, and loads with the compaction
 * worker; and an application made by each bundler. `npm run runtimes -- --help`.
 */
import { spawn, spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { parseArgs } from 'node:util'
import { table } from '../../../bench/table.js'
import { buildWriter, killOnce } from '../../processes/support/child.js'
import { bundledProgram } from '../../support/bundled-program.js'
import { race } from '../../vfs/support/lock-race.js'
import { bundlers, tryBundler } from './bundlers.js'

const USAGE = `npm run runtimes -- [options]
  --runtime NAMES   of node20, node22, node24, node26, bun, deno (all); node20 stands for the Node that runs this
  --suite NAMES     of abstract-level, lock, kill, worker (all)
  --bundler NAMES   of esbuild, rollup, webpack, vite, bun-build, bun-compile (all; with --runtime, none)
  --full            more rounds, kills and entries, and abstract-level's suite on files for every engine
The runtimes are npm packages, installed into tests/runtimes by the first run.`

const { values } = parseArgs({
  options: {
    runtime: { type: 'string' },
    suite: { type: 'string' },
    bundler: { type: 'string' },
    full: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})

const ROOT = join(import.meta.dirname, '../../..')
const DIST = join(ROOT, 'dist')
const FOLDER = join(import.meta.dirname, '..')
const MODULES = join(FOLDER, 'node_modules')
/** A project in which `kvarium` is what was built. Bun would take the sources in the checkout: it goes by the paths of its tsconfig.json. */
const PROJECT = mkdtempSync(join(tmpdir(), 'kvarium-runtimes-'))

/** What starts a program on each runtime. */
const RUNTIMES: Readonly<Record<string, readonly string[]>> = {
  node20: [process.execPath],
  node22: [join(MODULES, 'node22/bin/node')],
  node24: [join(MODULES, 'node24/bin/node')],
  node26: [join(MODULES, 'node26/bin/node')],
  bun: [join(MODULES, 'bun/bin/bun')],
  deno: [join(MODULES, 'deno/deno'), 'run', '--allow-all', '--quiet'],
}
const ENGINES = ['lsm', 'btree', 'memory'] as const
type Engine = (typeof ENGINES)[number]

/** One suite on one engine: what it counted. Rejects with what went wrong. */
type Suite = (runtime: readonly string[], engine: Engine) => Promise<string>

const SUITES: Readonly<Record<string, { readonly engines: readonly Engine[]; readonly run: Suite }>> = {
  'abstract-level': { engines: ENGINES, run: abstractSuite },
  lock: { engines: ['lsm'], run: lockRaces },
  kill: { engines: ['lsm', 'btree'], run: kills },
  worker: { engines: ['lsm', 'btree'], run: workerLoad },
}

interface Ran {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

function run([command, ...before]: readonly string[], program: string, parameters: readonly string[]): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, [...before, program, ...parameters], {
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: 600_000,
      killSignal: 'SIGKILL',
    })
    let [stdout, stderr] = ['', '']
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
    child.on('error', reject)
    child.on('close', code => resolve({ code, stdout, stderr }))
  })
}

/** A program of the tests, in the project. */
function programOf(source: string): string {
  const program = join(PROJECT, basename(source, '.ts') + '.mjs')
  cpSync(bundledProgram(join(import.meta.dirname, source)), program)
  return program
}

async function abstractSuite(runtime: readonly string[], engine: Engine): Promise<string> {
  const program = programOf('../../store/support/run-abstract-suite.ts')
  const place = engine !== 'memory' && values.full ? 'disk' : 'memory'
  const { code, stdout, stderr } = await run(runtime, program, [engine, place])
  const failures = stdout.split('\n').filter(line => line.startsWith('not ok'))
  const passed = Number(/^# pass +(\d+)$/m.exec(stdout)?.[1] ?? 0)
  if (code !== 0 || failures.length > 0 || passed < 5000) {
    throw new Error(`code ${code}, ${passed} passed; ${failures.slice(0, 5).join('; ')}\n${stderr.slice(0, 2000)}`)
  }
  return `${passed} pass`
}

/** Contenders of the runtime race each other, and then those of another Node: of 20, but for Bun, which does not see the locks of that. */
async function lockRaces(runtime: readonly string[]): Promise<string> {
  const rounds = values.full ? 200 : 20
  const other = runtime === RUNTIMES['bun'] ? RUNTIMES['node22'] : RUNTIMES['node20']
  for (const runtimes of [[runtime], [runtime, other]]) {
    await inDirectory(directory => race({ directory, rounds, contenders: 6, killEvery: 5, runtimes }))
  }
  return `${2 * rounds} rounds`
}

async function kills(runtime: readonly string[], engine: Engine): Promise<string> {
  const writer = await buildWriter()
  const times = values.full ? 30 : 5
  return inDirectory(async directory => {
    let batches = 0
    for (let i = 0; i < times; i++) {
      const { acknowledged } = await killOnce(writer, join(directory, 'store'), engine, (97 * i) % 200, i % 2 === 0 ? 1 : 8, { runtime })
      batches = Math.max(batches, acknowledged)
    }
    return `${times} kills, ${batches} batches`
  })
}

async function workerLoad(runtime: readonly string[], engine: Engine): Promise<string> {
  const program = programOf('../../processes/support/load-with-worker.ts')
  const entries = values.full ? 300_000 : 50_000
  return inDirectory(async directory => {
    const { code, stdout, stderr } = await run(runtime, program, [join(directory, 'store'), engine, String(entries)])
    const expected = `${engine === 'lsm' ? 'worker' : 'none'} ${entries}\n`
    if (code !== 0 || stdout !== expected) throw new Error(`code ${code}, printed ${JSON.stringify(stdout)}\n${stderr.slice(0, 2000)}`)
    return `${entries} entries`
  })
}

async function inDirectory<T>(use: (directory: string) => Promise<T>): Promise<T> {
  const directory = mkdtempSync(join(tmpdir(), 'kvarium-runtimes-'))
  try {
    return await use(directory)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

function chosen(given: string | undefined, known: readonly string[], option: string): readonly string[] {
  const names = given?.split(',').filter(name => name !== '') ?? known
  const unknown = names.find(name => !known.includes(name))
  if (unknown !== undefined) throw new TypeError(`There is no ${option} "${unknown}"; known are ${known.join(', ')}`)
  return names
}

async function main(): Promise<void> {
  if (values.help) return void console.log(USAGE)
  const runtimes = chosen(values.runtime ?? (values.bundler && ''), Object.keys(RUNTIMES), 'runtime')
  const suites = chosen(values.suite, Object.keys(SUITES), 'suite')
  const every = bundlers(RUNTIMES['bun'][0], DIST)
  const bundlerNames = chosen(values.bundler ?? (values.runtime && ''), Object.keys(every), 'bundler')
  if ((bundlerNames.length > 0 || runtimes.some(name => name !== 'node20')) && !existsSync(MODULES)) {
    const { status } = spawnSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], {
      cwd: FOLDER,
      stdio: 'inherit',
    })
    if (status !== 0) throw new Error(`npm cannot install the runtimes into ${FOLDER}`)
  }
  writeFileSync(join(PROJECT, 'package.json'), '{ "type": "module" }')
  mkdirSync(join(PROJECT, 'node_modules'))
  for (const name of ['kvarium', 'abstract-level', 'tape'])
    symlinkSync(join(ROOT, 'node_modules', name), join(PROJECT, 'node_modules', name))
  const rows: string[][] = []
  const row = async (cells: readonly string[], work: () => Promise<string>): Promise<void> => {
    const began = performance.now()
    const outcome = await work().catch((error: unknown) => {
      process.exitCode = 1
      console.error((error as Error).message)
      return 'FAILED'
    })
    rows.push([...cells, outcome, ((performance.now() - began) / 1000).toFixed(1)])
    console.error(rows.at(-1)!.join('  '))
  }
  for (const name of runtimes) {
    const runtime = RUNTIMES[name]
    const version = spawnSync(runtime[0], ['--version'], { encoding: 'utf8' })
      .stdout.split('\n')[0]
      .replace(/^deno | \(.*/g, '')
    for (const suite of suites) {
      for (const engine of SUITES[suite].engines) {
        await row([`${name} ${version}`, suite, engine], () => SUITES[suite].run(runtime, engine))
      }
    }
  }
  for (const name of bundlerNames) await row([name, 'bundle', 'lsm'], () => tryBundler(name, every[name], PROJECT, DIST))
  console.log(table(['runtime', 'suite', 'engine', 'outcome', 'seconds'], rows))
}

try {
  await main()
} finally {
  rmSync(PROJECT, { recursive: true, force: true })
}
