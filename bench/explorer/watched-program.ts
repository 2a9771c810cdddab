/**
 * A program whose store may be watched: puts and gets, with what they take. Its first argument is the kind of trace: `none`, one that only `counts`,
 * or `explorerTrace`; the second is the engine, the third the directory, the fourth the address of an explorer. It writes what it has measured
 * as JSON.
 */
import { performance } from 'node:perf_hooks'
import { explorerTrace } from '../../src/explore/index.js'
import { Kvarium } from '../../src/index.js'
import { Trace } from '../../src/trace/index.js'
import { median } from '../table.js'

export interface Watched {
  /** Microseconds of each call, and of CPU in all of the process by call. */
  readonly put: number
  readonly get: number
  readonly cpu: number
  /** Events by call, where they were counted. */
  readonly events: number
}

const [kind, engine, directory, address] = process.argv.slice(2)
const WARM = 4000
const CALLS = 10_000
/** Calls between two turns of the event loop. */
const CALLS_PER_TURN = 50

let events = 0
const traces: Readonly<Record<string, () => Trace | undefined>> = {
  none: () => undefined,
  counts: () => new Trace({ listener: () => void events++ }),
  explorerTrace: () => explorerTrace(address === undefined ? {} : { address, name: 'watched' }),
}
const trace = traces[kind]()
const store = new Kvarium<string, string>(directory, { engine: engine as 'lsm', ...(trace !== undefined && { trace }) })
const value = 'v'.repeat(100)
const keyOf = (call: number): string => `user${String((call * 7919) % CALLS).padStart(12, '0')}`

async function timed(calls: number, act: (key: string) => Promise<unknown>): Promise<number[]> {
  const times: number[] = []
  for (let call = 0; call < calls; call++) {
    const began = performance.now()
    await act(keyOf(call))
    times.push((performance.now() - began) * 1000)
    if (call % CALLS_PER_TURN === 0) await new Promise(resolve => setImmediate(resolve))
  }
  return times
}

await timed(WARM, key => store.put(key, value))
await timed(WARM, key => store.get(key))
// A connection to an explorer takes a moment.
await new Promise(resolve => setTimeout(resolve, 300))
events = 0
const before = process.cpuUsage()
const put = median(await timed(CALLS, key => store.put(key, value)))
const get = median(await timed(CALLS, key => store.get(key)))
const { user, system } = process.cpuUsage(before)
const measured: Watched = { put, get, cpu: (user + system) / (2 * CALLS), events: events / (2 * CALLS) }
process.stdout.write(JSON.stringify(measured))
await store.close()
