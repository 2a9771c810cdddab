/** Puts, gets, scans and deletes of random keys: the same for every engine. */
import { Shuffle } from 'kvarium-lab/workloads'
import type { KvariumStats } from '../../src/store/stats.js'
import { spaceAmplification } from '../../src/trace/ledger.js'
import { SeededRandom } from '../../src/vfs/seeded-random.js'
import type { Lab, LabStore } from './lab.js'

/** Number of entries, put in random order before the work begins. */
export const ENTRIES = 10_000
export const OPERATIONS = 20_000
/** Entries of a scan. */
export const SCANNED = 20
export const VALUE_BYTES = 100

export interface Outcome {
  /** Stats after the work and its background work, without the load. */
  readonly stats: KvariumStats
  /** Stats after the flush that ends the work, before the idle store reorganizes its files. */
  readonly flushed: KvariumStats
  /** Bytes of all files per live byte. */
  readonly space: number
  /** All entries, one after another. */
  readonly content: string
}

/** Loads a store, works on it, and measures the cost. */
export async function mixedWork(lab: Lab, engine: 'lsm' | 'btree', memoryKib: number): Promise<Outcome> {
  const half = (memoryKib * 1024) / 2
  const location = `/working-${engine}-${memoryKib}`
  // In proportion to the memtable, as by default.
  const options = { engine, writeBufferSize: half, cacheSize: half, ...(engine === 'lsm' && { level1Size: 4 * half }) }
  const loading = await lab.openUnwatched(location, options)
  const order = new Shuffle(ENTRIES, 1)
  for (let n = 0; n < ENTRIES; n++) await loading.put(keyOf(order.at(n)), valueOf(0))
  await loading.settle()
  await loading.close()

  const db = await lab.openUnwatched(location, options)
  const random = new SeededRandom(1)
  for (let n = 0; n < OPERATIONS; n++) await operate(db, keyOf(random.uniform(ENTRIES)), random.uniform(10), n)
  // Data that is still in memory is part of the cost of the work.
  await db.flush()
  const flushed = db.stats()
  await db.settle()
  const stats = db.stats()
  const content = (await db.iterator().all()).flat().join('')
  await db.close()
  return { stats, flushed, space: spaceAmplification(stats.ledger.fileBytes, content.length), content }
}

/** `kind` is below ten: half puts, three in ten gets (one of these of an absent key), one in ten each of scans and deletes. */
async function operate(db: LabStore, key: string, kind: number, version: number): Promise<void> {
  if (kind < 5) await db.put(key, valueOf(version))
  else if (kind < 7) db.getSync(key)
  else if (kind < 8) db.getSync(`${key}x`)
  else if (kind < 9) await db.keys({ gte: key, limit: SCANNED }).all()
  else await db.del(key)
}

export function keyOf(number: number): string {
  return `key${String(number).padStart(13, '0')}`
}

export function valueOf(version: number): string {
  return String.fromCharCode(97 + (version % 26)).repeat(VALUE_BYTES)
}
