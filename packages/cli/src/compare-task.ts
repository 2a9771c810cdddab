/** What `kvarium compare` runs: the phases of a dataset or of a workload, and how they are described. */
import { datasetPhases, isModulePath, MIX, mixPhases } from 'kvarium-lab/compare'
import type { Phase } from 'kvarium-lab/compare'
import type { Work } from 'kvarium-lab/predict'
import { count, share, type AmplificationWeights, type WorkReport } from 'kvarium-lab/report'
import { findWorkload, loadWorkload, workloadPhases, WORKLOADS, type Workload } from 'kvarium-lab/workloads'
import { nearestName } from 'kvarium/engine'
import { loadDataset, reviseValue, type Dataset } from './datasets/dataset.js'
import { datasetSubject, workloadSubject, type Subject } from './report/introduction.js'
import { UsageError } from './usage-error.js'

export interface CompareFlags {
  readonly engine?: string
  readonly dataset?: string
  readonly workload?: string
  readonly key?: string
  readonly limit?: number
  readonly seed: number
  readonly overwriteShare: number
  readonly deleteShare: number
  readonly reads: number
  readonly batch: number
  readonly shuffle: boolean
  readonly rounds?: number
  readonly set?: readonly string[]
  readonly fullSize?: true
  readonly dir?: string
  readonly keep?: true
  readonly json?: true
  readonly explore?: true
  readonly grid?: string
  readonly vary?: readonly string[]
  readonly weigh?: AmplificationWeights
  readonly memory?: number
  readonly budget: number
  readonly resume?: string
  /** False by `--no-report`. */
  readonly report?: string | false
}

/** A part of the cities, so that three rounds take less than a minute. */
export const DEFAULT_CITIES = 50_000

/** A workload has as many entries, unless `--limit` says how many. */
export const WORKLOAD_ENTRIES = 20_000

/** A map has as many entries in `FULL_BUDGET` seconds, and in proportion fewer in a smaller budget, down to a least number. */
const MAP_ENTRIES = 20_000
const LEAST_MAP_ENTRIES = 5000
const FULL_BUDGET = 150

/** Enough for the compiler to optimise the code. */
const WARM_UP_ENTRIES = 5000

/** What is run, and how it is described. */
export interface Task {
  readonly title: string
  readonly subject: Subject
  /** The bytes of all keys and values. */
  readonly bytes: number
  readonly phases: readonly Phase[]
  readonly warmUp: readonly Phase[]
  readonly work: Omit<WorkReport, 'phases' | 'digest'>
  readonly predictedWork?: Work
  /** How a workload's reads draw their keys. */
  readonly reads?: NonNullable<Work['reads']>
  /** Pieces that stay on a line. */
  readonly settings: readonly string[]
  /** For `--json`. */
  readonly about: object
}

export async function datasetTask(flags: CompareFlags): Promise<Task> {
  const { seed, overwriteShare, deleteShare, reads, batch, shuffle } = flags
  const { limit = flags.dataset === undefined ? DEFAULT_CITIES : Infinity } = flags
  const dataset = await loadDataset({ file: flags.dataset, keyFields: flags.key?.split(','), limit })
  const { entries, title, keys, bytes, keyBytes, valueBytes } = dataset
  const settings = { seed, overwriteShare, deleteShare, reads, batchSize: batch, shuffle }
  const work = { ...settings, revise: reviseValue }
  return {
    title,
    subject: datasetSubject(dataset),
    bytes,
    phases: datasetPhases(entries, work),
    warmUp: datasetPhases(entries.slice(0, WARM_UP_ENTRIES), work),
    work: {
      name: 'dataset',
      about: `${title}: load, overwrite, delete, read and scan, every answer checked`,
      seed,
      parameters: { keys, overwriteShare, deleteShare, reads, batch, shuffle },
      entries: entries.length,
      keyBytes,
      valueBytes,
    },
    predictedWork: predictedWork(dataset, flags),
    settings: settingsOf(flags),
    about: { dataset: aboutDataset(dataset), work: settings },
  }
}

