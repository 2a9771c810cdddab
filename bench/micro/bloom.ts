import bloomFilters from 'bloom-filters'
import { loadHash32 } from '../../src/codec/checksum.js'
import { FilterReader, encodeFilter, keyHash } from '../../src/sstable/bloom-filter.js'
import { packagedFilter } from '../../tests/sstable/support/packaged-filter.js'
import { makeEntries } from './entries.js'
import type { Case, Micro } from './suite.js'

const KEYS = 20_000
const BITS_PER_KEY = 10
const STOCK_KEYS = 1000

export const bloom: Micro = { about: `a filter of ${KEYS} keys, ${BITS_PER_KEY} bits each`, cases }

async function cases(): Promise<Case[]> {
  const hash32 = await loadHash32()
  const { keys, absent, order } = makeEntries(KEYS)
  const hashes = Uint32Array.from(order, number => keyHash(hash32, keys[number]))
  const absentHashes = Uint32Array.from(order, number => keyHash(hash32, absent[number]))
  const block = encodeFilter(hashes, KEYS, BITS_PER_KEY)
  const reader = new FilterReader(block, {})
  const probe = (wanted: Uint32Array): number => {
    let found = 0
    for (const hash of wanted) if (reader.mayContain(hash)) found++
    return found
  }
  const ours = packagedFilter(KEYS, BITS_PER_KEY)
  const stock = new bloomFilters.BloomFilter(ours.size, ours._nbHashes)
  type Element = Parameters<typeof ours.has>[0]
  for (const hash of hashes) ours.add(hash as unknown as Element)
  const texts = keys.slice(0, STOCK_KEYS).map(key => Buffer.from(key).toString('latin1'))
  for (const text of texts) stock.add(text)
  const has = (filter: typeof ours, elements: ArrayLike<unknown>): number => {
    let found = 0
    for (let i = 0; i < elements.length; i++) if (filter.has(elements[i] as Element)) found++
    return found
  }
  const hash = (): number => {
    let sum = 0
    for (const key of keys) sum = (sum + keyHash(hash32, key)) | 0
    return sum
  }
  return [
    { name: 'hash of a key', operations: KEYS, run: hash },
    { name: 'probe, present', operations: KEYS, run: () => probe(hashes) },
    { name: 'probe, absent', operations: KEYS, run: () => probe(absentHashes) },
    { name: "the package's has with our hashing, present", operations: KEYS, run: () => has(ours, hashes) },
    { name: "the package's has with our hashing, absent", operations: KEYS, run: () => has(ours, absentHashes) },
    { name: "the package's has unchanged, present", operations: STOCK_KEYS, run: () => has(stock, texts) },
    { name: 'build, a key', operations: KEYS, run: () => encodeFilter(hashes, KEYS, BITS_PER_KEY).length },
  ]
}
