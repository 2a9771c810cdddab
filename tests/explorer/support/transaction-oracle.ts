/** What a store with transactions has to answer: every transaction has a copy of its moment, and compares what it has read with all later writes. */
import type { KeyInterval, Operation, Outcome, Range, TransactionStep } from '../../../packages/explorer/src/run/operation.js'

/** An answer as far as it is settled; of a conflict the keys by which it can be told. */
export type Expected = Pick<Outcome, 'status' | 'value' | 'entries' | 'code'> & { readonly changed?: readonly string[] }

type State = Map<string, string>

/** A write that took effect: of these keys, or of all keys of an interval. */
type Effect = readonly string[] | KeyInterval

/** Keys between these, both included; absent for none. */
interface Walked {
  readonly from?: string | undefined
  readonly to?: string | undefined
  readonly isToIncluded: boolean
}

interface Open {
  readonly moment: State
  readonly own: Map<string, string | undefined>
  readonly keys: Set<string>
  readonly ranges: Walked[]
  /** The number of effects when it began. */
  readonly start: number
}

const OK: Expected = { status: 'ok' }
const FAILED: Expected = { status: 'failed' }

export class TransactionOracle {
  committed = 0
  conflicts = 0
  readonly #state: State = new Map()
  readonly #open = new Map<string, Open>()
  readonly #effects: Effect[] = []

  /** Bytes of keys and values that are held. */
  get bytes(): number {
    return [...this.#state].reduce((sum, [key, value]) => sum + key.length + value.length, 0)
  }

  do(operation: Operation): Expected {
    switch (operation.type) {
      case 'put':
      case 'del':
        return this.#write([operation])
      case 'batch':
        return this.#write(operation.operations)
      case 'clear':
        for (const key of [...this.#state.keys()]) if (isWithin(key, operation)) this.#state.delete(key)
        this.#effects.push(operation)
        return OK
      case 'get':
        return found(this.#state.get(operation.key))
      case 'range':
        return { status: 'ok', entries: rangeOf(this.#state, operation) }
      case 'begin':
        if (this.#open.has(operation.name)) return FAILED
        this.#open.set(operation.name, {
          moment: new Map(this.#state),
          own: new Map(),
          keys: new Set(),
          ranges: [],
          start: this.#effects.length,
        })
        return OK
      case 'in': {
        const open = this.#open.get(operation.name)
        return open === undefined ? FAILED : step(open, operation.operation)
      }
      case 'commit':
        return this.#commit(operation.name)
      case 'abort':
        return this.#open.delete(operation.name) ? OK : FAILED
      case 'reopen':
        this.#open.clear()
        return OK
      default:
        return OK
    }
  }

  #write(writes: readonly { readonly type: 'put' | 'del'; readonly key: string; readonly value?: string }[]): Expected {
    for (const { key, value } of writes) {
      if (value === undefined) this.#state.delete(key)
      else this.#state.set(key, value)
    }
    this.#effects.push(writes.map(({ key }) => key))
    return OK
  }

  #commit(name: string): Expected {
    const open = this.#open.get(name)
    if (open === undefined) return FAILED
    this.#open.delete(name)
    const { own, start } = open
    if (own.size === 0) return OK
    const changed = this.#effects.slice(start).flatMap(effect => readOf(open, effect))
    if (changed.length > 0) {
      this.conflicts++
      return { status: 'conflict', code: 'LEVEL_TRANSACTION_CONFLICT', changed }
    }
    this.committed++
    return this.#write([...own].map(([key, value]) => (value === undefined ? { type: 'del', key } : { type: 'put', key, value })))
  }
}

function step({ moment, own, keys, ranges }: Open, operation: TransactionStep): Expected {
  const seen = (): State => {
    const state = new Map(moment)
    for (const [key, value] of own) {
      if (value === undefined) state.delete(key)
      else state.set(key, value)
    }
    return state
  }
  switch (operation.type) {
    case 'put':
      own.set(operation.key, operation.value)
      return OK
    case 'del':
      own.set(operation.key, undefined)
      return OK
    case 'get':
      if (own.has(operation.key)) return found(own.get(operation.key))
      keys.add(operation.key)
      return found(moment.get(operation.key))
    case 'range': {
      const entries = rangeOf(seen(), operation)
      const { from, to, limit = Infinity, reverse = false } = operation
      // It walks to the last key of the store that it has looked at, which lies at its last entry or behind it.
      const end = entries.length < limit ? undefined : entries.at(-1)?.[0]
      const looked = rangeOf(moment, { ...operation, limit: Infinity }).map(([key]) => key)
      const last = end === undefined ? undefined : looked.find(key => (reverse ? key <= end : key >= end))
      if (last === undefined) ranges.push({ from, to, isToIncluded: false })
      else ranges.push(reverse ? { from: last, to, isToIncluded: false } : { from, to: last, isToIncluded: true })
      return { status: 'ok', entries }
    }
    case 'clear':
      ranges.push({ from: operation.from, to: operation.to, isToIncluded: false })
      for (const key of seen().keys()) if (isWithin(key, operation)) own.set(key, undefined)
      return OK
  }
}

function rangeOf(state: State, { limit, reverse = false, ...interval }: Range): readonly (readonly [string, string])[] {
  const entries = [...state].filter(([key]) => isWithin(key, interval)).sort(([a], [b]) => (a < b ? -1 : 1))
  return (reverse ? entries.reverse() : entries).slice(0, limit)
}

/** Keys by which a transaction can tell that an effect has changed what it read. */
function readOf({ keys, ranges }: Open, effect: Effect): readonly string[] {
  if (Array.isArray(effect)) {
    return (effect as readonly string[]).filter(key => keys.has(key) || ranges.some(range => isWalked(key, range)))
  }
  const cleared = effect as KeyInterval
  const met = ranges.flatMap(({ from = '', to, isToIncluded }) => {
    const lower = from > (cleared.from ?? '') ? from : (cleared.from ?? '')
    const isMet = (cleared.to === undefined || lower < cleared.to) && (to === undefined || lower < to || (isToIncluded && lower === to))
    return isMet ? [lower] : []
  })
  return [...[...keys].filter(key => isWithin(key, cleared)), ...met]
}

function isWalked(key: string, { from, to, isToIncluded }: Walked): boolean {
  return (from === undefined || key >= from) && (to === undefined || key < to || (isToIncluded && key === to))
}

function isWithin(key: string, { from, to }: KeyInterval): boolean {
  return (from === undefined || key >= from) && (to === undefined || key < to)
}

function found(value: string | undefined): Expected {
  return value === undefined ? { status: 'missing' } : { status: 'found', value }
}
