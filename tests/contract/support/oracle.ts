import { textOf, type TextRange } from './opened-engine.js'
import { within } from './text-ranges.js'

export interface Entry {
  readonly key: string
  readonly value: Uint8Array
}

/** The expected contents of an engine in the simplest form: a sorted array, copied for every kept moment. */
export class Oracle {
  #entries: readonly Entry[] = []

  put(key: string, value: Uint8Array): void {
    this.del(key)
    const at = this.#entries.findIndex(entry => entry.key > key)
    this.#entries = this.#entries.toSpliced(at < 0 ? this.#entries.length : at, 0, { key, value })
  }

  del(key: string): void {
    this.#entries = this.#entries.filter(entry => entry.key !== key)
  }

  clear(range: TextRange): void {
    this.#entries = this.#entries.filter(entry => !within(range, entry.key))
  }

  moment(): Moment {
    return new Moment(this.#entries)
  }
}

/** The content at one moment. It never changes. */
export class Moment {
  readonly entries: readonly Entry[]

  constructor(entries: readonly Entry[]) {
    this.entries = [...entries]
  }

  get(key: string): Uint8Array | undefined {
    return this.entries.find(entry => entry.key === key)?.value
  }

  cursor(range: TextRange): OracleCursor {
    return new OracleCursor(this.entries.filter(entry => within(range, entry.key)))
  }
}

export type CursorMove = readonly ['first' | 'last' | 'next' | 'prev'] | readonly ['seek' | 'seekReverse', string]

export class OracleCursor {
  readonly #entries: readonly Entry[]
  #at = -1

  constructor(entries: readonly Entry[]) {
    this.#entries = entries
  }

  get current(): Entry | undefined {
    return this.#entries[this.#at]
  }

  move(move: CursorMove): Entry | undefined {
    const entries = this.#entries
    if (move[0] === 'seek' || move[0] === 'seekReverse') {
      const [way, target] = move
      this.#at = way === 'seek' ? entries.findIndex(entry => entry.key >= target) : entries.findLastIndex(entry => entry.key <= target)
    } else if (move[0] === 'first') {
      this.#at = 0
    } else if (move[0] === 'last') {
      this.#at = entries.length - 1
    } else {
      this.#at += move[0] === 'next' ? 1 : -1
    }
    return this.current
  }
}

/** For messages: the value in short. */
export function describeEntry(entry: Entry | undefined): string {
  if (entry === undefined) return 'nothing'
  return `${JSON.stringify(entry.key)} = ${JSON.stringify(textOf(entry.value.subarray(0, 12)))} (${entry.value.length} bytes)`
}
