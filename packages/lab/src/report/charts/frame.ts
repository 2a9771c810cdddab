/** The frame of every chart with two axes: dimensions, scales, axes, phases in the background, and the element around it. */
import { scaleLinear, scaleLog } from 'd3-scale'
import { element, type Content, type Markup } from './markup.js'
import { tenth } from './series-look.js'

export interface Axis {
  readonly label: string
  readonly format: (value: number) => string
  /** `bytes` is linear with lines at multiples of powers of two. */
  readonly scale?: 'linear' | 'log' | 'bytes'
  /** The range of the axis. Default: that of the values. */
  readonly domain?: readonly [number, number]
  /** Positions of lines and numbers. Default: round values. */
  readonly ticks?: readonly number[]
}

/** A named range of the horizontal axis, such as a phase. */
export interface Band {
  readonly name: string
  readonly from: number
  readonly to: number
}

export interface ChartAbout {
  /** Unique on its page. */
  readonly id: string
  readonly title: string
  /** A sentence that describes the drawing, for readers who cannot see it. */
  readonly description: string
}

export interface Scale {
  (value: number): number
  readonly ticks: readonly number[]
}

export const WIDTH = 560
export const LEFT = 76
export const TOP = 22
/** The right edge of the plot. */
export const RIGHT = WIDTH - 24
/** Height of the names of bands above the plot. */
export const BAND_NAMES = 14
const BAND_LETTER = 5.6

/** On a logarithmic axis values that are not positive are drawn at its lower end. */
export function scaleFor(axis: Axis, values: readonly number[], range: readonly [number, number], tickCount: number): Scale {
  const isLog = axis.scale === 'log'
  const usable = isLog ? values.filter(value => value > 0) : values
  let [low, high] = axis.domain ?? [isLog ? least(usable, 1) : 0, most(usable, 1)]
  if (low >= high) [low, high] = isLog ? [low / 2, low * 2] : [low, low + 1]
  if (isLog) {
    const scale = scaleLog([low, high], range)
    if (axis.domain === undefined && high / low > 3) scale.nice()
    const [from, to] = scale.domain()
    const all = scale.ticks(tickCount)
    const powers = all.filter(tick => Math.abs(Math.log10(tick) - Math.round(Math.log10(tick))) < 1e-9)
    const step = Math.ceil(powers.length / (tickCount + 1))
    const ticks = axis.ticks ?? (powers.length >= 3 ? powers.filter((_, index) => index % step === 0) : all.slice(0, 12).filter(isRound))
    return Object.assign((value: number) => scale(Math.min(to, Math.max(from, value))), { ticks })
  }
  if (axis.scale === 'bytes') {
    const step = 2 ** Math.ceil(Math.log2(high / tickCount))
    const count = Math.ceil(high / step)
    const scale = scaleLinear([low, count * step], range)
    return Object.assign((value: number) => scale(value), { ticks: Array.from({ length: count + 1 }, (_, index) => index * step) })
  }
  const scale = scaleLinear([low, high], range)
  if (axis.domain === undefined) scale.nice(tickCount)
  return Object.assign((value: number) => scale(value), { ticks: axis.ticks ?? scale.ticks(tickCount) })
}

/** 1, 2 or 5 times a power of ten. */
function isRound(tick: number): boolean {
  return [1, 2, 5].includes(Math.round(tick / 10 ** Math.floor(Math.log10(tick) + 1e-9)))
}

function least(values: readonly number[], otherwise: number): number {
  return values.length === 0 ? otherwise : values.reduce((a, b) => Math.min(a, b))
}

function most(values: readonly number[], otherwise: number): number {
  return values.length === 0 ? otherwise : values.reduce((a, b) => Math.max(a, b))
}

/** Lines and numbers of both axes; `plot` is the space between them. */
export interface Plot {
  readonly left: number
  readonly right: number
  readonly top: number
  readonly bottom: number
}

