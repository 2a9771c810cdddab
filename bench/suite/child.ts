/** One round of a workload on an engine, in its own process: a task as JSON in, lines of JSON out, the last of which is the outcome. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { TraceListener, TraceOptions } from '../../src/trace/span.js'
import { openStore } from '../peers/stores.js'
import { findWorkload } from '../../packages/lab/src/workloads/catalogue.js'
import type { Size } from '../../packages/lab/src/workloads/workload.js'
import { isModulePath } from '../../packages/lab/src/compare/own-modules.js'
import { loadWorkload } from '../../packages/lab/src/workloads/own-workload.js'
import { distOf, isOwn, openOwnStore } from './own-store.js'
import { HarnessOutput } from './harness-output.js'
import { referenceOf, type Reference } from './reference.js'
import { runRound, type RoundOutcome } from './round.js'

export interface Task {
  /** Its name, or the path of its file. */
  readonly workload: string
  readonly size: Size
  /** Size of the warm-up. */
  readonly warmUpSize: Size
  /** Absent: only compute the reference. */
  readonly store?: StoreTask
}

export interface StoreTask {
  /** Its name in `STORES`, or one of `own-store.ts`. */
  readonly name: string
  readonly durable: boolean
  readonly isKvarium: boolean
  readonly root: string
  /** Kvarium's build. */
  readonly dist: string
  readonly directory: string
  readonly cacheBytes: number
  readonly options: Readonly<Record<string, unknown>>
  readonly showsProgress: boolean
}

export type Line =
  { readonly phase: string; readonly share: number } | { readonly outcome: RoundOutcome } | { readonly reference: Reference }

const PROGRESS_EVERY_MS = 250

async function run({ workload, size, warmUpSize, store }: Task, output: HarnessOutput): Promise<Line> {
  const { plan } = isModulePath(workload) ? await loadWorkload(workload) : findWorkload(workload)!
  if (store === undefined) return { reference: await referenceOf(plan(size)) }
  const { name, root, cacheBytes, options } = store
  const dist = distOf(name, store.dist)
  let lastMs = 0
  const outcome = await runRound({
    ...store,
    open: async (directory, listener) => {
      mkdirSync(directory)
      const set = listener === undefined ? options : { ...options, trace: await jobTrace(dist, listener) }
      if (isOwn(name)) return openOwnStore(name, { root, dist, directory, cacheBytes, options: set })
      return (await openStore(name, { root, dist, directory, encoding: 'view', cacheBytes, entries: size.entries, set })).store
    },
    warmUp: plan(warmUpSize),
    plan: plan(size),
    harnessBytes: () => output.bytes,
    onProgress: (phase, share) => {
      if (!store.showsProgress || performance.now() - lastMs < PROGRESS_EVERY_MS) return
      lastMs = performance.now()
      output.line({ phase, share } satisfies Line)
    },
  })
  return { outcome }
}

/** A trace of the same build as the store. */
async function jobTrace(dist: string, listener: TraceListener): Promise<unknown> {
  const { Trace } = (await import(pathToFileURL(join(dist, 'index.js')).href)) as { Trace: new (options: TraceOptions) => unknown }
  return new Trace({ level: 'job', listener })
}

const output = new HarnessOutput()
output.line(await run(JSON.parse(process.argv[2]) as Task, output))