export async function workloadTask(name: string, flags: CompareFlags): Promise<Task> {
  if (flags.dataset !== undefined) throw new UsageError('--workload brings its own entries: it does not go with --dataset')
  const { seed, reads, batch, limit = WORKLOAD_ENTRIES } = flags
  const workload = isModulePath(name) ? await loadWorkload(name) : namedWorkload(name)
  const size = { entries: limit, operations: reads, keyBytes: 16, valueBytes: 100, seed, batch, readsSync: false }
  const small = { ...size, entries: Math.min(limit, WARM_UP_ENTRIES), operations: Math.min(reads, WARM_UP_ENTRIES) }
  const plan = workload.plan(size)
  const { entries, keyBytes, valueBytes } = plan
  const about = `${workload.about.replace(/\.$/, '')}. Defined by: ${workload.source}`
  return {
    title: workload.name,
    subject: workloadSubject(workload, plan),
    bytes: entries * (keyBytes + valueBytes),
    phases: workloadPhases(plan),
    warmUp: workloadPhases(workload.plan(small)),
    work: { name: workload.name, about, seed, parameters: { n: limit, ops: reads, batch }, entries, keyBytes, valueBytes },
    settings: [`${count(limit)} entries,`, `${count(reads)} calls of runs that read or mix,`, `verify; seed ${seed}`],
    about: { workload: { name: workload.name, about: workload.about, entries }, work: { seed, operations: reads, batch } },
    ...(plan.predictedWork?.reads !== undefined && { reads: plan.predictedWork.reads }),
  }
}

/** What a map runs: the workload as it is, or a load and a mix of a dataset. */
export async function mapTask(flags: CompareFlags): Promise<Task> {
  // A small budget is for less data, so that it still has room for many points.
  const entries = Math.max(LEAST_MAP_ENTRIES, Math.min(MAP_ENTRIES, Math.round((MAP_ENTRIES * flags.budget) / FULL_BUDGET / 1000) * 1000))
  const { workload, seed, batch } = flags
  const limit = flags.limit ?? (flags.dataset === undefined || workload !== undefined ? entries : Infinity)
  if (workload !== undefined) return workloadTask(workload, { ...flags, limit })
  const dataset = await loadDataset({ file: flags.dataset, keyFields: flags.key?.split(','), limit })
  const { entries: all, title, keys, bytes, keyBytes, valueBytes } = dataset
  const operations = 2 * all.length
  const mix = { seed, operations, batchSize: batch, revise: reviseValue }
  return {
    title,
    subject: datasetSubject(dataset),
    bytes,
    phases: mixPhases(all, mix),
    warmUp: mixPhases(all.slice(0, WARM_UP_ENTRIES), { ...mix, operations: WARM_UP_ENTRIES }),
    work: {
      name: 'mix',
      about: `${title}: a load, then ${MIX}, every answer checked`,
      seed,
      parameters: { keys, calls: operations, batch },
      entries: all.length,
      keyBytes,
      valueBytes,
    },
    settings: [
      `load in batches of ${count(batch)},`,
      `${count(operations)} calls:`,
      ...MIX.split(/(?<=,) /).map((part, index, parts) => (index === parts.length - 1 ? `${part};` : part)),
      `seed ${seed}`,
    ],
    about: { dataset: aboutDataset(dataset), work: { seed, operations, batchSize: batch } },
  }
}

/** For `--json`. */
function aboutDataset({ title, keys, entries, duplicates, bytes }: Dataset): object {
  return { title, keys, entries: entries.length, duplicates, bytes }
}

function namedWorkload(name: string): Workload {
  const found = findWorkload(name)
  if (found !== undefined) return found
  const names = WORKLOADS.map(workload => workload.name)
  const nearest = nearestName(name, names)
  const hint = nearest === undefined ? '' : ` Did you mean ${nearest}?`
  throw new UsageError(`There is no workload "${name}".${hint} Known: ${names.join(', ')}; or give a file, such as ./my-workload.ts`)
}

/** The work for the formulas, which cover puts only: a delete counts as one. */
function predictedWork({ entries, keyBytes, valueBytes }: Dataset, { overwriteShare, deleteShare, batch, shuffle }: CompareFlags): Work {
  const keys = entries.length
  const single = Math.round(keys * overwriteShare) + Math.round(keys * deleteShare)
  const puts = keys + single
  const distribution = shuffle || single > 0 ? 'uniform' : 'ascending'
  const batchPuts = puts / (Math.ceil(keys / batch) + single)
  return { puts, keys, keyBytes, valueBytes, distribution, batchPuts, reads: { distribution: 'uniform' } }
}

function settingsOf({ seed, overwriteShare, deleteShare, reads, batch, shuffle }: CompareFlags): string[] {
  return [
    `load in batches of ${count(batch)}${shuffle ? ', shuffled' : ''},`,
    `overwrite ${share(overwriteShare)},`,
    `delete ${share(deleteShare)},`,
    `up to ${count(reads)} gets of each kind,`,
    'scans, reopen,',
    `verify; seed ${seed}`,
  ]
}
