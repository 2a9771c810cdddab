/** Which points of a grid need not be measured, as a simulation says before the first one runs. */
import { builtInEngines } from 'kvarium'
import { resolveOptions } from 'kvarium/engine'
import type { LsmOptions } from 'kvarium/lsm'
import { bestProbes, filterFalsePositives } from '../../predict/bloom.js'
import type { Work } from '../../predict/prediction.js'
import { simulatorOf } from '../../predict/predictors.js'
import type { HashSimulation } from '../../predict/simulate-hash.js'
import type { Simulation } from '../../predict/simulator.js'
import { AXES, type Place } from '../../report/map/design-map.js'
import { FAR_FACTOR } from '../../report/map/map-text.js'
import type { EngineConfiguration } from '../results.js'

/** A filter makes tables larger by less than that. */
const NO_WORSE = 1.02

export type AnySimulation = Simulation | HashSimulation

/** The work under the options of a point, without files; `undefined` for an engine that is not simulated. */
export function simulationOf({ engine, options = {} }: EngineConfiguration, work: Work, seed: number): AnySimulation | undefined {
  const { name, options: table } = builtInEngines.resolve(engine)
  return simulatorOf(name)?.(resolveOptions(table, options), work, seed)
}

/** Names of the points that another one is simulated to beat by `FAR_FACTOR` on one axis, and to be no worse than on any. Only LSM trees are simulated with their runs, which say what reads cost; points of other engines stay. */
export function farFromFrontier(
  points: readonly EngineConfiguration[],
  simulations: ReadonlyMap<string, AnySimulation>,
  work: Work,
): ReadonlySet<string> {
  const places = points.flatMap(({ name, options = {} }): { name: string; place: Place }[] => {
    const simulation = simulations.get(name)
    return simulation === undefined || !('levels' in simulation) ? [] : [{ name, place: foreseenPlace(simulation, options, work) }]
  })
  const isFar = (place: Place): boolean =>
    places.some(
      other =>
        AXES.every(axis => other.place[axis] <= place[axis] * NO_WORSE) &&
        AXES.some(axis => place[axis] > 0 && other.place[axis] * FAR_FACTOR <= place[axis]),
    )
  return new Set(places.filter(({ place }) => isFar(place)).map(({ name }) => name))
}

/** The read axis counts blocks of gets of existing and of absent keys, half of each, beyond the share of the tables that the cache holds. */
function foreseenPlace(
  { writeAmplification, spaceAmplification, runs, levels }: Simulation,
  options: Readonly<Record<string, unknown>>,
  work: Work,
): Place {
  const { filterBitsPerKey, cacheSize } = resolveOptions(builtInEngines.resolve('lsm').options, options) as unknown as LsmOptions
  const p = filterBitsPerKey === 0 ? 1 : filterFalsePositives(filterBitsPerKey, bestProbes(filterBitsPerKey))
  const bytes = levels.reduce((sum, level) => sum + level.bytes, 0)
  const fromFiles = bytes === 0 || work.reads === undefined ? 1 : Math.max(0, 1 - cacheSize / bytes)
  return { write: writeAmplification, space: spaceAmplification, read: ((1 + ((runs - 1) / 2) * p + runs * p) / 2) * fromFiles }
}
