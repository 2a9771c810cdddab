/**
 * Builds `dist/`, what npm publishes: `tsx scripts/build.ts`.
 *
 *   dist/<entry>.js, .d.ts      one pair per entry of the exports map, and the command
 *   dist/chunk-<name>.js, .d.ts what several entries share, so that a class is the same class in all of them
 *   dist/compaction-worker.js   the worker thread in one file without imports of others, so that an application's bundler can copy it
 *   dist/LICENSES.txt           the licences of the packages of which parts are in these files
 *
 * The dependencies of package.json stay outside. Everything else that the sources import (devDependencies) goes in.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import { rolldown, type OutputChunk, type RolldownOptions } from 'rolldown'
import { rollup } from 'rollup'
import { dts } from 'rollup-plugin-dts'
import ts from 'typescript'

const ROOT = join(import.meta.dirname, '..')
const SRC = join(ROOT, 'src')
const DIST = join(ROOT, 'dist')
const TYPES = join(ROOT, '.tmp/types')
const WORKER = 'compaction-worker'

/** The name of an entry in dist/ and its source. */
const ENTRIES: Readonly<Record<string, string>> = {
  index: 'index.ts',
  'index.browser': 'index.browser.ts',
  engine: 'engine/index.ts',
  lsm: 'lsm/index.ts',
  btree: 'btree/index.ts',
  skiplist: 'skiplist/index.ts',
  sstable: 'sstable/index.ts',
  wal: 'wal/index.ts',
  trace: 'trace/index.ts',
  vfs: 'vfs/index.ts',
  'vfs-node': 'vfs/node.ts',
  inspect: 'inspect/index.ts',
  compare: 'compare/index.ts',
  report: 'report/index.ts',
  predict: 'predict/index.ts',
  cli: 'cli/main.ts',
}

/**
 * The chunk of a module that several entries share: the first row that matches its path below src/ or the project. A few chunks, since
 * each is a file to open at import. Files that only Node can load, and packages that run code as soon as they are loaded, are apart from
 * what does not need them, so that an application's bundler can leave them out.
 */
const CHUNKS: readonly (readonly [chunk: string, path: RegExp])[] = [
  ['msgpack', /^(node_modules\/msgpackr\/|store\/msgpack\.)/],
  ['sstable', /^(sstable|node_modules\/(bloom-filters|base64-arraybuffer))\//],
  ['node', /^((vfs|store|repair)\/node|lsm\/worker-)/],
  ['core', /^(errors|codec|trace|vfs|cache|wal|skiplist|engine|node_modules\/xxhash-wasm)\b/],
  ['lsm', /^lsm\//],
  ['btree', /^btree\//],
  ['store', /^(store|repair)\//],
  ['tools', /^/],
]

const ENTRY_SOURCES = new Set(Object.values(ENTRIES).map(source => source.replace(/\.ts$/, '')))

interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>
}

const { dependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as Manifest
const isExternal = (id: string): boolean =>
  id.startsWith('node:') || Object.keys(dependencies).some(name => id === name || id.startsWith(`${name}/`))

function chunkOf(id: string): string | null {
  const path = relative(id.startsWith(TYPES) ? TYPES : id.startsWith(SRC) ? SRC : ROOT, id)
    .split(sep)
    .join('/')
  if (ENTRY_SOURCES.has(path.replace(/(\.d)?\.ts$/, ''))) return null
  return CHUNKS.find(([, pattern]) => pattern.test(path))?.[0] ?? null
}

/** Portable: packages give the files that they have for every platform. */
const INPUT: RolldownOptions = {
  platform: 'neutral',
  resolve: { mainFields: ['module', 'main'], conditionNames: ['import', 'module', 'browser', 'default'] },
  external: isExternal,
  // What the compiler's configuration asks for; `using` came later.
  transform: { target: 'es2023', define: { KVARIUM_BUILT: 'true' } },
  treeshake: { moduleSideEffects: id => !id.startsWith(SRC) },
}

async function buildEntries(): Promise<readonly OutputChunk[]> {
  const input = Object.fromEntries(Object.entries(ENTRIES).map(([name, source]) => [name, join(SRC, source)]))
  const bundle = await rolldown({ ...INPUT, input, preserveEntrySignatures: 'allow-extension' })
  const { output } = await bundle.write({
    dir: DIST,
    format: 'es',
    entryFileNames: '[name].js',
    chunkFileNames: 'chunk-[name].js',
    codeSplitting: { includeDependenciesRecursively: false, groups: [{ name: chunkOf, debugName: 'shared', minShareCount: 2 }] },
  })
  return output.filter(file => file.type === 'chunk')
}

async function buildWorker(): Promise<readonly OutputChunk[]> {
  const bundle = await rolldown({ ...INPUT, input: { [WORKER]: join(SRC, 'lsm/compaction-worker.ts') } })
  const { output } = await bundle.write({ dir: DIST, format: 'es', entryFileNames: '[name].js', codeSplitting: false, minify: true })
  return output.filter(file => file.type === 'chunk')
}

/** Declarations of every source by the compiler, then those of an entry in one file. */
async function buildTypes(): Promise<void> {
  const { config } = ts.readConfigFile(join(ROOT, 'tsconfig.build.json'), path => ts.sys.readFile(path)) as { config: object }
  const { options, fileNames } = ts.parseJsonConfigFileContent(config, ts.sys, ROOT, { outDir: TYPES })
  const program = ts.createProgram(fileNames, options)
  const diagnostics = [...ts.getPreEmitDiagnostics(program), ...program.emit().diagnostics]
  if (diagnostics.length > 0) {
    const host = { getCurrentDirectory: () => ROOT, getCanonicalFileName: (name: string) => name, getNewLine: () => '\n' }
    throw new Error(ts.formatDiagnosticsWithColorAndContext(diagnostics, host))
  }
  const library = Object.entries(ENTRIES).filter(([name]) => name !== 'cli')
  const input = Object.fromEntries(library.map(([name, source]) => [name, join(TYPES, source.replace(/\.ts$/, '.d.ts'))]))
  const bundle = await rollup({ input, external: isExternal, plugins: [dts()] })
  await bundle.write({
    dir: DIST,
    format: 'es',
    entryFileNames: '[name].d.ts',
    chunkFileNames: 'chunk-[name].d.ts',
    manualChunks: id => chunkOf(id) ?? undefined,
  })
}

/** The licence of every package of which a part has been put into the files. */
function collectLicences(chunks: readonly OutputChunk[]): string {
  const packages = new Set<string>()
  for (const { moduleIds } of chunks) {
    for (const id of moduleIds) {
      const name = /node_modules[\\/]((?:@[^\\/]+[\\/])?[^\\/]+)/.exec(id)?.[1]
      if (name !== undefined) packages.add(name)
    }
  }
  const sections = [...packages].sort().map(name => {
    const folder = join(ROOT, 'node_modules', name)
    const { version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Record<string, string>
    const file = readdirSync(folder).find(entry => /^licen[cs]e/i.test(entry))
    const text = file === undefined ? `Published under the ${license} licence.` : readFileSync(join(folder, file), 'utf8').trim()
    return `${name} ${version} (${license})\n\n${text}\n`
  })
  return `Parts of these packages are in the files of this folder.\n\n${sections.join(`\n${'-'.repeat(80)}\n\n`)}`
}

rmSync(DIST, { recursive: true, force: true })
rmSync(TYPES, { recursive: true, force: true })
mkdirSync(DIST)
const chunks = [...(await buildEntries()), ...(await buildWorker())]
await buildTypes()
writeFileSync(join(DIST, 'LICENSES.txt'), collectLicences(chunks))
