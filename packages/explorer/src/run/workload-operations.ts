/** The workloads of db_bench and YCSB as operations of a run, small enough to be stepped through. */
import { findWorkload, type Size, type WorkloadOperation, type WorkloadPhase } from 'kvarium-lab/workloads'
import { ExplorerError } from './explorer-error.js'
import type { Operation } from './operation.js'

const KEY_BYTES = 16
const FIELDS_OF_YCSB = 10
/** The loads write batches of 1000, in which nothing could be seen. */
const MOST_IN_BATCH = 50
/** Simulated time for all background work to end. */
const SETTLE_MS = 1000

export interface WorkloadSize {
  readonly name: string
  /** Calls of the run. */
  readonly count: number
  readonly entries: number
  readonly seed: number
  readonly valueBytes: number
}

/** @throws Error when no workload has this name. */
export function workloadOperations({ name, count, entries, seed, valueBytes }: WorkloadSize): Iterable<Operation> {
  const workload = findWorkload(name)
  if (workload === undefined)
    throw new ExplorerError(
      'KVARIUM_NOTHING_THERE',
      `There is no workload "${name}": those of db_bench and YCSB are listed as words of a line`,
    )
  const fields = name.startsWith('ycsb-') ? FIELDS_OF_YCSB : 1
  const size: Size = {
    entries,
    operations: count,
    keyBytes: KEY_BYTES,
    valueBytes: Math.max(1, Math.round(valueBytes / fields)),
    seed,
    batch: 1,
    readsSync: false,
  }
  return operationsOf(workload.plan(size).phases, name, count)
}

/** Those of all phases, at most `most` of the phase with this name. */
function* operationsOf(phases: readonly WorkloadPhase[], name: string, most: number): Iterable<Operation> {
  for (const { name: phase, lanes } of phases) {
    let left = phase === name ? most : Infinity
    for (const operation of alternating(lanes.map(lane => lane()[Symbol.iterator]()))) {
      if (left-- === 0) break
      yield operation
    }
  }
}

/** One operation of every stream in turn: the streams run at once, and a lane performs one operation at a time. */
function* alternating(streams: readonly Iterator<WorkloadOperation>[]): Iterable<Operation> {
  for (let open = streams; open.length > 0;) {
    const still: Iterator<WorkloadOperation>[] = []
    for (const stream of open) {
      const next = stream.next()
      if (next.done === true) continue
      yield* translated(next.value)
      still.push(stream)
    }
    open = still
  }
}

function* translated(operation: WorkloadOperation): Iterable<Operation> {
  switch (operation.type) {
    case 'put':
      yield { ...write(operation), ...(operation.sync === true && { sync: true }) }
      return
    case 'del':
      yield { ...write(operation), ...(operation.sync === true && { sync: true }) }
      return
    case 'batch':
      for (let from = 0; from < operation.operations.length; from += MOST_IN_BATCH) {
        const operations = operation.operations.slice(from, from + MOST_IN_BATCH).map(write)
        yield { type: 'batch', operations, ...(operation.sync === true && { sync: true }) }
      }
      return
    case 'get':
    case 'get-sync':
      yield { type: 'get', key: text(operation.key) }
      return
    case 'read-modify-write':
      yield { type: 'get', key: text(operation.key) }
      yield write({ type: 'put', key: operation.key, value: operation.value })
      return
    case 'scan': {
      const { limit, reverse } = operation
      yield { type: 'range', ...bounds(operation), ...(limit !== undefined && { limit }), ...(reverse === true && { reverse }) }
      return
    }
    case 'clear':
      yield { type: 'clear', ...bounds(operation) }
      return
    case 'settle':
      yield { type: 'wait', ms: SETTLE_MS }
      return
    default:
      yield { type: operation.type }
  }
}

type Write =
  { readonly type: 'put'; readonly key: Uint8Array; readonly value: Uint8Array } | { readonly type: 'del'; readonly key: Uint8Array }

function write(operation: Write): Operation & { readonly type: 'put' | 'del' } {
  const key = text(operation.key)
  return operation.type === 'put' ? { type: 'put', key, value: text(operation.value) } : { type: 'del', key }
}

function bounds({ gte, lt }: { readonly gte?: Uint8Array; readonly lt?: Uint8Array }): { from?: string; to?: string } {
  return { ...(gte !== undefined && { from: text(gte) }), ...(lt !== undefined && { to: text(lt) }) }
}

/** The keys and values of these workloads are ASCII. */
function text(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes)
}
