/**
 * mixgraph: Facebook's social graph on RocksDB, as modelled from its traces (Cao et al., FAST'20) and published with RocksDB's wiki as
 * "All_dist with prefixes". Sizes of values and lengths of scans are drawn independently of the random number of the key.
 */
import { SeededRandom } from 'kvarium/vfs'
import { Shuffle } from './shuffle.js'
import { generalizedPareto, KeyRanges, unit, type KeyRangeModel } from './distributions.js'
import { binaryKey, Values } from './entries.js'
import { loadPhases, SETTLE, type Size, type Workload, type WorkloadOperation } from './workload.js'

const KEY_BYTES = 48
const LOADED_VALUE_BYTES = 43
const MOST_VALUE_BYTES = 2 ** 20
const MOST_SCANNED = 10_000

export const MIXGRAPH_VALUES = { theta: 0, k: 0.2615, sigma: 25.45 } as const
const SCANS = { theta: 0, k: 2.517, sigma: 14.236 } as const
const SHARES = { get: 0.83, put: 0.14 } as const

export const MIXGRAPH_KEYS: KeyRangeModel = {
  ranges: 30,
  a: 14.18,
  b: -2.917,
  c: 0.0164,
  d: -0.08082,
  keyA: 0.002312,
  keyB: 0.3467,
}

export const MIXGRAPH: Workload = {
  name: 'mixgraph',
  about: 'A social graph: 83 % gets, 14 % puts, 3 % scans; a few ranges of keys are hot, values and scans have the lengths of its traces',
  source: "RocksDB's db_bench, mixgraph (FAST'20)",
  plan: size => {
    const { entries, seed } = size
    const values = new Values(seed, MOST_VALUE_BYTES)
    const order = new Shuffle(entries, seed | 0)
    const about = `Every key once, in random order, with values of ${LOADED_VALUE_BYTES} bytes, in batches of 1000`
    const load = loadPhases(entries, about, index => [binaryKey(order.at(index), KEY_BYTES), values.value(index, LOADED_VALUE_BYTES)])
    const run = {
      name: 'mixgraph',
      about: 'Gets, puts and scans',
      operations: size.operations,
      kind: 'mixed',
      lanes: [() => operations(size, values)],
    } as const
    return { entries, keyBytes: KEY_BYTES, valueBytes: LOADED_VALUE_BYTES, phases: [...load, run, SETTLE] }
  },
}

function* operations({ entries, operations: calls, seed, readsSync }: Size, values: Values): Generator<WorkloadOperation> {
  const random = new SeededRandom(seed + 1)
  const keys = new KeyRanges(random, entries, MIXGRAPH_KEYS)
  for (let index = 0; index < calls; index++) {
    const key = binaryKey(keys.next(), KEY_BYTES)
    const drawn = unit(random)
    if (drawn < SHARES.get) {
      yield { type: readsSync ? 'get-sync' : 'get', key }
    } else if (drawn < SHARES.get + SHARES.put) {
      const bytes = Math.ceil(generalizedPareto(random, MIXGRAPH_VALUES.theta, MIXGRAPH_VALUES.k, MIXGRAPH_VALUES.sigma))
      yield { type: 'put', key, value: values.value(entries + index, Math.min(bytes, MOST_VALUE_BYTES)) }
    } else {
      const length = Math.ceil(generalizedPareto(random, SCANS.theta, SCANS.k, SCANS.sigma))
      yield { type: 'scan', gte: key, limit: Math.max(1, length % MOST_SCANNED) }
    }
  }
}
