/**
 * How series differ: by colour, and also by a dash pattern and a marker for lines, by a hatching for areas. The
 * colours are variables of the style sheet, so that one drawing serves light and dark.
 */
import { symbol, symbolCircle, symbolCross, symbolDiamond, symbolSquare, symbolStar, symbolTriangle, type SymbolType } from 'd3-shape'
import { element, type Markup } from './markup.js'

export const SERIES_COUNT = 6

const DASHES = ['', '7 3', '2 3', '9 3 2 3', '5 2 1 2 1 2', '12 4']
const SYMBOLS: readonly SymbolType[] = [symbolCircle, symbolSquare, symbolTriangle, symbolDiamond, symbolCross, symbolStar]

export function colourClass(series: number): string {
  return `c${series % SERIES_COUNT}`
}

export function dashOf(series: number): string | undefined {
  return DASHES[series % DASHES.length] || undefined
}

export function marker(series: number, x: number, y: number, size = 36): Markup {
  return element('path', {
    class: `marker ${colourClass(series)}`,
    transform: `translate(${tenth(x)},${tenth(y)})`,
    d: symbolPath(series, size),
  })
}

function symbolPath(series: number, size: number): string {
  const path = symbol(SYMBOLS[series % SYMBOLS.length], size)() ?? ''
  return path.replace(/\d+\.\d+/g, digits => String(tenth(Number(digits))))
}

/** A short piece of the line with its marker, for a legend. */
export function lineSample(series: number, x: number, y: number): Markup[] {
  return [
    element('line', { class: `line ${colourClass(series)}`, x1: x, x2: x + 22, y1: y, y2: y, 'stroke-dasharray': dashOf(series) }),
    marker(series, x + 11, y),
  ]
}

/** The hatchings of the areas of one drawing: `id` keeps those of several drawings of a page apart. */
export function hatchings(id: string, count: number): Markup {
  return element(
    'defs',
    {},
    Array.from({ length: count }, (_, series) => {
      const [angle, gap, width] = HATCHES[series % HATCHES.length]
      return element(
        'pattern',
        { id: `${id}-h${series}`, width: gap, height: gap, patternUnits: 'userSpaceOnUse', patternTransform: `rotate(${angle})` },
        element('rect', { class: `area ${colourClass(series)}`, width: gap, height: gap }),
        width === 0 ? undefined : element('rect', { class: 'hatch', width, height: gap }),
      )
    }),
  )
}

/** Angle, distance and width of the lines. */
const HATCHES: readonly (readonly [number, number, number])[] = [
  [0, 8, 0],
  [45, 6, 1.5],
  [-45, 6, 1.5],
  [90, 5, 1.5],
  [0, 5, 1.5],
  [30, 4, 1],
]

export function tenth(value: number): number {
  return Math.round(value * 10) / 10
}
