/**
 * Builds `dist/` of every package, which npm publishes: `tsx scripts/build.ts`. With `--javascript` the declarations stay as they are: most of
 * the time goes into them, and a program that runs needs none.
 *
 *   dist/<entry>.js, .d.ts      one pair per entry of the exports map; a command has no declarations
 *   dist/chunk-<name>.js, .d.ts shared by several entries, so that a class is the same class in all of them; the end of a name says when its
 *                               modules are loaded, see `Loads`
 *   dist/compaction-worker.js   the worker thread in one file without imports of others, so that an application's bundler can copy it
 *   dist/examples/              the numbered examples, in the command's package alone
 *   dist/explorer/              the explorer's page, there too
 *   dist/LICENSES.txt           the licences of the packages of which parts are in these files
 *
 * The dependencies of a package.json stay external. Everything else that the sources import (devDependencies) is bundled.
 *
 * The time of an import is mostly that of parsing, so files have no comments and no white space that only a reader needs. The names in them
 * are those of the sources, and their lines are short, for a stack trace and the line that Node shows above it.
 */
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import { build as buildScript, transform, type CommonOptions, type Plugin as EsbuildPlugin } from 'esbuild'
import { rolldown, type ChunkingContext, type OutputChunk, type Plugin, type RolldownOptions } from 'rolldown'
import { rollup } from 'rollup'
import { dts } from 'rollup-plugin-dts'
import ts from 'typescript'
import { buildExplorer } from './explorer.js'
import { bundleReplayView } from './replay-view.js'

const ROOT = join(import.meta.dirname, '..')
const JAVASCRIPT_ONLY = process.argv.includes('--javascript')

interface Package {
  /** Its folder below the root. */
  readonly folder: string
  /** The name of an entry in dist/ and its source. */
  readonly entries: Readonly<Record<string, string>>
  /** Entries that share no files with the others: a page that loads one gets nothing else of the package. */
  readonly alone?: Readonly<Record<string, string>>
  /** Entries without declarations. */
  readonly commands?: readonly string[]
  /** The worker thread: its name in dist/ and its source. */
  readonly worker?: readonly [name: string, source: string]
  /**
   * The chunk of a module that several entries share: the first row that matches its path below src/ or the project. A few chunks, since
   * each is a file to open at import. Files that only Node can load, and packages that run code when loaded, are apart from
   * the rest, so that an application's bundler can leave them out. What of a row with a third name a page loads when it is imported is in the
   * chunk of that name. A row with a fourth is loaded by a dynamic import of that module: the chunk has what that needs beyond an import of
   * the first entry.
   */
  readonly chunks: readonly (readonly [chunk: string, path: RegExp, atImport?: string, root?: string])[]
  /** Folders of the project that are published with the package. */
  readonly copies?: readonly string[]
  /** The numbered examples go into dist/examples/, with the sources of the store and of the lab in them. */
  readonly examples?: true
  /** The explorer's page goes into dist/explorer/, with the store in it. */
  readonly explorer?: true
}

