/**
 * YCSB's core workloads A to F (Cooper et al., SoCC'10), with the parameters of its workload files: records of ten fields, inserts in
 * hashed order, keys such as `user6284781860667377211`. An update writes the whole record (`writeallfields`), because a key-value store
 * has no fields.
 */
import { SeededRandom, uniform } from 'kvarium/vfs'
import { Latest, ScrambledZipfian, unit } from './distributions.js'
import { Values } from './entries.js'
import { decimal, fnv64 } from './fnv.js'
import { loadPhases, SETTLE, type Plan, type Size, type Workload, type WorkloadOperation } from './workload.js'

const FIELDS = 10
const MOST_SCANNED = 100
const SAMPLE = 1000
const ASCII = new TextEncoder()

type Share = 'read' | 'update' | 'insert' | 'scan' | 'readModifyWrite'

interface Row {
  readonly name: string
  readonly title: string
  readonly about: string
  readonly shares: Partial<Record<Share, number>>
  readonly latest?: true
}

const ROWS: readonly Row[] = [
  { name: 'a', title: 'update heavy', about: 'half reads, half updates, zipfian', shares: { read: 0.5, update: 0.5 } },
  { name: 'b', title: 'read mostly', about: '95 % reads, 5 % updates, zipfian', shares: { read: 0.95, update: 0.05 } },
  { name: 'c', title: 'read only', about: 'reads, zipfian', shares: { read: 1 } },
  {
    name: 'd',
    title: 'read latest',
    about: '95 % reads of records by age, the newest most, 5 % inserts',
    shares: { read: 0.95, insert: 0.05 },
    latest: true,
  },
  {
    name: 'e',
    title: 'short ranges',
    about: '95 % scans of 1 to 100 records from zipfian keys, 5 % inserts',
    shares: { scan: 0.95, insert: 0.05 },
  },
  {
    name: 'f',
    title: 'read-modify-write',
    about: 'half reads, half reads followed by an update of the record, zipfian',
    shares: { read: 0.5, readModifyWrite: 0.5 },
  },
]

export const YCSB_WORKLOADS: readonly Workload[] = ROWS.map(row => ({
  name: `ycsb-${row.name}`,
  about: `YCSB ${row.name.toUpperCase()}, ${row.title}: ${row.about}`,
  source: `YCSB, workload${row.name}`,
  plan: size => plan(row, size),
}))

export function recordKey(number: number): Uint8Array {
  return ASCII.encode(`user${decimal(fnv64(number))}`)
}

function plan(row: Row, size: Size): Plan {
  const { entries, operations: calls, seed } = size
  const recordBytes = FIELDS * size.valueBytes
  const values = new Values(seed, recordBytes)
  const sample = Math.min(entries, SAMPLE)
  let keyBytes = 0
  for (let number = 0; number < sample; number++) keyBytes += recordKey(number).length / sample
  const load = loadPhases(entries, 'Every record, in the order of the hashes of their numbers, in batches of 1000', number => [
    recordKey(number),
    values.value(number, recordBytes),
  ])
  const run = {
    name: `ycsb-${row.name}`,
    about: row.about,
    operations: calls,
    kind: row.shares.read === 1 ? 'read' : 'mixed',
    lanes: [() => operations(row, size, values, recordBytes)],
  } as const
  const { update = 0, insert = 0, readModifyWrite = 0 } = row.shares
  const predictedWork = {
    puts: Math.round(calls * (update + readModifyWrite)),
    keys: entries,
    keyBytes,
    valueBytes: recordBytes,
    distribution: 'zipfian',
    loaded: { keys: entries, order: 'random' },
    reads: { distribution: 'zipfian' },
  } as const
  // Formulas cover updates of existing records, or inserts alone.
  return { entries, keyBytes, valueBytes: recordBytes, phases: [...load, run, SETTLE], ...(insert === 0 && { predictedWork }) }
}

function* operations({ shares, latest }: Row, size: Size, values: Values, recordBytes: number): Generator<WorkloadOperation> {
  const { entries, operations: calls, seed, readsSync } = size
  const random = new SeededRandom(seed + 1)
  const { read = 0, update = 0, insert = 0, scan = 0 } = shares
  // Like YCSB: over the records after all inserts, with twice as many to be safe; keys that do not exist yet are drawn again.
  const zipfian = latest === undefined ? new ScrambledZipfian(random, entries + Math.ceil(calls * insert * 2)) : undefined
  const byAge = latest === undefined ? undefined : new Latest(random, entries)
  let inserted = entries
  const choose = (): number => {
    if (byAge !== undefined) return byAge.next()
    let number = zipfian!.next()
    while (number >= inserted) number = zipfian!.next()
    return number
  }
  const valueOf = (index: number): Uint8Array => values.value(entries + index, recordBytes)
  for (let index = 0; index < calls; index++) {
    const drawn = unit(random)
    if (drawn < read) {
      yield { type: readsSync ? 'get-sync' : 'get', key: recordKey(choose()) }
    } else if (drawn < read + update) {
      yield { type: 'put', key: recordKey(choose()), value: valueOf(index) }
    } else if (drawn < read + update + insert) {
      yield { type: 'put', key: recordKey(inserted), value: valueOf(index) }
      inserted++
      byAge?.grow(inserted)
    } else if (drawn < read + update + insert + scan) {
      const gte = recordKey(choose())
      yield { type: 'scan', gte, limit: 1 + uniform(random, MOST_SCANNED) }
    } else {
      yield { type: 'read-modify-write', key: recordKey(choose()), value: valueOf(index) }
    }
  }
}
