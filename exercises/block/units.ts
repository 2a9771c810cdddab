import assert from 'node:assert/strict'
import type { BlockEntry } from 'kvarium/sstable'

export interface BlockPart {
  readonly buildBlock: (entries: readonly BlockEntry[]) => Uint8Array
  readonly lowerBound: (block: Uint8Array, key: Uint8Array) => number
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const entries = (...keys: readonly string[]): BlockEntry[] => keys.map(key => ({ key: bytes(key), payload: bytes(`<${key}>`) }))
const hex = (block: Uint8Array, from = 0, to = block.length): string => Buffer.from(block.subarray(from, to)).toString('hex')

/** Searches a block of these keys for each target. */
function searches(keys: readonly string[], expected: Readonly<Record<string, number>>, why: string) {
  return ({ buildBlock, lowerBound }: BlockPart): void => {
    const block = buildBlock(entries(...keys))
    for (const [target, index] of Object.entries(expected)) {
      const found = lowerBound(block, bytes(target))
      assert.equal(found, index, `lowerBound of "${target}" in ${keys.join(', ')} is ${index}, not ${found}: ${why}`)
    }
  }
}

export const units = [
  {
    name: 'the header says how many entries there are, and what all their keys begin with',
    check({ buildBlock }: BlockPart): void {
      const block = buildBlock(entries('user:ann', 'user:bob', 'user:cy'))
      assert.ok(block instanceof Uint8Array, 'a block is a Uint8Array')
      assert.equal(hex(block, 0, 4), '03000000', 'the count is a little-endian uint32')
      assert.equal(hex(block, 4, 8), '05000000', 'the length of the prefix is a little-endian uint32, and "user:" has 5 bytes')
      assert.equal(hex(block, 8, 13), hex(bytes('user:')), 'the prefix stands behind the header, once')
    },
  },
  {
    name: 'the prefix is what all keys share',
    check({ buildBlock }: BlockPart): void {
      const prefixLength = (...keys: readonly string[]): number => buildBlock(entries(...keys))[4]
      assert.equal(prefixLength('aaa1', 'aaa2', 'aab'), 2, 'the last key counts, too: what the first two share is too long a prefix')
      assert.equal(prefixLength('a', 'ab', 'abc'), 1, 'a whole key may be the prefix')
      assert.equal(prefixLength('only'), 4, 'the only key of a block is all prefix')
      assert.equal(prefixLength('a', 'b'), 0, 'keys that share nothing have an empty prefix')
    },
  },
  {
    name: 'a slot has the first four bytes of the suffix, and where its cell begins',
    check({ buildBlock }: BlockPart): void {
      const block = buildBlock(entries('user:annabel', 'user:bo'))
      assert.equal(
        hex(block, 13, 17),
        hex(bytes('anna')),
        'the head is the first four bytes as they are, so that heads compare like keys: big-endian',
      )
      assert.equal(hex(block, 21, 25), `${hex(bytes('bo'))}0000`, 'a short suffix is padded with zeros behind it')
      assert.equal(hex(block, 17, 21), '1d000000', 'the offset of a cell counts from the start of the block: 13 + 2 slots of 8 = 29')
      assert.equal(hex(block, 25, 29), '34000000', 'the second cell begins where the first one ends: 29 + 2 lengths + 7 + 14 = 52')
    },
  },
  {
    name: 'a cell has the lengths of suffix and payload, then both',
    check({ buildBlock }: BlockPart): void {
      const block = buildBlock(entries('user:ann', 'user:bo'))
      assert.equal(hex(block, 29, 31), '030a', 'first the length of the suffix "ann", then that of the payload "<user:ann>"')
      assert.equal(hex(block, 31), `${hex(bytes('ann<user:ann>'))}0209${hex(bytes('bo<user:bo>'))}`, 'a key is stored without the prefix')
    },
  },
  {
    name: 'lengths of 128 and more take two bytes',
    check({ buildBlock }: BlockPart): void {
      const payload = new Uint8Array(300)
      const block = buildBlock([
        { key: bytes('a'), payload },
        { key: bytes('b'.repeat(128)), payload: bytes('') },
      ])
      assert.equal(hex(block, 24, 27), '01ac02', 'the length 300 is the varint ac 02: seven bits a byte, the lowest first')
      assert.equal(
        block.length,
        24 + 3 + 1 + 300 + 3 + 128,
        'the length 128 of a suffix is a varint as well, 80 01; that of an empty payload is 00',
      )
    },
  },
  {
    name: 'every key is found, the first and the last included',
    check: searches(['b', 'd', 'f', 'h', 'j'], { b: 0, d: 1, f: 2, h: 3, j: 4 }, 'the entry that has the key is not less than it'),
  },
  {
    name: 'where a key is not there, the next one is found',
    check: searches(
      ['b', 'd', 'f', 'h'],
      { '': 0, a: 0, c: 1, e: 2, g: 3, i: 4 },
      'the first entry that is not less, or the count behind the last one',
    ),
  },
  {
    name: 'a key without the prefix is before or behind all entries',
    check: searches(
      ['user:ann', 'user:bob', 'user:cy'],
      { a: 0, use: 0, 'user:': 0, usa: 0, user9: 0, uses: 3, z: 3 },
      'the prefix is compared before the suffixes; a key that ends within the prefix is before all',
    ),
  },
  {
    name: 'where heads are equal, the suffixes decide',
    check: searches(
      ['x', 'yyyyA', 'yyyyB', 'yyyyC', 'z'],
      { yyyy: 1, yyyyA: 1, yyyyB: 2, yyyyBB: 3, yyyyD: 4 },
      'equal heads do not make equal keys',
    ),
  },
  {
    name: 'a search finds suffixes behind lengths of two bytes',
    check({ buildBlock, lowerBound }: BlockPart): void {
      const payload = new Uint8Array(300)
      const block = buildBlock(['x', 'yyyyA', 'yyyyB', 'yyyyC', 'z'].map(key => ({ key: bytes(key), payload })))
      const found = lowerBound(block, bytes('yyyyB'))
      assert.equal(
        found,
        2,
        `the second entry behind "x" has the key, and ${found} was found: the length of a long payload has two bytes in the cell`,
      )
    },
  },
  {
    name: 'padding is not part of a key',
    check: searches(
      ['k', 'ka', 'ka\0', 'ka\0b', 'l'],
      { k: 0, ka: 1, 'ka\0': 2, 'ka\0a': 3, kb: 4 },
      '"a" and "a\\0" have the same head, and the shorter comes first',
    ),
  },
  {
    name: 'of entries with one key the first is found',
    check: searches(
      ['a', 'k', 'k', 'k', 'k', 'k', 'k', 'z'],
      { k: 1, l: 7 },
      'versions of a key stand newest first, so a search that stops at any of them may return an old value',
    ),
  },
]
