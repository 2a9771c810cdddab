/** The longest turns of the event loop, and the slowest calls: what a store holds up, engine by engine. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { table } from '../table.js'
import type { Kvarium } from '../../src/index.js'
import { TurnMonitor } from './turn-monitor.js'

interface Library {
  readonly Kvarium: typeof Kvarium
}

type Store = Kvarium<string, Uint8Array>

const USAGE = `npm run bench:stalls -- [options]
  --engine NAMES   of lsm, btree, memory (all)
  --value BYTES    the large value (100000000)
  --batch COUNT    puts of the long batch (200000)
  --seconds TIME   of random puts of 1 KB (20)`

interface Step {
  readonly name: string
  run(db: Store): Promise<unknown>
}

const { values } = parseArgs({
  options: {
    engine: { type: 'string', default: 'lsm,btree,memory' },
    value: { type: 'string', default: '100000000' },
    batch: { type: 'string', default: '200000' },
    seconds: { type: 'string', default: '20' },
    help: { type: 'boolean', default: false },
  },
})

const SMALL = new Uint8Array(100).fill(1)
const KIB = new Uint8Array(1000).fill(2)
const key = (i: number): string => `key:${String(i).padStart(10, '0')}`

function stepsOf(valueBytes: number, puts: number, seconds: number): Step[] {
  const large = new Uint8Array(valueBytes).fill(3)
  return [
    { name: 'put of the large value', run: db => db.put('large', large) },
    { name: 'its flush', run: db => db.flush() },
    { name: 'get of it', run: db => db.get('large') },
    {
      name: 'batch',
      run: db => db.batch(Array.from({ length: puts }, (_, i) => ({ type: 'put', key: key(i), value: SMALL }))),
    },
    { name: 'clear of half of that', run: db => db.clear({ gte: key(0), lt: key(puts / 2) }) },
    { name: 'random puts of 1 KB', run: db => randomPuts(db, seconds) },
  ]
}

async function randomPuts(db: Store, seconds: number): Promise<void> {
  let state = 1
  for (const end = performance.now() + seconds * 1000; performance.now() < end;) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    const start = performance.now()
    await db.put(key(state % 1_000_000), KIB)
    slowestPut = Math.max(slowestPut, performance.now() - start)
  }
}

let slowestPut = 0

async function measure(library: Library, engine: string): Promise<string[][]> {
  const directory = mkdtempSync(join(tmpdir(), 'kvarium-stalls-'))
  const db: Store = new library.Kvarium<string, Uint8Array>(join(directory, 'db'), { engine, valueEncoding: 'view' })
  const rows: string[][] = []
  try {
    await db.open()
    for (const step of stepsOf(Number(values.value), Number(values.batch), Number(values.seconds))) {
      slowestPut = 0
      const monitor = new TurnMonitor()
      const start = performance.now()
      const call = step.run(db)
      const calledMs = performance.now() - start
      await call
      const wholeMs = performance.now() - start
      const { longestMs, p999Ms } = await monitor.stop()
      const figures = [calledMs, wholeMs, p999Ms, longestMs, slowestPut].map(ms => ms.toFixed(1))
      rows.push([`${engine}: ${step.name}`, ...figures, (process.memoryUsage().rss / 1e6).toFixed(0)])
    }
  } finally {
    await db.close()
    rmSync(directory, { recursive: true, force: true })
  }
  return rows
}

if (values.help) {
  console.log(USAGE)
} else {
  const library = (await import(join(import.meta.dirname, '../../dist/index.js'))) as Library
  const rows: string[][] = []
  for (const engine of values.engine.split(',')) rows.push(...(await measure(library, engine)))
  const header = ['step', 'in the call, ms', 'in all, ms', 'turn p99.9, ms', 'longest turn, ms', 'slowest put, ms', 'memory, MB']
  console.log(table(header, rows))
}
