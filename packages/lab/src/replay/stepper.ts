/**
 * Stepping through a recording: the position, the possible moves, and the guesses. It shows and reads nothing; the
 * terminal and the replay page move the same stepper.
 *
 * Invariants:
 * 1. A position is the index of an item. The state shown there is the one after that item.
 * 2. The target of a move depends only on the position, so that stepping back undoes a step.
 * 3. A move without a target returns false and changes nothing.
 */
import type { CallItem, EventItem, Item } from './items.js'

/** The type that searches use: the type of its event, or the kind of the item. */
export function typeOf(item: Item): string {
  return item.kind === 'event' ? item.event.type : item.kind
}

/** All types in a recording, in alphabetical order. */
export function typesOf(items: readonly Item[]): readonly string[] {
  return [...new Set(items.map(typeOf))].sort()
}

/** A store while it is open: from the item at `from` on, and before the one at `to`. */
interface OpenStore {
  readonly name: string
  readonly from: number
  to: number
}

export class Stepper {
  readonly items: readonly Item[]
  readonly types: readonly string[]
  readonly #operations: number[] = []
  readonly #calls: number[] = []
  readonly #returns: number[] = []
  readonly #questions: number[] = []
  readonly #open: OpenStore[] = []
  readonly #guesses = new Map<number, string>()
  #position = 0

  constructor(items: readonly Item[]) {
    if (items.length === 0) throw new TypeError('There is nothing to step through: the recording is empty')
    this.items = items
    this.types = typesOf(items)
    for (const [position, item] of items.entries()) {
      if (item.kind === 'call') this.#calls.push(position)
      if (item.kind === 'return') this.#returns.push(position)
      if (item.kind === 'predict') this.#questions.push(position)
      if (item.kind === 'call' || this.#beginsOperation(position)) this.#operations.push(position)
      if (item.kind === 'event') this.#noteOpen(item, position)
    }
  }

  get position(): number {
    return this.#position
  }

  get item(): Item {
    return this.items[this.#position]
  }

  get last(): number {
    return this.items.length - 1
  }

  next(): boolean {
    return this.goTo(this.#position + 1)
  }

  back(): boolean {
    return this.goTo(this.#position - 1)
  }

  /** To the next call, or the next operation in a call of many. */
  nextOperation(): boolean {
    return this.goTo(this.#operations[countUpTo(this.#operations, this.#position)])
  }

  previousOperation(): boolean {
    return this.goTo(this.#operations[countUpTo(this.#operations, this.#position - 1) - 1])
  }

  /** To the next item with a matching type. */
  nextOf(matches: (type: string) => boolean): boolean {
    return this.goTo(this.#find(matches, 1))
  }

  previousOf(matches: (type: string) => boolean): boolean {
    return this.goTo(this.#find(matches, -1))
  }

  /** To the answer to the last question. */
  reveal(): boolean {
    return this.nextOf(type => type === 'reveal')
  }

  goTo(position: number | undefined): boolean {
    if (position === undefined || !(position >= 0 && position <= this.last)) return false
    this.#position = Math.trunc(position)
    return true
  }

  /** The call that is under way here. */
  get call(): CallItem | undefined {
    const begun = this.#calls[countUpTo(this.#calls, this.#position) - 1]
    const ended = this.#returns[countUpTo(this.#returns, this.#position - 1) - 1] ?? -1
    return begun === undefined || ended > begun ? undefined : (this.items[begun] as CallItem)
  }

  /** The name of the store of the current item, or of the last one before it. */
  get store(): string | undefined {
    for (let at = this.#position; at >= 0; at--) {
      const item = this.items[at]
      if ('store' in item) return item.store
    }
    return undefined
  }

  /** The names of the stores to show here, in the order of opening: the open ones and the store of the current item. */
  get stores(): readonly string[] {
    const open = this.#open.filter(({ from, to }) => from <= this.#position && this.#position < to).map(({ name }) => name)
    return [...new Set([...open, ...(this.store === undefined ? [] : [this.store])])]
  }

  /** Records a guess at the answer to the last question. */
  guess(text: string): boolean {
    const question = this.#question
    if (question === undefined) return false
    this.#guesses.set(question, text)
    return true
  }

  /** The guess at the answer to the last question. */
  get guessed(): string | undefined {
    return this.#question === undefined ? undefined : this.#guesses.get(this.#question)
  }

  get #question(): number | undefined {
    return this.#questions[countUpTo(this.#questions, this.#position) - 1]
  }

  /** The first operation of a call begins with the call. */
  #beginsOperation(position: number): boolean {
    return typeOf(this.items[position]) === 'operation.begin' && this.items[position - 1]?.kind !== 'call'
  }

  /** A store that never closed has crashed, and may be opened again. */
  #noteOpen({ store: name, event }: EventItem, position: number): void {
    const isOpened = event.type === 'engine.open'
    if (!isOpened && !(event.type === 'job.end' && event.kind === 'close')) return
    const before = this.#open.findLast(open => open.name === name)
    if (before !== undefined) before.to = Math.min(before.to, position)
    if (isOpened) this.#open.push({ name, from: position, to: Infinity })
  }

  #find(matches: (type: string) => boolean, step: 1 | -1): number | undefined {
    for (let at = this.#position + step; at >= 0 && at <= this.last; at += step) if (matches(typeOf(this.items[at]))) return at
    return undefined
  }
}

/** How many of the ascending numbers are at most `limit`. */
function countUpTo(numbers: readonly number[], limit: number): number {
  let low = 0
  let high = numbers.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (numbers[middle] <= limit) low = middle + 1
    else high = middle
  }
  return low
}
