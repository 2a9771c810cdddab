/** Tables of pages. */
import { element, type Content, type Markup } from './charts/markup.js'

/** A region that can be scrolled by keyboard if it is wider than the screen. */
export function scrollable(label: string, content: Content): Markup {
  return element('div', { class: 'scroll', role: 'region', tabindex: 0, 'aria-label': label }, content)
}

/** Rows of texts under a head; the first of a row is its name. */
export function dataTable(
  label: string,
  { head, rows }: { readonly head: readonly string[]; readonly rows: readonly (readonly string[])[] },
): Markup {
  return element(
    'table',
    { 'aria-label': label },
    element(
      'thead',
      {},
      element(
        'tr',
        {},
        head.map(name => element('th', { scope: 'col' }, name)),
      ),
    ),
    element(
      'tbody',
      {},
      rows.map(([name, ...cells]) =>
        element(
          'tr',
          {},
          element('th', { scope: 'row' }, name),
          cells.map(cell => element('td', {}, cell)),
        ),
      ),
    ),
  )
}
