/**
 * Large values apart from the tables, and in them: a random fill that settles, reads, scans, then every key overwritten twice on average.
 * Run it by `npx tsx bench/micro/values-apart.ts`. Arguments: bytes of a value, `valueThreshold` (0: off), number of entries. Prints a line of JSON.
 */
import { randomFillSync } from 'node:crypto'
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Kvarium } from '../../src/index.js'
import { SeededRandom } from '../../src/vfs/index.js'

const POOL_BYTES = 4_000_000
const MOST_GETS = 20_000

const [valueBytes = 65536, valueThreshold = 4096, entries = 6000] = process.argv.slice(2).map(Number)
const random = new SeededRandom(7)
const pool = randomFillSync(new Uint8Array(POOL_BYTES + valueBytes))
const directory = mkdtempSync(join(tmpdir(), 'kvarium-values-'))
const db = new Kvarium<string, Uint8Array>(directory, { valueEncoding: 'view', valueThreshold })

function value(): Uint8Array {
  const at = random.uniform(POOL_BYTES)
  return pool.subarray(at, at + valueBytes)
}

const keyOf = (i: number): string => String(i).padStart(16, '0')

function writtenPerUserByte(): number {
  const { userBytes, written } = db.stats().ledger
  return round(Object.values(written).reduce((sum, bytes) => sum + bytes, 0) / userBytes)
}

function spacePerLiveByte(): number {
  const bytes = readdirSync(directory).reduce((sum, name) => sum + statSync(join(directory, name)).size, 0)
  return round(bytes / (entries * (16 + valueBytes)))
}

function round(ratio: number): number {
  return Math.round(ratio * 100) / 100
}

/** Runs work, and returns how many operations a second that was. */
async function perSecond(operations: number, work: () => Promise<void> | void): Promise<number> {
  const began = performance.now()
  await work()
  return Math.round(operations / ((performance.now() - began) / 1000))
}

async function settled(keys: Iterable<number>): Promise<void> {
  for (const i of keys) await db.put(keyOf(i), value())
  await db.flush()
  await db.settle()
}

function* anyKeys(count: number): Generator<number> {
  for (let i = 0; i < count; i++) yield random.uniform(entries)
}

try {
  await db.open()
  const order = Array.from({ length: entries }, (_, i) => i)
  for (let i = entries - 1; i > 0; i--) {
    const j = random.uniform(i + 1)
    ;[order[i], order[j]] = [order[j], order[i]]
  }
  const fill = await perSecond(entries, () => settled(order))
  const filled = { fill, written: writtenPerUserByte(), space: spacePerLiveByte() }
  const gets = Math.min(entries, MOST_GETS)
  const get = await perSecond(gets, () => {
    for (const i of anyKeys(gets)) db.getSync(keyOf(i))
  })
  const scan = await perSecond(entries, async () => void (await db.iterator().all()))
  const scanKeys = await perSecond(entries, async () => void (await db.keys().all()))
  const overwrite = await perSecond(2 * entries, () => settled(anyKeys(2 * entries)))
  const overwritten = { overwrite, writtenInAll: writtenPerUserByte(), spaceInAll: spacePerLiveByte() }
  console.log(JSON.stringify({ valueBytes, valueThreshold, entries, ...filled, get, scan, scanKeys, ...overwritten }))
} finally {
  await db.close()
  rmSync(directory, { recursive: true })
}
