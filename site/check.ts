/**
 * Opens the built site in Chromium, in light and dark, at the width of a phone and of a screen: no page has an error, asks another host for anything,
 * is wider than the screen, fails a rule of axe, or takes more than 300 kB, compressed; every link leads somewhere; the first example runs; the search finds.
 */
import { existsSync, mkdirSync, readFileSync, readdirSync } from 'node:fs'
import { join, posix } from 'node:path'
import { chromium, type Page } from 'playwright-core'
import { serve } from './serve.js'

const CHROMIUM = process.env['KVARIUM_CHROMIUM'] ?? '/usr/bin/chromium'
const MOST_BYTES = 300_000
/** One page of each kind. */
const LOOKED_AT = [
  '',
  'start.html',
  'guide/',
  'guide/01-bytes-of-a-put.html',
  'formats/wal.html',
  'bench/history.html',
  'api/',
  'source/src/wal/tail.ts.html',
  'examples/1.html',
  'explorer/',
]
const LOOKS = [360, 1280].flatMap(width => (['light', 'dark'] as const).map(scheme => ({ width, scheme })))

/** Throws with every problem that was found. Pictures of the pages are in `pictures` then. */
export async function checkSite(folder: string, pictures: string): Promise<void> {
  const problems = brokenLinks(folder)
  if (!existsSync(CHROMIUM)) throw new Error(`There is no ${CHROMIUM} to look at the site with; KVARIUM_CHROMIUM can name another one`)
  mkdirSync(pictures, { recursive: true })
  const axe = readFileSync(join(import.meta.dirname, 'node_modules/axe-core/axe.min.js'), 'utf8')
  const { address, close } = await serve(folder)
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--headless', '--no-sandbox', '--disable-gpu'] })
  try {
    for (const { width, scheme } of LOOKS) {
      const context = await browser.newContext({ colorScheme: scheme, reducedMotion: 'reduce', viewport: { width, height: 800 } })
      for (const path of LOOKED_AT) {
        const name = `${path.replaceAll(/\W+/g, '-') || 'home'} ${width} ${scheme}`
        const page = await context.newPage()
        const problem = (text: string): void => void problems.push(`${name}: ${text}`)
        let bytes = 0
        page.on('pageerror', error => problem(error.message))
        page.on('console', message => message.type() === 'error' && problem(message.text()))
        page.on(
          'request',
          request => request.url().startsWith(address) || request.url().startsWith('data:') || problem(`asks for ${request.url()}`),
        )
        const sizes: Promise<unknown>[] = []
        page.on('requestfinished', request => sizes.push(request.sizes().then(({ responseBodySize }) => (bytes += responseBodySize))))
        await page.goto(address + path, { waitUntil: 'networkidle' })
        await Promise.all(sizes)
        const wide = await page.evaluate('document.documentElement.scrollWidth - innerWidth')
        if (Number(wide) > 0) problem(`is ${String(wide)} pixels wider than the screen`)
        if (bytes > MOST_BYTES) problem(`takes ${bytes} bytes`)
        for (const violation of await violations(page, axe)) problem(violation)
        await page.screenshot({ path: join(pictures, `${name}.png`) })
        console.log(`${name}: ${bytes} bytes`)
        await page.close()
      }
      await context.close()
    }
    const page = await browser.newPage()
    await page.goto(address, { waitUntil: 'networkidle' })
    await page.getByRole('button', { name: 'Run' }).click()
    await page.locator('.output', { hasText: 'write amplification' }).waitFor()
    const output = await page.locator('.output').textContent()
    if (!output?.startsWith('mars {"radiusKm":3390}\n')) problems.push(`the first example prints ${output}`)
    await page.getByRole('button', { name: 'Search' }).click()
    await page.locator('#localsearch-input').fill('tombstone')
    await page.locator('.VPLocalSearchBox .result').first().waitFor()
  } finally {
    await browser.close()
    await close()
  }
  if (problems.length > 0) throw new Error(`The site has problems:\n${problems.join('\n')}`)
  console.log(`${LOOKED_AT.length} pages looked at, ${LOOKS.length} ways each: ${pictures}`)
}

interface AxeResults {
  readonly violations: readonly { readonly id: string; readonly help: string; readonly nodes: readonly { readonly html: string }[] }[]
}

async function violations(page: Page, axe: string): Promise<string[]> {
  await page.evaluate(axe)
  const { violations: found } = await page.evaluate<AxeResults>('axe.run({ resultTypes: ["violations"] })')
  return found.map(({ id, help, nodes }) => `${id}: ${help} (${nodes.length}: ${nodes[0]?.html.slice(0, 120)})`)
}

/** Links of the built pages to files that are not there, those in raw HTML included. */
function brokenLinks(folder: string): string[] {
  const broken = new Set<string>()
  for (const file of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.html') || file.startsWith('examples/')) continue
    for (const [, target] of readFileSync(join(folder, file), 'utf8').matchAll(/<a [^>]*href="([^"#?]+)[^"]*"/g)) {
      if (/^[a-z]+:/.test(target)) continue
      const path = target.startsWith('/') ? target.slice(1) : posix.join(posix.dirname(file), decodeURIComponent(target))
      const page = path === '' || path.endsWith('/') ? `${path}index.html` : path
      if (!existsSync(join(folder, page)) && !existsSync(join(folder, `${page}.html`))) broken.add(`${file} has a link to ${target}`)
    }
  }
  return [...broken]
}
