/** `npm run bench`: runs the suite, prints tables and writes reports. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { CommanderError } from 'commander'
import { describeMachine } from '../../packages/lab/src/compare/process-counters.js'
import { MisuseError } from '../../src/errors.js'
import { checkRunReport } from '../../packages/lab/src/report/parse-run-report.js'
import type { RunReport } from '../../packages/lab/src/report/run-report.js'
import { hasSqlite, installPeers } from '../peers/install.js'
import { prepareProgram } from '../program.js'
import { WORKLOADS } from '../../packages/lab/src/workloads/catalogue.js'
import { ENGINES } from './engines.js'
import { parseOptions, type Options } from './options.js'
import { progressView } from './progress.js'
import { benchRunReport } from './run-report.js'
import { Runner } from './runner.js'
import { machineLines, overview, workloadTable } from './summary.js'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

async function main(): Promise<void> {
  const options = withoutMissing(await parseOptions(process.argv.slice(2), ROOT))
  if (options.list) return list()
  const createdAt = new Date()
  const scratch = new Scratch(options.directory)
  if (options.engines.some(({ isKvarium, item }) => !isKvarium && item === undefined)) installPeers(ROOT)
  let runner: Runner | undefined
  const interrupted = (): void => {
    void (runner?.stop() ?? Promise.resolve()).then(() => {
      scratch.remove()
      process.exit(130)
    })
  }
  process.once('SIGINT', interrupted).once('SIGTERM', interrupted)
  try {
    const needsBuild = options.engines.some(({ isKvarium }) => isKvarium)
    const program = await prepareProgram({ root: ROOT, directory: scratch.program, child: 'bench/suite/child.ts', needsBuild })
    const progress = progressView(process.stderr, options)
    runner = new Runner({ options, root: ROOT, directory: scratch.stores, program, ...progress })
    const machine = describeMachine(scratch.stores)
    const versions = versionsOf(options)
    const results = await runner.run()
    progress.end()
    const reports: RunReport[] = []
    for (const result of results) {
      const report = benchRunReport(result, {
        options,
        createdAt,
        command: commandFor(options.files.get(result.workload) ?? result.workload.name, options),
        machine,
        versions,
      })
      if (report !== undefined) reports.push(checkRunReport(JSON.parse(JSON.stringify(report))))
      for (const { engine, round, error } of result.visits) {
        if (error !== undefined) say(`${result.workload.name}, ${engine.name}, round ${round + 1} failed: ${error}`)
      }
    }
    for (const report of reports) print(workloadTable(report))
    if (reports.length > 1) print(overview(reports))
    if (reports.length > 0) print(machineLines(reports))
    for (const { work, engines } of reports) {
      for (const { name, verification } of engines) {
        for (const { kind, message } of verification.problems) say(`${work.name}, ${name} is WRONG (${kind}): ${message}`)
      }
    }
    writeReports(reports, options.report)
  } finally {
    process.off('SIGINT', interrupted).off('SIGTERM', interrupted)
    scratch.remove()
  }
}

/** The directories of the program, always in the repository, where it finds its packages, and of the stores. */
class Scratch {
  readonly program: string
  readonly stores: string

  constructor(parent: string | undefined) {
    this.program = made(join(ROOT, '.tmp'))
    this.stores = parent === undefined ? this.program : made(resolve(parent))
  }

  remove(): void {
    for (const path of [this.stores, this.program]) rmSync(path, { recursive: true, force: true, maxRetries: 5 })
  }
}

function made(parent: string): string {
  mkdirSync(parent, { recursive: true })
  return mkdtempSync(join(parent, 'bench-'))
}

/** Drops better-sqlite3 if it is not built. */
function withoutMissing(options: Options): Options {
  if (options.list || hasSqlite(ROOT) || !options.engines.some(({ name }) => name === 'better-sqlite3')) return options
  process.stderr.write('better-sqlite3 is left out: it is not built. `npm run bench:peers:sqlite` builds it (with a C++ compiler).\n')
  const engines = options.engines.filter(({ name }) => name !== 'better-sqlite3')
  if (engines.length === 0) throw new TypeError('There is no engine left to run')
  return { ...options, engines }
}

function list(): void {
  const rows = [
    'Workloads:',
    ...WORKLOADS.map(({ name, about, source }) => `  ${name.padEnd(18)}${about} (${source})`),
    'Engines:',
    ...ENGINES.map(({ name, engine, durability }) => `  ${name.padEnd(26)}${engine}; a write acknowledged is ${durability}`),
  ]
  process.stdout.write(`${rows.join('\n')}\n`)
}

function versionsOf({ engines }: Options): Record<string, string> {
  const peers = engines.filter(({ isKvarium, item }) => !isKvarium && item === undefined).map(({ engine }) => engine)
  const entries = [...new Set(peers)].map(name => [name, versionIn(join(ROOT, 'bench/peers/node_modules', name))] as const)
  return { kvarium: versionIn(ROOT), node: process.versions.node, v8: process.versions.v8, ...Object.fromEntries(entries) }
}

function versionIn(folder: string): string {
  return (JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { readonly version: string }).version
}

/** The command for this workload alone. */
function commandFor(workload: string, { engines, size, rounds, cacheBytes, isScaled, set }: Options): string {
  const flags = [
    `--workload ${workload} --engine ${engines.map(({ name, item = name }) => item).join(',')} --n ${size.entries} --rounds ${rounds}`,
    `--seed ${size.seed} --key-size ${size.keyBytes} --value-size ${size.valueBytes} --batch ${size.batch} --ops ${size.operations} --cache ${cacheBytes}`,
    ...(size.readsSync ? ['--get-sync'] : []),
    ...(isScaled ? ['--scaled'] : []),
    ...Object.entries(set).flatMap(([engine, own]) =>
      Object.entries(own).map(([name, value]) => `--set ${engine}.${name}=${String(value)}`),
    ),
  ]
  return `npm run bench -- ${flags.join(' ')}`
}

/** Writes one file, or one per workload. */
function writeReports(reports: readonly RunReport[], file: string | undefined): void {
  if (file === undefined) return
  for (const report of reports) {
    const path = reports.length === 1 ? file : file.replace(/\.json$/, `-${report.work.name}.json`)
    writeFileSync(path, JSON.stringify(report) + '\n')
    process.stderr.write(`wrote ${path}\n`)
  }
}

function print(text: string): void {
  process.stdout.write(`${text}\n\n`)
}

function say(problem: string): void {
  process.stderr.write(`${problem}\n`)
  process.exitCode = 1
}

try {
  await main()
} catch (error) {
  process.exitCode = 2
  if (error instanceof CommanderError) {
    // The message is printed already; asking for help is no error.
    if (error.exitCode === 0) process.exitCode = 0
  } else if (error instanceof MisuseError || error instanceof TypeError) {
    process.stderr.write(`error: ${error.message}\n`)
  } else {
    throw error
  }
}