export function axes(x: Axis, y: Axis, scales: { readonly x: Scale; readonly y: Scale }, plot: Plot, below = plot.bottom): Markup[] {
  const { left, right, bottom } = plot
  return [
    ...scales.y.ticks.flatMap(tick => {
      const at = tenth(scales.y(tick))
      return [
        element('line', { class: 'grid', x1: left, x2: right, y1: at, y2: at }),
        element('text', { class: 'tick', x: left - 6, y: at + 4, 'text-anchor': 'end' }, y.format(tick)),
      ]
    }),
    element('text', { class: 'axis', x: 4, y: 12 }, y.label),
    ...scales.x.ticks.flatMap(tick => {
      const at = tenth(scales.x(tick))
      return [
        element('line', { class: 'axis-line', x1: at, x2: at, y1: below, y2: below + 4 }),
        element('text', { class: 'tick', x: at, y: below + 16, 'text-anchor': 'middle' }, x.format(tick)),
      ]
    }),
    element('line', { class: 'axis-line', x1: left, x2: right, y1: bottom, y2: bottom }),
    element('text', { class: 'axis', x: (left + right) / 2, y: below + 32, 'text-anchor': 'middle' }, x.label),
  ]
}

/**
 * Bands, every second one shaded, with their names above. If some name has no room, all have numbers instead, which `bandKey` explains:
 * narrow neighbours share a label such as `3–5`.
 */
export function bandsBehind(bands: readonly Band[], x: Scale, { top, right }: Plot, bottom: number): Markup[] {
  const places = bands.map(({ name, from, to }, index) => {
    const start = tenth(x(from))
    return { name, number: index + 1, start, end: tenth(Math.min(right, x(to))) }
  })
  const drawn = places.filter(({ start, end }) => end > start)
  const labels = areNumbered(bands, x) ? numberLabels(places) : drawn.map(({ name, start, end }) => ({ text: name, at: (start + end) / 2 }))
  return [
    ...drawn.map(({ name, number, start, end }) =>
      element(
        'rect',
        { class: number % 2 === 1 ? 'band' : 'band odd', x: start, y: top, width: tenth(end - start), height: bottom - top },
        element('title', {}, name),
      ),
    ),
    ...labels.map(({ text, at }) => element('text', { class: 'band-name', x: tenth(at), y: top - 4, 'text-anchor': 'middle' }, text)),
  ]
}

function areNumbered(bands: readonly Band[], x: Scale): boolean {
  return bands.some(({ name, from, to }) => name.length * BAND_LETTER + 4 > x(to) - x(from))
}

/** A number above each band that has room for it, and one label above neighbours that have not. */
function numberLabels(
  places: readonly { readonly number: number; readonly start: number; readonly end: number }[],
): { readonly text: string; readonly at: number }[] {
  const labels: { text: string; at: number }[] = []
  let group: typeof places = []
  const close = (): void => {
    if (group.length === 0) return
    const [first, last] = [group[0], group[group.length - 1]]
    labels.push({ text: first === last ? String(first.number) : `${first.number}–${last.number}`, at: (first.start + last.end) / 2 })
    group = []
  }
  const room = (text: string): number => text.length * BAND_LETTER + 8
  for (const place of places) {
    if (place.end - place.start >= room(String(place.number))) {
      close()
      group = [place]
      close()
      continue
    }
    group = [...group, place]
    if (place.end - group[0].start >= room(`${group[0].number}–${place.number}`)) close()
  }
  close()
  return labels
}

const KEY_ROW = 15

/** Numbers and names of the bands, in rows under a drawing; empty if the names stand above the bands. */
export function bandKey(bands: readonly Band[], x: Scale, top: number): { readonly parts: readonly Markup[]; readonly height: number } {
  if (!areNumbered(bands, x)) return { parts: [], height: 0 }
  const parts: Markup[] = []
  let at = 4
  let row = 0
  for (const [index, { name }] of bands.entries()) {
    const text = `${index + 1} ${name}`
    const room = text.length * BAND_LETTER + 14
    if (at + room > RIGHT && at > 4) {
      at = 4
      row++
    }
    parts.push(element('text', { class: 'band-name', x: tenth(at), y: top + 12 + row * KEY_ROW }, text))
    at += room
  }
  return { parts, height: (row + 1) * KEY_ROW + 4 }
}

/** @param description - Read out in place of the drawing. */
export function drawing({ id, title, description }: ChartAbout, height: number, ...content: readonly Content[]): Markup {
  return element(
    'svg',
    {
      xmlns: 'http://www.w3.org/2000/svg',
      class: 'chart',
      viewBox: `0 0 ${WIDTH} ${Math.ceil(height)}`,
      role: 'img',
      'aria-labelledby': `${id}-t ${id}-d`,
    },
    element('title', { id: `${id}-t` }, title),
    element('desc', { id: `${id}-d` }, description),
    ...content,
  )
}
