/** The rules of a bloom filter, from the simplest to those that are easily overlooked. Each message names the probable mistake. */
import type { FilterBits, TableFilter } from 'kvarium/sstable'

export const units = [
  {
    name: 'a filter has as many bits as it is given for each key',
    check({ build }: TableFilter): void {
      const { bits } = build(hashes(1000), 10)
      demand(bits instanceof Uint8Array, 'build must return { bits, probes }, with the bits in a Uint8Array.')
      demand(
        bits.length !== 10_000,
        'bits.length is 10,000 for 1000 keys of 10 bits each: that is a byte for each bit. Eight bits go into each byte.',
      )
      demand(
        bits.length !== 8 && bits.length !== 2,
        'The filter does not grow with the number of keys: bitsPerKey is for each key, not for all of them.',
      )
      demand(bits.length === 1250, `1000 keys of 10 bits each take 1250 bytes, not ${bits.length}.`)
      demand(build(hashes(7), 10).bits.length === 9, '7 keys of 10 bits each take 70 bits, so 9 bytes: round up.')
    },
  },
  {
    name: 'as many bits are looked at as let the fewest absent keys pass',
    check({ build }: TableFilter): void {
      for (const [bitsPerKey, best] of [
        [10, 7],
        [4, 3],
        [1, 1],
        [20, 14],
      ] as const) {
        const { probes } = build(hashes(100), bitsPerKey)
        const why = 'The best number is bits per key × ln 2: then half of the bits are set.'
        demand(probes === best, `With ${bitsPerKey} bits per key, probes must be ${best}, and is ${probes}. ${why}`)
      }
    },
  },
  {
    name: 'a key that was put in is never denied',
    check(filter: TableFilter): void {
      for (const keys of [1, 2, 10, 5000]) {
        const members = hashes(keys)
        const built = filter.build(members, 10)
        const denied = members.filter(hash => !filter.mayContain(built, hash)).length
        demand(
          denied === 0,
          `Of ${keys} keys that were put in, ${denied} are denied. That loses data. Does setting a bit leave the others of its byte alone, and are hashes above 2^31 taken as unsigned (>>> 0) before %?`,
        )
      }
    },
  },
  {
    name: 'most keys that were not put in are denied',
    check(filter: TableFilter): void {
      const built = filter.build(hashes(5000), 10)
      const rate = passing(filter, built)
      demand(rate < 1, 'Every absent key passes. A filter that always says "maybe" saves nothing: deny when one of the bits is not set.')
      demand(rate < 0.3, `${percent(rate)} of absent keys pass. A key may be there only if all of its bits are set, not if any is.`)
      demand(
        rate < 0.02,
        `${percent(rate)} of absent keys pass; with 10 bits per key it must be about 0.8 %. Are the bits of a key really different ones?`,
      )
      const small = passing(filter, filter.build(hashes(5000), 4))
      demand(small > 0.1 && small < 0.2, `With 4 bits per key about 15 % of absent keys pass, not ${percent(small)}.`)
    },
  },
  {
    name: 'the bits of a key are those that the format says',
    check({ build }: TableFilter): void {
      // By hand: h = 1, the step is 1 rotated right by 15 and made odd, 0x20001, and the filter has 64 bits.
      demandEqual(
        setBits(build(Uint32Array.of(1), 10)),
        [1, 2, 3, 4, 5, 6, 7],
        'For h = 1 the step is 131073, so the positions are 1, 131074, 262147, … mod 64.',
      )
      demandEqual(
        setBits(build(Uint32Array.of(0x80000000), 10)),
        [0, 1, 2, 3, 4, 5, 6],
        'For h = 0x80000000 the step is 65537. Sums are taken mod 2^32 and as unsigned, and only then mod the number of bits.',
      )
      demandEqual(
        setBits(build(new Uint32Array(10).fill(0xfffffff0), 10)),
        [6, 19, 32, 45, 58, 71, 84],
        'For h = 0xfffffff0 and 104 bits: the step is 0xffe1ffff, so h + step goes beyond 2^32 and wraps around before it is taken mod 104.',
      )
    },
  },
  {
    name: 'each table has its own filter',
    check(filter: TableFilter): void {
      const all = hashes(2000)
      const first = filter.build(all.slice(0, 1000), 10)
      filter.build(all.slice(1000), 10)
      const denied = all.slice(0, 1000).filter(hash => !filter.mayContain(first, hash)).length
      demand(
        denied === 0,
        'After a second filter was built, the first one denies its own keys. All that mayContain knows must be in the filter that it is given.',
      )
    },
  },
  {
    name: 'asking changes nothing',
    check(filter: TableFilter): void {
      const built = filter.build(hashes(100), 10)
      const before = built.bits.join()
      passing(filter, built)
      demand(built.bits.join() === before, 'mayContain changed the bits of the filter.')
    },
  },
]

/** Distinct hashes, evenly spread over 32 bits. */
function hashes(count: number, from = 1): Uint32Array {
  return Uint32Array.from({ length: count }, (_, i) => {
    let hash = Math.imul(from + i, 0x9e3779b1)
    hash = Math.imul(hash ^ (hash >>> 15), 0x85ebca77)
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae3d)
    return hash ^ (hash >>> 16)
  })
}

/** The share of absent keys that pass a filter. */
function passing(filter: TableFilter, built: FilterBits): number {
  const absent = hashes(20_000, 1_000_000)
  return absent.filter(hash => filter.mayContain(built, hash)).length / absent.length
}

function setBits({ bits }: FilterBits): number[] {
  return [...Array(bits.length * 8).keys()].filter(bit => (bits[bit >>> 3] & (1 << (bit & 7))) !== 0)
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`
}

function demand(holds: boolean, message: string): void {
  if (!holds) throw new Error(message)
}

function demandEqual(actual: readonly number[], expected: readonly number[], message: string): void {
  if (actual.join() !== expected.join()) throw new Error(`${message}\n  set:      ${actual.join(', ')}\n  expected: ${expected.join(', ')}`)
}
