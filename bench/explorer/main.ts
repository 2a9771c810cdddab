/**
 * What the explorer costs, in Chromium: `npm run bench:explorer`. Loads the page several times, then performs operations until there are as many
 * moments as wanted, and steps, jumps and plays there.
 *
 *   --operations 3050,10000   random puts into both lanes; one table for each
 *   --steps 100               by the arrow keys, half of them back
 *   --jumps 40
 *   --loads 5
 *   --cpu                     instead: what the thread of the page takes of a processor
 *   --watched                 instead: what a watched program pays, and what the page keeps of it
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { gzipSync } from 'node:zlib'
import { chromium, type Browser, type Page } from 'playwright-core'
import { DEFAULT_LANES } from '../../packages/explorer/src/run/engine-lanes.js'
import { encodeScenario } from '../../packages/explorer/src/run/scenario.js'
import { buildExplorer } from '../../scripts/explorer.js'
import { serve } from '../../site/serve.js'
import { ARGUMENTS, CHROMIUM } from '../../tests/support/chromium.js'
import { browserScript } from '../../tests/support/chromium-origin.js'
import { median, short, table } from '../table.js'
import { cpuRow, tasksOf } from './cpu-time.js'
import { heapsOf } from './heaps.js'
import type { StepTimes } from './meter.js'
import { measureWatched } from './watched.js'

const { values } = parseArgs({
  options: {
    operations: { type: 'string', default: '3050,10000' },
    steps: { type: 'string', default: '100' },
    jumps: { type: 'string', default: '40' },
    loads: { type: 'string', default: '5' },
    watched: { type: 'boolean', default: false },
    cpu: { type: 'boolean', default: false },
  },
})
const PLAYED_MS = 4000
/** To which a page jumps, as parts of the run. */
const PLACES = Array.from({ length: Number(values.jumps) }, (_, index) => (0.05 + index * 0.618034) % 1)

/** A page with a meter in it, and the scripts that it has asked for. */
async function opened(
  browser: Browser,
  address: string,
  around: (page: Page, open: () => Promise<void>) => Promise<void> = (_, open) => open(),
): Promise<{ readonly page: Page; readonly loaded: Set<string> }> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } })
  const page = await context.newPage()
  const loaded = new Set<string>()
  page.on('request', request => loaded.add(new URL(request.url()).pathname.slice(1) || 'index.html'))
  page.on('pageerror', error => console.error(error.message))
  await page.addInitScript({ content: METER })
  await around(page, async () => {
    await page.goto(address)
    await page.locator('.lanes').waitFor()
    await page.evaluate(() => meter.settled())
  })
  return { page, loaded }
}

async function measureLoads(browser: Browser, address: string, folder: string): Promise<void> {
  const paints: number[] = []
  const firsts: number[] = []
  const demos: number[] = []
  const tasks: number[] = []
  let loaded = new Set<string>()
  for (let load = 0; load < Number(values.loads); load++) {
    const tab = await opened(browser, address)
    loaded = tab.loaded
    const { paint, ready, longTasks } = await tab.page.evaluate(() => ({
      paint: performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? NaN,
      ready: meter.ready,
      longTasks: meter.longTasks(),
    }))
    paints.push(paint)
    firsts.push(ready.first)
    demos.push(ready.demo)
    tasks.push(...longTasks)
    await tab.page.context().close()
  }
  const bytes = [...loaded].map(name => gzipSync(readFileSync(join(folder, name)), { level: 9 }).length)
  const total = bytes.reduce((sum, size) => sum + size, 0)
  console.log(
    table(
      [`of ${paints.length} loads`, 'median', 'most'],
      [
        ['first paint (ms)', ...medianAndMost(paints)],
        ['engines ready (ms)', ...medianAndMost(firsts)],
        ['run of the beginning performed (ms)', ...medianAndMost(demos)],
        ['tasks over 50 ms in the page', String(tasks.length), short(Math.max(0, ...tasks))],
        [`loaded: ${loaded.size} files (kB gzip)`, (total / 1000).toFixed(1), ''],
      ],
    ),
  )
}

