/** Which points of a grid need not be measured, as a simulation says before the first one runs. */
import { builtInEngines } from 'kvarium'
import { resolveOptions } from 'kvarium/engine'
import type { Work } from '../../predict/prediction.js'
import { foresightOf, simulatorOf } from '../../predict/predictors.js'
import type { HashSimulation } from '../../predict/simulate-hash.js'
import type { Simulation } from '../../predict/simulator.js'
import { AXES, dominates, type Place } from '../../report/map/design-map.js'
import { FAR_FACTOR } from '../../report/map/map-text.js'
import type { EngineConfiguration } from '../results.js'

export type AnySimulation = Simulation | HashSimulation

/** The work under the options of a point, without files; `undefined` for an engine that is not simulated. */
export function simulationOf({ engine, options = {} }: EngineConfiguration, work: Work, seed: number): AnySimulation | undefined {
  const { name, options: table } = builtInEngines.resolve(engine)
  return simulatorOf(name)?.(resolveOptions(table, options), work, seed)
}

/** Names of the points that another one is simulated to beat by `FAR_FACTOR` on one axis, and to dominate: so none is on the frontier of the simulations. Points of an engine whose simulation does not say what reads cost stay. */
export function farFromFrontier(
  points: readonly EngineConfiguration[],
  simulations: ReadonlyMap<string, AnySimulation>,
  work: Work,
): ReadonlySet<string> {
  const places = points.flatMap(({ name, engine, options = {} }): { name: string; place: Place }[] => {
    const simulation = simulations.get(name)
    const { name: engineName, options: table } = builtInEngines.resolve(engine)
    const place = simulation && foresightOf(engineName)?.(simulation, resolveOptions(table, options), work)
    return place === undefined ? [] : [{ name, place }]
  })
  const isFar = (place: Place): boolean =>
    places.some(
      other => dominates(other.place, place) && AXES.some(axis => place[axis] > 0 && other.place[axis] * FAR_FACTOR <= place[axis]),
    )
  return new Set(places.filter(({ place }) => isFar(place)).map(({ name }) => name))
}
