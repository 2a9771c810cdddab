/** The figures of a report, as drawings and as tables, for pages of every kind. */
import { barChart } from './charts/bar-chart.js'
import { lineChart } from './charts/line-chart.js'
import { nameWithCalls } from './calls.js'
import { slug, type Figure, type FigureGroup } from './figure.js'
import { count, duration, plain, rate, share, shortDuration, significant, times } from './numbers.js'
import { engineFigures } from './timeline-figures.js'
import { mapFigures } from './map/map-figures.js'
import { isDurable } from './metrics.js'
import type { EngineReport, RunReport, Spread } from './run-report.js'

/** First those with all engines side by side, then those of each engine over time; of a map its drawings alone. */
export function figuresOf(report: RunReport): FigureGroup[] {
  if (report.map !== undefined) return mapFigures(report)
  const groups: FigureGroup[] = [
    { id: 'side-by-side', title: 'Side by side', figures: [throughput(report), writeParts(report), space(report)], isUneven: true },
    { id: 'latencies', title: 'Latency distributions', figures: latencies(report) },
    { id: 'reads', title: 'Reads', figures: [...blocksPerGet(report), ...cacheRates(report)] },
    ...report.engines
      .filter(engine => engine.timeline !== undefined && isDurable(engine))
      .map(engine => ({ id: `over-time-${slug(engine.name)}`, title: `${engine.name} over time`, figures: engineFigures(report, engine) })),
  ]
  return groups.map(group => ({ ...group, figures: group.figures.filter(figure => figure.table.rows.length > 0) })).filter(hasFigures)
}

function hasFigures({ figures }: FigureGroup): boolean {
  return figures.length > 0
}

function rangeOf({ min, max, values }: Spread): { readonly range?: readonly [number, number] } {
  return values.length > 1 ? { range: [min, max] } : {}
}

function throughput({ work, engines }: RunReport): Figure {
  const phases = work.phases.filter(phase => phase.kind !== 'other')
  const groups = phases.map(({ name }) => ({
    name,
    bars: engines.flatMap((engine, look) => {
      const spread = engine.phases.find(phase => phase.name === name)?.perSecond
      return spread === undefined ? [] : [{ name: engine.name, look, value: spread.median, ...rangeOf(spread) }]
    }),
  }))
  const about = {
    id: 'throughput',
    title: 'Throughput by phase',
    description: 'Entries per second inside the store, a group of bars for each phase. Each phase has its own scale.',
  }
  return {
    ...about,
    definition: 'throughput',
    drawing: barChart({ ...about, groups, format: value => `${rate(value)}/s`, ownScales: true }),
    table: {
      head: ['phase', ...engines.map(engine => engine.name)],
      rows: phases.map(({ name }) => [
        name,
        ...engines.map(engine => {
          const phase = engine.phases.find(one => one.name === name)
          return phase === undefined ? '–' : count(Math.round(phase.perSecond.median))
        }),
      ]),
    },
  }
}

function writeParts({ engines }: RunReport): Figure {
  const measured = engines.flatMap((engine, look) => {
    const settled = engine.write?.settled.amplification ?? engine.outside?.amplification
    return settled === undefined ? [] : [{ engine, look, settled, end: engine.write?.atEndOfWrites.amplification }]
  })
  const bars = (of: 'settled' | 'end') =>
    measured.flatMap(({ engine, look, [of]: spread }) =>
      spread === undefined ? [] : [{ name: engine.name, look, value: spread.median, ...rangeOf(spread) }],
    )
  const about = {
    id: 'write-amplification',
    title: 'Write amplification',
    description: 'Bytes written per user byte, when the last write was acknowledged and after background work has finished.',
  }
  return {
    ...about,
    definition: 'writeAmplification',
    drawing: barChart({
      ...about,
      groups: [
        { name: 'at end of writes', bars: bars('end') },
        { name: 'settled', bars: bars('settled') },
      ].filter(group => group.bars.length > 0),
      format: times,
    }),
    table: {
      head: ['engine', 'at end of writes', 'settled', 'log', 'flush', 'compaction', 'page', 'meta'],
      rows: measured.map(({ engine, settled, end }) => {
        const account = engine.write?.settled
        const part = (bytes: number): string => (account === undefined || account.userBytes === 0 ? '–' : times(bytes / account.userBytes))
        return [
          engine.name,
          end === undefined ? '–' : times(end.median),
          times(settled.median),
          ...(['log', 'flush', 'compaction', 'page', 'meta'] as const).map(name =>
            account === undefined ? '–' : part(account.parts[name]),
          ),
        ]
      }),
    },
  }
}

function space({ engines }: RunReport): Figure {
  const onDisk = engines.map((engine, look) => ({ engine, look })).filter(({ engine }) => engine.space.peakBytes > 0)
  const group = (name: string, of: 'peak' | 'atEndOfWrites' | 'settled') => ({
    name,
    bars: onDisk.map(({ engine, look }) => ({ name: engine.name, look, value: engine.space[of].median, ...rangeOf(engine.space[of]) })),
  })
  const about = {
    id: 'space',
    title: 'Space amplification',
    description: 'File bytes per live byte: at their peak, when the last write was acknowledged, and after background work has finished.',
  }
  return {
    ...about,
    definition: 'spaceAmplification',
    drawing: barChart({
      ...about,
      groups: [group('peak', 'peak'), group('at end of writes', 'atEndOfWrites'), group('settled', 'settled')],
      format: times,
    }),
    table: {
      head: ['engine', 'peak', 'at end of writes', 'settled', 'live bytes', 'file bytes, settled'],
      rows: onDisk.map(({ engine: { name, space: one } }) => [
        name,
        times(one.peak.median),
        times(one.atEndOfWrites.median),
        times(one.settled.median),
        count(one.liveBytes),
        count(one.settledBytes),
      ]),
    },
  }
}

