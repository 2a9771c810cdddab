/**
 * Builds the site into `.tmp/site/out`: `npm run site`. With `--check` it opens it in Chromium afterwards, with `--serve` it serves it on the loopback
 * address. The package has to be built: the start page runs it, and the reference is made of its sources.
 */
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { build as bundle } from 'esbuild'
import { catalog } from '../examples/lab/catalog.js'
import { buildExplorer } from '../scripts/explorer.js'
import { siteStyle } from '../packages/lab/src/report/shared-style.js'
import { checkSite } from './check.js'
import { Pages } from './pages.js'
import { serve } from './serve.js'

const ROOT = join(import.meta.dirname, '..')
const WORK = join(ROOT, '.tmp/site')
const PAGES = join(WORK, 'pages')
const OUT = join(WORK, 'out')
const PROGRAMS = join(import.meta.dirname, 'node_modules/.bin')

function run(command: string, parameters: readonly string[], cwd = ROOT): void {
  const { status } = spawnSync(command, parameters, { cwd, stdio: ['ignore', 'ignore', 'inherit'] })
  if (status !== 0) throw new Error(`${command} ${parameters.join(' ')} ended with code ${status}`)
}

async function build(): Promise<void> {
  if (!existsSync(PROGRAMS)) run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], import.meta.dirname)
  rmSync(WORK, { recursive: true, force: true })
  mkdirSync(PAGES, { recursive: true })
  // The pages are outside of the package that has the generator.
  symlinkSync(join(import.meta.dirname, 'node_modules'), join(WORK, 'node_modules'))
  cpSync(join(import.meta.dirname, '.vitepress'), join(PAGES, '.vitepress'), { recursive: true })
  writeFileSync(join(PAGES, '.vitepress/theme/shared.css'), siteStyle())
  cpSync(join(import.meta.dirname, 'index.md'), join(PAGES, 'index.md'))
  const pages = new Pages(ROOT, PAGES)
  pages.write()
  writeFileSync(join(PAGES, '.vitepress/chapters.json'), JSON.stringify(pages.chapters()))
  reference()
  await programs()
  run(join(PROGRAMS, 'vitepress'), ['build', PAGES, '--outDir', OUT], import.meta.dirname)
  console.log(`${pages.count} pages and the reference: ${OUT}`)
}

/** The reference of the interface, as pages. */
function reference(): void {
  run(join(PROGRAMS, 'typedoc'), [
    '--plugin',
    'typedoc-plugin-markdown',
    '--tsconfig',
    join(ROOT, 'tsconfig.build.json'),
    '--out',
    join(PAGES, 'api'),
    '--readme',
    'none',
    '--disableSources',
    '--excludePrivate',
    '--excludeInternal',
    '--hidePageHeader',
    '--hideBreadcrumbs',
    '--entryFileName',
    'index',
    '--logLevel',
    'Error',
    '--entryPoints',
    ...[
      'index',
      'engine/index',
      'memory/index',
      'lsm/index',
      'btree/index',
      'observe/index',
      'trace/index',
      'reader/index',
      'inspect/index',
      'vfs/index',
    ].map(entry => join(ROOT, `src/${entry}.ts`)),
  ])
}

/** What the pages run: the store for the start page, the explorer, and a page for each example. */
async function programs(): Promise<void> {
  const folder = join(PAGES, 'public')
  mkdirSync(join(folder, 'examples'), { recursive: true })
  await bundle({
    entryPoints: [join(ROOT, 'dist/index.browser.js')],
    outfile: join(folder, 'kvarium.js'),
    bundle: true,
    format: 'esm',
    minify: true,
    platform: 'browser',
    logLevel: 'error',
  })
  await buildExplorer(join(folder, 'explorer'))
  for (const { number } of catalog()) {
    run(process.execPath, [
      '--import',
      'tsx',
      join(ROOT, 'examples/lab/main.ts'),
      String(number),
      '--html',
      join(folder, `examples/${number}.html`),
    ])
  }
}

await build()
if (process.argv.includes('--check')) await checkSite(OUT, join(WORK, 'pictures'))
if (process.argv.includes('--serve')) {
  const { address } = await serve(OUT, 4173)
  console.log(`${address} (end with Ctrl+C)`)
}
