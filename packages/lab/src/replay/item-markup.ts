/** An item of a recording on the page. */
import { element, type Content, type Markup } from '../report/charts/markup.js'
import { dataTable, scrollable } from '../report/data-table.js'
import { count } from '../report/numbers.js'
import { fieldsOf, ownerOf } from './event-fields.js'
import type { Item, TableItem } from './items.js'
import { typeOf, type Stepper } from './stepper.js'

/** One plain sentence for every item: for screen readers and the list of neighbouring steps. */
export function sentenceOf(item: Item): string {
  switch (item.kind) {
    case 'event':
    case 'heading':
    case 'say':
      return item.text
    case 'call':
      return `${item.store}: ${item.text}`
    case 'return':
      return item.text === '' ? 'The call returns.' : `The call returns: ${item.text}`
    case 'predict':
      return `A question: ${item.question}`
    case 'reveal':
      return `The answer: ${item.answer}.`
    case 'table':
    case 'lines':
      return item.title
  }
}

/** The display of the item besides its sentence. */
export function itemMarkup({ item, call, guessed }: Stepper): Content {
  switch (item.kind) {
    case 'event':
      return factsMarkup([
        ['event', typeOf(item)],
        ['store', item.store],
        ...(call === undefined ? [] : ([['call', call.text]] as const)),
        ...(ownerOf(item.event) === '' ? [] : ([['belongs to', ownerOf(item.event)]] as const)),
        ...fieldsOf(item.event).map(({ name, value }) => [name, value] as const),
      ])
    case 'predict':
      return questionMarkup(guessed)
    case 'reveal':
      return element(
        'div',
        { class: 'panel' },
        element('p', {}, item.question),
        guessed === undefined ? undefined : element('p', {}, 'Your guess: ', element('strong', {}, guessed)),
        element('p', {}, 'The answer: ', element('strong', {}, item.answer)),
        item.because.split('\n').map(line => element('p', {}, line)),
      )
    case 'table':
      return tableMarkup(item)
    case 'lines':
      return element('pre', { tabindex: 0, 'aria-label': item.title }, item.lines.join('\n'))
    default:
      return undefined
  }
}

function questionMarkup(guessed: string | undefined): Markup {
  return element(
    'form',
    { id: 'question', class: 'panel' },
    element('label', { for: 'guess' }, 'Your guess'),
    element('input', { id: 'guess', autocomplete: 'off', value: guessed ?? '' }),
    element('button', {}, 'Show the answer'),
  )
}

function factsMarkup(facts: readonly (readonly [string, string])[]): Markup {
  return element(
    'dl',
    { class: 'fields' },
    facts.map(([name, value]) => [element('dt', {}, name), element('dd', {}, value)]),
  )
}

function tableMarkup({ title, head, rows }: TableItem): Markup {
  const texts = rows.map(row => row.map(value => (typeof value === 'number' ? count(value) : value)))
  return element('div', { class: 'panel' }, scrollable(title, dataTable(title, { head, rows: texts })))
}
