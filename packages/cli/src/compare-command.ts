import { Command, InvalidArgumentError } from 'commander'
import {
  compare,
  comparisonRunReport,
  configureEngines,
  datasetPhases,
  describeMachine,
  describeWork,
  engineNames,
  isModulePath,
  loadEngines,
  LoadOfOthers,
  scaleFor,
} from 'kvarium-lab/compare'
import type { EngineResult, Phase } from 'kvarium-lab/compare'
import type { Work } from 'kvarium-lab/predict'
import type { WorkReport } from 'kvarium-lab/report'
import { findWorkload, loadWorkload, workloadPhases, WORKLOADS, type Workload } from 'kvarium-lab/workloads'
import { nearestName } from 'kvarium/engine'
import { loadDataset, reviseValue, type Dataset } from './datasets/dataset.js'
import type { Invocation } from './invocation.js'
import { VERSION } from './package-version.js'
import { progressView } from './progress.js'
import { prepareReportFiles, REPORT_DIRECTORY, shownPath, writeReport } from './report-files.js'
import { comparisonReport } from './report/comparison-report.js'
import { engineReport } from './report/engine-report.js'
import { datasetSubject, introduction, workloadSubject, type Subject } from './report/introduction.js'
import { count, share } from 'kvarium-lab/report'
import { styleFor } from './report/style.js'
import { UsageError } from './usage-error.js'
import { ScratchDirectory } from './scratch-directory.js'

interface CompareFlags {
  readonly engine?: string
  readonly dataset?: string
  readonly workload?: string
  readonly key?: string
  readonly limit?: number
  readonly seed: number
  readonly overwriteShare: number
  readonly deleteShare: number
  readonly reads: number
  readonly batch: number
  readonly shuffle: boolean
  readonly rounds: number
  readonly set?: readonly string[]
  readonly fullSize?: true
  readonly dir?: string
  readonly keep?: true
  readonly json?: true
  /** False by `--no-report`. */
  readonly report?: string | false
}

/** A part of the cities, so that three rounds take less than a minute. */
const DEFAULT_CITIES = 50_000

/** A workload has as many entries, unless `--limit` says how many. */
const WORKLOAD_ENTRIES = 20_000

/** Enough for the compiler to optimise the code. */
const WARM_UP_ENTRIES = 5000

const EXAMPLES = `
Examples:
  kvarium compare
  kvarium compare --engine lsm --limit 20000
  kvarium compare --dataset people.ndjson --key country,email
  kvarium compare --engine lsm-leveled --set compression=deflate --set blockSize=16KiB --set cacheSize=auto
  kvarium compare --engine ./array-engine.ts,lsm,level:classic-level --workload ./my-workload.ts
  kvarium compare --json > result.json

The exit code is 1 when an engine lost or changed an entry, broke an invariant or lost count of its
bytes, and 2 when the command was given something that it cannot use.
`

export function compareCommand(invocation: Invocation): Command {
  return new Command('compare')
    .description('Put a real dataset through each engine, verify every entry, and show where every byte went')
    .option(
      '-e, --engine <names>',
      `engines, separated by commas: names, files such as ./my-engine.ts, and installed packages such as level:classic-level (default: ${engineNames().join(',')})`,
    )
    .option('-d, --dataset <file>', 'your own data: .ndjson, .jsonl, .csv or .tsv (default: the cities of GeoNames)')
    .option('-w, --workload <name>', 'a workload instead of a dataset: ycsb-a, fillrandom, ..., or a file such as ./my-workload.ts')
    .option(
      '-k, --key <fields>',
      'fields that make the key, separated by commas (default: key, id, _id or uuid; else the first column, or the number of the record)',
    )
    .option(
      '-n, --limit <n>',
      `take only the first records (default: ${count(DEFAULT_CITIES)} of the cities, all of your own data); entries of a workload (default: ${count(WORKLOAD_ENTRIES)})`,
      integer(1),
    )
    .option('--seed <n>', 'seed of all random choices', integer(0), 1)
    .option('--overwrite-share <share>', 'share of the entries to write a second time, 0 to 1', fraction, 0.3)
    .option('--delete-share <share>', 'share of the entries to delete, 0 to 1', fraction, 0.1)
    .option('--reads <n>', 'gets of each kind, at most; calls of a workload that reads', integer(0), 20_000)
    .option('--batch <n>', 'entries in a batch while loading', integer(1), 1000)
    .option('--rounds <n>', 'times that everything is run, engines in turn, for the spread of the times', integer(1), 3)
    .option('--no-shuffle', 'load in the order of the dataset')
    .option('-s, --set <name=value>', 'an option of the engines, or NAME.OPTION=VALUE of a package; repeatable', collect)
    .option('--full-size', 'keep the default sizes of the engines, even for a small dataset')
    .option('--dir <directory>', 'directory for the stores (default: a temporary directory)')
    .option('--keep', 'keep the stores after the run')
    .option(
      '--report <path>',
      `path of the report: a directory, or a name ending in .html or .json (default: ${REPORT_DIRECTORY}/report.html and .json)`,
    )
    .option('--no-report', 'write no report')
    .option('--json', 'print the results as JSON, and nothing else, on standard output; writes no report unless --report is given')
    .addHelpText('after', EXAMPLES)
    .action((flags: CompareFlags) => runComparison(invocation, flags))
}

