/** A thread that reads random keys of a store, as often as it is asked to. */
import { pathToFileURL } from 'node:url'
import { parentPort, workerData } from 'node:worker_threads'
import type * as Library from '../../src/reader/index.js'
import { keyOf, RandomKeys } from './random-keys.js'

export interface ReaderTask {
  /** The built `kvarium/reader`. */
  readonly library: string
  readonly handle: Library.ReaderHandle
  readonly entries: number
  readonly cacheBytes: number
  /** The reads of a run. */
  readonly calls: number
  readonly seed: number
  /** The number of the run to begin: a wait on it costs no time. */
  readonly start: Int32Array
}

export interface RunResult {
  readonly ms: number
  readonly hits: number
  readonly misses: number
}

async function main({ library, handle, entries, cacheBytes, calls, seed, start }: ReaderTask): Promise<void> {
  const { openReader } = (await import(pathToFileURL(library).href)) as typeof Library
  const reader = await openReader(handle, { cacheSize: cacheBytes })
  for (let i = 0; i < entries; i++) reader.getSync(keyOf(i))
  const random = new RandomKeys(entries, seed)
  parentPort?.postMessage('ready')
  for (let run = 0; ; run++) {
    Atomics.wait(start, 0, run)
    if (Atomics.load(start, 0) < 0) break
    const before = reader.stats().cache
    const began = performance.now()
    for (let call = 0; call < calls; call++) if (reader.getSync(random.next()) === undefined) throw new Error('a key is missing')
    const ms = performance.now() - began
    const after = reader.stats().cache
    const result: RunResult = { ms, hits: after!.hits - before!.hits, misses: after!.misses - before!.misses }
    parentPort?.postMessage(result)
  }
  await reader.close()
}

await main(workerData as ReaderTask)
