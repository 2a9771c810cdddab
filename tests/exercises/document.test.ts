import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, it } from 'vitest'
import { exerciseFolder, loadExercise, loadReference } from '../../exercises/catalog.js'
import type { Module } from '../../exercises/exercise.js'
import { runChecks } from '../../exercises/run-checks.js'
import { shell } from '../cli/command-line.js'

const text = readFileSync(join(import.meta.dirname, '../../docs/exercises.md'), 'utf8')

it('the list in docs/exercises.md is what the command prints', () => {
  const [, session] = /```console\n([\s\S]*?)```/.exec(text)!
  expect(`$ kvarium learn\n${shell(import.meta.dirname, 'kvarium learn')}`).toBe(session)
})

it.each([...text.matchAll(/<!-- (.+)\/(.+) -->\n\n```text\n([\s\S]*?)```/g)].map(([, ...parts]) => parts))(
  'what docs/exercises.md shows of %s with %s is what the checks say',
  async (name, mutant, shown) => {
    const file = pathToFileURL(join(exerciseFolder(name), 'mutants', `${mutant}.ts`)).href
    const failure = await runChecks(await loadExercise(name), (await import(file)) as Module, await loadReference(name))
    expect(`${failure?.message}\n`).toBe(shown)
  },
)
