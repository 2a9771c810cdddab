/** Stacked areas over one axis: the parts of a growing sum. */
import { area, curveStepAfter, stack } from 'd3-shape'
import { axes, bandKey, bandsBehind, drawing, scaleFor, type Axis, type Band, type ChartAbout, type Scale } from './frame.js'
import { legendOf, plotUnder } from './legend.js'
import { element, type Markup } from './markup.js'
import { hatchings, tenth } from './series-look.js'

export interface StackedAreaChart extends ChartAbout {
  readonly x: Axis
  readonly y: Axis
  /** From the bottom up. */
  readonly parts: readonly { readonly name: string; readonly look: number }[]
  /** Ascending, with a value for each part. */
  readonly rows: readonly { readonly at: number; readonly values: readonly number[] }[]
  readonly bands?: readonly Band[]
}

export function stackedAreaChart(chart: StackedAreaChart): Markup {
  const { id, x, y, parts, rows, bands = [] } = chart
  const legend = legendOf(parts, {
    width: 20,
    draw: (look, at, baseline) => [
      element('rect', { class: 'layer', x: at, y: baseline - 10, width: 15, height: 12, fill: `url(#${id}-h${look})` }),
    ],
  })
  const plot = plotUnder(legend, bands)
  const stacked = stack<(typeof rows)[number], number>()
    .keys(parts.map((_, index) => index))
    .value(({ values }, part) => values[part])
  const sums = rows.map(({ values }) => values.reduce((sum, value) => sum + value, 0))
  const scales = {
    x: scaleFor(x, [...rows.map(row => row.at), ...bands.map(band => band.to)], [plot.left, plot.right], 6),
    y: scaleFor(y, sums, [plot.bottom, plot.top], 5),
  }
  const layers = stacked(visibleRows(rows, scales))
  const shape = area<readonly [number, number] & { readonly data: { readonly at: number } }>()
    .x(({ data }) => tenth(scales.x(data.at)))
    .y0(([low]) => tenth(scales.y(low)))
    .y1(([, high]) => tenth(scales.y(high)))
    .curve(curveStepAfter)
  const looks = Math.max(0, ...parts.map(part => part.look)) + 1
  const key = bandKey(bands, scales.x, plot.bottom + 36)
  return drawing(
    chart,
    plot.bottom + 38 + key.height,
    hatchings(id, looks),
    bandsBehind(bands, scales.x, plot, plot.bottom),
    layers.map((layer, index) =>
      element(
        'path',
        { class: 'layer', fill: `url(#${id}-h${parts[index].look})`, d: inSteps(shape(layer as Parameters<typeof shape>[0]) ?? '') },
        element('title', {}, parts[index].name),
      ),
    ),
    axes(x, y, scales, plot),
    legend.parts,
    key.parts,
  )
}

/** The same path, with lines along an axis written as one number, which is shorter. */
function inSteps(path: string): string {
  let [x, y] = ['', '']
  const steps = path.replace(/([ML])([\d.]+),([\d.]+)/g, (whole, command: string, toX: string, toY: string) => {
    const isLine = command === 'L'
    const step = isLine && toX === x ? (toY === y ? '' : `V${toY}`) : isLine && toY === y ? `H${toX}` : whole
    ;[x, y] = [toX, toY]
    return step
  })
  return steps.replace(/(?:H[\d.]+)+(H[\d.]+)/g, '$1')
}

/** The rows without those that look like the one before: areas are drawn as steps, which hold until the next row. */
function visibleRows(rows: StackedAreaChart['rows'], scales: { readonly x: Scale; readonly y: Scale }): StackedAreaChart['rows'][number][] {
  const kept: StackedAreaChart['rows'][number][] = []
  for (const [index, row] of rows.entries()) {
    const before = kept.at(-1)
    const differs =
      before === undefined || row.values.some((value, part) => Math.abs(scales.y(value) - scales.y(before.values[part])) > 0.8)
    if (!differs && index < rows.length - 1) continue
    // In a column of two pixels the last one counts.
    if (before !== undefined && kept.length > 1 && scales.x(row.at) - scales.x(before.at) < 2) kept.pop()
    kept.push(row)
  }
  return kept
}
