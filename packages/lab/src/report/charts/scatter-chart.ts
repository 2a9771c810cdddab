/** Points over two axes, some of them with a number and with a line to where they were predicted. */
import { axes, drawing, scaleFor, type Axis, type ChartAbout, type Plot } from './frame.js'
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
/** A number of two digits. */
const LABEL_HEIGHT = 12
const LABEL_WIDTH = 15
/** Width and height of a middling point. */
const MARK = 9
/** From a point to the centre of its number, and where around it, from the upper right on. */
const DISTANCES: readonly number[] = [15, 25, 36, 48, 62]
const DIRECTIONS: readonly number[] = Array.from({ length: 16 }, (_, index) => Math.PI / 4 + (index * Math.PI) / 8)

export function scatterChart(chart: ScatterChart): Markup {
  const { x, y, families, points } = chart
  const legend = legendOf(families, SAMPLES)
  const { bottom, ...under } = plotUnder(legend, [])
  const plot = { ...under, bottom: bottom + 90 }
  const values = (of: 'x' | 'y'): number[] => points.flatMap(point => [point[of], point.predicted?.[of] ?? point[of]])
  const scales = { x: scaleFor(x, values('x'), [plot.left, plot.right], 6), y: scaleFor(y, values('y'), [plot.bottom, plot.top], 5) }
  const placed = points.map(point => ({ ...point, at: [tenth(scales.x(point.x)), tenth(scales.y(point.y))] as Position }))
  return drawing(
    chart,
    plot.bottom + 38,
    axes(x, y, scales, plot),
    legend.parts,
    placed.flatMap(({ predicted, at: [fromX, fromY], look }) =>
      predicted === undefined ? [] : [prediction(fromX, fromY, tenth(scales.x(predicted.x)), tenth(scales.y(predicted.y)), look)],
    ),
    placed.map(point => shape(point)),
    labels(placed, plot),
  )
}

type Position = readonly [x: number, y: number]

interface Placed extends ScatterPoint {
  readonly at: Position
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

/** A number beside its point, in the place that covers the fewest other numbers and points; one that is further away is tied to its point. */
function labels(points: readonly Placed[], { left, right, top, bottom }: Plot): Markup[] {
  const taken: Position[] = []
  const inPlot = ([x, y]: Position): boolean =>
    x >= left + LABEL_WIDTH / 2 && x <= right - LABEL_WIDTH / 2 && y >= top + LABEL_HEIGHT / 2 && y <= bottom - LABEL_HEIGHT / 2
  const costOf = (place: Position, distance: number): number =>
    taken.filter(other => overlap(place, other, LABEL_WIDTH, LABEL_HEIGHT)).length * 100 +
    points.filter(({ at }) => overlap(place, at, (LABEL_WIDTH + MARK) / 2, (LABEL_HEIGHT + MARK) / 2)).length * 4 +
    (inPlot(place) ? 0 : 1000) +
    DISTANCES.indexOf(distance)
  return points.flatMap(({ label, at: [x, y] }) => {
    if (label === undefined) return []
    const places = DISTANCES.flatMap(distance =>
      DIRECTIONS.map(angle => {
        const at: Position = [x + distance * Math.cos(angle), y - distance * Math.sin(angle)]
        return { at, distance, cost: costOf(at, distance) }
      }),
    )
    const { at, distance } = places.reduce((best, place) => (place.cost < best.cost ? place : best))
    taken.push(at)
    const [atX, atY] = at
    // The line ends before the number.
    const end = 1 - 8 / distance
    const line = element('path', { class: 'tie', d: `M${x},${y}L${tenth(x + (atX - x) * end)},${tenth(y + (atY - y) * end)}` })
    return [
      ...(distance === DISTANCES[0] ? [] : [line]),
      element('text', { class: 'value number', x: tenth(atX), y: tenth(atY + 4), 'text-anchor': 'middle' }, label),
    ]
  })
}

function overlap([x, y]: Position, [otherX, otherY]: Position, width: number, height: number): boolean {
  return Math.abs(otherX - x) < width && Math.abs(otherY - y) < height
}
