/** Locates the exercises, and the tools of other packages that run them. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { nearestName } from 'kvarium/engine'
import { packageRoot } from '../package-root.js'
import { UsageError } from '../usage-error.js'

interface Manifest {
  readonly version: string
  readonly devDependencies?: Readonly<Record<string, string>>
}

/** A package of the command: the one that runs, or one that a learner's folder has installed. */
export class ExercisePackage {
  readonly root: string
  readonly manifest: Manifest
  /** The checkout that the package is part of; `undefined` for an installed one. */
  readonly checkout: string | undefined
  /** The folder of the exercises. The build copies them into the package. */
  readonly folder: string

  private constructor(root: string) {
    this.root = root
    this.manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Manifest
    this.checkout = existsSync(join(root, 'src/main.ts')) ? join(root, '../..') : undefined
    this.folder = this.checkout === undefined ? join(root, 'dist/exercises') : join(this.checkout, 'exercises')
  }

  /** The running package, located on demand, not at the start of every command. */
  static get own(): ExercisePackage {
    return new ExercisePackage(packageRoot())
  }

  /** The package that runs the checks in a folder: the one installed there, which finds its tools there, too. */
  static of(folder: string): ExercisePackage {
    const manifest = resolveFrom(folder, 'kvarium-cli/package.json')
    return manifest === undefined ? ExercisePackage.own : new ExercisePackage(dirname(manifest))
  }

  get names(): string[] {
    return readdirSync(this.folder)
      .filter(name => existsSync(join(this.folder, name, 'exercise.ts')))
      .sort()
  }

  /** The heading of its task. */
  title(name: string): string {
    return /^# (.+)/.exec(this.text(name, 'README.md'))?.[1] ?? name
  }

  /** A file of an exercise. */
  text(name: string, file: string): string {
    return readFileSync(join(this.folder, name, file), 'utf8')
  }

  /** @throws UsageError when there is no such exercise. */
  assertExercise(name: string): void {
    const { names } = this
    if (names.includes(name)) return
    const nearest = nearestName(name, names)
    const hint = nearest === undefined ? `There are ${names.join(', ')}.` : `Did you mean "${nearest}"?`
    throw new UsageError(`There is no exercise "${name}". ${hint}`)
  }

  /** The URL of tsx, which runs TypeScript, from the learner's folder or from this package. */
  tsx(folder: string): string {
    const path = resolveFrom(folder, 'tsx') ?? resolveFrom(this.root, 'tsx')
    if (path === undefined) throw new UsageError(`The checks are TypeScript and need tsx: run \`npm install\` in ${folder} first.`)
    return pathToFileURL(path).href
  }
}

function resolveFrom(folder: string, specifier: string): string | undefined {
  try {
    return createRequire(join(folder, 'package.json')).resolve(specifier)
  } catch {
    return undefined
  }
}
