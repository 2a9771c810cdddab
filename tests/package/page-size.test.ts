import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { build, type Metafile } from 'esbuild'
import { afterAll, expect, it } from 'vitest'
import { ROOT } from './support/installed-package.js'

const PROGRAM = `
import { Kvarium, MemoryFileSystem } from 'kvarium'
const db = new Kvarium('people', { engine: 'lsm', fileSystem: new MemoryFileSystem(), valueEncoding: 'json' })
await db.put('ada', { born: 1815 })
console.log(await db.get('ada'))`

/** What the first put and get do not load. */
const GOES_ON = `
await db.flush()
console.log(db.getSync('ada'), await db.getMany(['ada', 'bob']))
await db.batch([{ type: 'put', key: 'bob', value: 1 }, { type: 'del', key: 'ada' }])
await db.compactRange()
console.log(await db.iterator().all(), db.shape().levels.length > 0)
await db.transaction(async transaction => transaction.put('cyd', 2))
await db.close()
await db.open()
console.log(await db.keys().all(), db.stats().executor)
await db.close()`

const workplace = mkdtempSync(join(tmpdir(), 'kvarium-page-'))
afterAll(() => rmSync(workplace, { recursive: true, force: true }))

interface Bundle {
  readonly folder: string
  /** Its files by name. */
  readonly outputs: Readonly<Record<string, Metafile['outputs'][string]>>
}

/** Bundles a program over the built package for a page. */
async function bundle(name: string, contents: string): Promise<Bundle> {
  const folder = join(workplace, name)
  mkdirSync(folder)
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
  const { metafile } = await build({
    stdin: { contents, resolveDir: ROOT, sourcefile: 'program.js' },
    outdir: folder,
    bundle: true,
    splitting: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2023',
    metafile: true,
    logLevel: 'silent',
    // As for an application: the project's own configuration leads the package's name to its source.
    tsconfigRaw: {},
  })
  return { folder, outputs: Object.fromEntries(Object.entries(metafile.outputs).map(([path, output]) => [basename(path), output])) }
}

/** Runs a bundle. Returns what it printed, and the files that it had loaded by its end. */
function run({ folder }: Bundle): { readonly printed: string; readonly loaded: readonly string[] } {
  const coverage = join(folder, 'coverage')
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(folder, 'stdin.js')], {
    env: { ...process.env, NODE_V8_COVERAGE: coverage },
    encoding: 'utf8',
    timeout: 60_000,
  })
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  const scripts = readdirSync(coverage).flatMap(file => {
    const { result } = JSON.parse(readFileSync(join(coverage, file), 'utf8')) as { readonly result: readonly { readonly url: string }[] }
    return result.flatMap(({ url }) => (url.startsWith('file:') ? fileURLToPath(url) : []))
  })
  return { printed: stdout, loaded: scripts.filter(path => path.startsWith(folder)).map(path => basename(path)) }
}

/** The files that the first one imports, and so on. */
function imported({ outputs }: Bundle, file = 'stdin.js', found = new Set<string>()): Set<string> {
  found.add(file)
  for (const { path, kind } of outputs[file].imports) {
    if (kind === 'import-statement' && !found.has(basename(path))) imported({ folder: '', outputs }, basename(path), found)
  }
  return found
}

/** Their size in kB of gzip -9. */
function kilobytes({ folder }: Bundle, files: Iterable<string>): number {
  return [...files].reduce((sum, file) => sum + gzipSync(readFileSync(join(folder, file)), { level: 9 }).length / 1000, 0)
}

/** The largest modules in the files, for the message of a failure. */
function largest({ outputs }: Bundle, files: Iterable<string>): string {
  const modules = [...files].flatMap(file => Object.entries(outputs[file].inputs).map(([path, { bytesInOutput }]) => [bytesInOutput, path]))
  const sorted = modules.sort(([a], [b]) => Number(b) - Number(a)).slice(0, 15)
  return sorted.map(([bytes, path]) => `${String(bytes).padStart(8)} bytes of ${path}`).join('\n')
}

it('a page that imports the store gets at most 72 kB of it, and at most 117 kB before its first entry is read', async () => {
  const page = await bundle('page', PROGRAM)
  const { printed, loaded } = run(page)
  expect(printed).toBe('{ born: 1815 }\n')
  const atImport = imported(page)
  expect(kilobytes(page, atImport), largest(page, atImport)).toBeLessThan(72)
  expect(kilobytes(page, loaded), largest(page, loaded)).toBeLessThan(117)
})

it('what a page loads later comes when it is needed', async () => {
  const { printed } = run(await bundle('later', PROGRAM + GOES_ON))
  expect(printed).toBe(
    ['{ born: 1815 }', '{ born: 1815 } [ { born: 1815 }, undefined ]', "[ [ 'bob', 1 ] ] true", "[ 'bob', 'cyd' ] inline", ''].join('\n'),
  )
})
