/** The operations of an exercise's third stage, and what it compares. */
import type { TraceEvent } from 'kvarium/trace'
import { SeededRandom } from 'kvarium/vfs'
import { comparedText } from 'kvarium-exercises/divergence-stage'
import type { Operation } from 'kvarium-exercises/operation'
import { loadExercise } from './exercises.js'

export type WorkloadOperation = Operation

export interface Workload {
  /** The engine of the exercise. */
  readonly engine: string
  /** Its options: small buffers, so that a few operations reach all of it. */
  readonly options: Readonly<Record<string, unknown>>
  readonly operations: readonly WorkloadOperation[]
  /** What of an event must be the same with every right part, as text; `undefined` where nothing must. */
  readonly compared: (event: TraceEvent) => string | undefined
}

export async function workloadOf(name: string, seed: number): Promise<Workload> {
  const { exercise, reference } = await loadExercise(name)
  return {
    engine: exercise.plug(exercise.part(reference)).name,
    options: exercise.options,
    operations: exercise.workload(new SeededRandom(seed)),
    compared: event => comparedText(exercise, event),
  }
}
