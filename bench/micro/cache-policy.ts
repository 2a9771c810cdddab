/**
 * Hit rates of the cache under several eviction policies. The figures depend only on the seed:
 *
 *     npx tsx bench/micro/cache-policy.ts
 */
import { TwoQueuePolicy } from '../../src/cache/two-queue-policy.js'
import { table } from '../table.js'
import { ClockPolicy, FifoPolicy, LruPolicy, S3FifoPolicy, SievePolicy, type MeasuredPolicy } from './eviction-policies.js'
import { hitRate, type Reads } from './policy-replay.js'

const BLOCKS = 20_000
const KEYS_PER_BLOCK = 32
const WARM_UP = 10 * BLOCKS
const MEASURED = 20 * BLOCKS
const CACHED_SHARES = [0.01, 0.1, 0.5]
const SEED = 1

const POLICIES: Readonly<Record<string, () => MeasuredPolicy>> = {
  'two queues': () => new TwoQueuePolicy(),
  SIEVE: () => new SievePolicy(),
  CLOCK: () => new ClockPolicy(),
  'S3-FIFO, no ghosts': () => new S3FifoPolicy(false),
  'S3-FIFO': () => new S3FifoPolicy(true),
  LRU: () => new LruPolicy(),
  FIFO: () => new FifoPolicy(),
}

type Random = () => number

/** Mulberry32: numbers in [0, 1) that only depend on the seed. */
function seeded(seed: number): Random {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}

/** Ranks from 0, zipfian as in YCSB: Gray et al., "Quickly generating billion-record synthetic databases", with theta 0.99. */
function zipfian(count: number, random: Random): () => number {
  const theta = 0.99
  let zeta = 0
  for (let i = 1; i <= count; i++) zeta += 1 / i ** theta
  const second = 1 + 0.5 ** theta
  const eta = (1 - (2 / count) ** (1 - theta)) / (1 - second / zeta)
  return () => {
    const u = random()
    if (u * zeta < 1) return 0
    if (u * zeta < second) return 1
    return Math.min(count - 1, Math.floor(count * (eta * u - eta + 1) ** (1 / (1 - theta))))
  }
}

/** The numbers below `count` in random order. */
function shuffled(count: number, random: Random): Int32Array {
  const order = Int32Array.from({ length: count }, (_, i) => i)
  for (let i = count - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1))
    const swapped = order[i]
    order[i] = order[j]
    order[j] = swapped
  }
  return order
}

function readsBy(next: (at: number) => number, count = WARM_UP + MEASURED): Reads {
  return Int32Array.from({ length: count }, (_, at) => next(at))
}

const WORKLOADS: Readonly<Record<string, (cached: number) => Reads>> = {
  uniform: () => {
    const random = seeded(SEED)
    return readsBy(() => Math.floor(random() * BLOCKS))
  },
  'zipfian blocks': () => {
    const random = seeded(SEED)
    const blocks = shuffled(BLOCKS, random)
    const rank = zipfian(BLOCKS, random)
    return readsBy(() => blocks[rank()])
  },
  'zipfian keys': () => {
    const random = seeded(SEED)
    const keys = shuffled(BLOCKS * KEYS_PER_BLOCK, random)
    const rank = zipfian(keys.length, random)
    return readsBy(() => Math.floor(keys[rank()] / KEYS_PER_BLOCK))
  },
  'with a scan': () => {
    const random = seeded(SEED)
    const blocks = shuffled(BLOCKS, random)
    const rank = zipfian(BLOCKS, random)
    const duringScan = 2 * BLOCKS
    return readsBy(
      at => {
        const since = at - WARM_UP
        return since >= 0 && since < duringScan && since % 2 === 0 ? -1 - since / 2 : blocks[rank()]
      },
      WARM_UP + 2 * duringScan,
    )
  },
  'new hot set, at first': () => newHotSet(2 * BLOCKS),
  'new hot set, longer': () => newHotSet(MEASURED),
  loop: cached => {
    const length = Math.round(cached * 1.1)
    return readsBy(at => at % length)
  },
}

/** Zipfian, but from the end of the warm-up on, other blocks are hot. */
function newHotSet(measured: number): Reads {
  const random = seeded(SEED)
  const before = shuffled(BLOCKS, random)
  const after = shuffled(BLOCKS, random)
  const rank = zipfian(BLOCKS, random)
  return readsBy(at => (at < WARM_UP ? before : after)[rank()], WARM_UP + measured)
}

const rows: string[][] = []
for (const [name, workload] of Object.entries(WORKLOADS)) {
  for (const share of CACHED_SHARES) {
    const cached = BLOCKS * share
    const reads = workload(cached)
    const rates = Object.values(POLICIES).map(policy => (100 * hitRate(reads, WARM_UP, cached, policy())).toFixed(1))
    rows.push([name, `${String(share * 100)} %`, ...rates])
  }
}
console.log(table(['reads', 'cached', ...Object.keys(POLICIES)], rows))
