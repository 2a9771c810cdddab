/** Stores with a trace, and loads for them. */
import { Kvarium, type KvariumOptions } from '../../../src/index.js'
import type { LedgerCounts, ReadPart, WritePart } from '../../../src/trace/ledger.js'
import type { TraceEvent, TraceLevel } from '../../../src/trace/events.js'
import { Trace } from '../../../src/trace/span.js'
import { MemoryFileSystem, SeededRandom, simulatedEnvironment, type Environment, type FileSystem } from '../../../src/vfs/index.js'
import { SMALL_BTREE } from '../../contract/support/small-btree.js'
import { SMALL_HASH } from '../../contract/support/small-hash.js'
import { SMALL_LSM } from '../../contract/support/small-lsm.js'

export const ENGINES: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  lsm: { engine: 'lsm', ...SMALL_LSM },
  'lsm, tiered': { engine: 'lsm', ...SMALL_LSM, compaction: 'tiered' },
  btree: { engine: 'btree', ...SMALL_BTREE },
  hash: { engine: 'hash', ...SMALL_HASH },
  memory: { engine: 'memory' },
}

export interface TracedRun {
  readonly db: Kvarium
  readonly events: TraceEvent[]
}

export interface TracedRunOptions {
  readonly environment: Environment
  readonly location?: string
  readonly level?: TraceLevel
  readonly options?: KvariumOptions<string, string>
}

export async function openTraced({ environment, location = '/db', level = 'step', options }: TracedRunOptions): Promise<TracedRun> {
  const events: TraceEvent[] = []
  const trace = new Trace({ level, listener: event => events.push(event) })
  const db = new Kvarium(location, { ...options, environment, trace })
  await db.open()
  return { db, events }
}

export function simulated(seed: number, fileSystem: FileSystem = new MemoryFileSystem()): Environment {
  return simulatedEnvironment({ seed, fileSystem })
}

/** Writers that overlap, some of them durable, reads of all kinds between them, clears, and work that is asked of the background. */
export async function mixedLoad(db: Kvarium, seed: number, rounds: number): Promise<void> {
  const random = new SeededRandom(seed)
  const key = (): string => `key ${1000 + random.uniform(800)}`
  const value = (): string => 'v'.repeat(random.uniform(300))
  for (let round = 0; round < rounds; round++) {
    const writes: Promise<void>[] = []
    for (let i = random.uniform(24); i >= 0; i--) {
      const sync = random.uniform(6) === 0
      const dice = random.uniform(8)
      if (dice === 0) writes.push(db.del(key(), { sync }))
      else if (dice === 1) {
        const operations = Array.from({ length: 1 + random.uniform(20) }, () => ({ type: 'put' as const, key: key(), value: value() }))
        writes.push(db.batch(operations, { sync }))
      } else writes.push(db.put(key(), value(), { sync }))
    }
    for (let i = 0; i < 4; i++) await db.get(key())
    const from = key()
    for await (const _ of db.iterator({ gte: from, limit: random.uniform(40), reverse: random.uniform(2) === 0 }));
    await Promise.all(writes)
    await somethingRare(db, random, key)
  }
}

async function somethingRare(db: Kvarium, random: SeededRandom, key: () => string): Promise<void> {
  const from = key()
  const to = `${from.slice(0, 6)}99`
  const snapshot = db.snapshot()
  switch (random.uniform(30)) {
    case 0:
      await db.clear({ gte: from, lte: to })
      break
    case 1:
      await db.clear({ gte: from, limit: 5 })
      break
    case 2:
      await db.flush()
      break
    case 3:
      await db.compactRange(from, to)
      break
    case 4:
      for await (const violation of db.check()) throw new Error(`${violation.path}: ${violation.message}`)
      break
    case 5:
      await db.approximateSize(from, to)
      break
    case 6:
      await Promise.all([db.flush(), db.put(from, 'meanwhile', { sync: true }), db.getMany([from, to])])
      break
    default:
      await db.get(from, { snapshot })
  }
  await snapshot.close()
}

export type Sums<Part extends string> = Record<Part, number>

/** What the file events add up to, by part, and how many syncs there were. */
export function sumsOf(events: readonly TraceEvent[]): {
  readonly written: Sums<WritePart>
  readonly read: Sums<ReadPart>
  readonly syncs: number
} {
  const written = { log: 0, flush: 0, compaction: 0, page: 0, meta: 0, backup: 0 }
  const read = { open: 0, get: 0, scan: 0, compaction: 0, changes: 0, backup: 0 }
  let syncs = 0
  for (const event of events) {
    if (event.type === 'file.write') written[event.part] += event.length
    else if (event.type === 'file.read') read[event.part] += event.length
    else if (event.type === 'file.sync' || event.type === 'directory.sync') syncs++
  }
  return { written, read, syncs }
}

export function ledgerSums({ written, read, syncs }: LedgerCounts): ReturnType<typeof sumsOf> {
  return { written: { ...written }, read: { ...read }, syncs }
}
