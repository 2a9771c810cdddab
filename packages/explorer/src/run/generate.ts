/** Many operations from a short description: the same description gives the same operations. */
import { SeededRandom, uniform } from 'kvarium/vfs'
import type { Operation } from './operation.js'

export interface Generator {
  readonly kind: 'ascending' | 'random'
  readonly count: number
  readonly seed: number
  /** Length of the values, in characters. */
  readonly valueBytes: number
  /** Number of keys that `random` draws from. */
  readonly keys: number
}

const LETTERS = 'abcdefghijklmnopqrstuvwxyz'

export function generate({ kind, count, seed, valueBytes, keys }: Generator): readonly Operation[] {
  const random = new SeededRandom(seed)
  return Array.from({ length: count }, (_, index) => {
    const number = kind === 'ascending' ? index : uniform(random, keys)
    return { type: 'put', key: `key${String(number).padStart(6, '0')}`, value: value(random, valueBytes) }
  })
}

function value(random: SeededRandom, length: number): string {
  const unit = Array.from({ length: Math.ceil(length / 2) }, () => LETTERS[uniform(random, LETTERS.length)]).join('')
  return (unit + unit).slice(0, length)
}
