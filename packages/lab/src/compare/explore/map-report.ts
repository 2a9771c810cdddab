/** A map as the report of a run. */
import { designMap } from '../../report/map/design-map.js'
import type { MapReport, RunReport } from '../../report/run-report.js'
import { withVerdict } from '../../report/verdict-report.js'
import { reportHead, type ComparisonAbout } from '../comparison-run-report.js'
import type { Exploration } from './explore.js'

export interface MapAbout extends Omit<ComparisonAbout, 'predictedWork'> {
  readonly rounds: number
  readonly map: Pick<MapReport, 'mix' | 'weigh' | 'memoryBytes' | 'dimensions'>
}

/** The report of what is measured; points that are still to come were interrupted. `undefined` before the first point. */
export function mapReport({ engines, leftOut, pending, resumed }: Exploration, { rounds, map, ...about }: MapAbout): RunReport | undefined {
  if (engines.length === 0) return undefined
  const gaps = [...leftOut, ...pending.map(name => ({ name, why: 'interrupted' }) as const)]
  const report: RunReport = { ...reportHead(about), rounds, engines, map: { ...map, leftOut: gaps, resumed } }
  // What opens only a few engines, as the explorer does, should open the best.
  const design = designMap(report)
  const best = design === undefined ? [] : [...new Set([design.suggested, ...design.frontier].map(point => point.engine))]
  return withVerdict({ ...report, engines: [...best, ...engines.filter(engine => !best.includes(engine))] })
}
