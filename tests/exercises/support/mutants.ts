/**
 * The wrong solutions of an exercise. `mutants.md` has a heading for each, the misconception, and what it changes in `reference.ts`, as a diff
 * without line numbers: a change applies where its lines stand, which must be one place. Changes of one mutant are divided by `@@`.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { exerciseFolder } from '../../../exercises/catalog.js'
import type { Module } from '../../../exercises/exercise.js'

export interface Mutant {
  readonly name: string
  readonly misconception: string
  readonly source: string
}

export function mutantsOf(exercise: string): Mutant[] {
  const folder = exerciseFolder(exercise)
  const reference = readFileSync(join(folder, 'reference.ts'), 'utf8').split('\n')
  const [, ...sections] = readFileSync(join(folder, 'mutants.md'), 'utf8').split(/^## /m)
  return sections.map(section => {
    const [, name, misconception, diff] = /^(.+)\n\n([\s\S]*?)\n\n```diff\n([\s\S]*)\n```\n*$/.exec(section) ?? []
    if (diff === undefined)
      throw new Error(`${exercise}/mutants.md: a section is no heading, misconception and diff: ${section.slice(0, 40)}`)
    const changes = diff.split('\n@@\n').map(change => change.split('\n'))
    return { name, misconception, source: changes.reduce((lines, change) => changed(name, lines, change), reference).join('\n') }
  })
}

/** The exports of a mutant. */
export async function loadMutant(exercise: string, mutant: string): Promise<Module> {
  const found = mutantsOf(exercise).find(({ name }) => name === mutant)
  if (found === undefined) throw new Error(`${exercise}/mutants.md has no ${mutant}`)
  // Within the package, so that it may import the package by its name.
  const scratch = join(import.meta.dirname, '../../../.tmp')
  mkdirSync(scratch, { recursive: true })
  const folder = mkdtempSync(join(scratch, 'mutant-'))
  try {
    const file = join(folder, `${mutant}.ts`)
    writeFileSync(file, found.source)
    return (await import(file)) as Module
  } finally {
    rmSync(folder, { recursive: true })
  }
}

function changed(name: string, lines: readonly string[], change: readonly string[]): string[] {
  const wanted = change.filter(line => !line.startsWith('+')).map(line => line.slice(1))
  const given = change.filter(line => !line.startsWith('-')).map(line => line.slice(1))
  const places = lines.flatMap((_, at) => (wanted.every((line, i) => lines[at + i] === line) ? [at] : []))
  if (places.length !== 1) throw new Error(`A change of ${name} fits in ${places.length} places of the reference:\n${change.join('\n')}`)
  return [...lines.slice(0, places[0]), ...given, ...lines.slice(places[0] + wanted.length)]
}
