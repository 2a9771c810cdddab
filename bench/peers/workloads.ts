/**
 * The workloads. Each runs alone in a fresh process on one store and returns numbers, which `main.ts` interprets.
 * Reads run on a store that was filled in random order, settled and compacted beforehand, after every key was read once.
 */
import { ENTRY_BYTES, LONG_VALUE_BYTES, VALUE_BYTES, sameData, type Data, type Dataset } from './data.js'
import { LatencyRecorder } from '../../packages/lab/src/compare/latency-recorder.js'
import { LagRecorder } from '../../packages/lab/src/compare/lag-recorder.js'
import { cpuMs, directoryBytes, memory, writtenBytes } from '../../packages/lab/src/compare/process-meter.js'
import { settle } from './settle.js'
import { SteadyReads } from './steady-reads.js'
import { ScrambledZipfian, Uniform } from '../../packages/lab/src/workloads/distributions.js'
import { SeededRandom } from '../../src/vfs/seeded-random.js'
import { Shuffle } from '../../packages/lab/src/workloads/shuffle.js'
import type { PutOperation, Store } from './stores.js'

export interface Context {
  readonly store: Store
  readonly data: Dataset
  readonly entries: number
  /** Duration of scans, which repeat until then, and of transactions. */
  readonly seconds: number
  /** Reads go on until this many calls, and until they are steady. */
  readonly leastReads: number
  /** Bytes of the store's cache. */
  readonly cacheBytes: number
  /** Milliseconds of the first opening in the process: loading the store's module, and opening. */
  readonly importMs: number
  readonly openMs: number
  /** Single puts, and durable puts. */
  readonly puts: number
  readonly syncPuts: number
  /** The store's files, if it has any. */
  readonly directory?: string
  /** False for the null store, whose answers are wrong. */
  readonly verify: boolean
}

export type Metrics = Record<string, number>

export interface Workload {
  /** Starts from a loaded store instead of an empty one. */
  readonly loaded: boolean
  /** Only for stores with transactions. */
  readonly transactions?: boolean
  readonly run: (context: Context) => Promise<Metrics>
  /** Bytes of the store's cache, where they are not those of the run. */
  readonly cacheBytes?: number
  /** What is to be seen of the files once the store is closed. */
  readonly afterClose?: (context: Context) => Metrics
}

const BATCH_ENTRIES = 1000
const LANES = 64
/** Keys of a `getMany`. */
const MANY_KEYS = 100
const CHUNK = 2000
/** Puts, and then transactions, in one turn of the workload `transaction`. */
const TURN_OPERATIONS = 1000
const SMALL_CACHE_BYTES = 64 * 2 ** 20
/** Entries with long values of `ycsb-c`, 250 MB, and of `get-sync-2gib`. */
const YCSB_ENTRIES = 250_000
const TWO_GIB_ENTRIES = 2_100_000
/** Their reads, and as many before to warm up. */
const LONG_READS = 500_000
const LOAD_SEED = 0x51ed2701
const READ_SEED = 0x1b873593
const OVERWRITE_SEED = 0x2c1b3c6d
const WINDOW_MS = 250
/** A row of reads that is not steady after this many times the seconds of a scan says so. */
const MOST_SECONDS = 20

