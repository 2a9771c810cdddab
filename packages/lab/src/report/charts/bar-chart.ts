/** Horizontal bars in groups, each with its value beside it. */
import { drawing, scaleFor, TOP, WIDTH, type ChartAbout, type Scale } from './frame.js'
import { element, type Markup } from './markup.js'
import { hatchings, tenth } from './series-look.js'

export interface Bar {
  readonly name: string
  /** Index of its colour and hatching. */
  readonly look: number
  readonly value: number
  readonly range?: readonly [number, number]
}

export interface BarChart extends ChartAbout {
  readonly groups: readonly {
    readonly name: string
    readonly bars: readonly Bar[]
  }[]
  readonly format: (value: number) => string
  /** Each group has its own scale: for values that differ by magnitudes from group to group. */
  readonly ownScales?: boolean
}

const BAR = 15
const GAP = 4
const GROUP_HEAD = 20
const VALUE_ROOM = 74
const LETTER = 6.6

export function barChart(chart: BarChart): Markup {
  const { id, groups, format, ownScales = false } = chart
  const bars = groups.flatMap(group => group.bars)
  const left = Math.min(150, 14 + Math.max(0, ...bars.map(bar => bar.name.length)) * LETTER)
  const scaleOf = (some: readonly Bar[]): Scale => {
    const most = some.reduce((sum, { value, range }) => Math.max(sum, value, range?.[1] ?? 0), 0)
    return scaleFor({ label: '', format, domain: [0, most] }, [], [left, WIDTH - VALUE_ROOM], 5)
  }
  const common = scaleOf(bars)
  let at = 4
  const markup: Markup[] = []
  for (const group of groups) {
    markup.push(element('text', { class: 'group', x: 4, y: at + 13 }, group.name))
    at += GROUP_HEAD
    const start = at
    const x = ownScales ? scaleOf(group.bars) : common
    for (const { name, look, value, range } of group.bars) {
      const end = value > 0 ? Math.max(left + 1.5, tenth(x(value))) : left
      const middle = at + BAR / 2
      markup.push(
        element('text', { class: 'label', x: left - 6, y: middle + 4, 'text-anchor': 'end' }, name),
        element('rect', { class: 'layer', x: left, y: at, width: tenth(end - left), height: BAR, fill: `url(#${id}-h${look})` }),
        ...(range === undefined ? [] : [whisker(tenth(x(range[0])), tenth(x(range[1])), middle)]),
        element(
          'text',
          { class: 'value', x: Math.max(end, range === undefined ? 0 : tenth(x(range[1]))) + 6, y: middle + 4 },
          format(value),
        ),
      )
      at += BAR + GAP
    }
    markup.push(element('line', { class: 'axis-line', x1: left, x2: left, y1: start - 2, y2: at - GAP + 2 }))
    at += 6
  }
  return drawing(chart, Math.max(at, TOP), hatchings(id, Math.max(0, ...bars.map(bar => bar.look)) + 1), markup)
}

function whisker(from: number, to: number, y: number): Markup {
  return element('path', { class: 'whisker', d: `M${from},${y - 4}v8M${from},${y}H${to}M${to},${y - 4}v8` })
}
