/**
 * A recording as one page of HTML that replays it. It is self-contained and can be opened from a file; its content security policy
 * allows no network.
 *
 * Invariants:
 * 1. The page holds only the recording. It folds the structure and the files at a step itself, with the code that the
 *    terminal uses.
 */
import { element, render, type Content, type Markup } from '../report/charts/markup.js'
import { bytes, count, plural } from '../report/numbers.js'
import { PAGE_STYLE } from '../report/style-sheet.js'
import type { ReplayedRun } from './items.js'
import { typeOf } from './stepper.js'
import { REPLAY_STYLE } from './replay-style.js'
import { storedRecording, type StoredRecording, type StoreLimits } from './stored-recording.js'

const POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline' 'wasm-unsafe-eval'"

/**
 * The page as text. Limits keep it small enough to open at once; the page says what is missing.
 * @param script - `replay-view.ts` with all its imports, bundled.
 */
export function replayPage(run: ReplayedRun, script: string, limits: StoreLimits = {}): string {
  const stored = storedRecording(run, limits)
  const head = element(
    'head',
    {},
    element('meta', { charset: 'utf-8' }),
    element('meta', { 'http-equiv': 'Content-Security-Policy', content: POLICY }),
    element('meta', { name: 'viewport', content: 'width=device-width, initial-scale=1' }),
    element('title', {}, run.title),
    element('style', {}, { markup: PAGE_STYLE + REPLAY_STYLE }),
  )
  const body = element(
    'body',
    {},
    pageHeader(run, stored),
    pageMain(run, stored),
    element(
      'footer',
      {},
      element('p', {}, 'Made by kvarium from the recording of the run, which holds every event and every written byte.'),
    ),
    element('script', {}, { markup: script }),
  )
  return `<!doctype html>\n${render(element('html', { lang: 'en' }, head, body))}\n`
}

function pageHeader({ title }: ReplayedRun, { leftOut }: StoredRecording): Content {
  const missing = [
    leftOut.items > 0 ? `the last ${plural(leftOut.items, 'item')} of the recording` : '',
    leftOut.payloadBytes > 0 ? `${bytes(leftOut.payloadBytes)} of later writes` : '',
  ].filter(Boolean)
  return [
    element('a', { class: 'skip', href: '#main' }, 'Skip to the replay'),
    element(
      'header',
      {},
      element('p', { class: 'brand' }, 'kvarium', element('span', {}, 'replay')),
      element('h1', {}, title),
      element(
        'p',
        { class: 'lead' },
        'Every event of this run, step by step. The arrow keys go back and forward, with Shift from operation to operation; ',
        'Home and End go to the ends, / goes to the choice of a type.',
      ),
      missing.length === 0
        ? undefined
        : element('p', { class: 'problem' }, `To limit its size this page leaves out ${missing.join(' and ')}.`),
    ),
  ]
}

function pageMain({ items }: ReplayedRun, stored: StoredRecording): Markup {
  const shown = items.slice(0, stored.items.length)
  return element(
    'main',
    { id: 'main' },
    element('div', { class: 'controls', role: 'group', 'aria-label': 'Stepping' }, controls(shown.map(typeOf))),
    element('p', { id: 'sentence', 'aria-live': 'polite', 'aria-atomic': 'true' }),
    element(
      'div',
      { class: 'columns' },
      panel(
        'what',
        'This step',
        element('div', { id: 'item' }),
        element('ol', { id: 'around', 'aria-label': 'The steps around this one' }),
      ),
      panel('how', 'The structure after it', element('div', { id: 'structure' })),
    ),
    panel('raw', 'Its bytes', element('div', { id: 'bytes' })),
    // Only the letter that could end the element has to be escaped.
    element('script', { id: 'recording', type: 'application/json' }, { markup: JSON.stringify(stored).replaceAll('<', '\\u003c') }),
  )
}

function controls(types: readonly string[]): Content {
  const counts = new Map<string, number>()
  for (const type of types) counts.set(type, (counts.get(type) ?? 0) + 1)
  const options = [...counts].sort(([a], [b]) => (a < b ? -1 : 1))
  return [
    element(
      'div',
      { class: 'buttons' },
      button('first', 'First'),
      button('previous-operation', 'Operation before'),
      button('back', 'Back'),
      button('next', 'Next'),
      button('next-operation', 'Next operation'),
      button('last', 'Last'),
    ),
    element('label', {}, 'Step ', element('input', { id: 'position', type: 'range', min: 1, max: types.length, value: 1 })),
    element('span', { id: 'count' }),
    element(
      'label',
      {},
      'Back and Next stop at ',
      element(
        'select',
        { id: 'filter' },
        element('option', { value: '' }, 'every step'),
        options.map(([type, times]) => element('option', { value: type }, `${type} (${count(times)})`)),
      ),
    ),
  ]
}

function button(id: string, text: string): Markup {
  return element('button', { id, type: 'button' }, text)
}

function panel(id: string, title: string, ...content: readonly Content[]): Markup {
  return element('section', { 'aria-labelledby': `${id}-h` }, element('h2', { id: `${id}-h` }, title), content)
}