async function runComparison({ parameters, stdout, stderr, setExitCode }: Invocation, flags: CompareFlags): Promise<void> {
  const { set = [], keep = false, json = false } = flags
  const rows = await loadEngines(flags.engine)
  const task = flags.workload === undefined ? await datasetTask(flags) : await workloadTask(flags.workload, flags)
  const scale = flags.fullSize === true ? 1 : scaleFor(task.bytes)
  const engines = configureEngines(rows, scale, set)
  const files = flags.report === false || (json && flags.report === undefined) ? undefined : prepareReportFiles(flags.report)
  const scratch = new ScratchDirectory(
    flags.dir,
    keep,
    engines.map(engine => engine.name),
  )
  const remove = (): void => scratch.remove()
  const interrupted = (): never => process.exit(130)
  process.once('SIGINT', interrupted).once('SIGTERM', interrupted).once('exit', remove)

  const style = styleFor(stdout)
  const print = (text: string): boolean => !json && stdout.write(`${text}\n`)
  const progress = progressView(stderr, json)
  try {
    const intro = { version: VERSION, subject: task.subject, engines, directory: scratch.path, work: task.settings, scale }
    print(introduction(intro, style))
    const createdAt = new Date()
    const load = new LoadOfOthers()
    const { phases, warmUp } = task
    const comparison = await compare({
      engines,
      phases,
      warmUp,
      rounds: flags.rounds,
      directory: scratch.path,
      onProgress: state => progress.update(state),
      onResult: result => {
        progress.pause()
        print(engineReport(result, style))
      },
    })
    const otherLoadCores = load.cores()
    const report = comparisonRunReport(comparison, {
      title: `kvarium compare: ${task.title}`,
      createdAt,
      command: commandLine(parameters),
      machine: { ...describeMachine(scratch.path), ...(otherLoadCores !== undefined && { otherLoadCores }) },
      versions: { kvarium: VERSION, node: process.version, v8: process.versions.v8 },
      work: { ...task.work, ...(await describeWork(phases)) },
      ...(task.predictedWork !== undefined && { predictedWork: task.predictedWork }),
    })
    if (files !== undefined) writeReport(report, files)
    if (json) {
      const about = { version: VERSION, node: process.version, ...task.about }
      const engines = comparison.engines.map(withoutCurves)
      stdout.write(`${JSON.stringify({ ...about, engines, verdict: report.verdict, ok: comparison.ok }, null, 2)}\n`)
    } else {
      print(comparisonReport(comparison, report, style))
      if (files !== undefined) {
        print(`\n  report: ${style.bold(shownPath(files.html))} opens in a browser`)
        print(`          ${shownPath(files.json)} holds every number, for programs and kvarium report\n`)
      }
    }
    if (!comparison.ok) setExitCode(1)
  } finally {
    progress.pause()
    process.off('SIGINT', interrupted).off('SIGTERM', interrupted).off('exit', remove)
    scratch.remove()
  }
}

