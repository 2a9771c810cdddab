import { SeededRandom } from '../../../src/vfs/index.js'
import type { BatchOperation, OpenedEngine } from './opened-engine.js'

/**
 * A mixed load of puts, overwrites, deletes, batches and clears, heavy enough to flush and compact where buffers are small.
 * Returns what must be there afterwards.
 */
export async function churn(
  store: OpenedEngine,
  rounds: number,
  seed = 1,
  expected = new Map<string, string>(),
): Promise<Map<string, string>> {
  const random = new SeededRandom(seed)
  const key = (): string => `key ${1000 + random.uniform(2000)}`
  for (let round = 0; round < rounds; round++) {
    const batch: BatchOperation[] = []
    for (let i = random.uniform(40); i >= 0; i--) {
      const name = key()
      if (random.uniform(4) === 0) {
        batch.push(['del', name])
        expected.delete(name)
      } else {
        const value = `${round}/${i}`.padEnd(random.uniform(200), '.')
        batch.push(['put', name, value])
        expected.set(name, value)
      }
    }
    await store.batch(batch, round % 50 === 0)
    if (round % 60 !== 59) continue
    const from = key()
    const to = `key ${Number(from.slice(4)) + random.uniform(100)}`
    await store.clear({ gte: from, lt: to })
    for (const name of [...expected.keys()]) if (name >= from && name < to) expected.delete(name)
  }
  return expected
}

/** As a scan shows it. */
export function contentOf(expected: ReadonlyMap<string, string>): string[] {
  return [...expected].sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, value]) => `${key}=${value}`)
}
