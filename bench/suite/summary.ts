/** The tables at the end of a run of the suite. */
import type { EngineReport, PhaseReport, RunReport, Spread } from '../../packages/lab/src/report/run-report.js'
import { busyBanner } from '../../packages/lab/src/report/machine-load.js'
import { plural } from '../../packages/lab/src/report/numbers.js'
import { short, table } from '../table.js'
import { runIndex } from './progress.js'

/** The table of a workload: one row per engine. */
export function workloadTable(report: RunReport): string {
  const header = [
    'engine',
    'entries/s',
    'p50 us',
    'p99',
    'p99.9',
    'max',
    'write amp.',
    'outside',
    'space',
    'lag p99.9 ms',
    'ticks/s',
    'RSS MiB',
  ]
  const rows = report.engines.map(engine => {
    const run = runOf(engine)
    const { p50Us, p99Us, p999Us, maxUs } = run.latency
    return [
      engine.name,
      withSpread(run.perSecond),
      ...[p50Us, p99Us, p999Us, maxUs].map(({ median }) => short(median)),
      amount(engine.write?.settled.amplification),
      amount(engine.outside?.amplification),
      engine.space.settledBytes === 0 ? '' : amount(engine.space.settled),
      short(run.lag?.p999Ms ?? NaN),
      short(run.lag?.ticksPerSecond ?? NaN),
      short((engine.memory.peakRssBytes?.median ?? NaN) / 2 ** 20),
    ]
  })
  const { name, about } = report.work
  const cached = report.work.parameters.dataLargerThanCache === true ? ' The data are larger than the cache.' : ''
  return [`${name}: ${about}${cached}`, table(header, rows)].join('\n\n')
}

/** Entries per second: one row per workload, one column per engine. */
export function overview(reports: readonly RunReport[]): string {
  const engines = [...new Set(reports.flatMap(report => report.engines.map(({ name }) => name)))]
  const rows = reports.map(report => [
    report.work.name,
    ...engines.map(name => {
      const engine = report.engines.find(one => one.name === name)
      return engine === undefined ? 'failed' : withSpread(runOf(engine).perSecond)
    }),
  ])
  return ['Entries per second', table(['workload', ...engines], rows)].join('\n\n')
}

export function machineLines(reports: readonly RunReport[]): string {
  const [{ machine, versions, rounds }] = reports
  const { cpu, cores, memoryBytes, system, fileSystem = 'unknown' } = machine
  const otherLoadCores = reports.reduce((sum, report) => sum + (report.machine.otherLoadCores ?? 0), 0) / reports.length
  const busy = busyBanner({ cores, otherLoadCores })
  return [
    `${cpu}, ${cores} cores, ${Math.round(memoryBytes / 2 ** 20)} MiB, ${system}, files on ${fileSystem}`,
    Object.entries(versions)
      .map(([name, version]) => `${name} ${version}`)
      .join(', '),
    `${plural(rounds, 'round')}; others kept ${otherLoadCores.toFixed(2)} cores busy.`,
    ...(busy === undefined ? [] : [busy]),
  ].join('\n')
}

function runOf({ phases }: EngineReport): PhaseReport {
  return phases[runIndex(phases)]
}

function withSpread({ median, min, max, values }: Spread): string {
  return values.length === 1 || median === 0 ? short(median) : `${short(median)} ±${(((max - min) / 2 / median) * 100).toFixed(0)}%`
}

function amount(spread: Spread | undefined): string {
  return spread === undefined ? '' : short(spread.median)
}
