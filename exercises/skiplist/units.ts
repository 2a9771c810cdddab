/** The rules of a skiplist, from the simplest to those that are easily overlooked. Each message names the probable mistake. */
import type { IndexEntry, MakeMemtableIndex, MemtableIndex, MemtableIndexContext } from 'kvarium/lsm'

const PUT = 1
const DELETE = 0

export const units = [
  {
    name: 'an empty list has nothing',
    check(make: MakeMemtableIndex): void {
      const { list } = empty(make)
      const found = list.seek(bytes('a'), 9) ?? list.seekBefore(bytes('a'), 9) ?? list.last()
      demand(found === undefined, 'An empty list returned an entry. Is the head of the list returned as if it were an entry?')
    },
  },
  {
    name: 'what was inserted is found, with all that belongs to it',
    check(make: MakeMemtableIndex): void {
      const { list } = empty(make)
      list.insert(bytes('a'), bytes('value'), 7, PUT)
      const found = list.seek(bytes('a'), 7)
      demand(
        found !== undefined,
        'seek("a", 7) does not find the version 7 of "a". A place includes the version that stands at it: at or behind.',
      )
      demand(
        found?.sequence === 7 && found.kind === PUT && text(found.value) === 'value',
        'The entry lost its value, sequence number or kind.',
      )
    },
  },
  {
    name: 'keys come in order, whatever order they were inserted in',
    check(make: MakeMemtableIndex): void {
      const { list } = empty(make)
      for (const [i, key] of ['m', 'c', 'x', 'a', 'z', 'n'].entries()) list.insert(bytes(key), bytes(''), i + 1, PUT)
      demandEqual(
        walk(list),
        'a4 c2 m1 n6 x3 z5',
        'Walking with next() from the first entry does not give all keys in order. Is the new node linked in behind its predecessor on level 0?',
      )
    },
  },
  {
    name: 'a new version does not replace the old one',
    check(make: MakeMemtableIndex): void {
      const { list } = empty(make)
      list.insert(bytes('a'), bytes('old'), 1, PUT)
      list.insert(bytes('a'), bytes('new'), 2, PUT)
      demand(
        [...each(list)].length === 2,
        'Of two versions of a key only one is left. An index of a memtable is no map: a snapshot may still need the old version.',
      )
    },
  },
  {
    name: 'the newest version of a key comes first',
    check(make: MakeMemtableIndex): void {
      const { list } = empty(make)
      for (const sequence of [3, 9, 5]) list.insert(bytes('a'), bytes(''), sequence, PUT)
      demandEqual(
        walk(list),
        'a9 a5 a3',
        'Versions of one key must come with the highest sequence number first, so that a search meets the newest one first.',
      )
    },
  },
  {
    name: 'a key that is the beginning of another comes before it, and bytes above 127 come last',
    check(make: MakeMemtableIndex): void {
      const { list } = empty(make)
      const keys = [[0x80], [0x61, 0x61], [0x61], [], [0xff], [0x7f], [0x61, 0x00]]
      for (const [i, key] of keys.entries()) list.insert(Uint8Array.from(key), bytes(''), i + 1, PUT)
      const order = [...each(list)]
        .map(entry => Array.from(entry.key, byte => byte.toString(16).padStart(2, '0')).join('') || '-')
        .join(' ')
      demandEqual(
        order,
        '- 61 6100 6161 7f 80 ff',
        'Keys are bytes, compared as unsigned numbers from left to right. Compare them with compareKeys, not as text.',
      )
    },
  },
  {
    name: 'a reader sees the newest version that is not newer than its moment',
    check(make: MakeMemtableIndex): void {
      const { list } = empty(make)
      for (const sequence of [3, 9, 5]) list.insert(bytes('a'), bytes(''), sequence, PUT)
      list.insert(bytes('b'), bytes(''), 4, PUT)
      demandEqual(
        show(list.seek(bytes('a'), 6)),
        'a5',
        'seek("a", 6) must find version 5: 9 is newer than the reader, 3 is older than 5. Is the sequence number part of the comparison?',
      )
      demandEqual(
        show(list.seek(bytes('a'), 2)),
        'b4',
        'seek("a", 2): every version of "a" is newer than 2, so the first entry at or behind that place is the one of "b".',
      )
      demandEqual(
        show(list.seek(bytes('aa'), 6)),
        'b4',
        'seek("aa", 6): there is no "aa"; the first entry behind its place is the one of "b".',
      )
    },
  },
  {
    name: 'a deletion is a version like any other',
    check(make: MakeMemtableIndex): void {
      const { list } = empty(make)
      list.insert(bytes('a'), bytes(''), 2, DELETE)
      list.insert(bytes('b'), bytes('value'), 1, PUT)
      list.insert(bytes('b'), bytes(''), 3, DELETE)
      demandEqual(
        walk(list),
        'a2 b3 b1',
        'A deletion must be kept, even of a key that is not here, and must remove nothing: older versions in tables still have to be hidden by it.',
      )
      demand(
        list.seek(bytes('b'), 9)?.kind === DELETE,
        'The deletion of "b" is not found as a deletion. Keep the kind that insert was given.',
      )
    },
  },
  {
    name: 'seekBefore stops right before a place',
    check(make: MakeMemtableIndex): void {
      const { list } = empty(make)
      for (const [key, sequence] of [
        ['b', 2],
        ['b', 5],
        ['d', 3],
      ] as const)
        list.insert(bytes(key), bytes(''), sequence, PUT)
      demandEqual(show(list.seekBefore(bytes('d'), 9)), 'b2', 'seekBefore("d", 9) must be the oldest version of "b".')
      demandEqual(
        show(list.seekBefore(bytes('b'), 2)),
        'b5',
        'seekBefore("b", 2) must be version 5: before a place does not include the version that stands at it.',
      )
      demandEqual(
        show(list.seekBefore(bytes('b'), 9)),
        'nothing',
        'seekBefore("b", 9): nothing comes before the newest place of "b". The head of the list is no entry.',
      )
      demandEqual(show(list.seekBefore(bytes('zz'), 1)), 'd3', 'seekBefore("zz", 1) must be the last entry.')
      demandEqual(show(list.last()), 'd3', 'last() must be the entry behind all others.')
    },
  },
  {
    name: 'a thousand versions in random order come out in order',
    check(make: MakeMemtableIndex): void {
      const { list } = empty(make)
      const expected = shuffled(1000).map(n => ({ key: `k${String(n % 300).padStart(3, '0')}`, sequence: n + 1 }))
      for (const { key, sequence } of expected) list.insert(bytes(key), bytes(''), sequence, PUT)
      expected.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : b.sequence - a.sequence))
      demandEqual(
        walk(list),
        expected.map(({ key, sequence }) => key + sequence).join(' '),
        'After a thousand inserts the order is wrong or entries are missing. On each level, the new node must come behind the last one that is before it on that very level.',
      )
    },
  },
  {
    name: 'towers of a height are a fixed share of those one lower',
    check(make: MakeMemtableIndex): void {
      const { heights } = filled(make, shuffled(4000))
      const share = (height: number): number => heights.filter(each => each > height).length / heights.filter(each => each >= height).length
      const shares = [1, 2, 3].map(share)
      const advice = 'Draw again for each further level, with the same chance each time: 1/4 or 1/2.'
      demand(shares[0] > 0 && shares[0] < 1, `All towers have the same height. ${advice}`)
      for (const [i, part] of shares.entries()) {
        demand(
          part > 0.1 && part < 0.65,
          `Of the towers that reach level ${i}, ${(100 * part).toFixed(0)} % reach level ${i + 1}. ${advice}`,
        )
      }
    },
  },
  {
    name: 'a search costs about log n comparisons',
    check(make: MakeMemtableIndex): void {
      for (const [order, numbers] of [
        ['random', shuffled(4000)],
        ['ascending', [...Array(4000).keys()]],
      ] as const) {
        const { list, cost } = filled(make, numbers)
        cost.comparisons = 0
        for (let n = 0; n < 4000; n += 8) list.seek(numbered(n), 9e9)
        const mean = cost.comparisons / 500
        demand(mean > 0, 'No keys were compared. Compare them with the compareKeys that the index is made with.')
        demand(
          mean < 80,
          `With 4000 keys, inserted in ${order} order, a search compared ${mean.toFixed(0)} keys. Start at the top level, and when you go down a level go on from where you stand. A new node is linked in on each of its levels, behind the last node before it on that level.`,
        )
      }
    },
  },
  {
    name: 'last does not walk through the whole list',
    check(make: MakeMemtableIndex): void {
      const { list } = filled(make, shuffled(20_000))
      list.last()
      const before = performance.now()
      for (let i = 0; i < 2000; i++) list.last()
      demand(performance.now() - before < 1000, 'last() is slow with 20,000 entries. The upper levels lead to the end in a few steps, too.')
    },
  },
  {
    name: 'next takes up where the entry stands, also after inserts',
    check(make: MakeMemtableIndex): void {
      const { list, cost } = filled(make, [1, 5, 9])
      const five = list.seek(numbered(5), 9e9)!
      list.insert(numbered(7), bytes(''), 50, PUT)
      cost.comparisons = 0
      const seven = list.next(five)
      demandEqual(
        seven === undefined ? 'nothing' : text(seven.key),
        '00007',
        'next() missed an entry that was inserted behind the one it was given.',
      )
      demand(cost.comparisons === 0, 'next() compared keys. The entry that was returned is the node: its pointer on level 0 is the answer.')
    },
  },
]

