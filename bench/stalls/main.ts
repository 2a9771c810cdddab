/** The longest turns of the event loop, and the slowest calls: what a store holds up, engine by engine. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { table } from '../table.js'
import type { builtInEngines, Kvarium } from '../../src/index.js'
import { TurnMonitor } from './turn-monitor.js'

interface Library {
  readonly Kvarium: typeof Kvarium
  readonly builtInEngines: typeof builtInEngines
}

type Value = string | Uint8Array
type Store = Kvarium<string, Value>

const USAGE = `npm run bench:stalls -- [options]
  --engine NAMES   of lsm, btree, memory (all)
  --steps NAMES    of put, flush, get, batch, clear, puts (all), in this order
  --value BYTES    the large value (100000000)
  --batch COUNT    puts of the long batch (200000)
  --seconds TIME   of random puts of 1 KB (20)
  --strings        values are strings, not bytes

The memory is the most that the process had: give one engine and few steps to a run.`

interface Step {
  readonly id: string
  readonly name: string
  /** Makes what the call takes, which is not measured, and returns the call. */
  prepare(): (db: Store) => Promise<unknown>
}

const { values } = parseArgs({
  options: {
    engine: { type: 'string', default: 'lsm,btree,memory' },
    steps: { type: 'string', default: 'put,flush,get,batch,clear,puts' },
    value: { type: 'string', default: '100000000' },
    batch: { type: 'string', default: '200000' },
    seconds: { type: 'string', default: '20' },
    strings: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})

const valueOf = (bytes: number): Value => (values.strings ? 'v'.repeat(bytes) : new Uint8Array(bytes).fill(3))
const key = (i: number): string => `key:${String(i).padStart(10, '0')}`

function stepsOf(valueBytes: number, puts: number, seconds: number): Step[] {
  const steps: Step[] = [
    {
      id: 'put',
      name: 'put of the large value',
      prepare: () => {
        const value = valueOf(valueBytes)
        return db => db.put('large', value)
      },
    },
    { id: 'flush', name: 'its flush', prepare: () => db => db.flush() },
    { id: 'get', name: 'get of it', prepare: () => db => db.get('large') },
    {
      id: 'batch',
      name: 'batch',
      prepare: () => {
        const value = valueOf(100)
        const operations = Array.from({ length: puts }, (_, i) => ({ type: 'put' as const, key: key(i), value }))
        return db => db.batch(operations)
      },
    },
    { id: 'clear', name: 'clear of half of that', prepare: () => db => db.clear({ gte: key(0), lt: key(puts / 2) }) },
    { id: 'puts', name: 'random puts of 1 KB', prepare: () => db => randomPuts(db, seconds) },
  ]
  const wanted = values.steps.split(',')
  return steps.filter(step => wanted.includes(step.id))
}

async function randomPuts(db: Store, seconds: number): Promise<void> {
  const kib = valueOf(1000)
  let state = 1
  for (const end = performance.now() + seconds * 1000; performance.now() < end;) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    const start = performance.now()
    await db.put(key(state % 1_000_000), kib)
    slowestPut = Math.max(slowestPut, performance.now() - start)
  }
}

let slowestPut = 0

async function measure(library: Library, engine: string): Promise<string[][]> {
  const directory = mkdtempSync(join(tmpdir(), 'kvarium-stalls-'))
  const db: Store = new library.Kvarium<string, Value>(join(directory, 'db'), {
    engine: library.builtInEngines.resolve(engine),
    valueEncoding: values.strings ? 'utf8' : 'view',
  })
  const rows: string[][] = []
  try {
    await db.open()
    for (const step of stepsOf(Number(values.value), Number(values.batch), Number(values.seconds))) {
      slowestPut = 0
      const run = step.prepare()
      const monitor = new TurnMonitor()
      const start = performance.now()
      const call = run(db)
      const calledMs = performance.now() - start
      await call
      const wholeMs = performance.now() - start
      const { longestMs, p999Ms } = await monitor.stop()
      const figures = [calledMs, wholeMs, p999Ms, longestMs, slowestPut].map(ms => ms.toFixed(1))
      rows.push([`${engine}: ${step.name}`, ...figures, (process.resourceUsage().maxRSS / 1000).toFixed(0)])
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
  const header = ['step', 'in the call, ms', 'in all, ms', 'turn p99.9, ms', 'longest turn, ms', 'slowest put, ms', 'most memory, MB']
  console.log(table(header, rows))
}
