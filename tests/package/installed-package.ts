import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'

export const ROOT = join(import.meta.dirname, '../..')

/** The paths of the files that npm would publish. */
export function packedFiles(): string[] {
  if (!existsSync(join(ROOT, 'dist'))) throw new Error("dist/ is missing: run 'npm run build' first, or 'npm test', which does both")
  const output = execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
    cwd: ROOT,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
    shell: process.platform === 'win32',
  })
  return (JSON.parse(output) as readonly { readonly files: readonly { readonly path: string }[] }[])[0].files.map(({ path }) => path)
}

export interface LockedPackage {
  readonly dev?: boolean
  readonly devOptional?: boolean
  readonly hasInstallScript?: boolean
}

/** The packages that npm installs beside kvarium for its users, by path below the project. */
export function dependencyPackages(): ReadonlyMap<string, LockedPackage> {
  const lock = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as { readonly packages: Record<string, LockedPackage> }
  return new Map(Object.entries(lock.packages).filter(([path, { dev, devOptional }]) => path !== '' && !dev && !devOptional))
}

/**
 * Lays out a project as npm does: what is published of the package, beside links to its dependencies, and to `tools` of the
 * checkout (default: its dependencies alone). Returns the folder of the package.
 */
export function installPackage(project: string, tools: readonly string[] | 'all' = []): string {
  const installed = join(project, 'node_modules/kvarium')
  for (const file of packedFiles()) {
    mkdirSync(dirname(join(installed, file)), { recursive: true })
    cpSync(join(ROOT, file), join(installed, file))
  }
  const names = tools === 'all' ? readdirSync(join(ROOT, 'node_modules')) : [...tools, ...topLevel(dependencyPackages().keys())]
  for (const name of names) {
    if (name.startsWith('.')) continue
    mkdirSync(dirname(join(project, 'node_modules', name)), { recursive: true })
    symlinkSync(join(ROOT, 'node_modules', name), join(project, 'node_modules', name))
  }
  return installed
}

function topLevel(paths: Iterable<string>): string[] {
  return [...paths].map(path => path.replace(/^node_modules\//, '')).filter(name => !name.includes('node_modules'))
}
