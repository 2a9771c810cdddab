/** One workload on one store, in its own process: a task as JSON in, a line of JSON out. */
import { Dataset, type Encoding } from './data.js'
import { cpuMs } from '../../packages/lab/src/compare/process-meter.js'
import { STORES, openStore } from './stores.js'
import { WORKLOADS, load, loadAndDie, type Context, type Metrics } from './workloads.js'

export interface Task {
  readonly store: string
  /** A workload, `load` to fill a directory for those that need data, or `load-and-die`. */
  readonly work: string
  readonly root: string
  /** Kvarium's build. */
  readonly dist: string
  readonly directory: string
  /** Whether a `load` filled the directory before. */
  readonly filled: boolean
  readonly compact: boolean
  readonly encoding: Encoding
  readonly cacheBytes: number
  readonly entries: number
  readonly seconds: number
  readonly leastReads: number
  readonly puts: number
  readonly syncPuts: number
  readonly set: Readonly<Record<string, unknown>>
}

export interface Outcome {
  readonly metrics: Metrics
  /** CPU time of the whole process, milliseconds. */
  readonly cpuMs: number
}

async function run(task: Task): Promise<Metrics> {
  const spec = STORES[task.store]
  const { store, importMs, openMs } = await openStore(task.store, task)
  const context: Context = {
    store,
    data: new Dataset(task.encoding),
    entries: task.entries,
    seconds: task.seconds,
    leastReads: task.leastReads,
    cacheBytes: task.cacheBytes,
    importMs,
    openMs,
    puts: task.puts,
    syncPuts: task.syncPuts,
    verify: task.store !== 'null',
    ...(spec?.durable && { directory: task.directory }),
  }
  let metrics: Metrics = {}
  const workload = WORKLOADS[task.work]
  if (task.work === 'load-and-die') await loadAndDie(context)
  if (task.work === 'load') {
    await load(context, task.compact)
  } else {
    if (workload === undefined) throw new TypeError(`No workload is called '${task.work}'`)
    if (workload.loaded && !task.filled && context.verify) await load(context, task.compact)
    metrics = await workload.run(context)
  }
  await store.close()
  return { ...metrics, ...workload?.afterClose?.(context) }
}

const metrics = await run(JSON.parse(process.argv[2]) as Task)
const outcome: Outcome = { metrics, cpuMs: cpuMs() }
process.stdout.write(JSON.stringify(outcome) + '\n')