export const WORKLOADS: Readonly<Record<string, Workload>> = {
  open: { loaded: true, run: async ({ importMs, openMs }) => ({ importMs, openMs }) },
  'open-killed': { loaded: true, run: async ({ openMs }) => ({ openMs }) },
  get: { loaded: true, run: context => timedReads(context, getChunk) },
  'get-64': { loaded: true, run: getLanes },
  'get-sync': { loaded: true, run: context => timedReads(context, getSyncChunk) },
  'get-sync-missing': { loaded: true, run: context => timedReads(context, getMissingChunk) },
  'get-sync-hot': { loaded: true, run: context => timedReads(context, getHotChunk) },
  'get-many': { loaded: true, run: context => timedReads(context, getManyChunk) },
  'for-await': { loaded: true, run: context => timedScans(context, scanForAwait) },
  nextv: { loaded: true, run: context => timedScans(context, store => scanNextv(store, false)) },
  'nextv-reverse': { loaded: true, run: context => timedScans(context, store => scanNextv(store, true)) },
  put: { loaded: false, run: context => putAll(context, context.puts, 1) },
  'put-lag': { loaded: false, run: context => putAll(context, context.entries, 1) },
  transaction: { loaded: false, transactions: true, run: putsAndTransactions },
  'put-64': { loaded: false, run: context => putAll(context, context.entries, LANES) },
  'fill-random': { loaded: false, run: context => fill(context, new Shuffle(context.entries, LOAD_SEED)) },
  'fill-ascending': { loaded: false, run: context => fill(context) },
  'fill-lag': { loaded: false, run: fillLag },
  overwrite: { loaded: false, run: overwrite, afterClose: spaceOfFiles },
  'put-sync': { loaded: false, run: context => putSync(context, LANES) },
  'put-sync-alone': { loaded: false, run: context => putSync(context, 1) },
  'get-sync-64': { loaded: true, cacheBytes: SMALL_CACHE_BYTES, run: context => timedReads(context, getSyncChunk) },
  'ycsb-c': { loaded: false, cacheBytes: SMALL_CACHE_BYTES, run: ycsbC },
  'get-sync-2gib': { loaded: false, cacheBytes: SMALL_CACHE_BYTES, run: getSyncOfTwoGib },
  big: { loaded: false, cacheBytes: SMALL_CACHE_BYTES, run: big },
}

/** Fills a store in random order and waits for its background work. */
export async function load(context: Context, compact: boolean): Promise<void> {
  const { store, data, entries } = context
  await writeAll(context, { order: new Shuffle(entries, LOAD_SEED) })
  await settle(store)
  if (compact && store.compactRange !== undefined) {
    await store.compactRange(data.key(0), data.key(entries - 1))
    await settle(store)
  }
}

/** Writes every entry and dies as by `kill -9`: what was acknowledged is the system's, and nothing was closed. */
export async function loadAndDie(context: Context): Promise<never> {
  await writeAll(context, { order: new Shuffle(context.entries, LOAD_SEED) })
  process.kill(process.pid, 'SIGKILL')
  return new Promise(() => undefined)
}

type Chunk = (context: Context, order: Shuffle, from: number, to: number) => Promise<void> | void

async function timedReads(context: Context, chunk: Chunk): Promise<Metrics> {
  const { entries, leastReads, seconds } = context
  const order = new Shuffle(entries, READ_SEED)
  if (context.verify) {
    getSyncChunk(context, order, 0, entries)
    for (let start = performance.now(); performance.now() - start < 500;) await chunk(context, order, 0, Math.min(CHUNK, entries))
  }
  const steady = new SteadyReads({ leastOperations: leastReads, mostMs: seconds * 1000 * (context.verify ? MOST_SECONDS : 1) })
  const lag = new LagRecorder()
  let at = 0
  while (!steady.isDone) {
    const cpu = cpuMs()
    const before = cacheCounts(context)
    const start = performance.now()
    let operations = 0
    let ms = 0
    while (ms < WINDOW_MS) {
      const from = at % entries
      const to = Math.min(from + CHUNK, entries)
      await chunk(context, order, from, to)
      at += to - from
      operations += to - from
      ms = performance.now() - start
    }
    const after = cacheCounts(context)
    steady.add({ operations, ms, cpuMs: cpuMs() - cpu, hits: after.hits - before.hits, misses: after.misses - before.misses })
  }
  const isResident = context.directory === undefined || directoryBytes(context.directory) <= context.cacheBytes
  return { ...steady.metrics, ...lag.stop(), resident: isResident ? 1 : 0 }
}

/** NaN where the store does not count. */
function cacheCounts({ store }: Context): { readonly hits: number; readonly misses: number } {
  return store.stats?.().cache ?? { hits: NaN, misses: NaN }
}

