/** What a program pays for being watched, and what the page keeps in memory of what it sees: `npm run bench:explorer -- --watched`. */
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Browser, Page } from 'playwright-core'
import { PageServer } from '../../packages/cli/src/explore/page-server.js'
import { median, short, table } from '../table.js'
import { heapsOf } from './heaps.js'
import type { Watched } from './watched-program.js'

const ROUNDS = 3
const ENGINES = ['lsm', 'btree']
const PROGRAM = join(import.meta.dirname, 'watched-program.ts')

/** The kind of trace, and whether an explorer is there. */
const CASES = [
  { name: 'no trace', kind: 'none', isThere: false },
  { name: 'a trace that only counts', kind: 'counts', isThere: false },
  { name: 'explorerTrace, no explorer', kind: 'explorerTrace', isThere: false },
  { name: 'explorerTrace, watched', kind: 'explorerTrace', isThere: true },
]

export async function measureWatched(browser: Browser, folder: string): Promise<void> {
  const server = await PageServer.listen(folder)
  const scratch = mkdtempSync(join(tmpdir(), 'kvarium-watched-'))
  let directories = 0
  const run = async (engine: string, { kind, isThere }: (typeof CASES)[number]): Promise<Watched> => {
    const parameters = [kind, engine, join(scratch, String(directories++)), ...(isThere ? [server.feedAddress] : [])]
    const env = { ...process.env, TMPDIR: scratch }
    const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', PROGRAM, ...parameters], { env })
    return JSON.parse(stdout) as Watched
  }
  try {
    const page = await (await browser.newContext({ viewport: { width: 1280, height: 800 } })).newPage()
    await page.goto(server.address)
    await page.locator('.lane-names').waitFor()
    const first = run(ENGINES[0], CASES[3])
    await page.getByRole('button', { name: /^Watch/ }).click()
    await first
    for (const engine of ENGINES) {
      const measured = CASES.map((): Watched[] => [])
      for (let round = 0; round < ROUNDS; round++) for (const [at, each] of CASES.entries()) measured[at].push(await run(engine, each))
      const events = median(measured[1].map(each => each.events))
      const rows = CASES.map(({ name }, at) => [
        name,
        ...(['put', 'get', 'cpu'] as const).map(field => short(median(measured[at].map(each => each[field])))),
      ])
      console.log(`${table([`${engine}, ${short(events)} events a call (µs)`, 'put', 'get', 'CPU a call'], rows)}\n`)
    }
    await reportHeaps(page)
    await page.context().close()
  } finally {
    await server.close()
    rmSync(scratch, { recursive: true, force: true })
  }
}

async function reportHeaps(page: Page): Promise<void> {
  const { page: own, worker } = await heapsOf(await page.context().newCDPSession(page))
  const range = await page
    .locator('[role=slider][aria-valuemax]')
    .evaluate(slider => [slider.ariaValueMin, slider.ariaValueMax].map(Number))
  const rows = [own, worker].map((bytes, at) => [['page', 'worker'][at], (bytes / 1e6).toFixed(0)])
  console.log(table([`heap, with ${(range[1] - range[0]).toLocaleString('en')} moments of a running program (MB)`, ''], rows))
}