interface Counted {
  readonly list: MemtableIndex
  readonly cost: { comparisons: number }
}

function empty(make: MakeMemtableIndex, seed = 1): Counted {
  const cost = { comparisons: 0 }
  const random = seeded(seed)
  const context: MemtableIndexContext = {
    random,
    compareKeys: (a, b) => {
      cost.comparisons++
      for (let i = 0; i < Math.min(a.length, b.length); i++) if (a[i] !== b[i]) return a[i] - b[i]
      return a.length - b.length
    },
  }
  return { list: make(context), cost }
}

function filled(make: MakeMemtableIndex, numbers: readonly number[]): Counted & { readonly heights: readonly number[] } {
  const { list, cost } = empty(make)
  const heights = numbers.map((n, i) => list.insert(numbered(n), bytes(''), i + 1, PUT))
  return { list, cost, heights }
}

function numbered(n: number): Uint8Array {
  return bytes(String(n).padStart(5, '0'))
}

/** 0 to n - 1, always in the same disorder. */
function shuffled(n: number): number[] {
  const random = seeded(n)
  const numbers = [...Array(n).keys()]
  for (let i = n - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1))
    ;[numbers[i], numbers[j]] = [numbers[j], numbers[i]]
  }
  return numbers
}

/** Mulberry32: uniform in [0, 1). */
function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

