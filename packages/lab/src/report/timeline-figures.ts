/** One engine over time, in figures on the same axis: seconds since its run started. */
import type { StorePart } from 'kvarium/trace'
import { lineChart, type Lane } from './charts/line-chart.js'
import { stackedAreaChart } from './charts/stacked-area-chart.js'
import type { Axis, Band } from './charts/frame.js'
import { nameWithCalls } from './calls.js'
import { slug, type Figure } from './figure.js'
import { bytes, count, duration, plain, rate, shortBytes, shortDuration, significant, times } from './numbers.js'
import type { EngineReport, MarkKind, RunReport, Sample, Timeline } from './run-report.js'

const KINDS: readonly MarkKind[] = ['flush', 'compaction', 'checkpoint', 'stall']
const PARTS: readonly StorePart[] = ['log', 'flush', 'compaction', 'page', 'meta']
/** Most rows of the table of a figure over time. */
const MOST_ROWS = 120

interface Window {
  readonly before: Sample
  readonly sample: Sample
  /** Whether it is the first one of its phase: a line begins with it. */
  readonly isFirst: boolean
}

interface Scene {
  readonly engine: EngineReport
  readonly timeline: Timeline
  readonly prefix: string
  readonly x: Axis
  readonly bands: readonly Band[]
  /** The same, where a name says if the calls of a phase have many entries. */
  readonly latencyBands: readonly Band[]
  readonly lanes: readonly Lane[]
  /** What lies between two samples in a phase that works; settling and reopening are not included. */
  readonly windows: readonly Window[]
}

export function engineFigures(report: RunReport, engine: EngineReport): Figure[] {
  const { work, engines } = report
  const { timeline } = engine
  if (timeline === undefined) return []
  const idle = new Set(work.phases.filter(phase => phase.kind === 'other').map(phase => phase.name))
  const scene: Scene = {
    engine,
    timeline,
    prefix: `${slug(engine.name)}-${engines.indexOf(engine)}`,
    x: { label: 'seconds since the run began', format: plain },
    bands: timeline.phases.map(({ name, startMs, endMs }) => ({ name, from: startMs / 1000, to: endMs / 1000 })),
    latencyBands: timeline.phases.map(({ name, startMs, endMs }) => ({
      name: nameWithCalls(report, name),
      from: startMs / 1000,
      to: endMs / 1000,
    })),
    lanes: KINDS.flatMap(kind => {
      const marks = timeline.marks.filter(mark => mark.kind === kind)
      return marks.length === 0 ? [] : [{ name: kind, spans: marks.map(spanOf) }]
    }),
    windows: windowsOf(timeline, idle),
  }
  return [throughput(scene), latency(scene), writeAmplification(scene), structure(scene)]
}

function windowsOf({ phases, samples }: Timeline, idle: ReadonlySet<string>): Window[] {
  const phaseAt = (ms: number): Timeline['phases'][number] | undefined => phases.find(({ startMs, endMs }) => startMs < ms && ms <= endMs)
  const windows: Window[] = []
  let last: Timeline['phases'][number] | undefined
  for (const [index, sample] of samples.slice(1).entries()) {
    const phase = phaseAt(sample.atMs)
    if (phase !== undefined && !idle.has(phase.name)) windows.push({ before: samples[index], sample, isFirst: phase !== last })
    last = phase
  }
  return windows
}

type Point = readonly [x: number, y: number]

/**
 * A line of the value of each window, which begins with the phase and ends with it: none leads from one phase to the next. A window without
 * a value, as during a long call, is part of the next one that has a value.
 */
function lineOf(windows: readonly Window[], valueOf: (window: Window) => number | undefined): Point[] {
  const points: Point[] = []
  /** Where the line of this phase begins; `undefined` once it has. */
  let from: number | undefined
  for (const window of windows) {
    if (window.isFirst) {
      from = window.before.atMs / 1000
      points.push([from, NaN])
    }
    const value = valueOf(window)
    if (value === undefined) continue
    if (from !== undefined) points.push([from, value])
    from = undefined
    points.push([window.sample.atMs / 1000, value])
  }
  return points
}

function spanOf({ kind, startMs, endMs, detail }: Timeline['marks'][number]): Lane['spans'][number] {
  const title = `${kind} from ${duration(startMs * 1000)} to ${duration(endMs * 1000)}${detail === '' ? '' : `: ${detail}`}`
  return { from: startMs / 1000, to: endMs / 1000, title }
}

const MARKS_UNDER = 'Under it, the times of flushes, compactions, checkpoints and waiting writers.'

function throughput({ engine, prefix, x, bands, lanes, windows }: Scene): Figure {
  const rateOf = ({ before, sample }: Window): number | undefined => {
    const ms = sample.busyMs - before.busyMs
    const entries = sample.entries - before.entries
    return ms > 0 && entries > 0 ? (entries * 1000) / ms : undefined
  }
  const rows = windows.flatMap(window => {
    const value = rateOf(window)
    return value === undefined ? [] : [[significant(window.sample.atMs / 1000), count(Math.round(value))]]
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
      series: [{ name: 'throughput', look: 0, points: lineOf(windows, rateOf) }],
      bands,
      lanes,
    }),
    table: {
      head: ['second', 'entries/s'],
      rows: thinned(rows),
    },
  }
}

function latency({ engine, prefix, x, latencyBands, lanes, windows }: Scene): Figure {
  const known = windows.flatMap(({ sample: { atMs, window } }) => (window === undefined ? [] : [{ at: atMs / 1000, ...window }]))
  const about = {
    id: `${prefix}-latency`,
    title: `${engine.name}: latency over time`,
    description: `Median, 99th percentile and longest call between two samples. A batch or a scan is one call. ${MARKS_UNDER}`,
  }
  const series = (name: string, look: number, of: 'p50Us' | 'p99Us' | 'maxUs') => ({
    name,
    look,
    points: lineOf(windows, ({ sample }) => sample.window?.[of]),
  })
  return {
    ...about,
    definition: 'latency',
    drawing: lineChart({
      ...about,
      x,
      y: { label: 'time of a call', format: shortDuration, scale: 'log' },
      series: [series('p50', 0, 'p50Us'), series('p99', 1, 'p99Us'), series('longest', 2, 'maxUs')],
      bands: latencyBands,
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
