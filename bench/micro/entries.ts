/** Entries for micro-benchmarks: 16-byte decimal keys, 100-byte values, and an order to visit them in. */
import { Dataset, KEY_BYTES, VALUE_BYTES } from '../peers/data.js'
import { Shuffle } from '../../packages/lab/src/workloads/shuffle.js'

export interface Entries {
  readonly count: number
  /** Ascending. */
  readonly keys: readonly Uint8Array[]
  /** Each sorts right behind the key at the same index, and equals none of the keys. */
  readonly absent: readonly Uint8Array[]
  readonly value: Uint8Array
  /** Every number below the count once, in random order. */
  readonly order: Uint32Array
}

export function makeEntries(count: number): Entries {
  const data = new Dataset('view')
  const keys = Array.from({ length: count }, (_, number) => data.key(number) as Uint8Array)
  const absent = keys.map(key => {
    const other = new Uint8Array(KEY_BYTES + 1)
    other.set(key)
    return other
  })
  const shuffle = new Shuffle(count, 0x2545f491)
  const value = new Uint8Array(VALUE_BYTES)
  value.set(data.value(0) as Uint8Array)
  return { count, keys, absent, value, order: Uint32Array.from({ length: count }, (_, index) => shuffle.at(index)) }
}
