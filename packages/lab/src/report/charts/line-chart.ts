/** Lines over one axis, with concurrent activity in lanes under them. */
import { curveLinear, curveStepAfter, line } from 'd3-shape'
import { axes, bandKey, bandsBehind, drawing, scaleFor, type Axis, type Band, type ChartAbout, type Scale } from './frame.js'
import { legendOf, NO_LEGEND, plotUnder, type LegendSample } from './legend.js'
import { element, type Markup } from './markup.js'
import { colourClass, dashOf, lineSample, marker, tenth } from './series-look.js'

export interface LineSeries {
  readonly name: string
  /** Index of its colour, dashes and marker: the same for an engine in all charts. */
  readonly look: number
  /** The line has a gap where `y` is NaN. */
  readonly points: readonly (readonly [x: number, y: number])[]
}

/** Activities with their durations on the horizontal axis. */
export interface Lane {
  readonly name: string
  readonly spans: readonly { readonly from: number; readonly to: number; readonly title: string }[]
}

export interface LineChart extends ChartAbout {
  readonly x: Axis
  readonly y: Axis
  readonly series: readonly LineSeries[]
  readonly bands?: readonly Band[]
  readonly lanes?: readonly Lane[]
  /** Steps: a value holds until the next point. */
  readonly steps?: boolean
}

const LINES: LegendSample = { width: 28, draw: (look, x, baseline) => lineSample(look, x, baseline - 4) }
const LANE_HEIGHT = 14
const MARKERS = 5
/** Spans that are narrower are drawn together with those that they touch. */
const SLIVER = 6

export function lineChart(chart: LineChart): Markup {
  const { x, y, series, bands = [], lanes = [], steps = false } = chart
  // A single series needs no name: the title names it.
  const legend = series.length < 2 ? NO_LEGEND : legendOf(series, LINES)
  const plot = plotUnder(legend, bands)
  const lanesEnd = plot.bottom + (lanes.length === 0 ? 0 : lanes.length * LANE_HEIGHT + 6)
  const points = series.flatMap(one => one.points.filter(isThere))
  const spans = lanes.flatMap(lane => lane.spans)
  const xs = [...points.map(([at]) => at), ...bands.map(band => band.to), ...spans.map(span => span.to)]
  const scales = {
    x: scaleFor(x, xs, [plot.left, plot.right], 6),
    y: scaleFor(
      y,
      points.map(([, value]) => value),
      [plot.bottom, plot.top],
      5,
    ),
  }
  const path = line<readonly [number, number]>(
    ([at]) => tenth(scales.x(at)),
    ([, value]) => tenth(scales.y(value)),
  )
    .defined(isThere)
    .curve(steps ? curveStepAfter : curveLinear)
  const key = bandKey(bands, scales.x, lanesEnd + 36)
  return drawing(
    chart,
    lanesEnd + 38 + key.height,
    bandsBehind(bands, scales.x, plot, lanesEnd),
    axes(x, y, scales, plot, lanesEnd),
    legend.parts,
    key.parts,
    series.map(({ name, look, points: values }) => [
      element(
        'path',
        { class: `line ${colourClass(look)}`, d: path(values) ?? '', 'stroke-dasharray': dashOf(look) },
        element('title', {}, name),
      ),
      spaced(values.filter(isThere)).map(([at, value]) => marker(look, scales.x(at), scales.y(value), 28)),
    ]),
    lanes.map(({ name, spans: parts }, index) => {
      const at = plot.bottom + 5 + index * LANE_HEIGHT
      return [
        element('text', { class: 'tick', x: plot.left - 6, y: at + 9, 'text-anchor': 'end' }, name),
        element('line', { class: 'grid', x1: plot.left, x2: plot.right, y1: at + 5.5, y2: at + 5.5 }),
        joined(name, parts, scales.x).map(({ from, to, title }) => {
          const start = tenth(scales.x(from))
          const width = Math.max(1.5, tenth(scales.x(to) - start))
          return element('rect', { class: 'span', x: start, y: at, width, height: LANE_HEIGHT - 3 }, element('title', {}, title))
        }),
      ]
    }),
  )
}

function isThere([, value]: readonly [x: number, y: number]): boolean {
  return !Number.isNaN(value)
}

/** Slivers that touch in the drawing become one. */
function joined(name: string, spans: Lane['spans'], x: Scale): Lane['spans'] {
  const result: { from: number; to: number; title: string; count: number }[] = []
  for (const { from, to, title } of [...spans].sort((a, b) => a.from - b.from)) {
    const last = result.at(-1)
    if (last === undefined || x(from) - x(last.to) > 0.6 || x(to) - x(from) > SLIVER) {
      result.push({ from, to, title, count: 1 })
    } else {
      last.to = Math.max(last.to, to)
      last.count++
      last.title = `${name}: ${last.count} one after the other`
    }
  }
  return result
}

/** Evenly chosen points, including the last one. */
function spaced<T>(points: readonly T[]): T[] {
  const step = Math.max(1, Math.ceil(points.length / MARKERS))
  return points.filter((_, index) => (points.length - 1 - index) % step === 0)
}
