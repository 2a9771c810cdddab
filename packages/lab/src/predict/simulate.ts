/** A simulation from an engine's options and the description of its work. */
import { LazyLeveledPicker, LeveledPicker, TieredPicker } from 'kvarium/lsm'
import type { CompactionPicker, LsmOptions } from 'kvarium/lsm'
import { SeededRandom } from 'kvarium/vfs'
import { YCSB_THETA, zeta } from './draws.js'
import type { Work } from './prediction.js'
import { CompactionSimulator, type Simulation } from './simulator.js'
import { lsmSizes } from './size-model.js'

/** The engine's picker for these options. */
export function pickerOf(options: LsmOptions): CompactionPicker {
  const { compaction, level0Tables, level1Size, fanOut, runsPerLevel } = options
  if (compaction === 'tiered') return new TieredPicker({ runsPerLevel })
  if (compaction === 'lazy-leveled') return new LazyLeveledPicker({ runsPerLevel, fanOut })
  return new LeveledPicker({ level0Tables, level1Bytes: level1Size, fanOut })
}

/**
 * Runs the work on a simulated tree with the engine's options. The memtable at the end is not flushed, as in the engine.
 *
 * @param seed the same seed draws the same keys
 */
export function simulate(options: LsmOptions, work: Work, seed: number): Simulation {
  const sizes = lsmSizes(work, options)
  const keys = work.distribution === 'ascending' ? Math.max(work.puts, 1) : work.keys
  const sampleEvery = Math.max(1, Math.floor(work.puts / sizes.memtablePuts / 500))
  const simulator = new CompactionSimulator({ picker: pickerOf(options), sizes, maxTableBytes: options.maxFileSize, keys, sampleEvery })
  const draw = keyDraws(work, seed)
  for (let i = 0; i < work.puts; i++) simulator.put(draw())
  return simulator.report()
}

/** A source of key numbers. Zipfian ranks are spread over the keys, so that likely keys are not neighbours. */
export function keyDraws(work: Pick<Work, 'distribution' | 'keys' | 'theta'>, seed: number): () => number {
  const { keys } = work
  if (work.distribution === 'ascending') {
    let next = 0
    return () => next++
  }
  const random = new SeededRandom(seed)
  if (work.distribution === 'uniform') return () => random.uniform(keys)
  return zipfian(keys, work.theta ?? YCSB_THETA, random)
}

/** The generator of YCSB, after Gray et al., "Quickly generating billion-record synthetic databases", SIGMOD 1994. */
function zipfian(keys: number, theta: number, random: SeededRandom): () => number {
  if (!(theta >= 0 && theta < 1)) throw new RangeError(`a zipfian skew of ${theta}: it must be at least 0 and less than 1`)
  const mass = zeta(keys, theta)
  const alpha = 1 / (1 - theta)
  const eta = (1 - (2 / keys) ** (1 - theta)) / (1 - zeta(2, theta) / mass)
  const second = 1 + 0.5 ** theta
  const stride = strideOf(keys)
  return () => {
    const share = random.uint32() / 2 ** 32
    const scaled = share * mass
    const rank = scaled < 1 ? 0 : scaled < second ? 1 : Math.min(keys - 1, Math.floor(keys * (eta * share - eta + 1) ** alpha))
    return (rank * stride) % keys
  }
}

/** A step that visits every key once: near the golden section of the number of keys, and coprime to it. Products stay exact below 2^53. */
function strideOf(keys: number): number {
  let stride = Math.max(1, Math.min(2 ** 21 - 1, Math.floor(keys * 0.618)))
  while (stride > 1 && gcd(stride, keys) !== 1) stride--
  return stride
}

function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b)
}
