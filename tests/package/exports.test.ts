import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'esbuild'
import { beforeAll, describe, expect, it } from 'vitest'
import { FOLDERS, packedFiles, ROOT, type PackageName } from './support/installed-package.js'

type Target = string | { readonly [condition: string]: Target }

interface Manifest {
  readonly version: string
  readonly exports: Readonly<Record<string, Target>>
  readonly bin?: Readonly<Record<string, string>>
  readonly dependencies: Readonly<Record<string, string>>
}

const PACKAGES = Object.keys(FOLDERS) as PackageName[]
const manifestOf = (name: PackageName): Manifest => JSON.parse(readFileSync(join(FOLDERS[name], 'package.json'), 'utf8')) as Manifest

/** Entries of modules with declarations. */
const specifiersOf = (name: PackageName): string[] =>
  Object.keys(manifestOf(name).exports)
    .filter(subpath => subpath !== './package.json' && subpath !== './compaction-worker')
    .map(subpath => subpath.replace(/^\./, name))

/** Every file an exports target leads to, under any conditions. */
const filesOf = (target: Target): string[] => (typeof target === 'string' ? [target] : Object.values(target).flatMap(filesOf))

function node(...parameters: string[]): string {
  return execFileSync(process.execPath, parameters, { cwd: ROOT, encoding: 'utf8' })
}

const exported = new Map<string, Readonly<Record<string, readonly string[]>>>()

/** The names that each entry of a package exports; one process loads them all. */
function exportsBy(type: 'module' | 'commonjs', name: PackageName): Readonly<Record<string, readonly string[]>> {
  const known = exported.get(`${type} ${name}`)
  if (known !== undefined) return known
  const load = type === 'module' ? 'await import(specifier)' : 'require(specifier)'
  const program = `
    const names = {}
    for (const specifier of ${JSON.stringify(specifiersOf(name))}) names[specifier] = Object.keys(${load})
    console.log(JSON.stringify(names))`
  const names = JSON.parse(node('--no-warnings', `--input-type=${type}`, '-e', program)) as Record<string, string[]>
  exported.set(`${type} ${name}`, names)
  return names
}

beforeAll(() => {
  if (!existsSync(join(ROOT, 'dist'))) throw new Error("dist/ is missing: run 'npm run build' first, or 'npm test', which does both")
})

describe.each(PACKAGES)('the exports map of %s', name => {
  const manifest = manifestOf(name)

  it.each(Object.entries(manifest.exports))('%s leads to files that exist', (_subpath, target) => {
    const files = filesOf(target)
    expect(files.length).toBeGreaterThan(0)
    expect(files.filter(file => !existsSync(join(FOLDERS[name], file)))).toEqual([])
  })

  it.each(specifiersOf(name))('%s has types first under every condition', specifier => {
    const check = (target: Target): void => {
      if (typeof target === 'string') return
      const conditions = Object.keys(target)
      if (conditions.some(condition => typeof target[condition] === 'string')) expect(conditions).toEqual(['types', 'default'])
      Object.values(target).forEach(check)
    }
    check(manifest.exports[specifier.replace(name, '.')])
  })

  it.each(specifiersOf(name))('%s can be imported by its name', specifier => {
    expect(exportsBy('module', name)[specifier].length).toBeGreaterThan(0)
  })

  it.each(specifiersOf(name))('%s can be required: nothing awaits at the top level', specifier => {
    expect(exportsBy('commonjs', name)[specifier].length).toBeGreaterThan(0)
  })

  it('the versions are in step', () => {
    expect(manifest.version).toBe(manifestOf('kvarium').version)
    for (const other of PACKAGES)
      if (other in manifest.dependencies) expect(manifest.dependencies[other]).toBe(`^${manifestOf(other).version}`)
  })

  it.each(Object.entries(manifest.bin ?? {}))('the command %s is a script that Node runs', (_name, file) => {
    expect(readFileSync(join(FOLDERS[name], file), 'utf8')).toMatch(/^#!\/usr\/bin\/env node\n/)
    expect(node(join(FOLDERS[name], file), '--help')).toContain('Usage: kvarium')
  })
})

describe('the exports map', () => {
  it.each([
    ['kvarium', 'index.browser'],
    ['kvarium/vfs/opfs', 'vfs-opfs'],
    ['kvarium/browser', 'browser'],
    ['kvarium/browser/worker', 'browser-worker'],
  ])('a bundler for browsers is led from %s to the entry %s, without Node', async (specifier, entry) => {
    const { metafile } = await build({
      stdin: { contents: `export * from '${specifier}'`, resolveDir: ROOT },
      bundle: true,
      write: false,
      metafile: true,
      platform: 'browser',
      format: 'esm',
      logLevel: 'silent',
      // As for an application: the project's own configuration leads the package's name to its source.
      tsconfigRaw: {},
    })
    const inputs = Object.keys(metafile.inputs)
    expect(inputs).toContain(`dist/${entry}.js`)
    expect(inputs.filter(input => input === 'dist/index.js' || /-node/.test(input))).toEqual([])
  })

  it('a path inside the package that is no export is refused', () => {
    expect(() => node('--input-type=module', '-e', `await import('kvarium/dist/index.js')`)).toThrow(/ERR_PACKAGE_PATH_NOT_EXPORTED/)
  })
})

describe.each([
  [
    'kvarium',
    /^(dist\/[^/]+\.(js|d\.ts)|dist\/LICENSES\.txt|docs\/.+\.md|(README|ARCHITECTURE|CHANGELOG)\.md|LICENSE|package\.json)$/,
    ['package.json', 'LICENSE', 'README.md', 'ARCHITECTURE.md', 'CHANGELOG.md'],
  ],
  ['kvarium-lab', /^(dist\/[^/]+\.(js|d\.ts)|README\.md|LICENSE|package\.json)$/, ['package.json', 'LICENSE', 'README.md']],
  [
    'kvarium-cli',
    /^(dist\/[^/]+\.js|dist\/LICENSES\.txt|dist\/explorer\/(index\.html|[^/]+\.js(on)?)|dist\/examples\/(lab\/)?[^/]+\.js|dist\/exercises\/.+\.(ts|md)|README\.md|LICENSE|package\.json)$/,
    ['package.json', 'LICENSE', 'README.md'],
  ],
] as const)('what npm packs of %s', (name, wanted, documents) => {
  const manifest = manifestOf(name)
  let paths: string[] = []

  beforeAll(() => {
    paths = packedFiles(name)
  })

  it('nothing but the built code, the documents, the explorer, the exercises and the licence', () => {
    expect(paths.filter(path => !wanted.test(path))).toEqual([])
  })

  it('every built file is reached from an entry', () => {
    const reached = new Set<string>()
    const follow = (path: string): void => {
      if (reached.has(path)) return
      reached.add(path)
      for (const [, to] of readFileSync(join(FOLDERS[name], path), 'utf8').matchAll(/(?:from|import) ?\(?["']\.\/([^"']+)["']/g)) {
        follow(path.endsWith('.d.ts') ? `dist/${to.replace(/\.js$/, '.d.ts')}` : `dist/${to}`)
      }
    }
    const entries = [...Object.values(manifest.exports).flatMap(filesOf), ...Object.values(manifest.bin ?? {})]
    for (const file of entries) if (file.includes('dist/')) follow(file.replace(/^\.\//, ''))
    expect(paths.filter(path => /^dist\/[^/]*\.(js|ts)$/.test(path) && !reached.has(path))).toEqual([])
  })

  it('every document a reader needs is there', () => {
    expect(paths).toEqual(expect.arrayContaining([...documents]))
  })
})