/** Awaited gets, many in flight, and how long each of them takes. */
async function getLanes(context: Context): Promise<Metrics> {
  const latencies = new LatencyRecorder()
  const metrics = await timedReads(context, async (_context, order, from, to) => {
    let next = from
    const lane = async (): Promise<void> => {
      while (next < to) {
        const index = next++
        const start = performance.now()
        await getChunk(context, order, index, index + 1)
        latencies.record(performance.now() - start)
      }
    }
    await Promise.all(Array.from({ length: LANES }, lane))
  })
  return { ...metrics, callP99Ms: latencies.summary().p99Us / 1000 }
}

async function getChunk({ store, data, verify }: Context, order: Shuffle, from: number, to: number): Promise<void> {
  for (let i = from; i < to; i++) {
    const number = order.at(i)
    const value = await store.get(data.key(number))
    if (value?.length !== VALUE_BYTES) throw new Error(`Entry ${number} is not what was written`)
    if (verify && i % 64 === 0 && !sameData(value, data.value(number))) throw new Error(`Entry ${number} is not what was written`)
  }
}

function getSyncChunk({ store, data, verify }: Context, order: Shuffle, from: number, to: number): void {
  for (let i = from; i < to; i++) {
    const number = order.at(i)
    const value = store.getSync(data.key(number))
    if (value?.length !== VALUE_BYTES) throw new Error(`Entry ${number} is not what was written`)
    if (verify && i % 64 === 0 && !sameData(value, data.value(number))) throw new Error(`Entry ${number} is not what was written`)
  }
}

function getMissingChunk({ store, data, verify }: Context, order: Shuffle, from: number, to: number): void {
  for (let i = from; i < to; i++) {
    const number = order.at(i)
    if (store.getSync(data.missingKey(number)) !== undefined && verify)
      throw new Error(`There is an entry after ${number} that was never written`)
  }
}

/** Every hundredth of the order is spread over the keys; the first hundredth of the keys is hot. */
function getHotChunk({ store, data, entries }: Context, order: Shuffle, from: number, to: number): void {
  const hot = Math.max(1, Math.floor(entries / 100))
  for (let i = from; i < to; i++) {
    const number = order.at(i) % hot
    if (store.getSync(data.key(number))?.length !== VALUE_BYTES) throw new Error(`Entry ${number} is not what was written`)
  }
}

async function getManyChunk({ store, data }: Context, order: Shuffle, from: number, to: number): Promise<void> {
  for (let i = from; i < to; i += MANY_KEYS) {
    const keys = Array.from({ length: Math.min(MANY_KEYS, to - i) }, (_, k) => data.key(order.at(i + k)))
    const values = await store.getMany(keys)
    for (const value of values) if (value?.length !== VALUE_BYTES) throw new Error('An entry is not what was written')
  }
}

async function timedScans(context: Context, scan: (store: Store) => Promise<number>): Promise<Metrics> {
  const { store, entries, seconds, verify } = context
  if (verify) await scan(store)
  const cpu = cpuMs()
  const start = performance.now()
  let operations = 0
  let elapsed = 0
  while (elapsed < seconds * 1000) {
    const seen = await scan(store)
    if (seen !== entries) throw new Error(`A full iteration saw ${seen} of ${entries} entries`)
    operations += seen
    elapsed = performance.now() - start
  }
  return { ...rate(operations, elapsed), ...cpuSince(cpu, operations) }
}

async function scanForAwait(store: Store): Promise<number> {
  let seen = 0
  for await (const [key, value] of store.iterator()) if (key.length + value.length === ENTRY_BYTES) seen++
  return seen
}

async function scanNextv(store: Store, reverse: boolean): Promise<number> {
  let seen = 0
  if (store.scan !== undefined) {
    store.scan(reverse, (key, value) => {
      if (key.length + value.length === ENTRY_BYTES) seen++
    })
    return seen
  }
  const iterator = store.iterator({ reverse })
  for (;;) {
    const entries = await iterator.nextv(BATCH_ENTRIES)
    if (entries.length === 0) break
    for (const [key, value] of entries) if (key.length + value.length === ENTRY_BYTES) seen++
  }
  await iterator.close()
  return seen
}

