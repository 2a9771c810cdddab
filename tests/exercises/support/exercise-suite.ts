import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import type { Exercise, Module } from '../../../exercises/exercise.js'
import { DEFAULT_SEED, runChecks, type Stage } from '../../../exercises/run-checks.js'
import { slice } from '../../support/thoroughness.js'
import { loadMutant, mutantsOf } from './mutants.js'

const EXERCISES = new URL('../../../exercises/', import.meta.url)
const FEWEST_MUTANTS = 5
/** Histories for a right solution, which runs them all. */
const histories = slice(25, 100)

const load = async (path: string): Promise<Module> => (await import(fileURLToPath(new URL(path, EXERCISES)))) as Module

/**
 * What the checks of an exercise must do. `later`: the mutants that pass the unit checks, and the stage that rejects them. `another`: what
 * is right, too, and written in another way than the reference; where it fits, what the engine has in place of the part.
 */
export function exerciseSuite<Part>(exercise: Exercise<Part>, later: Readonly<Record<string, Stage>>, another?: Module): void {
  const { name } = exercise
  const mutants = mutantsOf(name).map(mutant => mutant.name)
  const check = async (path: string, seed = DEFAULT_SEED): ReturnType<typeof runChecks> =>
    runChecks(exercise, await load(`${name}/${path}.ts`), await load(`${name}/reference.ts`), { seed, histories })

  describe(`the exercise ${name}`, () => {
    it.each(slice([DEFAULT_SEED], [DEFAULT_SEED, 3, 5]))('the reference passes under the seed %i', async seed => {
      expect(await check('reference', seed)).toBeUndefined()
    })

    if (another !== undefined) {
      it('another right solution passes', async () => {
        expect(await runChecks(exercise, another, await load(`${name}/reference.ts`), { histories })).toBeUndefined()
      })
    }

    it('the starter fails because it is not written yet', async () => {
      expect((await check('starter'))?.message).toContain('Not written yet')
    })

    it('has wrong solutions enough, some of which pass the unit checks', () => {
      expect(mutants.length).toBeGreaterThanOrEqual(FEWEST_MUTANTS)
      expect(Object.keys(later).length).toBeGreaterThan(0)
      expect(mutants).toEqual(expect.arrayContaining(Object.keys(later)))
    })

    it.each(mutants)('rejects %s', async mutant => {
      const failure = await runChecks(exercise, await loadMutant(name, mutant), await load(`${name}/reference.ts`))
      expect(failure?.stage, failure?.message).toBe(later[mutant] ?? 'units')
    })
  })
}
