/** Looks for an order in which transactions, run one after the other, would have seen and left the same. */
import type { Done, Outcome, StoredRange } from './interleaving.js'

type State = ReadonlyMap<string, string>

export interface Explanation {
  /** Indexes of `committed`, or undefined if there is no such order. */
  readonly order: readonly number[] | undefined
  readonly closest: string
}

export function explain({ start, committed, end }: Outcome): Explanation {
  let longest: number[] = []
  const search = (state: State, order: number[]): number[] | undefined => {
    if (order.length > longest.length) longest = [...order]
    if (order.length === committed.length) return isSame(state, end) ? order : undefined
    for (const index of committed.keys()) {
      if (order.includes(index)) continue
      const after = replay(state, committed[index])
      if (after === undefined) continue
      const found = search(after, [...order, index])
      if (found !== undefined) return found
    }
    return undefined
  }
  const order = search(new Map(start), [])
  return { order, closest: `the longest order that fits is ${longest.join(', ')}` }
}

/** The state after the steps, or undefined where a read would have seen something else. */
function replay(state: State, steps: readonly Done[]): State | undefined {
  const present = new Map(state)
  for (const step of steps) {
    if ('write' in step) {
      if (step.write === 'put') present.set(step.key, step.value)
      else if (step.write === 'del') present.delete(step.key)
      else for (const [key] of within(present, step.range)) present.delete(key)
    } else if (step.read === 'get') {
      if (present.get(step.key) !== step.value) return undefined
    } else if (step.read === 'has') {
      if (present.has(step.key) !== step.found) return undefined
    } else if (JSON.stringify(within(present, step.range)) !== JSON.stringify(step.entries)) return undefined
  }
  return present
}

function within(state: State, { gte, lt, reverse, limit }: StoredRange): (readonly [string, string])[] {
  const entries = [...state].filter(([key]) => key >= gte && key < lt).sort(([a], [b]) => (a < b ? -1 : 1))
  return (reverse ? entries.reverse() : entries).slice(0, limit)
}

function isSame(state: State, end: Outcome['end']): boolean {
  return state.size === end.length && end.every(([key, value]) => state.get(key) === value)
}
