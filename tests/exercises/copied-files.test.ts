import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { exerciseFolder, exerciseNames } from '../../exercises/catalog.js'

it.each(exerciseNames())('what a learner gets of %s imports nothing from beside it', name => {
  const folder = exerciseFolder(name)
  for (const file of ['starter.ts', 'units.ts', 'reference.ts']) {
    const source = readFileSync(join(folder, file), 'utf8')
    const specifiers = [...source.matchAll(/^(?:import|export|}) .*?from '([^']+)'$/gm)].map(([, specifier]) => specifier)
    expect(specifiers.filter(specifier => !/^(kvarium(\/|$)|node:)/.test(specifier))).toEqual([])
  }
})