const STORE: Package = {
  folder: '.',
  entries: {
    index: 'index.ts',
    'index.browser': 'index.browser.ts',
    codec: 'codec/index.ts',
    engine: 'engine/index.ts',
    memory: 'memory/index.ts',
    lsm: 'lsm/index.ts',
    btree: 'btree/index.ts',
    hash: 'hash/index.ts',
    skiplist: 'skiplist/index.ts',
    sstable: 'sstable/index.ts',
    wal: 'wal/index.ts',
    trace: 'trace/index.ts',
    observe: 'observe/index.ts',
    explore: 'explore/index.ts',
    vfs: 'vfs/index.ts',
    'vfs-node': 'vfs/node.ts',
    'vfs-opfs': 'opfs/index.ts',
    'browser-worker': 'browser/worker.ts',
    inspect: 'inspect/index.ts',
    repair: 'repair/index.ts',
    reader: 'reader/index.ts',
    keyv: 'drivers/keyv.ts',
    unstorage: 'drivers/unstorage.ts',
  },
  alone: { browser: 'browser/index.ts' },
  worker: ['compaction-worker', 'lsm/compaction/worker/compaction-worker.ts'],
  chunks: [
    ['node', /^(vfs\/node\/|node-engines\.|(store|repair)\/node|lsm\/compaction\/worker\/worker-)/],
    ['core', /^(errors|codec|trace|vfs|cache|wal|skiplist|engine|memory|observe\/recorder)\b/],
    ['lsm', /^(lsm|sstable|node_modules\/(bloom-filters|base64-arraybuffer))\//, 'core'],
    ['btree', /^btree\//, 'core', 'btree/open.ts'],
    ['hash', /^hash\//, 'core', 'hash/open.ts'],
    ['repair-in-place', /^repair\/repair-in-place\./],
    ['store', /^(built-in-engines\.|(store|repair|node_modules\/msgpackr)\/)/],
    ['browser', /^(opfs|browser)\//],
    ['tools', /^/],
  ],
}

const LAB: Package = {
  folder: 'packages/lab',
  entries: { compare: 'compare/index.ts', predict: 'predict/index.ts', report: 'report/index.ts', workloads: 'workloads/index.ts' },
  chunks: [['shared', /^/]],
}

const CLI: Package = {
  folder: 'packages/cli',
  entries: { main: 'main.ts' },
  commands: ['main'],
  chunks: [['shared', /^/]],
  copies: ['exercises'],
  examples: true,
  explorer: true,
}

/** A line of a built file has about this many characters. */
const LINE_LENGTH = 160

const SMALL: CommonOptions = { format: 'esm', target: 'es2023', minifyWhitespace: true, lineLimit: LINE_LENGTH, legalComments: 'none' }

/** The functions by which rolldown joins modules: a file of their own, if not in the files that use them. */
const RUNTIME = 'chunk-rolldown-runtime.js'

/** Names in the code of other packages are shortened: their sources are elsewhere. */
const SHORT_NAMES: Plugin = {
  name: 'short names',
  transform: async (code, id) => (/node_modules/.test(id) && id.endsWith('js') ? (await transform(code, { minify: true })).code : null),
}

interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>
}

/** The entries of the store for Node and for a page, and what its default engine loads there at the first opening. */
const ON_NODE = 'index.ts'
const ON_A_PAGE = 'index.browser.ts'
const LSM_OPEN = 'lsm/open.ts'

/**
 * When a module of the store is loaded, as the end of its chunk's name. A page loads the first and `-page` at its import, `-open` with the first
 * opening and `-tables` with the first table: its bundler cannot divide a file. Node loads these at its import, but for `-page`.
 */
class Loads {
  readonly #pathOf: (module: string) => string
  readonly #reached = new Map<string, ReadonlySet<string>>()

  constructor(pathOf: (module: string) => string) {
    this.#pathOf = pathOf
  }

  of(id: string, modules: ChunkingContext): '' | '-open' | '-tables' | '-page' | '-later' {
    const isIn = (root: string): boolean => this.reached(root, modules).has(id)
    if (!isIn(ON_NODE)) return isIn(ON_A_PAGE) ? '-page' : '-later'
    if (isIn(ON_A_PAGE)) return ''
    return isIn(LSM_OPEN) ? '-open' : '-tables'
  }

  isAtImport(id: string, modules: ChunkingContext): boolean {
    return this.reached(ON_NODE, modules).has(id)
  }

  /** The modules that an import of one loads. */
  reached(root: string, modules: ChunkingContext): ReadonlySet<string> {
    const known = this.#reached.get(root)
    if (known !== undefined) return known
    const reached = new Set<string>()
    const follow = (id: string): void => {
      if (reached.has(id)) return
      reached.add(id)
      for (const next of modules.getModuleInfo(id)?.importedIds ?? []) follow(next)
    }
    follow(this.#pathOf(root))
    this.#reached.set(root, reached)
    return reached
  }
}

/** Builds one package into its dist/, after the packages that it depends on. */
class PackageBuild {
  readonly #package: Package
  readonly #root: string
  readonly #src: string
  readonly #dist: string
  readonly #types: string
  readonly #dependencies: readonly string[]
  readonly #sources: ReadonlySet<string>

  constructor(what: Package) {
    this.#package = what
    this.#root = join(ROOT, what.folder)
    this.#src = join(this.#root, 'src')
    this.#dist = join(this.#root, 'dist')
    this.#types = join(ROOT, '.tmp/types', what.folder)
    const manifest = JSON.parse(readFileSync(join(this.#root, 'package.json'), 'utf8')) as Manifest
    this.#dependencies = Object.keys(manifest.dependencies)
    this.#sources = new Set(Object.values({ ...what.entries, ...what.alone }).map(source => source.replace(/\.ts$/, '')))
  }

  async run(): Promise<void> {
    const { commands, copies = [], examples, explorer } = this.#package
    this.#removeBuilt()
    mkdirSync(this.#dist, { recursive: true })
    const chunks = [...(await this.#buildEntries()), ...(await this.#buildAlone()), ...(await this.#buildWorker())]
    if (examples) chunks.push(...(await this.#buildExamples()))
    if (commands === undefined && !JAVASCRIPT_ONLY) await this.#buildTypes()
    const page = explorer ? await buildExplorer(join(this.#dist, 'explorer')) : []
    const licences = licencesOf([...chunks.flatMap(({ moduleIds }) => moduleIds), ...page])
    if (licences !== undefined) writeFileSync(join(this.#dist, 'LICENSES.txt'), licences)
    for (const folder of copies) cpSync(join(ROOT, folder), join(this.#dist, folder), { recursive: true })
  }

  #removeBuilt(): void {
    if (JAVASCRIPT_ONLY && existsSync(this.#dist)) {
      for (const name of readdirSync(this.#dist)) if (!name.endsWith('.d.ts')) rmSync(join(this.#dist, name), { recursive: true })
      return
    }
    for (const folder of [this.#dist, this.#types]) rmSync(folder, { recursive: true, force: true })
  }

  readonly #isExternal = (id: string): boolean =>
    id.startsWith('node:') || this.#dependencies.some(name => id === name || id.startsWith(`${name}/`))

  /** The row of a module's chunk; none for an entry. */
  #rowOf(id: string): Package['chunks'][number] | undefined {
    const path = relative(id.startsWith(this.#types) ? this.#types : id.startsWith(this.#src) ? this.#src : ROOT, id)
      .split(sep)
      .join('/')
    if (this.#sources.has(path.replace(/(\.d)?\.ts$/, ''))) return undefined
    return this.#package.chunks.find(([, pattern]) => pattern.test(path))
  }

  /** Rolldown's input, portable: of every package the files for all platforms. */
  get #input(): RolldownOptions {
    return {
      platform: 'neutral',
      resolve: { mainFields: ['module', 'main'], conditionNames: ['import', 'module', 'browser', 'default'] },
      external: this.#isExternal,
      // The target of the compiler's configuration; `using` came later.
      transform: { target: 'es2023', define: { KVARIUM_BUILT: 'true' } },
      treeshake: { moduleSideEffects: id => !id.startsWith(this.#src) },
      // What one entry loads later another needs at its import.
      checks: { ineffectiveDynamicImport: false },
    }
  }

  async #buildEntries(): Promise<readonly OutputChunk[]> {
    const input = Object.fromEntries(Object.entries(this.#package.entries).map(([name, source]) => [name, join(this.#src, source)]))
    const bundle = await rolldown({ ...this.#input, input, preserveEntrySignatures: 'allow-extension', plugins: [SHORT_NAMES] })
    const loads = new Loads(name => join(this.#src, name))
    const lazyRoots = this.#package.chunks.flatMap(([chunk, , , root]) => (root === undefined ? [] : { chunk, root }))
    const shared = (id: string, modules: ChunkingContext): string | null => {
      const [chunk, , first = chunk] = this.#rowOf(id) ?? []
      if (chunk === undefined || chunk === 'node') return chunk ?? null
      const load = loads.of(id, modules)
      return load === '' ? first! : `${chunk}${load}`
    }
    const lazy = (id: string, modules: ChunkingContext): string | null =>
      loads.isAtImport(id, modules) ? null : (lazyRoots.find(({ root }) => loads.reached(root, modules).has(id))?.chunk ?? null)
    const groups = [
      { name: lazy, debugName: 'lazy', minShareCount: 1 },
      { name: shared, debugName: 'shared', minShareCount: 2 },
    ]
    const { output } = await bundle.write({
      dir: this.#dist,
      format: 'es',
      entryFileNames: '[name].js',
      chunkFileNames: 'chunk-[name].js',
      codeSplitting: { includeDependenciesRecursively: false, groups },
    })
    const chunks = output.filter(file => file.type === 'chunk')
    for (const { fileName, code } of chunks) await this.#rewrite(fileName, code)
    rmSync(join(this.#dist, RUNTIME), { force: true })
    return chunks
  }

  /** Writes a built file without white space, and with what it needs of the bundler's own functions in it. */
  async #rewrite(fileName: string, contents: string): Promise<void> {
    const isExternal: EsbuildPlugin = {
      name: 'external',
      setup: ({ onResolve }) =>
        onResolve({ filter: /.*/ }, ({ path, kind }) => ({ external: kind !== 'entry-point' && !path.endsWith(RUNTIME) })),
    }
    await buildScript({
      ...SMALL,
      stdin: { contents, resolveDir: this.#dist },
      outfile: join(this.#dist, fileName),
      allowOverwrite: true,
      bundle: true,
      platform: 'neutral',
      tsconfigRaw: {},
      plugins: [isExternal],
    })
  }

  async #buildAlone(): Promise<readonly OutputChunk[]> {
    const chunks: OutputChunk[] = []
    for (const [name, source] of Object.entries(this.#package.alone ?? {})) {
      const bundle = await rolldown({ ...this.#input, input: { [name]: join(this.#src, source) }, plugins: [SHORT_NAMES] })
      const { output } = await bundle.write({ dir: this.#dist, format: 'es', entryFileNames: '[name].js', codeSplitting: false })
      for (const file of output) {
        if (file.type !== 'chunk') continue
        await this.#rewrite(file.fileName, file.code)
        chunks.push(file)
      }
    }
    return chunks
  }

  async #buildWorker(): Promise<readonly OutputChunk[]> {
    const { worker } = this.#package
    if (worker === undefined) return []
    const [name, source] = worker
    const bundle = await rolldown({ ...this.#input, input: { [name]: join(this.#src, source) } })
    const { output } = await bundle.write({
      dir: this.#dist,
      format: 'es',
      entryFileNames: '[name].js',
      codeSplitting: false,
      minify: true,
    })
    return output.filter(file => file.type === 'chunk')
  }

  /** One file per example and one for their program; the store in them is one chunk, apart from the installed one, whose parts it is not. */
  async #buildExamples(): Promise<readonly OutputChunk[]> {
    const folder = join(ROOT, 'examples')
    const names = readdirSync(folder).filter(file => /^\d\d-.*\.ts$/.test(file))
    const input = Object.fromEntries(['lab/program.ts', ...names].map(file => [file.replace(/\.ts$/, ''), join(folder, file)]))
    const sources = {
      name: 'sources',
      resolveId: (id: string): string | null => {
        const [, name, entry] = /^(kvarium|kvarium-lab)(?:\/(.+))?$/.exec(id) ?? []
        if (name === 'kvarium') return join(ROOT, 'src', STORE.entries[entry?.replace('/', '-') ?? 'index'])
        return name === 'kvarium-lab' ? join(ROOT, LAB.folder, 'src', LAB.entries[entry]) : null
      },
    }
    const { resolve, transform, checks } = this.#input
    // The tables of the terminal ask Node for colours by these names, and do without.
    const external = (id: string): boolean => (this.#isExternal(id) || id === 'os' || id === 'util') && !id.startsWith('kvarium')
    const bundle = await rolldown({
      platform: 'neutral',
      resolve: resolve!,
      transform: transform!,
      checks: checks!,
      input,
      external,
      plugins: [sources],
    })
    const { output } = await bundle.write({
      dir: join(this.#dist, 'examples'),
      format: 'es',
      entryFileNames: '[name].js',
      chunkFileNames: 'lab/chunk-[name].js',
      codeSplitting: { groups: [{ name: 'shared', minShareCount: 2 }] },
      minify: true,
    })
    writeFileSync(join(this.#dist, 'examples/lab/replay-view.js'), await bundleReplayView())
    return output.filter(file => file.type === 'chunk')
  }

  /** Declarations of every source by the compiler, then those of an entry in one file. */
  async #buildTypes(): Promise<void> {
    const { config } = ts.readConfigFile(join(this.#root, 'tsconfig.build.json'), path => ts.sys.readFile(path)) as { config: object }
    const { options, fileNames } = ts.parseJsonConfigFileContent(config, ts.sys, this.#root, { outDir: this.#types })
    const program = ts.createProgram(fileNames, options)
    const diagnostics = [...ts.getPreEmitDiagnostics(program), ...program.emit().diagnostics]
    if (diagnostics.length > 0) {
      const host = { getCurrentDirectory: () => ROOT, getCanonicalFileName: (name: string) => name, getNewLine: () => '\n' }
      throw new Error(ts.formatDiagnosticsWithColorAndContext(diagnostics, host))
    }
    const entries = Object.entries({ ...this.#package.entries, ...this.#package.alone })
    const input = Object.fromEntries(entries.map(([name, source]) => [name, join(this.#types, source.replace(/\.ts$/, '.d.ts'))]))
    const bundle = await rollup({ input, external: this.#isExternal, plugins: [dts()] })
    await bundle.write({
      dir: this.#dist,
      format: 'es',
      entryFileNames: '[name].d.ts',
      chunkFileNames: 'chunk-[name].d.ts',
      manualChunks: id => this.#rowOf(id)?.[0],
    })
  }
}

/** The licences of all packages that are partly in the files; `undefined` if there are none. */
function licencesOf(modules: readonly string[]): string | undefined {
  const packages = new Set<string>()
  for (const id of modules) {
    const name = /node_modules[\\/]((?:@[^\\/]+[\\/])?[^\\/]+)/.exec(id)?.[1]
    if (name !== undefined) packages.add(name)
  }
  if (packages.size === 0) return undefined
  const sections = [...packages].sort().map(name => {
    const folder = join(ROOT, 'node_modules', name)
    const { version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Record<string, string>
    const file = readdirSync(folder).find(entry => /^licen[cs]e/i.test(entry))
    const text = file === undefined ? `Published under the ${license} licence.` : readFileSync(join(folder, file), 'utf8').trim()
    return `${name} ${version} (${license})\n\n${text}\n`
  })
  return `Parts of these packages are in the files of this folder.\n\n${sections.join(`\n${'-'.repeat(80)}\n\n`)}`
}

for (const what of [STORE, LAB, CLI]) await new PackageBuild(what).run()
