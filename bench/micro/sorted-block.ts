import { Cell, SortedBlock } from '../../src/codec/sorted-block.js'
import { SortedBlockBuilder } from '../../src/codec/sorted-block-builder.js'
import { EMPTY } from '../../src/codec/entry.js'
import { makeEntries } from './entries.js'
import type { Case, Micro } from './suite.js'

const SMALL = 32
const LARGE = 512

export const sortedBlock: Micro = { about: `blocks of ${SMALL} (4 KiB) and ${LARGE} entries of 16 + 100 bytes`, cases }

async function cases(): Promise<Case[]> {
  const { keys, absent, value, order } = makeEntries(LARGE)
  const builder = new SortedBlockBuilder()
  const out = new Uint8Array(LARGE * 160)
  const build = (count: number): number => {
    for (let i = 0; i < count; i++) builder.add(keys[i], 0, keys[i].length, EMPTY, 0, value, 0, value.length)
    return builder.finish(out, 0)
  }
  const block = (count: number): SortedBlock => {
    const bytes = out.slice(0, build(count))
    return new SortedBlock(bytes, bytes.length, 'micro', 0)
  }
  const small = block(SMALL)
  const large = block(LARGE)
  const smallOrder = order.filter(number => number < SMALL)
  const find = (within: SortedBlock, wanted: readonly Uint8Array[], numbers: Uint32Array): number => {
    let sum = 0
    for (const number of numbers) {
      const key = wanted[number]
      sum += within.find(key, 0, key.length)
    }
    return sum
  }
  const cell = new Cell()
  const scan = (): number => {
    let sum = 0
    for (let i = 0; i < large.count; i++) {
      large.readCell(i, cell)
      sum += cell.payloadEnd
    }
    return sum
  }
  return [
    { name: `find among ${SMALL}, present`, operations: SMALL, run: () => find(small, keys, smallOrder) },
    { name: `find among ${SMALL}, absent`, operations: SMALL, run: () => find(small, absent, smallOrder) },
    { name: `find among ${LARGE}, present`, operations: LARGE, run: () => find(large, keys, order) },
    { name: 'read the next cell', operations: LARGE, run: scan },
    { name: 'add an entry and finish every 32', operations: SMALL, run: () => build(SMALL) },
  ]
}
