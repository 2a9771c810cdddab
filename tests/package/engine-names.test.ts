import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import ts from 'typescript'
import { describe, expect, it } from 'vitest'
import { predictableEngines } from '../../packages/lab/src/predict/predictors.js'
import { builtInEngines } from '../../src/built-in-engines.js'
import { DEFAULT_ENGINE } from '../../src/default-engine.js'
import { INSPECTORS } from '../../src/inspect/engine-inspectors.js'

const ROOT = join(import.meta.dirname, '../..')
const ENGINES = builtInEngines().names

/** The lists of engines: of the store, of inspection, of predictions, of replays, of the map and of the explorer, each read by the entry of its name alone. */
const LISTS = [
  'src/built-in-engines.ts',
  'src/default-engine.ts',
  'src/inspect/engine-inspectors.ts',
  'packages/lab/src/predict/predictors.ts',
  'packages/lab/src/compare/explore/dimensions.ts',
  'packages/explorer/src/run/engine-lanes.ts',
  'packages/explorer/src/run/engines.ts',
  'packages/explorer/src/views/catalog.ts',
  'packages/explorer/src/views/prediction.ts',
  'packages/lab/src/replay/replay.ts',
  'packages/lab/src/replay/structure-text.ts',
]
/** Files that give an engine's own names to users, also to the parts that they write, or start its worker thread; they choose nothing. */
const ENTRIES = ['src/index.ts', 'src/index.browser.ts', 'src/node-engines.ts', 'packages/explorer/src/parts/entries.ts']
/** Formulas and the simulator are about one engine's options, shape and pickers; a drawing, or a search for a key in pages, is of one engine's structure. */
const FORMULAS =
  /^packages\/(lab\/src\/(predict|replay)\/|explorer\/src\/(views|page\/drawings)\/|explorer\/src\/session\/key-in-pages\.ts$)/

const FOLDERS = ENGINES.flatMap(name => [`src/${name}/`, `src/inspect/${name}/`])
/** Also ordinary words: they are engines' names where they are compared, or given as one. */
const ORDINARY: readonly string[] = ['hash', 'memory']

/** Where a file names an engine: by a string or a property that is its name, or by an import from its folder. */
function namesIn(file: string, source: string): string[] {
  if (LISTS.includes(file) || FOLDERS.some(folder => file.startsWith(folder))) return []
  const tree = ts.createSourceFile(file, source, ts.ScriptTarget.ESNext, true)
  const found: string[] = []
  const report = (node: ts.Node, what: string): void => {
    found.push(`${file}:${tree.getLineAndCharacterOfPosition(node.getStart(tree)).line + 1} ${what}`)
  }
  const visit = (node: ts.Node): void => {
    if (ts.isStringLiteralLike(node)) {
      const { parent, text } = node
      const isImport = ts.isImportDeclaration(parent) || ts.isExportDeclaration(parent)
      const target = text.startsWith('.') ? join(dirname(file), text) : text.replace(/^kvarium\/(.*)/, 'src/$1/')
      const isExempt = ENTRIES.includes(file) || FORMULAS.test(file)
      if (isImport && !isExempt && ENGINES.some(name => target.startsWith(`src/${name}/`))) report(node, `imports '${text}'`)
      if (ENGINES.includes(text) && (!ORDINARY.includes(text) || isName(parent))) report(node, `names '${text}'`)
    } else if (ts.isPropertyAssignment(node) && ts.isIdentifier(node.name)) {
      const { text } = node.name
      if (ENGINES.includes(text) && !ORDINARY.includes(text)) report(node, `names '${text}'`)
    }
    ts.forEachChild(node, visit)
  }
  visit(tree)
  return found
}

function isName(parent: ts.Node): boolean {
  return ts.isBinaryExpression(parent) || (ts.isPropertyAssignment(parent) && /^(engine|name)$/.test(parent.name.getText()))
}

function sources(folder: string): [file: string, source: string][] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter(name => /\.tsx?$/.test(name))
    .map(name => [`${folder}/${name}`, readFileSync(join(ROOT, folder, name), 'utf8')])
}

describe('the names of the engines', () => {
  it('are nowhere but in the lists and in the folders of the engines', () => {
    const files = [...sources('src'), ...readdirSync(join(ROOT, 'packages')).flatMap(name => sources(`packages/${name}/src`))]
    expect(files.length).toBeGreaterThan(200)
    expect(files.flatMap(([file, source]) => namesIn(file, source))).toEqual([])
  })

  it('give a page the same default as a store', () => {
    expect(builtInEngines().resolve().name).toBe(DEFAULT_ENGINE)
  })

  it.each([
    ['a comparison', 'src/store/a.ts', `if (engine === 'lsm') open()`],
    ['a comparison with a word', 'src/store/a.ts', `if (engine === 'memory') open()`],
    ['a table of its own', 'packages/lab/src/compare/a.ts', `const rows = { btree: 1 }`],
    ['an import of its files', 'src/store/a.ts', `import { DATA_FILE } from '../btree/file-names.js'`],
    ['an import by a command', 'packages/cli/src/a.ts', `import { DATA_FILE } from 'kvarium/btree'`],
  ])('are found in %s', (_what, file, source) => {
    expect(namesIn(file, source)).toHaveLength(1)
  })

  it('are the same in every list: each engine on disk has an inspector, and each inspector and formula an engine', () => {
    const durable = builtInEngines().factories.flatMap(({ name, durable }) => (durable ? [name] : []))
    expect(INSPECTORS.map(({ engine }) => engine).sort()).toEqual([...durable].sort())
    expect(ENGINES).toEqual(expect.arrayContaining(predictableEngines()))
  })
})
