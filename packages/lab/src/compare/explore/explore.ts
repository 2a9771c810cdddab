/**
 * Measures the points of a map, one after the other, each in a store of its own.
 *
 * Invariants:
 * 1. Every point does the same operations, and its answers and entries are compared with an oracle, as in a comparison.
 * 2. The order of the points depends on the seed alone, so that a run that is cut short has measured the same ones as a longer run did first.
 */
import { rmSync } from 'node:fs'
import { joinPath, SeededRandom } from 'kvarium/vfs'
import type { Work } from '../../predict/prediction.js'
import type { EngineReport, MapGap } from '../../report/run-report.js'
import { compare, withSameStream } from '../compare.js'
import { engineReport } from '../comparison-run-report.js'
import type { Phase } from '../operation.js'
import type { EngineConfiguration, Progress } from '../results.js'
import { farFromFrontier, simulationOf, type AnySimulation } from './foresight.js'

export interface ExploreOptions {
  readonly points: readonly EngineConfiguration[]
  readonly phases: readonly Phase[]
  /** Run once before the first point of each engine. */
  readonly warmUp: readonly Phase[]
  /** The work for the formulas. */
  readonly work: Work
  readonly seed: number
  readonly rounds: number
  /** Each point gets a directory in it, which is removed unless `keep`. */
  readonly directory: string
  readonly keep?: boolean
  /** No point begins that would probably end later, in milliseconds from the call; at least one is measured. */
  readonly budgetMs: number
  /** Points of an earlier run of the same work. */
  readonly earlier?: readonly EngineReport[]
  readonly onProgress?: (progress: Progress) => void
  /** Called with the state after the predictions, and after each point. */
  readonly onState?: (state: Exploration) => void
}

export interface Exploration {
  /** In the order of their measurement. */
  readonly engines: readonly EngineReport[]
  /** Points that are not to come. */
  readonly leftOut: readonly MapGap[]
  /** Points that are to come. */
  readonly pending: readonly string[]
  readonly resumed: number
}

export async function explore(options: ExploreOptions): Promise<Exploration> {
  const { points, phases, warmUp, work, seed, rounds, directory, keep = false, budgetMs, earlier = [], onProgress, onState } = options
  const start = performance.now()
  const simulations = new Map<string, AnySimulation>()
  for (const point of points) {
    const simulation = simulationOf(point, work, seed)
    if (simulation !== undefined) simulations.set(point.name, simulation)
    await new Promise(resolve => setImmediate(resolve))
  }
  const far = farFromFrontier(points, simulations, work)
  const leftOut: MapGap[] = points.filter(({ name }) => far.has(name)).map(({ name }) => ({ name, why: 'prediction' }))
  const known = earlier.filter(engine => points.some(point => isSame(point, engine)))
  const engines: EngineReport[] = [...known]
  const pending = inOrder(
    points.filter(({ name }) => !far.has(name) && !known.some(engine => engine.name === name)),
    seed,
  )
  const state = (): Exploration => ({
    engines: [...engines],
    leftOut: [...leftOut],
    pending: pending.map(({ name }) => name),
    resumed: known.length,
  })
  onState?.(state())
  const total = pending.length
  const warm = new Set<unknown>()
  const measuredMs: { readonly engine: unknown; readonly ms: number }[] = []
  for (let point = pending[0]; point !== undefined; point = pending[0]) {
    const begun = performance.now()
    if (total > pending.length && begun + expectedMs(point, measuredMs) - start > budgetMs) break
    const index = total - pending.length
    const { engines: results } = await compare({
      engines: [point],
      phases,
      warmUp: warm.has(point.engine) ? [] : warmUp,
      rounds,
      directory,
      onProgress: progress => onProgress?.({ ...progress, engineIndex: index, engineCount: total }),
    })
    warm.add(point.engine)
    if (!keep) rmSync(joinPath(directory, point.name), { recursive: true, force: true })
    const { timeline: _timeline, ...report } = engineReport(withSameStream(results[0], engines[0]), work, simulations.get(point.name))
    engines.push(report)
    pending.shift()
    measuredMs.push({ engine: point.engine, ms: performance.now() - begun })
    onState?.(state())
  }
  leftOut.push(...pending.map(({ name }): MapGap => ({ name, why: 'budget' })))
  pending.length = 0
  return state()
}

/** The mean of the points of the same engine, or of all. */
function expectedMs({ engine }: EngineConfiguration, measured: readonly { readonly engine: unknown; readonly ms: number }[]): number {
  const own = measured.filter(one => one.engine === engine)
  const alike = own.length === 0 ? measured : own
  return alike.reduce((sum, { ms }) => sum + ms, 0) / alike.length
}

/** One of each family first, then another one of each, at random. */
function inOrder(points: readonly EngineConfiguration[], seed: number): EngineConfiguration[] {
  const random = new SeededRandom(seed)
  const families = new Map<string, { point: EngineConfiguration; at: number }[]>()
  for (const point of points) {
    const family = [point.engine, point.options?.['compaction']].join(' ')
    families.set(family, [...(families.get(family) ?? []), { point, at: random.uint32() }])
  }
  return [...families.values()]
    .flatMap(members => members.sort((a, b) => a.at - b.at).map(({ point }, rank) => ({ point, rank })))
    .sort((a, b) => a.rank - b.rank)
    .map(({ point }) => point)
}

/** Whether a point of an earlier run was the same store. */
function isSame({ name, engine, options = {} }: EngineConfiguration, report: EngineReport): boolean {
  if (name !== report.name || engine !== report.engine || report.verification.problemCount > 0) return false
  const [own, its] = [Object.entries(options), report.options]
  return own.length === Object.keys(its).length && own.every(([option, value]) => its[option] === value)
}
