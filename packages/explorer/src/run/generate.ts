/** Many operations from a short description: the same description gives the same operations. */
import { SeededRandom, uniform } from 'kvarium/vfs'
import { drawnValue } from './made-value.js'
import type { Operation } from './operation.js'

interface Counted {
  readonly count: number
  /** Only this number of the operations, from the first on. */
  readonly first?: number
}

interface Seeded extends Counted {
  readonly seed: number
  /** Length of the values, in characters. */
  readonly valueBytes: number
}

interface Expiring {
  /** Milliseconds until each put expires. */
  readonly ttl?: number
}

export type Generator =
  /** Puts of keys in ascending order. */
  | ({ readonly kind: 'ascending' } & Seeded & Expiring)
  /** Puts of keys drawn from `keys` keys, all alike or few of them often. */
  | ({ readonly kind: 'random' | 'zipfian'; readonly keys: number } & Seeded & Expiring)
  /** A workload of db_bench or YCSB by its name: `entries` are loaded first where it needs them, then come `count` calls. */
  | ({ readonly kind: 'workload'; readonly name: string; readonly entries: number } & Seeded)
  /** Puts of cities of the world; after the last one they begin again. */
  | ({ readonly kind: 'cities' } & Counted)

/** The entries of the cities, which a page loads only when they are wanted. */
export type LoadCities = () => Promise<readonly (readonly [key: string, value: string])[]>

/**
 * The operations, each made when it is its turn: a short description may stand for more than fits in memory.
 * @param loadCities - Where the cities come from.
 */
export async function generate(generator: Generator, loadCities: LoadCities): Promise<Iterable<Operation>> {
  const operations = await all(generator, loadCities)
  return generator.first === undefined ? operations : firstOf(operations, generator.first)
}

function* firstOf(operations: Iterable<Operation>, count: number): Iterable<Operation> {
  if (count === 0) return
  let made = 0
  for (const operation of operations) {
    yield operation
    if (++made === count) return
  }
}

async function all(generator: Generator, loadCities: LoadCities): Promise<Iterable<Operation>> {
  switch (generator.kind) {
    case 'ascending': {
      const random = new SeededRandom(generator.seed)
      return times(generator.count, index => put(index, random, generator))
    }
    case 'random': {
      const random = new SeededRandom(generator.seed)
      return times(generator.count, () => put(uniform(random, generator.keys), random, generator))
    }
    case 'zipfian': {
      const { zipfianKeys } = await import('./zipfian-keys.js')
      const random = new SeededRandom(generator.seed)
      const next = zipfianKeys(random, generator.keys, generator.seed)
      return times(generator.count, () => put(next(), random, generator))
    }
    case 'workload': {
      const { workloadOperations } = await import('./workload-operations.js')
      return workloadOperations(generator)
    }
    case 'cities': {
      const cities = await loadCities()
      return times(generator.count, index => {
        const [key, value] = cities[index % cities.length]
        return { type: 'put', key, value }
      })
    }
  }
}

function* times(count: number, make: (index: number) => Operation): Iterable<Operation> {
  for (let index = 0; index < count; index++) yield make(index)
}

function put(number: number, random: SeededRandom, { valueBytes, ttl }: Seeded & Expiring): Operation {
  const key = `key${String(number).padStart(6, '0')}`
  return { type: 'put', key, value: drawnValue(random, valueBytes), ...(ttl !== undefined && { ttl }) }
}
