/** The checks of an exercise, on a part in a page. */
import { runChecks, type Stage } from 'kvarium-exercises/run-checks'
import { evaluate, placeOf } from './evaluate.js'
import { loadExercise } from './exercises.js'
import type { PartFailure, PartSettings, Place } from './part-settings.js'

const LOADING = 'the file can be loaded'

export interface PartCheckSettings {
  readonly seed: number
  /** Called before each check begins. */
  readonly onCheck: (stage: PartFailure['stage'], check: string) => void
  /** Random histories of the second stage. Default: those of the exercises. */
  readonly histories?: number
}

/** The first check that fails; `undefined` when all pass. */
export async function check(
  { exercise: name, source }: Required<PartSettings>,
  { seed, onCheck, histories }: PartCheckSettings,
): Promise<PartFailure | undefined> {
  const { exercise, reference } = await loadExercise(name)
  onCheck('load', LOADING)
  let part
  try {
    part = await evaluate(source, seed)
  } catch (error) {
    return failure('load', LOADING, error instanceof Error ? error.message : String(error), placeOf(error))
  }
  let place: Place | undefined
  const failed = await runChecks(exercise, part, reference, {
    seed,
    onCheck,
    onThrown: error => (place = placeOf(error)),
    ...(histories !== undefined && { histories }),
  })
  return failed && failure(failed.stage, failed.check, failed.message, place)
}

function failure(stage: Stage | 'load', check: string, message: string, place: Place | undefined): PartFailure {
  return { stage, check, message, ...(place !== undefined && { place }) }
}