/** The command line, quoted where a shell needs it. */
function commandLine(parameters: readonly string[]): string {
  const quoted = (word: string): string => (/^[\w./:=,+@%-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`)
  return ['kvarium', ...parameters].map(quoted).join(' ')
}

/** What is run, and how it is described. */
interface Task {
  readonly title: string
  readonly subject: Subject
  /** The bytes of all keys and values. */
  readonly bytes: number
  readonly phases: readonly Phase[]
  readonly warmUp: readonly Phase[]
  readonly work: Omit<WorkReport, 'phases' | 'digest'>
  readonly predictedWork?: Work
  /** Pieces that stay on a line. */
  readonly settings: readonly string[]
  /** For `--json`. */
  readonly about: object
}

async function datasetTask(flags: CompareFlags): Promise<Task> {
  const { seed, overwriteShare, deleteShare, reads, batch, shuffle } = flags
  const { limit = flags.dataset === undefined ? DEFAULT_CITIES : Infinity } = flags
  const dataset = await loadDataset({ file: flags.dataset, keyFields: flags.key?.split(','), limit })
  const { entries, title, keys, duplicates, bytes } = dataset
  const settings = { seed, overwriteShare, deleteShare, reads, batchSize: batch, shuffle }
  const work = { ...settings, revise: reviseValue }
  const keyBytes = entries.reduce((sum, { key }) => sum + key.length, 0) / entries.length
  return {
    title,
    subject: datasetSubject(dataset),
    bytes,
    phases: datasetPhases(entries, work),
    warmUp: datasetPhases(entries.slice(0, WARM_UP_ENTRIES), work),
    work: {
      name: 'dataset',
      about: `${title}: load, overwrite, delete, read and scan, every answer checked`,
      seed,
      parameters: { keys, overwriteShare, deleteShare, reads, batch, shuffle },
      entries: entries.length,
      keyBytes,
      valueBytes: bytes / entries.length - keyBytes,
    },
    predictedWork: predictedWork(dataset, flags),
    settings: settingsOf(flags),
    about: { dataset: { title, keys, entries: entries.length, duplicates, bytes }, work: settings },
  }
}

async function workloadTask(name: string, flags: CompareFlags): Promise<Task> {
  if (flags.dataset !== undefined) throw new UsageError('--workload brings its own entries: it does not go with --dataset')
  const { seed, reads, batch, limit = WORKLOAD_ENTRIES } = flags
  const workload = isModulePath(name) ? await loadWorkload(name) : namedWorkload(name)
  const size = { entries: limit, operations: reads, keyBytes: 16, valueBytes: 100, seed, batch, readsSync: false }
  const small = { ...size, entries: Math.min(limit, WARM_UP_ENTRIES), operations: Math.min(reads, WARM_UP_ENTRIES) }
  const plan = workload.plan(size)
  const { entries, keyBytes, valueBytes } = plan
  const about = `${workload.about.replace(/\.$/, '')}. Defined by: ${workload.source}`
  return {
    title: workload.name,
    subject: workloadSubject(workload, plan),
    bytes: entries * (keyBytes + valueBytes),
    phases: workloadPhases(plan),
    warmUp: workloadPhases(workload.plan(small)),
    work: { name: workload.name, about, seed, parameters: { n: limit, ops: reads, batch }, entries, keyBytes, valueBytes },
    settings: [`${count(limit)} entries,`, `${count(reads)} calls of runs that read or mix,`, `verify; seed ${seed}`],
    about: { workload: { name: workload.name, about: workload.about, entries }, work: { seed, operations: reads, batch } },
  }
}

function namedWorkload(name: string): Workload {
  const found = findWorkload(name)
  if (found !== undefined) return found
  const names = WORKLOADS.map(workload => workload.name)
  const nearest = nearestName(name, names)
  const hint = nearest === undefined ? '' : ` Did you mean ${nearest}?`
  throw new UsageError(`There is no workload "${name}".${hint} Known: ${names.join(', ')}; or give a file, such as ./my-workload.ts`)
}

/** The work for the formulas, which cover puts only: a delete counts as one. */
function predictedWork({ entries, bytes }: Dataset, { overwriteShare, deleteShare, batch, shuffle }: CompareFlags): Work {
  const keys = entries.length
  const keyBytes = entries.reduce((sum, { key }) => sum + key.length, 0) / keys
  const single = Math.round(keys * overwriteShare) + Math.round(keys * deleteShare)
  const puts = keys + single
  const distribution = shuffle || single > 0 ? 'uniform' : 'ascending'
  const batchPuts = puts / (Math.ceil(keys / batch) + single)
  const valueBytes = bytes / keys - keyBytes
  return { puts, keys, keyBytes, valueBytes, distribution, batchPuts, reads: { distribution: 'uniform' } }
}

/** The result without the curves, which belong in a report and are too long to print. */
function withoutCurves({ timeline: _timeline, final: _final, phases, rounds, ...result }: EngineResult): object {
  return {
    ...result,
    rounds: rounds.map(round => round.phases.map(({ name, ms, entriesPerSecond }) => ({ name, ms, entriesPerSecond }))),
    phases: phases.map(({ distribution: _distribution, calls, ...phase }) => ({
      ...phase,
      calls: calls.map(({ distribution: _curve, ...call }) => call),
    })),
  }
}

function settingsOf({ seed, overwriteShare, deleteShare, reads, batch, shuffle }: CompareFlags): string[] {
  return [
    `load in batches of ${count(batch)}${shuffle ? ', shuffled' : ''},`,
    `overwrite ${share(overwriteShare)},`,
    `delete ${share(deleteShare)},`,
    `up to ${count(reads)} gets of each kind,`,
    'scans, reopen,',
    `verify; seed ${seed}`,
  ]
}

function integer(least: number): (text: string) => number {
  return text => {
    const value = Number(text)
    if (text.trim() !== '' && Number.isSafeInteger(value) && value >= least) return value
    throw new InvalidArgumentError(`It must be a whole number of at least ${least}.`)
  }
}

function fraction(text: string): number {
  const value = Number(text)
  if (text.trim() !== '' && value >= 0 && value <= 1) return value
  throw new InvalidArgumentError('It must be a number from 0 to 1.')
}

function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value]
}
