/**
 * The map of a report: where its points lie between read, update and memory, which of them no other one beats, and which of these fits the
 * workload. Everything follows from the report's own numbers.
 */
import { bytesAskedFor, bytesFromFiles } from '../../predict/predict-read-bytes.js'
import type { Prediction } from '../../predict/prediction.js'
import type { AmplificationWeights, Corner, EngineReport, MapReport, RunReport } from '../run-report.js'

/** Bytes moved or kept per byte of the user; less is better. */
export interface Place {
  readonly write: number
  /** Bytes read from files ÷ bytes that the reads asked for. */
  readonly read: number
  readonly space: number
}

export const AXES = ['write', 'read', 'space'] as const satisfies readonly (keyof Place)[]
export type AxisName = (typeof AXES)[number]

export interface DesignPoint {
  readonly engine: EngineReport
  /** What is drawn alike: `lsm tiered`, `btree`. */
  readonly family: string
  readonly measured: Place
  readonly predicted: Partial<Place>
  /** Each factor over the least of the map, raised to its weight, multiplied. */
  readonly product: number
  /** From 1, by write amplification, of a point on the frontier. */
  readonly number?: number
}

export interface DesignMap {
  readonly map: MapReport
  /** By write amplification. */
  readonly frontier: readonly DesignPoint[]
  /** Those that another point beats, by their product. */
  readonly others: readonly DesignPoint[]
  readonly suggested: DesignPoint
  readonly weights: AmplificationWeights
  readonly corner: Corner
  /** All families of the points, in alphabetical order. */
  readonly families: readonly string[]
}

/** Space weighs half as much as reads and writes together. */
const WEIGHT_OF_SPACE = 0.5
/** Amplifications below this count as this: a cache that holds everything reads nothing. */
const LEAST_AMPLIFICATION = 0.1

const CORNER_OF = { write: 'update', read: 'read', space: 'memory' } as const satisfies Record<AxisName, Corner>

/** `undefined` for a report that is no map, or has no point without problems. */
export function designMap(report: RunReport): DesignMap | undefined {
  const { map } = report
  if (map === undefined) return undefined
  const places = report.engines.flatMap(engine => {
    const measured = engine.verification.problemCount > 0 ? undefined : measuredPlace(engine, report)
    return measured === undefined ? [] : [{ engine, measured }]
  })
  if (places.length === 0) return undefined
  const weights = weightsOf(map)
  const least = leastOf(places.map(({ measured }) => measured))
  const points = places.map(({ engine, measured }): DesignPoint => ({
    engine,
    measured,
    family: familyOf(engine, map),
    predicted: predictedPlace(engine),
    product: weightedProduct(measured, least, weights),
  }))
  const best = new Set(frontierOf(points, point => point.measured))
  const frontier = points
    .filter(point => best.has(point))
    .sort((a, b) => a.measured.write - b.measured.write || a.product - b.product)
    .map((point, index): DesignPoint => ({ ...point, number: index + 1 }))
  const byWeight = [...AXES].sort((a, b) => weights[b] - weights[a])
  return {
    map,
    frontier,
    others: points.filter(point => !best.has(point)).sort((a, b) => a.product - b.product),
    suggested: frontier.reduce((a, b) => (b.product < a.product ? b : a)),
    weights,
    corner: CORNER_OF[byWeight[0]],
    families: [...new Set(points.map(point => point.family))].sort(),
  }
}

/** Amplifications are compared in steps: those of an LSM tree differ by a few percent between two runs of the same work. */
const STEP = 1.05

/** The items that no other one beats: none is at most as large on each axis and smaller on one, in steps of 5 %. */
export function frontierOf<T>(items: readonly T[], placeOf: (item: T) => Place): T[] {
  return items.filter(item => !items.some(other => dominates(placeOf(other), placeOf(item))))
}

export function dominates(a: Place, b: Place): boolean {
  return AXES.every(axis => stepOf(a[axis]) <= stepOf(b[axis])) && AXES.some(axis => stepOf(a[axis]) < stepOf(b[axis]))
}

function stepOf(value: number): number {
  return Math.round(Math.log(Math.max(value, LEAST_AMPLIFICATION)) / Math.log(STEP))
}

/** The shares of writes and reads of the work, and a half for space, each times what the user gave. */
export function weightsOf({ mix: { reads, writes }, weigh }: Pick<MapReport, 'mix' | 'weigh'>): AmplificationWeights {
  const all = reads + writes
  const share = all === 0 ? 0.5 : writes / all
  return { write: share * weigh.write, read: (1 - share) * weigh.read, space: WEIGHT_OF_SPACE * weigh.space }
}

/** 1 for a point that is the best on every axis that has a weight. */
export function weightedProduct(place: Place, least: Place, weights: AmplificationWeights): number {
  return AXES.reduce((product, axis) => product * factorOver(place[axis], least[axis]) ** weights[axis], 1)
}

export function factorOver(value: number, least: number): number {
  return Math.max(value, LEAST_AMPLIFICATION) / Math.max(least, LEAST_AMPLIFICATION)
}

export function leastOf(places: readonly Place[]): Place {
  const least = (axis: AxisName): number => places.reduce((sum, place) => Math.min(sum, place[axis]), Infinity)
  return { write: least('write'), read: least('read'), space: least('space') }
}

/** `undefined` for an engine that was not measured on all axes. Without reads the amplification of reads is 0. */
export function measuredPlace({ write, read, space }: EngineReport, { work }: Pick<RunReport, 'work'>): Place | undefined {
  if (write === undefined || read === undefined) return undefined
  const asked = bytesAskedFor(read, work)
  return {
    write: write.settled.amplification.median,
    read: asked === 0 ? 0 : bytesFromFiles(read) / asked,
    space: (space.mean ?? space.settled).median,
  }
}

/** The last row of each amplification for the whole engine: formulas come from the coarsest to the finest. */
function predictedPlace({ predictions }: EngineReport): Partial<Place> {
  const last = (metric: Prediction['metric']): number | undefined =>
    predictions.findLast(row => row.metric === metric && row.part === 'total' && row.level === undefined && row.unit === 'x')?.predicted
  const [write, read, space] = [last('write amplification'), last('read amplification'), last('space amplification')]
  return { ...(write !== undefined && { write }), ...(read !== undefined && { read }), ...(space !== undefined && { space }) }
}

/** The engine, and the value of the first option that varies and is a word: the policy. */
function familyOf({ engine, options }: EngineReport, { dimensions }: MapReport): string {
  const policy = dimensions.find(dimension => dimension.engine === engine && dimension.values.every(value => typeof value === 'string'))
  return [engine, policy && options[policy.option]].filter(word => word !== undefined).join(' ')
}

/** The report with the points of the frontier alone, for tables with a row or a column per engine; any other report as it is. */
export function frontierAlone(report: RunReport): RunReport {
  const design = designMap(report)
  return design === undefined ? report : { ...report, engines: design.frontier.map(point => point.engine) }
}
