import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { UsageError } from '../usage-error.js'
import type { ExercisePackage } from './exercise-package.js'

/** Development tools that a folder needs to run checks, and to show types in an editor. */
const TOOLS = ['@types/node', 'fast-check', 'tsx', 'typescript']

/**
 * Writes the starter of an exercise, its task and its unit checks to a folder, and the files that make the folder a package that can run
 * them. Returns the names of the written files; existing files of a package stay as they are.
 *
 * @throws UsageError, having written nothing, when a file of the exercise exists.
 */
export function copyExercise(exercises: ExercisePackage, name: string, folder: string): string[] {
  const own = new Map([
    [`${name}.ts`, exercises.text(name, 'starter.ts')],
    [`${name}.units.ts`, exercises.text(name, 'units.ts')],
    ['README.md', exercises.text(name, 'README.md')],
  ])
  const taken = [...own.keys()].filter(file => existsSync(join(folder, file)))
  if (taken.length > 0)
    throw new UsageError(`${folder} has ${taken.join(', ')} already, and nothing is overwritten: choose another folder.`)
  const frame = [
    ['package.json', json(packageOf(exercises, name))],
    ['tsconfig.json', json(TSCONFIG)],
  ] as const
  const files = [...own, ...frame.filter(([file]) => !existsSync(join(folder, file)))]
  try {
    mkdirSync(folder, { recursive: true })
    for (const [file, text] of files) writeFileSync(join(folder, file), text, { flag: 'wx' })
  } catch (error) {
    throw new UsageError(`The exercise cannot be written to ${folder}: ${(error as Error).message}`)
  }
  return files.map(([file]) => file)
}

function packageOf({ checkout, root, manifest }: ExercisePackage, name: string): object {
  const tools = Object.entries(manifest.devDependencies ?? {}).filter(([tool]) => TOOLS.includes(tool))
  return {
    name: `my-${name}`,
    private: true,
    type: 'module',
    scripts: { check: `kvarium learn ${name} --check` },
    dependencies: { kvarium: checkout === undefined ? `^${manifest.version}` : `file:${checkout}` },
    devDependencies: { ...Object.fromEntries(tools), 'kvarium-cli': checkout === undefined ? `^${manifest.version}` : `file:${root}` },
  }
}

const TSCONFIG = {
  compilerOptions: {
    target: 'ES2023',
    module: 'NodeNext',
    types: ['node'],
    strict: true,
    verbatimModuleSyntax: true,
    skipLibCheck: true,
    noEmit: true,
  },
}

function json(value: object): string {
  return `${JSON.stringify(value, undefined, 2)}\n`
}