/** Awaited puts in random order, one at a time or many in flight. */
async function putAll({ store, data, entries }: Context, count: number, lanes: number): Promise<Metrics> {
  const order = new Shuffle(entries, LOAD_SEED)
  const lag = new LagRecorder()
  let worstMs = 0
  let next = 0
  const lane = async (): Promise<void> => {
    let last = performance.now()
    while (next < count) {
      const number = order.at(next++)
      await store.put(data.key(number), data.value(number))
      const now = performance.now()
      worstMs = Math.max(worstMs, now - last)
      last = now
    }
  }
  const cpu = cpuMs()
  const start = performance.now()
  await Promise.all(Array.from({ length: lanes }, lane))
  const elapsed = performance.now() - start
  const metrics = { ...rate(count, elapsed), ...cpuSince(cpu, count), ...lag.stop(), worstMs }
  return { ...metrics, ...settledRate(count, start, await settle(store)) }
}

async function putSync({ store, data, entries, syncPuts }: Context, lanes: number): Promise<Metrics> {
  const order = new Shuffle(entries, LOAD_SEED)
  const latencies = new LatencyRecorder()
  let next = 0
  const lane = async (): Promise<void> => {
    while (next < syncPuts) {
      const number = order.at(next++ % entries)
      const start = performance.now()
      await store.put(data.key(number), data.value(number), { sync: true })
      latencies.record(performance.now() - start)
    }
  }
  const cpu = cpuMs()
  const start = performance.now()
  await Promise.all(Array.from({ length: lanes }, lane))
  const elapsed = performance.now() - start
  const { p50Us, p99Us } = latencies.summary()
  return { ...rate(syncPuts, elapsed), ...cpuSince(cpu, syncPuts), p50Ms: p50Us / 1000, p99Ms: p99Us / 1000 }
}

/** Gives every entry another value, in random order, in batches, in a store that was loaded in another random order. */
async function overwrite(context: Context): Promise<Metrics> {
  const { entries } = context
  await load(context, false)
  const bytes = writtenBytes()
  const latencies = new LatencyRecorder()
  const cpu = cpuMs()
  const start = performance.now()
  await writeAll(context, { order: new Shuffle(entries, OVERWRITE_SEED), nextValues: true, written: ms => latencies.record(ms) })
  const elapsed = performance.now() - start
  const end = await settle(context.store)
  const { p99Us, maxUs } = latencies.summary()
  return {
    ...rate(entries, elapsed),
    ...settledRate(entries, start, end),
    ...cpuSince(cpu, entries),
    writeAmplification: (writtenBytes() - bytes) / (entries * ENTRY_BYTES),
    batchP99Ms: p99Us / 1000,
    worstMs: maxUs / 1000,
    peakMiB: memory().peakBytes / 2 ** 20,
  }
}

function spaceOfFiles({ directory, entries }: Context): Metrics {
  return { spaceAfterClose: directory === undefined ? NaN : directoryBytes(directory) / (entries * ENTRY_BYTES) }
}

async function fill(context: Context, order?: Shuffle): Promise<Metrics> {
  const { store, entries, directory } = context
  const wakeUp = directory === undefined ? 0 : await wakeUpBytes(context)
  const bytes = writtenBytes()
  const cpu = cpuMs()
  const start = performance.now()
  await writeAll(context, order === undefined ? {} : { order })
  const elapsed = performance.now() - start
  const atEnd = writtenBytes()
  const end = await settle(store)
  const userBytes = entries * ENTRY_BYTES
  const overhead = wakeUp * Math.ceil(entries / BATCH_ENTRIES)
  const metrics: Metrics = { ...rate(entries, elapsed), ...settledRate(entries, start, end), ...cpuSince(cpu, entries) }
  if (directory === undefined) return metrics
  const ledger = store.stats?.().amplification.write
  const parts = Object.entries(ledger?.parts ?? {}).map(([part, value]) => [`${part}WriteAmplification`, value] as const)
  return {
    ...metrics,
    ...Object.fromEntries(parts),
    writeAmplification: (writtenBytes() - bytes - overhead) / userBytes,
    writeAmplificationAtEnd: (atEnd - bytes - overhead) / userBytes,
    ledgerWriteAmplification: ledger?.total ?? NaN,
    spaceAmplification: directoryBytes(directory) / userBytes,
    peakMiB: memory().peakBytes / 2 ** 20,
    stallMs: store.stats?.().stalls.totalMs ?? NaN,
  }
}

