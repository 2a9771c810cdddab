import { element, type Markup } from '../report/charts/markup.js'

/** A share of 1 as a bar; the text beside it has the numbers. */
export function barMarkup(share: number): Markup {
  const width = `width:${(Math.min(1, share) * 100).toFixed(1)}%`
  return element('div', { class: 'fill', 'aria-hidden': 'true' }, element('div', { style: width }))
}
