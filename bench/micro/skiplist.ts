import { KIND_PUT, MAX_SEQUENCE, ByteView } from '../../src/codec/entry.js'
import { Skiplist } from '../../src/skiplist/skiplist.js'
import { SeededRandom } from '../../src/vfs/seeded-random.js'
import { makeEntries } from './entries.js'
import type { Case, Micro } from './suite.js'

/** Roughly a memtable of 4 MiB. */
const ENTRIES = 30_000
const CAPACITY = 8 << 20

export const skiplist: Micro = { about: `${ENTRIES} entries of 16 + 100 bytes`, cases }

async function cases(): Promise<Case[]> {
  const { keys, absent, value, order } = makeEntries(ENTRIES)
  const scratch = new Skiplist({ capacityBytes: CAPACITY, random: new SeededRandom(1) })
  const list = new Skiplist({ capacityBytes: CAPACITY, random: new SeededRandom(2) })
  const fill = (into: Skiplist, ordered: boolean): number => {
    into.reset()
    for (let i = 0; i < ENTRIES; i++) {
      const key = keys[ordered ? i : order[i]]
      into.insert(key, 0, key.length, value, 0, value.length, i + 1, KIND_PUT)
    }
    return into.count
  }
  fill(list, false)
  const find = (wanted: readonly Uint8Array[]): number => {
    let sum = 0
    for (let i = 0; i < ENTRIES; i++) {
      const key = wanted[order[i]]
      sum += list.find(key, 0, key.length, MAX_SEQUENCE)
    }
    return sum
  }
  const view = new ByteView()
  const read = (): number => {
    let sum = 0
    for (let i = 0; i < ENTRIES; i++) {
      const key = keys[order[i]]
      list.setValueView(list.find(key, 0, key.length, MAX_SEQUENCE), view)
      sum += view.bytes[view.start]
    }
    return sum
  }
  const cursor = list.cursor()
  const scan = (backwards: boolean): number => {
    let sum = 0
    for (let more = backwards ? cursor.last() : cursor.first(); more; more = backwards ? cursor.prev() : cursor.next()) {
      sum += cursor.key.start + cursor.value.end
    }
    return sum
  }
  return [
    { name: 'insert, random order', operations: ENTRIES, run: () => fill(scratch, false) },
    { name: 'insert, ascending', operations: ENTRIES, run: () => fill(scratch, true) },
    { name: 'find, present', operations: ENTRIES, run: () => find(keys) },
    { name: 'find, absent', operations: ENTRIES, run: () => find(absent) },
    { name: 'find and view the value', operations: ENTRIES, run: read },
    { name: 'cursor step, forwards', operations: ENTRIES, run: () => scan(false) },
    { name: 'cursor step, backwards', operations: ENTRIES, run: () => scan(true) },
  ]
}