/** The axis counts nines: 99 % is as far from 90 % as 90 % is from 0. */
const MOST_NINES = 4
const nines = (part: number): number => Math.min(MOST_NINES, -Math.log10(Math.max(1 - part, 1e-9)))
const SHARES = [0, 0.5, 0.9, 0.99, 0.999, 0.9999]
const SHARE_NAMES = ['0 %', '50 %', '90 %', '99 %', '99.9 %', '99.99 %']

function latencies(report: RunReport): Figure[] {
  const { work, engines } = report
  return work.phases
    .filter(phase => phase.kind !== 'other' && phase.operations > 100)
    .map(({ name, about: what }, index): Figure => {
      const series = engines.flatMap((engine, look) => {
        const cdf = engine.phases.find(phase => phase.name === name)?.latency.cdf ?? []
        return cdf.length === 0 ? [] : [{ engine, look, cdf }]
      })
      const about = {
        id: `latency-${index}`,
        title: `Latency: ${nameWithCalls(report, name)}`,
        description: `${what}. Share of calls that finished within this time.`,
      }
      const row = ({ engine }: { readonly engine: EngineReport }): string[] => {
        const { latency } = engine.phases.find(phase => phase.name === name)!
        const { p50Us, p99Us, p999Us, maxUs, meanUs } = latency
        return [engine.name, ...[meanUs, p50Us, p99Us, p999Us, maxUs].map(({ median }) => duration(median))]
      }
      return {
        ...about,
        definition: 'latencyDistribution',
        drawing: lineChart({
          ...about,
          x: { label: 'time of a call', format: shortDuration, scale: 'log' },
          y: {
            label: 'share of calls',
            format: value => SHARE_NAMES[SHARES.findIndex(part => nines(part) === value)] ?? '',
            domain: [0, MOST_NINES],
            ticks: SHARES.map(nines),
          },
          series: series.map(({ engine, look, cdf }) => ({
            name: engine.name,
            look,
            points: cdf.map(([us, part]) => [us, nines(part)] as const),
          })),
        }),
        table: { head: ['engine', 'mean', 'p50', 'p99', 'p99.9', 'max'], rows: series.map(row) },
      }
    })
}

function blocksPerGet({ engines }: RunReport): Figure[] {
  return (['found', 'missing'] as const).map((kind): Figure => {
    const measured = engines.flatMap((engine, look) => {
      const counts = engine.read?.blocksPerGet?.[kind] ?? []
      const total = counts.reduce((sum, value) => sum + value, 0)
      return total === 0 ? [] : [{ engine, look, counts, total }]
    })
    const most = Math.max(0, ...measured.map(({ counts }) => counts.length))
    const blocks = Array.from({ length: most }, (_, index) => index)
    const about = {
      id: `blocks-${kind}`,
      title: kind === 'found' ? 'Blocks per get that found an entry' : 'Blocks per get that found none',
      description: 'Share of the gets by the number of blocks or pages they touched, in memory or on disk.',
    }
    return {
      ...about,
      definition: 'blocksPerGet',
      drawing: barChart({
        ...about,
        groups: blocks.map(number => ({
          name: `${number} ${number === 1 ? 'block' : 'blocks'}`,
          bars: measured.map(({ engine, look, counts, total }) => ({ name: engine.name, look, value: (counts[number] ?? 0) / total })),
        })),
        format: share,
      }),
      table: {
        head: ['engine', ...blocks.map(String), 'gets sampled'],
        rows: measured.map(({ engine, counts, total }) => [engine.name, ...blocks.map(number => count(counts[number] ?? 0)), count(total)]),
      },
    }
  })
}

function cacheRates({ engines }: RunReport): Figure[] {
  const series = engines.flatMap((engine, look) => {
    const samples = engine.timeline?.samples ?? []
    const points: [number, number][] = []
    for (const [index, { atMs, cacheHits = 0, cacheMisses = 0 }] of samples.entries()) {
      const before = samples[index - 1]
      const hits = cacheHits - (before?.cacheHits ?? 0)
      const touched = hits + cacheMisses - (before?.cacheMisses ?? 0)
      if (touched > 0) points.push([atMs / 1000, hits / touched])
    }
    return points.length < 2 ? [] : [{ name: engine.name, look, points }]
  })
  if (series.length === 0) return []
  const about = {
    id: 'cache',
    title: 'Cache hit rate over time',
    description: 'Of the blocks or pages that reads touched between two samples, those that were in memory.',
  }
  return [
    {
      ...about,
      definition: 'cacheHits',
      drawing: lineChart({
        ...about,
        x: { label: 'seconds since the run of the engine began', format: plain },
        y: { label: 'hits', format: share, domain: [0, 1], ticks: [0, 0.25, 0.5, 0.75, 1] },
        series,
      }),
      table: {
        head: ['engine', 'second', 'hit rate'],
        rows: series.flatMap(({ name, points }) => points.map(([at, part]) => [name, significant(at), share(part)])),
      },
    },
  ]
}