async function measureRun(browser: Browser, address: string, operations: number): Promise<void> {
  const { page } = await opened(browser, address)
  const cdp = await page.context().newCDPSession(page)
  await page.evaluate(() => meter.longTasks())
  const began = performance.now()
  await perform(page, operations)
  const addedMs = performance.now() - began
  const adding = await page.evaluate(() => meter.longTasks())
  const first = await page.evaluate(() => meter.jump([1]))
  const moments = await page.evaluate(() => meter.position())
  const jumps = await page.evaluate(all => meter.jump(all), PLACES)
  const jumping = await page.evaluate(() => meter.longTasks())
  const steps: StepTimes[] = []
  for (const place of [0.5, 0.95]) {
    await page.evaluate(at => meter.jump([at]), place)
    for (const key of ['ArrowRight', 'ArrowLeft']) {
      steps.push(...(await page.evaluate(([pressed, times]) => meter.press(pressed, times), [key, Number(values.steps) / 4] as const)))
    }
  }
  const stepping = await page.evaluate(() => meter.longTasks())
  await page.evaluate(() => meter.jump([0.3]))
  await page.getByLabel('Speed').selectOption('2500')
  await page.evaluate(() => meter.longTasks())
  await page.locator('body').press('p')
  await page.waitForTimeout(PLAYED_MS)
  await page.locator('body').press('p')
  const playing = await page.evaluate(() => meter.longTasks())
  await page.evaluate(() => meter.settled())
  const heaps = await heapsOf(cdp)
  const row = (name: string, all: readonly number[]): string[] => [
    name,
    short(median(all)),
    short(percentile(all, 0.95)),
    short(Math.max(...all)),
  ]
  const tasks = (name: string, all: readonly number[]): string[] => [
    `tasks over 50 ms in the page, ${name}`,
    String(all.length),
    '',
    short(Math.max(0, ...all)),
  ]
  const heap = (name: string, bytes: number): string[] => [name, (bytes / 1e6).toFixed(0), '', '']
  console.log()
  console.log(
    table(
      [`${moments.toLocaleString('en')} moments of ${operations.toLocaleString('en')} operations`, 'median', 'p95', 'most'],
      [
        ['performing them (ms)', short(addedMs), '', ''],
        row(
          'step: drawn (ms)',
          steps.map(({ look }) => look),
        ),
        row(
          'step: every panel drawn (ms)',
          steps.map(({ settled }) => settled),
        ),
        row(
          'first jump to the end: drawn (ms)',
          first.map(({ look }) => look),
        ),
        row(
          'jump: drawn (ms)',
          jumps.map(({ look }) => look),
        ),
        row(
          'jump: every panel drawn (ms)',
          jumps.map(({ settled }) => settled),
        ),
        tasks('performing', adding),
        tasks('jumping', jumping),
        tasks('stepping', stepping),
        tasks('playing', playing),
        heap('heap of the page (MB)', heaps.page),
        heap('heap and buffers of the worker (MB)', heaps.worker),
      ],
    ),
  )
  await page.context().close()
}

async function perform(page: Page, operations: number): Promise<void> {
  const link = await encodeScenario({
    settings: { seed: 1, lanes: DEFAULT_LANES },
    script: [`random ${operations} keys ${operations}`],
    position: 0,
  })
  await page.evaluate(async hash => {
    location.hash = hash
    await new Promise(resolve => setTimeout(resolve, 100))
    await meter.settled()
  }, link)
}

async function measureCpu(browser: Browser, address: string, operations: number): Promise<void> {
  const rows: string[][] = []
  const { page } = await opened(browser, address, async (tab, open) => {
    rows.push(cpuRow('loading, with the run of the beginning', 1, await tasksOf(tab, open)))
  })
  rows.push(cpuRow('performing', 1, await tasksOf(page, () => perform(page, operations))))
  await page.evaluate(() => meter.jump([1, 0.5]))
  const moments = await page.evaluate(() => meter.position())
  const steps = Number(values.steps)
  const step = async (): Promise<void> => {
    for (const key of ['ArrowRight', 'ArrowLeft']) {
      await page.evaluate(([pressed, times]) => meter.press(pressed, times), [key, steps / 2] as const)
    }
  }
  rows.push(cpuRow('a step', steps, await tasksOf(page, step)))
  const jump = async (): Promise<void> => void (await page.evaluate(all => meter.jump(all), PLACES))
  rows.push(cpuRow('a jump', PLACES.length, await tasksOf(page, jump)))
  console.log(
    `\n${table([`CPU of the page's thread, at ${(2 * moments).toLocaleString('en')} moments (ms)`, 'in all', 'longest task'], rows)}`,
  )
  await page.context().close()
}

function percentile(all: readonly number[], part: number): number {
  const sorted = all.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))]
}

function medianAndMost(all: readonly number[]): [string, string] {
  return [short(median(all)), short(Math.max(...all))]
}

const METER = await browserScript(join(import.meta.dirname, 'meter.ts'))
const folder = mkdtempSync(join(tmpdir(), 'kvarium-explorer-'))
try {
  await buildExplorer(folder)
  const served = await serve(folder)
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: ARGUMENTS })
  try {
    if (values.watched) await measureWatched(browser, folder)
    else {
      if (!values.cpu) await measureLoads(browser, served.address, folder)
      for (const operations of values.operations.split(','))
        await (values.cpu ? measureCpu : measureRun)(browser, served.address, Number(operations))
    }
  } finally {
    await browser.close()
    await served.close()
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
