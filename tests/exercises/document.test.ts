import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { loadExercise, loadReference } from '../../exercises/catalog.js'
import { runChecks } from '../../exercises/run-checks.js'
import { shell } from '../cli/support/command-line.js'
import { loadMutant } from './support/mutants.js'

const text = readFileSync(join(import.meta.dirname, '../../docs/exercises.md'), 'utf8')

it('the list in docs/exercises.md is what the command prints', () => {
  const [, session] = /```console\n([\s\S]*?)```/.exec(text)!
  expect(`$ kvarium learn\n${shell(import.meta.dirname, 'kvarium learn')}`).toBe(session)
})

it.each([...text.matchAll(/<!-- (.+)\/(.+) -->\n\n```text\n([\s\S]*?)```/g)].map(([, ...parts]) => parts))(
  'what docs/exercises.md shows of %s with %s is what the checks say',
  async (name, mutant, shown) => {
    const failure = await runChecks(await loadExercise(name), await loadMutant(name, mutant), await loadReference(name))
    expect(`${failure?.message}\n`).toBe(shown)
  },
)
