/** One engine over time, in figures on the same axis: seconds since its run started. */
import type { StorePart } from 'kvarium/trace'
import { lineChart, type Lane } from './charts/line-chart.js'
import { stackedAreaChart } from './charts/stacked-area-chart.js'
import type { Axis, Band } from './charts/frame.js'
import { slug, type Figure } from './figure.js'
import { bytes, count, duration, plain, rate, shortBytes, shortDuration, significant, times } from './numbers.js'
import type { EngineReport, MarkKind, RunReport, Sample, Timeline } from './run-report.js'

const KINDS: readonly MarkKind[] = ['flush', 'compaction', 'checkpoint', 'stall']
const PARTS: readonly StorePart[] = ['log', 'flush', 'compaction', 'page', 'meta']
/** Most rows of the table of a figure over time. */
const MOST_ROWS = 120

interface Scene {
  readonly engine: EngineReport
  readonly timeline: Timeline
  readonly prefix: string
  readonly x: Axis
  readonly bands: readonly Band[]
  readonly lanes: readonly Lane[]
  /** Samples after the work of a phase, each with the one before; settling and reopening are not included. */
  readonly windows: readonly { readonly before: Sample; readonly sample: Sample }[]
}

export function engineFigures({ work, engines }: RunReport, engine: EngineReport): Figure[] {
  const { timeline } = engine
  if (timeline === undefined) return []
  const idle = new Set(work.phases.filter(phase => phase.kind === 'other').map(phase => phase.name))
  const phaseAt = (ms: number): string | undefined => timeline.phases.find(phase => phase.startMs < ms && ms <= phase.endMs)?.name
  const scene: Scene = {
    engine,
    timeline,
    prefix: `${slug(engine.name)}-${engines.indexOf(engine)}`,
    x: { label: 'seconds since the run began', format: plain },
    bands: timeline.phases.map(({ name, startMs, endMs }) => ({ name, from: startMs / 1000, to: endMs / 1000 })),
    lanes: KINDS.flatMap(kind => {
      const marks = timeline.marks.filter(mark => mark.kind === kind)
      return marks.length === 0 ? [] : [{ name: kind, spans: marks.map(spanOf) }]
    }),
    windows: timeline.samples.slice(1).flatMap((sample, index) => {
      const name = phaseAt(sample.atMs)
      return name === undefined || idle.has(name) ? [] : [{ before: timeline.samples[index], sample }]
    }),
  }
  return [throughput(scene), latency(scene), writeAmplification(scene), structure(scene)]
}

function spanOf({ kind, startMs, endMs, detail }: Timeline['marks'][number]): Lane['spans'][number] {
  const title = `${kind} from ${duration(startMs * 1000)} to ${duration(endMs * 1000)}${detail === '' ? '' : `: ${detail}`}`
  return { from: startMs / 1000, to: endMs / 1000, title }
}

const MARKS_UNDER = 'Under it, the times of flushes, compactions, checkpoints and waiting writers.'

function throughput({ engine, prefix, x, bands, lanes, windows }: Scene): Figure {
  const points = windows.flatMap(({ before, sample }, index) => {
    const gap = index > 0 && windows[index - 1].sample !== before ? [[before.atMs / 1000, NaN] as const] : []
    const ms = sample.busyMs - before.busyMs
    const entries = sample.entries - before.entries
    return ms > 0 && entries > 0 ? [...gap, [sample.atMs / 1000, (entries * 1000) / ms] as const] : gap
  })
  const about = {
    id: `${prefix}-throughput`,
    title: `${engine.name}: throughput over time`,
    description: `Entries per second inside the store between two samples. ${MARKS_UNDER}`,
  }
  return {
    ...about,
    definition: 'throughput',
    drawing: lineChart({
      ...about,
      x,
      y: { label: 'entries per second', format: rate, scale: 'log' },
      series: [{ name: 'throughput', look: 0, points }],
      bands,
      lanes,
    }),
    table: {
      head: ['second', 'entries/s'],
      rows: thinned(points.filter(([, value]) => !Number.isNaN(value))).map(([at, value]) => [significant(at), count(Math.round(value))]),
    },
  }
}

function latency({ engine, prefix, x, bands, lanes, windows }: Scene): Figure {
  const known = windows.flatMap(({ sample: { atMs, window } }) => (window === undefined ? [] : [{ at: atMs / 1000, ...window }]))
  const gaps = windows.flatMap(({ before }, index) => (index > 0 && windows[index - 1].sample !== before ? [before.atMs / 1000] : []))
  const about = {
    id: `${prefix}-latency`,
    title: `${engine.name}: latency over time`,
    description: `Median, 99th percentile and longest call between two samples. ${MARKS_UNDER}`,
  }
  const series = (name: string, look: number, of: 'p50Us' | 'p99Us' | 'maxUs') => ({
    name,
    look,
    points: [...known.map(one => [one.at, one[of]] as const), ...gaps.map(at => [at, NaN] as const)].sort(([a], [b]) => a - b),
  })
  return {
    ...about,
    definition: 'latency',
    drawing: lineChart({
      ...about,
      x,
      y: { label: 'time of a call', format: shortDuration, scale: 'log' },
      series: [series('p50', 0, 'p50Us'), series('p99', 1, 'p99Us'), series('longest', 2, 'maxUs')],
      bands,
      lanes,
    }),
    table: {
      head: ['second', 'p50', 'p99', 'longest'],
      rows: thinned(known).map(({ at, p50Us, p99Us, maxUs }) => [significant(at), duration(p50Us), duration(p99Us), duration(maxUs)]),
    },
  }
}

