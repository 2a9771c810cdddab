/** What a page measures of kvarium in a worker, with its files in OPFS, beside browser-level on IndexedDB: `npm run bench:browser`. */
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { parseArgs } from 'node:util'
import { build } from 'esbuild'
import { browserScript, Origin, ProfiledBrowser } from '../../tests/support/chromium-origin.js'
import { median, short, table } from '../table.js'
import { STORE_NAMES, type Measured, type Sizes, type StoreName } from './sizes.js'

declare const measure: (name: StoreName, sizes: Sizes) => Promise<Measured>

const { values } = parseArgs({
  options: {
    n: { type: 'string', default: '100000' },
    gets: { type: 'string', default: '10000' },
    rounds: { type: 'string', default: '3' },
    'sizes-only': { type: 'boolean', default: false },
  },
})
const sizes: Sizes = { entries: Number(values.n), gets: Number(values.gets) }

const ROWS: readonly (readonly [name: string, key: keyof Measured, factor: number])[] = [
  [`load of ${values.n} entries in batches of 1,000, random order (ms)`, 'load', 1],
  ['open again (ms)', 'open', 1],
  ['get, awaited one by one (us)', 'get', 1000],
  ['getMany of 100 keys, per key (us)', 'getMany', 1000],
  ['scan of all entries by for await (ms)', 'scan', 1],
  ['put, awaited one by one (us)', 'put', 1000],
]

/** What a page loads of them at first, bundled from the build. */
const BUNDLES: readonly (readonly [name: string, contents: string])[] = [
  ['abstract-level alone', `export { AbstractLevel } from 'abstract-level'`],
  ['`openInWorker` of `kvarium/browser`', `export { openInWorker } from 'kvarium/browser'`],
  ['`BrowserLevel` of browser-level', `export { BrowserLevel } from 'browser-level'`],
  ['the worker: `serveStores` of `kvarium/browser/worker`', `export { serveStores } from 'kvarium/browser/worker'`],
  ['`Kvarium` of `kvarium`, in memory', `export { Kvarium } from 'kvarium'`],
]

async function bundleBytes(contents: string): Promise<readonly [bytes: number, compressed: number]> {
  const { metafile, outputFiles } = await build({
    stdin: { contents, resolveDir: join(import.meta.dirname, '../..') },
    bundle: true,
    minify: true,
    splitting: true,
    write: false,
    metafile: true,
    outdir: '/out',
    platform: 'browser',
    format: 'esm',
    target: 'es2023',
    // As for an application: the project's own configuration leads the package's name to its source.
    tsconfigRaw: {},
  })
  const loaded = new Set<string>()
  const load = (file: string): void => {
    if (loaded.has(file)) return
    loaded.add(file)
    for (const { path, kind } of metafile.outputs[file].imports) if (kind === 'import-statement') load(path)
  }
  load(Object.keys(metafile.outputs).find(file => metafile.outputs[file].entryPoint !== undefined)!)
  const files = [...loaded].map(file => outputFiles.find(({ path }) => path.endsWith(file.slice(file.lastIndexOf('/'))))!.contents)
  return files.reduce<readonly [number, number]>(
    (sum, file) => [sum[0] + file.length, sum[1] + gzipSync(file, { level: 9 }).length],
    [0, 0],
  )
}

async function measureAll(): Promise<void> {
  const [page, worker] = await Promise.all(['page', 'worker'].map(name => browserScript(join(import.meta.dirname, `${name}.ts`))))
  const origin = await Origin.serve({ 'page.js': page, 'worker.js': worker })
  const browser = new ProfiledBrowser()
  const found = new Map<StoreName, Measured[]>(STORE_NAMES.map(name => [name, []]))
  try {
    await browser.start()
    for (let round = 0; round < Number(values.rounds); round++) {
      for (const name of STORE_NAMES) {
        const tab = await browser.page(origin.url)
        await tab.addScriptTag({ url: '/page.js' })
        found.get(name)!.push(await tab.evaluate(([store, size]) => measure(store, size), [name, sizes] as const))
        await tab.close()
      }
    }
  } finally {
    await browser.dispose()
    await origin.close()
  }
  const cells = (key: keyof Measured, factor: number): string[] =>
    STORE_NAMES.map(name => short(factor * median(found.get(name)!.map(measured => measured[key]))))
  console.log(
    table(
      ['', ...STORE_NAMES],
      ROWS.map(([row, key, factor]) => [row, ...cells(key, factor)]),
    ),
  )
}

if (!values['sizes-only']) await measureAll()
const rows: string[][] = []
for (const [name, contents] of BUNDLES) {
  const [bytes, compressed] = await bundleBytes(contents)
  rows.push([name, (bytes / 1000).toFixed(0), (compressed / 1000).toFixed(1)])
}
console.log(`\n${table(['loaded at first', 'kB', 'kB gzip'], rows)}`)
