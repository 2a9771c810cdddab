/** The expected results of a store: the operations on a sorted map. */
import { compareKeys } from 'kvarium/engine'
import type { Outcome } from './driven-store.js'
import type { Operation } from './operation.js'

type State = ReadonlyMap<string, string>

export class Oracle {
  #state: State = new Map()
  #snapshot: State | undefined
  /** The state before the last write, as long as that is only in the log and not synced. */
  #before: State | undefined

  do(operation: Operation): Outcome {
    switch (operation.do) {
      case 'put':
        return this.#write(state => state.set(operation.key, operation.value), operation.sync === true)
      case 'del':
        return this.#write(state => state.delete(operation.key))
      case 'clear':
        return this.#clear(operation.from, operation.to)
      case 'get':
        return this.#at(operation.at).get(operation.key)
      case 'scan':
        return this.#scan(operation)
      case 'snapshot':
        this.#snapshot = this.#state
        return undefined
      case 'tear':
        this.#state = this.#before ?? this.#state
        return this.#reopened()
      case 'kill':
      case 'reopen':
        return this.#reopened()
      case 'flush':
      case 'compact':
        this.#before = undefined
        return undefined
    }
  }

  /** Whether a power failure may tear the last write. */
  get mayTear(): boolean {
    return this.#before !== undefined
  }

  /** All entries in order. */
  get entries(): readonly (readonly [string, string])[] {
    return sorted(this.#state)
  }

  #write(change: (state: Map<string, string>) => unknown, isDurable = false): undefined {
    const state = new Map(this.#state)
    change(state)
    this.#before = isDurable ? undefined : this.#state
    this.#state = state
  }

  #clear(from: string, to: string): undefined {
    const gone = [...this.#state.keys()].filter(key => !isBefore(key, from) && isBefore(key, to))
    // An empty clear writes nothing.
    if (gone.length > 0) this.#write(state => gone.forEach(key => state.delete(key)))
    else this.#before = undefined
  }

  #scan({ from, behind = false, reverse = false, at }: Extract<Operation, { do: 'scan' }>): Outcome {
    const entries = sorted(this.#at(at)).filter(([key]) => {
      const distance = reverse ? compare(from, key) : compare(key, from)
      return behind ? distance > 0 : distance >= 0
    })
    return reverse ? entries.reverse() : entries
  }

  #at(which: 'snapshot' | undefined): State {
    return which === undefined ? this.#state : (this.#snapshot ?? this.#state)
  }

  #reopened(): undefined {
    this.#snapshot = this.#before = undefined
  }
}

function sorted(state: State): (readonly [string, string])[] {
  return [...state].sort(([a], [b]) => compare(a, b))
}

function isBefore(a: string, b: string): boolean {
  return compare(a, b) < 0
}

const encoder = new TextEncoder()

/** By the bytes of their UTF-8. */
function compare(a: string, b: string): number {
  return compareKeys(encoder.encode(a), encoder.encode(b))
}
