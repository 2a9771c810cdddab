/** The script of the replay page: moves the stepper by keys and buttons, and shows its position. */
import { element, render, type Content } from '../report/charts/markup.js'
import { plural } from '../report/numbers.js'
import { bytesOfEvent } from './event-bytes.js'
import type { FoundFiles, Item } from './items.js'
import { Replay } from './replay.js'
import { Stepper, typeOf } from './stepper.js'
import { touchedUpTo } from './touched.js'
import { itemMarkup, sentenceOf } from './item-markup.js'
import { foundOf, itemsOf, type StoredRecording } from './stored-recording.js'
import { structureMarkup } from './structure-markup.js'

const AROUND = 4
const MAX_STORES = 4
const LINES_OF_BYTES = 200

class ReplayView {
  readonly #items: readonly Item[]
  readonly #stepper: Stepper
  readonly #replay: Replay
  readonly #slider = byId<HTMLInputElement>('position')
  readonly #filter = byId<HTMLSelectElement>('filter')

  constructor(items: readonly Item[], found: readonly FoundFiles[], position: number) {
    this.#items = items
    this.#stepper = new Stepper(items)
    this.#replay = new Replay(items, found)
    this.#slider.addEventListener('input', () => this.#go(() => this.#stepper.goTo(Number(this.#slider.value) - 1)))
    for (const [id, move] of Object.entries(this.#moves)) byId(id).addEventListener('click', () => this.#go(move))
    document.addEventListener('keydown', event => this.#onKey(event))
    document.addEventListener('submit', event => this.#onAnswer(event))
    this.#stepper.goTo(position)
    this.#show()
  }

  /** Moves by the id of the button. */
  readonly #moves: Readonly<Record<string, () => boolean>> = {
    first: () => this.#stepper.goTo(0),
    'previous-operation': () => this.#stepper.previousOperation(),
    back: () => (this.#filter.value === '' ? this.#stepper.back() : this.#stepper.previousOf(this.#isChosen)),
    next: () => (this.#filter.value === '' ? this.#stepper.next() : this.#stepper.nextOf(this.#isChosen)),
    'next-operation': () => this.#stepper.nextOperation(),
    last: () => this.#stepper.goTo(this.#stepper.last),
  }

  readonly #isChosen = (type: string): boolean => type === this.#filter.value

  #go(move: () => boolean): void {
    this.#keepGuess()
    if (move()) this.#show()
    else byId('sentence').textContent = 'There is nothing more this way.'
  }

  #onKey(event: KeyboardEvent): void {
    const { target } = event
    if (event.altKey || event.ctrlKey || event.metaKey) return
    // Elements with their own key bindings; the slider's keys move the stepper.
    const isElsewhere = target instanceof HTMLElement && target.matches('select, pre, .scroll, input:not(#position)')
    if (isElsewhere) return
    if (event.key === '/') this.#filter.focus()
    const id = KEYS[`${event.shiftKey ? 'shift+' : ''}${event.key}`]
    if (event.key !== '/' && id === undefined) return
    event.preventDefault()
    if (id !== undefined) this.#go(this.#moves[id])
  }

  #onAnswer(event: SubmitEvent): void {
    event.preventDefault()
    this.#go(() => this.#stepper.reveal())
    byId('next').focus()
  }

  #show(): void {
    const { item, position, last } = this.#stepper
    const sentence = sentenceOf(item)
    byId('sentence').textContent = sentence
    byId('count').textContent = `${position + 1} of ${last + 1}`
    this.#slider.value = String(position + 1)
    this.#slider.setAttribute('aria-valuetext', `${position + 1} of ${last + 1}: ${sentence}`)
    fill('item', itemMarkup(this.#stepper))
    fill('around', this.#around(position))
    fill('structure', this.#structures(position))
    void this.#showBytes(position)
  }

  /** Keeps the text in the field of a question when the reader leaves it without the button. */
  #keepGuess(): void {
    const field = document.querySelector<HTMLInputElement>('#guess')
    if (field !== null && field.value.trim() !== '') this.#stepper.guess(field.value.trim())
  }

  #around(position: number): Content {
    const from = Math.max(0, position - AROUND)
    return this.#items
      .slice(from, position + AROUND + 1)
      .map((item, index) =>
        element(
          'li',
          { value: from + index + 1, ...(from + index === position && { 'aria-current': 'step' }) },
          element('span', { class: 'type' }, typeOf(item)),
          ' ',
          item.kind === 'reveal' && from + index > position ? 'The answer' : sentenceOf(item),
        ),
      )
  }

  #structures(position: number): Content {
    const { store: current, stores } = this.#stepper
    if (stores.length === 0) return element('p', { class: 'lead' }, 'No store is open yet.')
    const more = stores.length - MAX_STORES
    return [
      stores
        .slice(0, MAX_STORES)
        .map(store => [element('p', { class: 'lead' }, `Store "${store}"`), this.#structure(store, position, store === current)]),
      more > 0 ? element('p', { class: 'lead' }, `${plural(more, 'more store')} are open.`) : undefined,
    ]
  }

  /** Only the store of the current item can have new parts or a search path. */
  #structure(store: string, position: number, isCurrent: boolean): Content {
    const shape = this.#replay.structure(store, position)
    if (typeof shape === 'string') return element('p', { class: 'lead' }, shape)
    if (!isCurrent) return structureMarkup({ shape, before: undefined, touched: [] })
    const before = position === 0 ? undefined : this.#replay.structure(store, position - 1)
    return structureMarkup({ shape, before: typeof before === 'string' ? undefined : before, touched: touchedUpTo(this.#items, position) })
  }

  async #showBytes(position: number): Promise<void> {
    const bytes = await bytesOfEvent(this.#items, this.#replay, position, LINES_OF_BYTES)
    // The reader may have moved on meanwhile.
    if (position !== this.#stepper.position) return
    if (bytes === undefined) {
      fill('bytes', element('p', { class: 'lead' }, 'This step involves no bytes.'))
      return
    }
    const { title, lines, nextOffset } = bytes
    const more = nextOffset === undefined ? undefined : element('p', { class: 'lead' }, `More follows from offset ${nextOffset} on.`)
    fill('bytes', [element('p', {}, title), element('pre', { tabindex: 0, 'aria-label': title }, lines.join('\n')), more])
  }
}

const KEYS: Readonly<Record<string, string>> = {
  ArrowRight: 'next',
  ArrowLeft: 'back',
  'shift+ArrowRight': 'next-operation',
  'shift+ArrowLeft': 'previous-operation',
  Home: 'first',
  End: 'last',
}

function byId<Type extends HTMLElement = HTMLElement>(id: string): Type {
  return document.getElementById(id) as Type
}

/** All text in it is escaped by `element`. */
function fill(id: string, content: Content): void {
  byId(id).innerHTML = render(content)
}

const stored = JSON.parse(byId('recording').textContent) as StoredRecording
new ReplayView(itemsOf(stored), foundOf(stored), stored.position)
