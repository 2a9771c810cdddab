import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'esbuild'
import { beforeAll, describe, expect, it } from 'vitest'
import { packedFiles, ROOT } from './installed-package.js'

type Target = string | { readonly [condition: string]: Target }

interface Manifest {
  readonly exports: Readonly<Record<string, Target>>
  readonly bin: Readonly<Record<string, string>>
}

const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as Manifest
const specifiers = Object.keys(manifest.exports)
  .filter(subpath => subpath !== './package.json' && subpath !== './compaction-worker')
  .map(subpath => subpath.replace(/^\./, 'kvarium'))

/** Every file an exports target leads to, under any conditions. */
const filesOf = (target: Target): string[] => (typeof target === 'string' ? [target] : Object.values(target).flatMap(filesOf))

function node(...parameters: string[]): string {
  return execFileSync(process.execPath, parameters, { cwd: ROOT, encoding: 'utf8' })
}

beforeAll(() => {
  if (!existsSync(join(ROOT, 'dist'))) throw new Error("dist/ is missing: run 'npm run build' first, or 'npm test', which does both")
})

describe('the exports map', () => {
  it.each(Object.entries(manifest.exports))('%s leads to files that exist', (_subpath, target) => {
    const files = filesOf(target)
    expect(files.length).toBeGreaterThan(0)
    expect(files.filter(file => !existsSync(join(ROOT, file)))).toEqual([])
  })

  it.each(specifiers)('%s has types first under every condition', specifier => {
    const check = (target: Target): void => {
      if (typeof target === 'string') return
      const conditions = Object.keys(target)
      if (conditions.some(condition => typeof target[condition] === 'string')) expect(conditions).toEqual(['types', 'default'])
      Object.values(target).forEach(check)
    }
    check(manifest.exports[specifier.replace('kvarium', '.')])
  })

  it.each(specifiers)('%s can be imported by its name', specifier => {
    const names = node('--input-type=module', '-e', `console.log(Object.keys(await import('${specifier}')).join())`)
    expect(names.trim()).not.toBe('')
  })

  it.each(specifiers)('%s can be required: nothing awaits at the top level', specifier => {
    const names = node('--no-warnings', '--input-type=commonjs', '-e', `console.log(Object.keys(require('${specifier}')).join())`)
    expect(names.trim()).not.toBe('')
  })

  it('a bundler for browsers is led to the browser entry', async () => {
    const { metafile } = await build({
      stdin: { contents: `export * from 'kvarium'`, resolveDir: ROOT },
      bundle: true,
      write: false,
      metafile: true,
      platform: 'browser',
      format: 'esm',
      logLevel: 'silent',
      // As for somebody else: the project's own leads the package's name to its source.
      tsconfigRaw: {},
    })
    const inputs = Object.keys(metafile.inputs)
    expect(inputs).toContain('dist/index.browser.js')
    expect(inputs.filter(input => input === 'dist/index.js' || /-node/.test(input))).toEqual([])
  })

  it('a path inside the package that is no export is refused', () => {
    expect(() => node('--input-type=module', '-e', `await import('kvarium/dist/index.js')`)).toThrow(/ERR_PACKAGE_PATH_NOT_EXPORTED/)
  })

  it.each(Object.entries(manifest.bin))('the command %s is a script that Node runs', (_name, file) => {
    expect(readFileSync(join(ROOT, file), 'utf8')).toMatch(/^#!\/usr\/bin\/env node\n/)
    expect(node(file, '--help')).toContain('Usage: kvarium')
  })
})

describe('what npm packs', () => {
  let paths: string[] = []

  beforeAll(() => {
    paths = packedFiles()
  })

  it('nothing but the built code, the documents, the exercises and the licence', () => {
    const wanted =
      /^(dist\/[^/]+\.(js|d\.ts)|dist\/LICENSES\.txt|docs\/.+\.md|exercises\/.+\.(ts|md)|(README|ARCHITECTURE|CHANGELOG)\.md|LICENSE|package\.json)$/
    expect(paths.filter(path => !wanted.test(path))).toEqual([])
  })

  it('every built file is reached from an entry', () => {
    const reached = new Set<string>()
    const follow = (path: string): void => {
      if (reached.has(path)) return
      reached.add(path)
      for (const [, to] of readFileSync(join(ROOT, path), 'utf8').matchAll(/(?:from |import )["']\.\/([^"']+)["']/g)) {
        follow(path.endsWith('.d.ts') ? `dist/${to.replace(/\.js$/, '.d.ts')}` : `dist/${to}`)
      }
    }
    const entries = [...Object.values(manifest.exports).flatMap(filesOf), ...Object.values(manifest.bin)]
    for (const file of entries) if (file.includes('dist/')) follow(file.replace(/^\.\//, ''))
    expect(paths.filter(path => /^dist\/.*\.(js|ts)$/.test(path) && !reached.has(path))).toEqual([])
  })

  it('every document a reader needs is there', () => {
    expect(paths).toEqual(expect.arrayContaining(['package.json', 'LICENSE', 'README.md', 'ARCHITECTURE.md', 'CHANGELOG.md']))
  })
})