function writeAmplification({ engine, prefix, x, bands, timeline }: Scene): Figure {
  const about = {
    id: `${prefix}-write`,
    title: `${engine.name}: write amplification over time`,
    description: 'Cumulative bytes written per user byte, by cause.',
  }
  const rows = timeline.samples.flatMap(({ atMs, userBytes, written }) =>
    written === undefined || userBytes === 0 ? [] : [{ at: atMs / 1000, values: PARTS.map(part => written[part] / userBytes) }],
  )
  const used = PARTS.filter((_, index) => rows.some(({ values }) => values[index] > 0))
  const y: Axis = { label: 'bytes written per user byte', format: value => `${plain(value)}×` }
  if (rows.length === 0) return fromOutside(about, { engine, prefix, x, bands, timeline }, y)
  const chosen = rows.map(({ at, values }) => ({ at, values: used.map(part => values[PARTS.indexOf(part)]) }))
  return {
    ...about,
    definition: 'parts',
    drawing: stackedAreaChart({ ...about, x, y, parts: used.map(name => ({ name, look: PARTS.indexOf(name) })), rows: chosen, bands }),
    table: {
      head: ['second', ...used, 'total'],
      rows: thinned(chosen).map(({ at, values }) => [
        significant(at),
        ...values.map(times),
        times(values.reduce((sum, value) => sum + value, 0)),
      ]),
    },
  }
}

/** The sum, for a peer whose parts are unknown. */
function fromOutside(
  about: { readonly id: string; readonly title: string },
  { x, bands, timeline }: Pick<Scene, 'engine' | 'prefix' | 'x' | 'bands' | 'timeline'>,
  y: Axis,
): Figure {
  const points = timeline.samples.flatMap(({ atMs, userBytes, outsideWrittenBytes }) =>
    outsideWrittenBytes === undefined || userBytes === 0 ? [] : [[atMs / 1000, outsideWrittenBytes / userBytes] as const],
  )
  const description = 'Cumulative bytes passed to write calls per user byte, counted by the operating system.'
  return {
    ...about,
    description,
    definition: 'outside',
    drawing: lineChart({ ...about, description, x, y, series: [{ name: 'total', look: 0, points }], bands, steps: true }),
    table: { head: ['second', 'total'], rows: thinned(points).map(([at, value]) => [significant(at), times(value)]) },
  }
}

function structure({ engine, prefix, x, bands, timeline }: Scene): Figure {
  const { samples } = timeline
  const isTree = samples.some(sample => sample.tree !== undefined)
  const levels = Math.max(0, ...samples.map(sample => sample.levels?.length ?? 0))
  const names = isTree ? ['leaves', 'branches'] : Array.from({ length: levels }, (_, level) => `L${level}`)
  const rows = samples.flatMap(({ atMs, levels: lsm, tree }) => {
    if (tree !== undefined) {
      const leaves = tree.levels.at(-1)?.bytes ?? 0
      const all = tree.levels.reduce((sum, level) => sum + level.bytes, 0)
      return [
        {
          at: atMs / 1000,
          values: [leaves, all - leaves],
          height: tree.height,
          parts: tree.levels.reduce((sum, level) => sum + level.pages, 0),
        },
      ]
    }
    if (lsm === undefined) return []
    const values = names.map((_, level) => lsm[level]?.bytes ?? 0)
    return [{ at: atMs / 1000, values, height: lsm.length, parts: lsm.reduce((sum, level) => sum + level.tables, 0) }]
  })
  const about = {
    id: `${prefix}-structure`,
    title: `${engine.name}: ${isTree ? 'tree' : 'levels'} over time`,
    description: isTree ? 'Bytes of leaves and of branches, in memory and on disk.' : 'Bytes of the tables in each level.',
  }
  return {
    ...about,
    definition: 'levels',
    drawing: stackedAreaChart({
      ...about,
      x,
      y: { label: 'bytes', format: shortBytes, scale: 'bytes' },
      parts: names.map((name, look) => ({ name, look })),
      rows,
      bands,
    }),
    table: {
      head: ['second', ...names, isTree ? 'height' : 'levels', isTree ? 'pages' : 'tables'],
      rows: thinned(rows).map(({ at, values, height, parts }) => [significant(at), ...values.map(bytes), count(height), count(parts)]),
    },
  }
}

/** Evenly chosen rows, including the last one. */
function thinned<T>(rows: readonly T[]): T[] {
  const step = Math.max(1, Math.ceil(rows.length / MOST_ROWS))
  return rows.filter((_, index) => (rows.length - 1 - index) % step === 0)
}
