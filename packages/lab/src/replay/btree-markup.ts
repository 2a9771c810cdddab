/** A B+tree, drawn: a row of pages for each level, from the root down. */
import type { BtreeLevelShape, BtreeShape } from 'kvarium/btree'
import { element, type Content, type Markup } from '../report/charts/markup.js'
import { plural } from '../report/numbers.js'
import { btreeFileText, btreeMemoryText, treeLevelText } from './structure-text.js'
import { barMarkup } from './bar-markup.js'

const MAX_PAGES = 200

export function btreeMarkup({ tree, memory, file }: BtreeShape): Content {
  return [
    tree.length === 0 ? element('p', { class: 'lead' }, 'The tree is empty.') : undefined,
    tree.map(levelMarkup),
    element('p', {}, btreeMemoryText(memory)),
    element('p', {}, btreeFileText(file)),
  ]
}

function levelMarkup(level: BtreeLevelShape): Markup {
  const { pages, fill } = level
  return element(
    'div',
    { class: 'level' },
    element('h3', {}, treeLevelText(level)),
    element(
      'div',
      { class: 'pages', 'aria-hidden': 'true' },
      Array.from({ length: Math.min(pages, MAX_PAGES) }, () => element('i', {})),
    ),
    pages > MAX_PAGES ? element('p', { class: 'lead' }, `${plural(pages - MAX_PAGES, 'more page')} are not drawn.`) : undefined,
    fill === undefined ? undefined : barMarkup(fill),
  )
}
