/** The phases of `kvarium compare` on a dataset: load, overwrite, delete, read, scan, reopen; seeded, in a fixed order. */
import { copyBytes } from 'kvarium/codec'
import { SeededRandom } from 'kvarium/vfs'
import type { Operation, Phase, PutOperation, ScanOperation } from './operation.js'

export interface DatasetEntry {
  readonly key: Uint8Array
  readonly value: Uint8Array
}

export interface DatasetWork {
  readonly seed: number
  /** Shares of the entries, from 0 to 1, that are written a second time, and that are deleted. */
  readonly overwriteShare: number
  readonly deleteShare: number
  /** Most gets of each kind, and never more than live entries. */
  readonly reads: number
  readonly batchSize: number
  /** Load in random order, or in the order of the dataset. */
  readonly shuffle: boolean
  /** Makes the new value of an overwrite. It should differ, or an old value in its place goes unnoticed. */
  readonly revise: (value: Uint8Array) => Uint8Array
}

/** Most prefixes to scan, and the entries per scan in a dataset whose keys have no prefixes. */
const MOST_RANGES = 1000
const RANGE_ENTRIES = 100
const SLASH = 0x2f

/**
 * Loads, overwrites, deletes, reads and reopens.
 * @param entries - Entries with distinct keys.
 */
export function datasetPhases(entries: readonly DatasetEntry[], work: DatasetWork): Phase[] {
  const { seed, overwriteShare, deleteShare, reads, batchSize, shuffle, revise } = work
  const order = entries.map((_, index) => index)
  const loadOrder = shuffle ? shuffled(order, seed) : order
  const overwritten = shuffled(order, seed + 1).slice(0, Math.round(entries.length * overwriteShare))
  const byDeletion = shuffled(order, seed + 2)
  const deleted = byDeletion.slice(0, Math.round(entries.length * deleteShare))
  const live = byDeletion.slice(deleted.length)
  const read = (salt: number): number[] => shuffled(live, seed + salt).slice(0, reads)
  const missing = entries.length === 0 ? [] : shuffled(order, seed + 5).slice(0, reads)
  const ranges = rangesOf(entries, seed + 6)
  const key = (index: number): Uint8Array => entries[index].key
  const each = (indexes: readonly number[], operation: (index: number) => Operation) =>
    function* (): Generator<Operation> {
      for (const index of indexes) yield operation(index)
    }
  const get = (type: 'get' | 'get-sync') => (index: number) => ({ type, key: key(index) }) as const
  const getMissing = (type: 'get' | 'get-sync') => (index: number) => ({ type, key: neighbourOf(key(index)) }) as const
  const one = (type: 'settle' | 'reopen') => () => [{ type } as const]

  return [
    {
      name: 'load',
      about: `Every entry${shuffle ? ', in random order' : ''}, in atomic batches of ${batchSize}`,
      total: entries.length,
      operations: () => batches(entries, loadOrder, batchSize),
    },
    {
      name: 'overwrite',
      about: 'Awaited puts of new values, one at a time',
      total: overwritten.length,
      operations: each(overwritten, index => ({ type: 'put', key: key(index), value: revise(entries[index].value) })),
    },
    {
      name: 'delete',
      about: 'Awaited dels, one at a time',
      total: deleted.length,
      operations: each(deleted, index => ({ type: 'del', key: key(index) })),
    },
    { name: 'settle', about: 'Waiting for pending background work', operations: one('settle') },
    {
      name: 'get',
      about: 'Awaited gets of existing keys, in random order',
      total: Math.min(reads, live.length),
      operations: each(read(3), get('get')),
    },
    { name: 'getSync', about: 'The same with getSync', total: Math.min(reads, live.length), operations: each(read(4), get('get-sync')) },
    {
      name: 'get missing',
      about: 'Awaited gets of absent keys adjacent to existing ones',
      total: missing.length,
      operations: each(missing, getMissing('get')),
    },
    { name: 'getSync missing', about: 'The same with getSync', total: missing.length, operations: each(missing, getMissing('get-sync')) },
    { name: 'ranges', about: ranges.about, operations: () => ranges.scans },
    { name: 'scan', about: 'Everything, by nextv', total: live.length, operations: () => [{ type: 'scan' }] },
    { name: 'scan reverse', about: 'Everything, from the end', total: live.length, operations: () => [{ type: 'scan', reverse: true }] },
    { name: 'reopen', about: 'Close and open again', operations: one('reopen') },
  ]
}

export function* batches(entries: readonly DatasetEntry[], order: readonly number[], size: number): Generator<Operation> {
  for (let start = 0; start < order.length; start += size) {
    const operations = order.slice(start, start + size).map((index): PutOperation => {
      const { key, value } = entries[index]
      return { type: 'put', key, value }
    })
    yield { type: 'batch', operations }
  }
}

/** A key between existing ones that is most likely absent. */
export function neighbourOf(key: Uint8Array): Uint8Array {
  const neighbour = new Uint8Array(key.length + 1)
  neighbour.set(key)
  neighbour[key.length] = 1
  return neighbour
}

/** A scan of each group of keys with the same text before the first slash; without such groups, short scans from random keys. */
function rangesOf(entries: readonly DatasetEntry[], seed: number): { readonly about: string; readonly scans: readonly ScanOperation[] } {
  const prefixes = new Map<string, Uint8Array>()
  for (const { key } of entries) {
    const slash = key.indexOf(SLASH)
    if (slash < 0) continue
    const prefix = key.subarray(0, slash + 1)
    prefixes.set(prefix.join(), prefix)
  }
  const groups = [...prefixes.values()]
  if (groups.length > 1 && groups.length * 2 <= entries.length) {
    const chosen = shuffled(groups, seed).slice(0, MOST_RANGES)
    const scans = chosen.map(gte => ({ type: 'scan', gte, lt: afterPrefix(gte) }) as const)
    return { about: `Scans of ${chosen.length} key prefixes, such as ${new TextDecoder().decode(chosen[0])}`, scans }
  }
  const starts = shuffled(entries, seed).slice(0, MOST_RANGES)
  const scans = starts.map(({ key }) => ({ type: 'scan', gte: key, limit: RANGE_ENTRIES }) as const)
  return { about: `${starts.length} scans of ${RANGE_ENTRIES} entries, from random keys`, scans }
}

/** The first key after all keys with a prefix that ends with a slash. */
function afterPrefix(prefix: Uint8Array): Uint8Array {
  const after = copyBytes(prefix)
  after[after.length - 1]++
  return after
}

/** Fisher and Yates. */
export function shuffled<T>(items: readonly T[], seed: number): T[] {
  const random = new SeededRandom(seed)
  const result = [...items]
  for (let left = result.length; left > 1; left--) {
    const index = random.uniform(left)
    ;[result[left - 1], result[index]] = [result[index], result[left - 1]]
  }
  return result
}