/** More than any check inserts: a circular list is detected at this number. */
const MOST_ENTRIES = 100_000

function* each(list: MemtableIndex): Generator<IndexEntry> {
  let left = MOST_ENTRIES
  for (let entry = list.seek(bytes(''), Number.MAX_SAFE_INTEGER); entry !== undefined; entry = list.next(entry)) {
    yield entry
    demand(--left > 0, 'Walking with next() does not come to an end: the list goes in a circle.')
  }
}

function walk(list: MemtableIndex): string {
  return [...each(list)].map(show).join(' ')
}

function show(entry: IndexEntry | undefined): string {
  return entry === undefined ? 'nothing' : `${text(entry.key)}${entry.sequence}`
}

function bytes(string: string): Uint8Array {
  return new TextEncoder().encode(string)
}

function text(array: Uint8Array): string {
  return new TextDecoder().decode(array)
}

function demand(holds: boolean, message: string): asserts holds {
  if (!holds) throw new Error(message)
}

function demandEqual(actual: string, expected: string, message: string): void {
  if (actual === expected) return
  const [got, wanted] = [actual, expected].map(each => (each.length > 200 ? `${each.slice(0, 200)}…` : each))
  throw new Error(`${message}\n  got:      ${got}\n  expected: ${wanted}`)
}
