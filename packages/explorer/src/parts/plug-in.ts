/** Engines with parts of exercises in them. */
import type { EngineFactory } from 'kvarium'
import { evaluate } from './evaluate.js'
import { loadExercise } from './exercises.js'
import type { PartSettings } from './part-settings.js'

/** The engine of the exercise with the part in it. Rejects with an error that says why the part cannot be used. */
export async function plugIn({ exercise: name, source }: PartSettings, seed: number): Promise<EngineFactory> {
  const { exercise, reference } = await loadExercise(name)
  return exercise.plug(exercise.part(source === undefined ? reference : await evaluate(source, seed)))
}
