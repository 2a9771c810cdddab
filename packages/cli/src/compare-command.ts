import { Command, InvalidArgumentError } from 'commander'
import {
  chooseEngines,
  compare,
  comparisonRunReport,
  configureEngines,
  datasetPhases,
  describeMachine,
  describeWork,
  engineNames,
  LoadOfOthers,
  scaleFor,
} from 'kvarium-lab/compare'
import type { EngineResult } from 'kvarium-lab/compare'
import type { Work } from 'kvarium-lab/predict'
import type { WorkReport } from 'kvarium-lab/report'
import { loadDataset, reviseValue, type Dataset } from './datasets/dataset.js'
import type { Invocation } from './invocation.js'
import { VERSION } from './package-version.js'
import { progressView } from './progress.js'
import { prepareReportFiles, REPORT_DIRECTORY, shownPath, writeReport } from './report-files.js'
import { comparisonReport } from './report/comparison-report.js'
import { engineReport } from './report/engine-report.js'
import { introduction } from './report/introduction.js'
import { count, share } from 'kvarium-lab/report'
import { styleFor } from './report/style.js'
import { ScratchDirectory } from './scratch-directory.js'

interface CompareFlags {
  readonly engine?: string
  readonly dataset?: string
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

/** Enough for the compiler to optimise the code. */
const WARM_UP_ENTRIES = 5000

const EXAMPLES = `
Examples:
  kvarium compare
  kvarium compare --engine lsm --limit 20000
  kvarium compare --dataset people.ndjson --key country,email
  kvarium compare --engine lsm-leveled --set compression=deflate --set blockSize=16KiB
  kvarium compare --json > result.json

The exit code is 1 when an engine lost or changed an entry, broke an invariant or lost count of its
bytes, and 2 when the command was given something that it cannot use.
`

export function compareCommand(invocation: Invocation): Command {
  return new Command('compare')
    .description('Put a real dataset through each engine, verify every entry, and show where every byte went')
    .option('-e, --engine <names>', `engines, separated by commas (default: ${engineNames().join(',')})`)
    .option('-d, --dataset <file>', 'your own data: .ndjson, .jsonl, .csv or .tsv (default: the cities of GeoNames)')
    .option(
      '-k, --key <fields>',
      'fields that make the key, separated by commas (default: key, id, _id or uuid; else the first column, or the number of the record)',
    )
    .option(
      '-n, --limit <n>',
      `take only the first records (default: ${count(DEFAULT_CITIES)} of the cities, all of your own data)`,
      integer(1),
    )
    .option('--seed <n>', 'seed of all random choices', integer(0), 1)
    .option('--overwrite-share <share>', 'share of the entries to write a second time, 0 to 1', fraction, 0.3)
    .option('--delete-share <share>', 'share of the entries to delete, 0 to 1', fraction, 0.1)
    .option('--reads <n>', 'gets of each kind, at most', integer(0), 20_000)
    .option('--batch <n>', 'entries in a batch while loading', integer(1), 1000)
    .option('--rounds <n>', 'times that everything is run, engines in turn, for the spread of the times', integer(1), 3)
    .option('--no-shuffle', 'load in the order of the dataset')
    .option('-s, --set <name=value>', 'an option of the engines; repeatable', collect)
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
  const { seed, overwriteShare, deleteShare, reads, shuffle, set = [], keep = false, json = false } = flags
  const { limit = flags.dataset === undefined ? DEFAULT_CITIES : Infinity } = flags
  const rows = chooseEngines(flags.engine)
  const dataset = await loadDataset({ file: flags.dataset, keyFields: flags.key?.split(','), limit })
  const scale = flags.fullSize === true ? 1 : scaleFor(dataset.bytes)
  const engines = configureEngines(rows, scale, set)
  const work = { seed, overwriteShare, deleteShare, reads, batchSize: flags.batch, shuffle, revise: reviseValue }
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
    const intro = { version: VERSION, dataset, engines, directory: scratch.path, work: settings(flags), scale }
    print(introduction(intro, style))
    const createdAt = new Date()
    const load = new LoadOfOthers()
    const phases = datasetPhases(dataset.entries, work)
    const comparison = await compare({
      engines,
      phases,
      warmUp: datasetPhases(dataset.entries.slice(0, WARM_UP_ENTRIES), work),
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
      title: `kvarium compare: ${dataset.title}`,
      createdAt,
      command: commandLine(parameters),
      machine: { ...describeMachine(scratch.path), ...(otherLoadCores !== undefined && { otherLoadCores }) },
      versions: { kvarium: VERSION, node: process.version, v8: process.versions.v8 },
      work: await workReport(dataset, flags, phases),
      predictedWork: predictedWork(dataset, flags),
    })
    if (files !== undefined) writeReport(report, files)
    if (json) {
      const { title, keys, entries, duplicates, bytes } = dataset
      const { revise: _revise, ...settings } = work
      const about = {
        version: VERSION,
        node: process.version,
        dataset: { title, keys, entries: entries.length, duplicates, bytes },
        work: settings,
      }
      const engines = comparison.engines.map(withoutCurves)
      stdout.write(`${JSON.stringify({ ...about, engines, ok: comparison.ok }, null, 2)}\n`)
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

async function workReport(dataset: Dataset, flags: CompareFlags, phases: ReturnType<typeof datasetPhases>): Promise<WorkReport> {
  const { entries, title, keys } = dataset
  const { seed, overwriteShare, deleteShare, reads, batch, shuffle } = flags
  const keyBytes = entries.reduce((sum, { key }) => sum + key.length, 0) / entries.length
  return {
    name: 'dataset',
    about: `${title}: load, overwrite, delete, read and scan, every answer checked`,
    seed,
    parameters: { keys, overwriteShare, deleteShare, reads, batch, shuffle },
    entries: entries.length,
    keyBytes,
    valueBytes: dataset.bytes / entries.length - keyBytes,
    ...(await describeWork(phases)),
  }
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

function settings({ seed, overwriteShare, deleteShare, reads, batch, shuffle }: CompareFlags): string[] {
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