/** A completed job of the thread pool wakes the event loop through a file descriptor, which counts as bytes written. */
async function wakeUpBytes({ store, data }: Context): Promise<number> {
  const calls = 1000
  const before = writtenBytes()
  for (let i = 0; i < calls; i++) await store.get(data.key(i))
  return (writtenBytes() - before) / calls
}

async function fillLag(context: Context): Promise<Metrics> {
  const lag = new LagRecorder()
  const start = performance.now()
  await writeAll(context, { order: new Shuffle(context.entries, LOAD_SEED) })
  const elapsed = performance.now() - start
  return { ...rate(context.entries, elapsed), ...lag.stop() }
}

/** Loads and reads back more than the cache holds, and watches the memory. */
async function big(context: Context): Promise<Metrics> {
  const { store, data, entries } = context
  const before = memory().residentBytes
  let anonymousBytes = 0
  const watch = (): void => void (anonymousBytes = Math.max(anonymousBytes, memory().anonymousBytes))
  const start = performance.now()
  let batches = 0
  const written = (): void => {
    if (batches++ % 100 === 0) watch()
  }
  await writeAll(context, { order: new Shuffle(entries, LOAD_SEED), written })
  const settled = settledRate(entries, start, await settle(store))
  const loadedPeakBytes = memory().peakBytes
  const scanStart = performance.now()
  let number = 0
  for await (const [key, value] of store.iterator()) {
    if (context.verify && !(sameData(key, data.key(number)) && sameData(value, data.value(number)))) {
      throw new Error(`Entry ${number} is not what was written`)
    }
    if (++number % 100_000 === 0) watch()
  }
  if (number !== entries) throw new Error(`A full iteration saw ${number} of ${entries} entries`)
  const scanned = performance.now() - scanStart
  const gets = Math.min(entries, 500_000)
  const getStart = performance.now()
  await getChunk(context, new Shuffle(entries, READ_SEED), 0, gets)
  const got = performance.now() - getStart
  const syncStart = performance.now()
  getSyncChunk(context, new Shuffle(entries, OVERWRITE_SEED), 0, gets)
  const gotSync = performance.now() - syncStart
  watch()
  return {
    ...settled,
    scansPerSecond: rate(entries, scanned).operationsPerSecond,
    getsPerSecond: rate(gets, got).operationsPerSecond,
    getSyncsPerSecond: rate(gets, gotSync).operationsPerSecond,
    startMiB: before / 2 ** 20,
    loadedPeakMiB: loadedPeakBytes / 2 ** 20,
    anonymousPeakMiB: anonymousBytes / 2 ** 20,
    peakMiB: memory().peakBytes / 2 ** 20,
  }
}

async function ycsbC(context: Context): Promise<Metrics> {
  const { store, data } = context
  await loadLong(context, YCSB_ENTRIES)
  const zipfian = new ScrambledZipfian(new SeededRandom(READ_SEED), YCSB_ENTRIES)
  return readLong(
    context,
    () => zipfian.next(),
    number => store.get(data.key(number)),
  )
}

async function getSyncOfTwoGib(context: Context): Promise<Metrics> {
  const { store, data } = context
  await loadLong(context, TWO_GIB_ENTRIES)
  const uniform = new Uniform(new SeededRandom(READ_SEED), TWO_GIB_ENTRIES)
  return readLong(
    context,
    () => uniform.next(),
    number => store.getSync(data.key(number)),
  )
}

/** Fills a store with long values in random order, and lets it settle. */
async function loadLong({ store, data, verify }: Context, entries: number): Promise<void> {
  if (!verify) return
  const order = new Shuffle(entries, LOAD_SEED)
  for (let from = 0; from < entries; from += BATCH_ENTRIES / 10) {
    const length = Math.min(BATCH_ENTRIES / 10, entries - from)
    const numbers = Array.from({ length }, (_, i) => order.at(from + i))
    await store.batch(numbers.map(number => ({ type: 'put', key: data.key(number), value: data.longValue(number) })))
  }
  await settle(store)
}

