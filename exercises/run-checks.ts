/**
 * Checks a solution of an exercise, in the order in which a mistake is easiest to understand: unit checks that name the misconception, a
 * real store compared with a sorted map, a real store compared step by step with the one that has the reference in it. A stage runs
 * only if those before it passed.
 */
import { divergenceStage } from './divergence-stage.js'
import type { Exercise, Module } from './exercise.js'
import { HISTORIES, modelStage } from './model-stage.js'

export type Stage = 'exports' | 'units' | 'model' | 'divergence'

export interface Failure {
  readonly stage: Stage
  /** Name of the check. */
  readonly check: string
  readonly message: string
}

export interface CheckSettings {
  readonly seed?: number
  /** Called before each check begins. */
  readonly onCheck?: (stage: Stage, check: string) => void
  /** Called with what a check throws. */
  readonly onThrown?: (error: unknown) => void
  /** Unit checks to run instead of those of the exercise. */
  readonly units?: Exercise<unknown>['units']
  /** Histories of the second stage. */
  readonly histories?: number
}

export const DEFAULT_SEED = 1
export const MODEL_CHECK = 'a store with the part in it gives the same results as a sorted map'
export const DIVERGENCE_CHECK = 'a store with the part in it takes the same steps as with the reference'

/** The first check that fails; `undefined` when all pass. */
export async function runChecks<Part>(
  exercise: Exercise<Part>,
  solution: Module,
  reference: Module,
  {
    seed = DEFAULT_SEED,
    onCheck = () => undefined,
    onThrown = () => undefined,
    units = exercise.units,
    histories = HISTORIES,
  }: CheckSettings = {},
): Promise<Failure | undefined> {
  const run = async (stage: Stage, check: string, work: () => unknown): Promise<Failure | undefined> => {
    onCheck(stage, check)
    try {
      const message = await work()
      return typeof message === 'string' ? { stage, check, message } : undefined
    } catch (error) {
      onThrown(error)
      return { stage, check, message: error instanceof Error ? error.message : String(error) }
    }
  }
  let part: Part | undefined
  const missing = await run('exports', 'the file exports what it must', () => void (part = exercise.part(solution)))
  if (missing !== undefined || part === undefined) return missing
  const own = part
  for (const { name, check } of units) {
    const failure = await run('units', name, async () => void (await check(own)))
    if (failure !== undefined) return failure
  }
  return (
    (await run('model', MODEL_CHECK, () => modelStage(exercise, own, seed, histories))) ??
    (await run('divergence', DIVERGENCE_CHECK, () => divergenceStage(exercise, own, exercise.part(reference), seed)))
  )
}
