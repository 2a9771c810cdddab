/** Points over two axes, some of them with a number and with a line to where they were predicted. */
import { axes, drawing, scaleFor, type Axis, type ChartAbout } from './frame.js'
import { legendOf, plotUnder, type LegendSample } from './legend.js'
import { element, type Markup } from './markup.js'
import { colourClass, marker, tenth } from './series-look.js'

export interface ScatterPoint {
  /** Shown when the pointer is over it. */
  readonly title: string
  /** Index of its colour and shape. */
  readonly look: number
  readonly x: number
  readonly y: number
  /** Its area, from 0 to 1. */
  readonly share: number
  /** Only a point with a label is filled. */
  readonly label?: string
  readonly predicted?: { readonly x: number; readonly y: number }
  readonly isRinged: boolean
}

export interface ScatterChart extends ChartAbout {
  readonly x: Axis
  readonly y: Axis
  readonly families: readonly { readonly name: string; readonly look: number }[]
  /** Later ones lie over earlier ones. */
  readonly points: readonly ScatterPoint[]
}

const SAMPLES: LegendSample = { width: 18, draw: (look, x, baseline) => [marker(look, x + 6, baseline - 4, 60)] }
const LEAST_AREA = 25
const MOST_AREA = 150
/** Half of the length of a cross. */
const CROSS = 3
/** Labels keep this distance from each other, where they can. */
const LABEL_HEIGHT = 12
const LABEL_WIDTH = 15

export function scatterChart(chart: ScatterChart): Markup {
  const { x, y, families, points } = chart
  const legend = legendOf(families, SAMPLES)
  const { bottom, ...under } = plotUnder(legend, [])
  const plot = { ...under, bottom: bottom + 90 }
  const values = (of: 'x' | 'y'): number[] => points.flatMap(point => [point[of], point.predicted?.[of] ?? point[of]])
  const scales = { x: scaleFor(x, values('x'), [plot.left, plot.right], 6), y: scaleFor(y, values('y'), [plot.bottom, plot.top], 5) }
  const placed = points.map(point => ({ ...point, at: [tenth(scales.x(point.x)), tenth(scales.y(point.y))] as const }))
  return drawing(
    chart,
    plot.bottom + 38,
    axes(x, y, scales, plot),
    legend.parts,
    placed.flatMap(({ predicted, at: [fromX, fromY], look }) =>
      predicted === undefined ? [] : [prediction(fromX, fromY, tenth(scales.x(predicted.x)), tenth(scales.y(predicted.y)), look)],
    ),
    placed.map(point => shape(point)),
    labels(placed),
  )
}

interface Placed extends ScatterPoint {
  readonly at: readonly [x: number, y: number]
}

function shape({ title, look, share, label, isRinged, at: [x, y] }: Placed): Markup {
  const area = LEAST_AREA + (MOST_AREA - LEAST_AREA) * Math.min(1, Math.max(0, share))
  return element(
    'g',
    { class: label === undefined ? 'point' : 'point best' },
    element('title', {}, title),
    marker(look, x, y, area),
    isRinged ? element('circle', { class: 'ring', cx: x, cy: y, r: tenth(Math.sqrt(area / 3) + 6) }) : undefined,
  )
}

function prediction(fromX: number, fromY: number, x: number, y: number, look: number): Markup {
  const cross = `M${tenth(x - CROSS)},${tenth(y - CROSS)}L${tenth(x + CROSS)},${tenth(y + CROSS)}M${tenth(x - CROSS)},${tenth(y + CROSS)}L${tenth(x + CROSS)},${tenth(y - CROSS)}`
  return element('path', { class: `foreseen ${colourClass(look)}`, d: `M${fromX},${fromY}L${x},${y}${cross}` })
}

/** Numbers beside their points: the first free one of four places. */
function labels(points: readonly Placed[]): Markup[] {
  const taken: (readonly [x: number, y: number])[] = []
  return points.flatMap(({ label, at: [x, y] }) => {
    if (label === undefined) return []
    const places = [
      [x + 12, y - 7],
      [x - 12, y - 7],
      [x + 12, y + 15],
      [x - 12, y + 15],
    ] as const
    const isFree = ([atX, atY]: readonly [number, number]): boolean =>
      taken.every(([otherX, otherY]) => Math.abs(otherX - atX) >= LABEL_WIDTH || Math.abs(otherY - atY) >= LABEL_HEIGHT)
    const place = places.find(isFree) ?? places[0]
    taken.push(place)
    return [element('text', { class: 'value number', x: tenth(place[0]), y: tenth(place[1]), 'text-anchor': 'middle' }, label)]
  })
}
