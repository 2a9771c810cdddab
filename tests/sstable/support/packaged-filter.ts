import bloomFilterModule from 'bloom-filters/dist/bloom/bloom-filter.js'
import hashingModule from 'bloom-filters/dist/hashing/hashing.js'
import { sizeFilter } from '../../../src/sstable/bloom-filter.js'

const { default: BloomFilter } = bloomFilterModule
const { default: Hashing } = hashingModule
type BloomFilter = InstanceType<typeof BloomFilter>
type Hashable = Parameters<BloomFilter['add']>[0]

/** The positions of a hashed key, as docs/formats/sstable.md defines them, behind the package's hook for hash functions. */
class HashedHashing extends Hashing {
  override getIndexes(element: Hashable, size: number, hashCount: number): number[] {
    const hash = element as unknown as number
    const step = (hash >>> 15) | (hash << 17) | 1
    return Array.from({ length: hashCount }, (_, probe) => ((hash + Math.imul(probe, step)) >>> 0) % size)
  }
}

/** The package's own filter of the size that a table's has, taking key hashes as elements. */
export function packagedFilter(keys: number, bitsPerKey: number): BloomFilter {
  const { bits, probes } = sizeFilter(keys, bitsPerKey)
  const filter = new BloomFilter(bits, probes)
  filter._hashing = new HashedHashing()
  return filter
}
