import { BAND_NAMES, LEFT, RIGHT, TOP, type Band, type Plot } from './frame.js'
import { element, type Markup } from './markup.js'
import { tenth } from './series-look.js'

const ROW_HEIGHT = 18
const LETTER = 6.6
const GAP = 12
const PLOT_HEIGHT = 190

/** A sample of a series and its name. */
interface LegendItem {
  readonly name: string
  readonly look: number
}

export interface LegendSample {
  /** From the sample's left edge to the name. */
  readonly width: number
  /** @param baseline - Baseline of the name. */
  readonly draw: (look: number, x: number, baseline: number) => readonly Markup[]
}

interface Legend {
  readonly parts: readonly Markup[]
  readonly height: number
}

export const NO_LEGEND: Legend = { parts: [], height: 0 }

/** Samples with their names above the plot, in as many rows as needed. */
export function legendOf(items: readonly LegendItem[], { width, draw }: LegendSample): Legend {
  const parts: Markup[] = []
  let at = LEFT
  let row = 0
  for (const { name, look } of items) {
    const room = width + name.length * LETTER + GAP
    if (at + room > RIGHT && at > LEFT) {
      at = LEFT
      row++
    }
    const baseline = TOP + row * ROW_HEIGHT + 6
    parts.push(...draw(look, tenth(at), baseline), element('text', { class: 'label', x: tenth(at + width), y: baseline }, name))
    at += room
  }
  return { parts, height: (row + 1) * ROW_HEIGHT + 2 }
}

/** The position of a plot with a legend, and perhaps the names of bands, above it. */
export function plotUnder(legend: Legend, bands: readonly Band[]): Plot {
  const top = TOP + legend.height + (bands.length > 0 ? BAND_NAMES : 0)
  return { left: LEFT, right: RIGHT, top, bottom: top + PLOT_HEIGHT }
}
