import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'

export const ROOT = join(import.meta.dirname, '../../..')

/** The published packages and their folders. */
export const FOLDERS = { kvarium: ROOT, 'kvarium-lab': join(ROOT, 'packages/lab'), 'kvarium-cli': join(ROOT, 'packages/cli') }

export type PackageName = keyof typeof FOLDERS

interface Packed {
  /** Bytes of the compressed tarball. */
  readonly size: number
  readonly files: readonly { readonly path: string }[]
}

/** The paths of the files that npm would publish. */
export const packedFiles = (name: PackageName): string[] => pack(name).files.map(({ path }) => path)

/** Bytes of the tarball that npm would publish. */
export const packedSize = (name: PackageName): number => pack(name).size

const packed = new Map<PackageName, Packed>()

function pack(name: PackageName): Packed {
  const known = packed.get(name)
  if (known !== undefined) return known
  const folder = FOLDERS[name]
  if (!existsSync(join(folder, 'dist'))) throw new Error("dist/ is missing: run 'npm run build' first, or 'npm test', which does both")
  const output = execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
    cwd: folder,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
    shell: process.platform === 'win32',
  })
  const [result] = JSON.parse(output) as readonly Packed[]
  packed.set(name, result)
  return result
}

export interface LockedPackage {
  readonly link?: boolean
  readonly resolved?: string
  readonly hasInstallScript?: boolean
  readonly dependencies?: Readonly<Record<string, string>>
}

/** The packages that npm installs for the users of a published package, by path below the project; the project's own are left out. */
export function dependencyPackages(name: PackageName): ReadonlyMap<string, LockedPackage> {
  const { packages } = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as {
    readonly packages: Record<string, LockedPackage>
  }
  const found = new Map<string, LockedPackage>()
  const follow = (path: string): void => {
    for (const dependency of Object.keys(packages[path].dependencies ?? {})) {
      const at = resolve(path, dependency)
      const { link, resolved } = packages[at]
      if (link) follow(resolved === '' || resolved === undefined ? '' : resolved)
      else if (!found.has(at)) {
        found.set(at, packages[at])
        follow(at)
      }
    }
  }
  const resolve = (from: string, dependency: string): string => {
    for (let folder = from; ; folder = dirname(folder)) {
      const path = join(folder, 'node_modules', dependency)
      if (packages[path] !== undefined) return path
      if (folder === '.') throw new Error(`package-lock.json has no ${dependency} for ${from}`)
    }
  }
  follow({ kvarium: '', 'kvarium-lab': 'packages/lab', 'kvarium-cli': 'packages/cli' }[name])
  return found
}

/**
 * Lays out a project as npm does: what is published of the packages, beside links to their dependencies, and to `tools` of the
 * checkout. Returns the folder of the first package.
 */
export function installPackages(project: string, packages: readonly PackageName[], tools: readonly string[] | 'all' = []): string {
  const folderOf = (name: string): string => join(project, 'node_modules', name)
  for (const name of packages) {
    for (const file of packedFiles(name)) {
      mkdirSync(dirname(join(folderOf(name), file)), { recursive: true })
      cpSync(join(FOLDERS[name], file), join(folderOf(name), file))
    }
  }
  const dependencies = packages.flatMap(name => [...dependencyPackages(name).keys()])
  const names = new Set(tools === 'all' ? readdirSync(join(ROOT, 'node_modules')) : [...tools, ...topLevel(dependencies)])
  for (const name of names) {
    if (name.startsWith('.') || name in FOLDERS) continue
    mkdirSync(dirname(folderOf(name)), { recursive: true })
    symlinkSync(join(ROOT, 'node_modules', name), folderOf(name))
  }
  return folderOf(packages[0])
}

function topLevel(paths: readonly string[]): string[] {
  return paths.filter(path => path.lastIndexOf('node_modules') === 0).map(path => path.replace(/^node_modules\//, ''))
}
