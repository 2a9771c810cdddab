import { Command, InvalidArgumentError } from 'commander'
import {
  compare,
  comparisonRunReport,
  configureEngines,
  describeWork,
  engineNames,
  loadEngines,
  scaleFor,
  wholeWithUnit,
} from 'kvarium-lab/compare'
import type { EngineResult } from 'kvarium-lab/compare'
import type { AmplificationWeights } from 'kvarium-lab/report'
import { exploreDesigns } from './compare-explore.js'
import { compareSetting } from './compare-setting.js'
import { datasetTask, DEFAULT_CITIES, WORKLOAD_ENTRIES, workloadTask, type CompareFlags } from './compare-task.js'
import type { Invocation } from './invocation.js'
import { VERSION } from './package-version.js'
import { REPORT_DIRECTORY, writeReport } from './report-files.js'
import { comparisonReport } from './report/comparison-report.js'
import { engineReport } from './report/engine-report.js'
import { introduction } from './report/introduction.js'
import { count } from 'kvarium-lab/report'
import { UsageError } from './usage-error.js'

/** Two write buffers of the least size. */
const LEAST_MEMORY = 32 << 10

const EXAMPLES = `
Examples:
  kvarium compare
  kvarium compare --engine lsm --limit 20000
  kvarium compare --dataset people.ndjson --key country,email
  kvarium compare --engine lsm-leveled --set compression=deflate --set blockSize=16KiB --set cacheSize=auto
  kvarium compare --engine ./array-engine.ts,lsm,level:classic-level --workload ./my-workload.ts
  kvarium compare --json > result.json
  kvarium compare --explore
  kvarium compare --explore --workload ycsb-a --vary fanOut=4,8,16 --vary filterBitsPerKey=0,10 --weigh write=2

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
    .option(
      '--rounds <n>',
      'times that everything is run, engines in turn, for the spread of the times (default: 3, with --explore 1)',
      integer(1),
    )
    .option('--explore', 'the map of the design space: run a grid of options, find those that no other ones beat, and draw them')
    .option('--vary <name=values>', 'with --explore: vary only this option, as in fanOut=4,8,16; repeatable', collect)
    .option('--grid <file>', 'with --explore: the options that vary, as JSON: {"lsm": {"fanOut": [4, 8]}}')
    .option('--weigh <factors>', 'with --explore: what counts more for the suggestion, as in write=2,read=1,space=1', weights)
    .option('--memory <bytes>', 'with --explore: for write buffer, filters and cache of each point, such as 4MiB', memory)
    .option('--budget <seconds>', 'with --explore: measure on fewer entries, and leave out points, to take no longer', integer(1), 150)
    .option('--resume <report.json>', 'with --explore: keep the points of a report of the same work, such as one that was interrupted')
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

async function runComparison(invocation: Invocation, flags: CompareFlags): Promise<void> {
  if (flags.explore === true) return exploreDesigns(invocation, flags)
  const only = (['grid', 'vary', 'weigh', 'memory', 'resume'] as const).find(name => flags[name] !== undefined)
  if (only !== undefined) throw new UsageError(`--${only} goes with --explore`)
  return compareEngines(invocation, flags)
}

async function compareEngines(invocation: Invocation, flags: CompareFlags): Promise<void> {
  const { stdout, setExitCode } = invocation
  const { set = [], json = false } = flags
  const rows = await loadEngines(flags.engine)
  const task = flags.workload === undefined ? await datasetTask(flags) : await workloadTask(flags.workload, flags)
  const scale = flags.fullSize === true ? 1 : scaleFor(task.bytes)
  const engines = configureEngines(rows, scale, set)
  const setting = compareSetting(
    invocation,
    flags,
    engines.map(engine => engine.name),
  )
  const { files, scratch, style, print, progress } = setting
  const remove = (): void => scratch.remove()
  const interrupted = (): never => process.exit(130)
  process.once('SIGINT', interrupted).once('SIGTERM', interrupted).once('exit', remove)

  try {
    const intro = { version: VERSION, subject: task.subject, engines, directory: scratch.path, work: task.settings, scale }
    print(introduction(intro, style))
    const { phases, warmUp } = task
    const comparison = await compare({
      engines,
      phases,
      warmUp,
      rounds: flags.rounds ?? 3,
      directory: scratch.path,
      onProgress: state => progress.update(state),
      onResult: result => {
        progress.pause()
        print(engineReport(result, style))
      },
    })
    const report = comparisonRunReport(comparison, {
      ...setting.about(`kvarium compare: ${task.title}`),
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
      setting.printFiles()
    }
    if (!comparison.ok) setExitCode(1)
  } finally {
    progress.pause()
    process.off('SIGINT', interrupted).off('SIGTERM', interrupted).off('exit', remove)
    scratch.remove()
  }
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

function weights(text: string): AmplificationWeights {
  const given: Record<string, number> = { write: 1, read: 1, space: 1 }
  for (const part of text.split(',')) {
    const [, name = '', number] = /^\s*(\w+)=(.+)$/.exec(part) ?? []
    if (!Object.hasOwn(given, name)) throw new InvalidArgumentError(`"${part}" is none of write=NUMBER, read=NUMBER and space=NUMBER.`)
    const value = Number(number)
    if (!Number.isFinite(value) || value < 0)
      throw new InvalidArgumentError(`The weight of ${name} must be a number of at least 0, not "${number}".`)
    given[name] = value
  }
  const { write, read, space } = given
  if (write + read + space === 0) throw new InvalidArgumentError('At least one weight must be more than 0.')
  return { write, read, space }
}

function memory(text: string): number {
  const value = wholeWithUnit(text)
  if (value !== undefined && value >= LEAST_MEMORY) return value
  throw new InvalidArgumentError(`It must be a whole number of bytes, at least ${count(LEAST_MEMORY)}, also with KiB, MiB or GiB.`)
}
