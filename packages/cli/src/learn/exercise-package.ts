/** Where the exercises are, and what tools of other packages they are run with. */
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

/** A package of kvarium: the one that this command belongs to, or one that a learner's folder has installed. */
export class ExercisePackage {
  readonly root: string
  readonly manifest: Manifest

  private constructor(root: string) {
    this.root = root
    this.manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Manifest
  }

  /** That of this command. Looked for when an exercise is asked for, not at the start of every command. */
  static get own(): ExercisePackage {
    return new ExercisePackage(packageRoot())
  }

  /** What runs the checks in a folder: the package that is installed there, which finds its tools there, too. */
  static of(folder: string): ExercisePackage {
    const manifest = resolveFrom(folder, 'kvarium/package.json')
    return manifest === undefined ? ExercisePackage.own : new ExercisePackage(dirname(manifest))
  }

  /** Whether this is a checkout, which has its development tools with it. */
  get isCheckout(): boolean {
    return existsSync(join(this.root, 'src/index.ts'))
  }

  get names(): string[] {
    const folder = join(this.root, 'exercises')
    return readdirSync(folder)
      .filter(name => existsSync(join(folder, name, 'exercise.ts')))
      .sort()
  }

  /** The heading of its task. */
  title(name: string): string {
    return /^# (.+)/.exec(this.text(name, 'README.md'))?.[1] ?? name
  }

  /** A file of an exercise. */
  text(name: string, file: string): string {
    return readFileSync(join(this.root, 'exercises', name, file), 'utf8')
  }

  /** @throws UsageError when there is no such exercise. */
  assertExercise(name: string): void {
    const { names } = this
    if (names.includes(name)) return
    const nearest = nearestName(name, names)
    const hint = nearest === undefined ? `There are ${names.join(', ')}.` : `Did you mean "${nearest}"?`
    throw new UsageError(`There is no exercise "${name}". ${hint}`)
  }

  /** The URL of tsx, which runs TypeScript: of the learner's folder, or of this package. */
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