async function readLong(
  context: Context,
  next: () => number,
  read: (number: number) => Promise<Data | undefined> | Data | undefined,
): Promise<Metrics> {
  const { data, verify } = context
  const pass = async (numbers: Uint32Array): Promise<Metrics> => {
    const before = cacheCounts(context)
    const cpu = cpuMs()
    const start = performance.now()
    for (let i = 0; i < numbers.length; i++) {
      const found = read(numbers[i])
      const value = found instanceof Promise ? await found : found
      if (!verify) continue
      const isRight = value?.length === LONG_VALUE_BYTES && (i % 64 !== 0 || sameData(value, data.longValue(numbers[i])))
      if (!isRight) throw new Error(`Entry ${numbers[i]} is not what was written`)
    }
    const elapsed = performance.now() - start
    const after = cacheCounts(context)
    const hits = after.hits - before.hits
    const hitRate = hits / (hits + after.misses - before.misses)
    return { ...rate(numbers.length, elapsed), ...cpuSince(cpu, numbers.length), hitRate }
  }
  const numbers = (): Uint32Array => Uint32Array.from({ length: LONG_READS }, next)
  await pass(numbers())
  return pass(numbers())
}

interface WriteAllOptions {
  /** Ascending without one. */
  readonly order?: Shuffle
  /** Values of the keys' neighbours: a store may skip the write of a value that is there already. */
  readonly nextValues?: boolean
  /** Called with the milliseconds of each batch. */
  readonly written?: (ms: number) => void
}

/** Puts every entry in batches. */
async function writeAll({ store, data, entries }: Context, { order, nextValues = false, written }: WriteAllOptions): Promise<void> {
  for (let from = 0; from < entries; from += BATCH_ENTRIES) {
    const operations: PutOperation[] = []
    const to = Math.min(from + BATCH_ENTRIES, entries)
    for (let i = from; i < to; i++) {
      const number = order === undefined ? i : order.at(i)
      operations.push({ type: 'put', key: data.key(number), value: data.value(nextValues ? number + 1 : number) })
    }
    const start = performance.now()
    await store.batch(operations)
    written?.(performance.now() - start)
  }
}

function rate(operations: number, elapsedMs: number): { operationsPerSecond: number } {
  return { operationsPerSecond: (operations / elapsedMs) * 1000 }
}

/** Puts of new random keys take turns with transactions that read and put the same keys; all are awaited, one after another. */
async function putsAndTransactions({ store, data, entries, puts, seconds }: Context): Promise<Metrics> {
  const order = new Shuffle(entries, LOAD_SEED)
  const timed = async (from: number, write: (key: Data, value: Data) => Promise<void>): Promise<number> => {
    const start = performance.now()
    for (let i = from; i < from + TURN_OPERATIONS; i++) await write(data.key(order.at(i)), data.value(order.at(i)))
    return performance.now() - start
  }
  let done = 0
  let putMs = 0
  let transactionMs = 0
  for (const end = performance.now() + seconds * 1000; performance.now() < end && done + TURN_OPERATIONS <= puts; done += TURN_OPERATIONS) {
    putMs += await timed(done, (key, value) => store.put(key, value))
    transactionMs += await timed(done, (key, value) => store.readAndPut!(key, value))
  }
  return { ...rate(done, transactionMs), putsPerSecond: rate(done, putMs).operationsPerSecond, ofPuts: putMs / transactionMs }
}

/** CPU time of all threads per operation. */
function cpuSince(beforeMs: number, operations: number): { cpuPerOperationUs: number } {
  return { cpuPerOperationUs: ((cpuMs() - beforeMs) / operations) * 1000 }
}

function settledRate(operations: number, start: number, end: number): { settledPerSecond: number } {
  return { settledPerSecond: (operations / (end - start)) * 1000 }
}
