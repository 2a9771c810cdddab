/** Hazards: a running program that the page does not show, shows no more after it was started again, or shows as something that takes operations. */
import { spawn, type ChildProcess } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium, type Browser, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PageServer } from '../../packages/cli/src/explore/page-server.js'
import { buildExplorer } from '../../scripts/explorer.js'
import { ARGUMENTS, CHROMIUM, isInstalled } from '../support/chromium.js'
import { isEveryStory } from '../support/thoroughness.js'

const ROOT = join(import.meta.dirname, '../..')
const FOLDER = join(ROOT, '.tmp/explore-test')
const PICTURES = join(ROOT, '.tmp/pictures/explore')
const AXE = readFileSync(createRequire(join(ROOT, 'packages/explorer/package.json')).resolve('axe-core/axe.min.js'), 'utf8')

const PROGRAM = `
import { Kvarium } from 'kvarium'
import { explorerTrace } from 'kvarium/explore'
const { STORE, ADDRESS, ENGINE } = process.env
const db = new Kvarium(STORE, { engine: ENGINE, trace: explorerTrace({ address: ADDRESS, name: 'planets' }) })
for (let i = 0; ; i++) {
  await db.put('key' + i % 100, 'value')
  await new Promise(resolve => setTimeout(resolve, 5))
}
`

interface AxeResults {
  readonly violations: readonly { readonly id: string; readonly help: string; readonly nodes: readonly { readonly html: string }[] }[]
}

describe.runIf(isInstalled && isEveryStory)('a running program in the page of kvarium explore', () => {
  let browser: Browser
  let server: PageServer
  let scratch: string
  const children: ChildProcess[] = []

  beforeAll(async () => {
    await buildExplorer(FOLDER)
    server = await PageServer.listen(FOLDER)
    browser = await chromium.launch({ executablePath: CHROMIUM, args: ARGUMENTS })
    scratch = mkdtempSync(join(tmpdir(), 'kvarium-explore-page-'))
    mkdirSync(PICTURES, { recursive: true })
  })
  afterAll(async () => {
    for (const child of children) child.kill('SIGKILL')
    await browser.close()
    await server.close()
    rmSync(scratch, { recursive: true, force: true })
  })

  function start(engine: string): ChildProcess {
    const child = spawn(process.execPath, ['--input-type=module', '--eval', PROGRAM], {
      cwd: ROOT,
      env: { ...process.env, STORE: join(scratch, engine), ADDRESS: server.feedAddress, ENGINE: engine },
      stdio: 'ignore',
    })
    children.push(child)
    return child
  }

  const place = async (page: Page): Promise<number> => Number((await page.locator('.place-of').textContent())!.replaceAll(/\D/g, ''))

  it('grows as a lane, stands still where one looks, and is there again after it was killed', async () => {
    const page = await (await browser.newContext({ reducedMotion: 'reduce' })).newPage()
    const messages: string[] = []
    page.on('console', message => messages.push(message.text()))
    page.on('pageerror', error => messages.push(error.message))
    await page.goto(server.address)
    await page.locator('.lane-names').waitFor()
    const first = start('lsm')
    start('btree')
    await page.getByRole('button', { name: 'Watch these 2 stores' }).click()
    const watched = page.locator('.live-lanes')
    await watched.getByText('planets (lsm): running').or(watched.getByText('planets (2) (lsm): running')).waitFor()
    await page.getByRole('button', { name: 'At the newest', pressed: true }).waitFor()
    const before = await place(page)
    await expect.poll(() => place(page), { timeout: 20_000 }).toBeGreaterThan(before + 50)
    expect(await page.locator('.sentence').textContent()).toContain('planets')

    // Looking around: the run grows, the page stays.
    await page
      .getByRole('button', { name: 'Previous operation' })
      .or(page.getByRole('button', { name: 'Previous moment' }))
      .last()
      .click()
    await page.getByRole('button', { name: 'At the newest', pressed: false }).waitFor()
    const sentence = await page.locator('.sentence').textContent()
    const grown = await place(page)
    await expect.poll(() => place(page), { timeout: 20_000 }).toBeGreaterThan(grown + 20)
    expect(await page.locator('.sentence').textContent()).toBe(sentence)
    await page.getByRole('button', { name: 'Pause' }).last().click()
    await page.getByText('What the programs do meanwhile waits').waitFor()
    await page.waitForTimeout(500)
    const paused = await place(page)
    await page.waitForTimeout(500)
    expect(await place(page)).toBe(paused)

    // What needs operations says why there are none.
    await page.getByText('can do nothing in them').first().waitFor()
    await page.getByRole('tab', { name: 'Power loss' }).click()
    const power = page.getByRole('button', { name: 'Power fails in planets', exact: true })
    await power.waitFor()
    expect(await power.isDisabled()).toBe(true)
    expect(await page.locator(`#${await power.getAttribute('aria-describedby')}`).textContent()).toContain('can do nothing in them')

    await page.getByRole('button', { name: 'Pause' }).last().click()
    first.kill('SIGKILL')
    await watched.getByText('(lsm): ended').waitFor()
    start('lsm')
    await page.getByRole('button', { name: 'Watch this store' }).click()
    await watched.getByText('planets (lsm): running').waitFor()
    await expect.poll(() => page.locator('.lane-names').textContent(), { timeout: 20_000 }).toContain('planets')

    await page.evaluate(AXE)
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme })
      for (const width of [1280, 360]) {
        await page.setViewportSize({ width, height: 800 })
        await page.screenshot({ path: join(PICTURES, `${width}-${colorScheme}.png`), fullPage: true })
        expect(await page.evaluate('document.documentElement.scrollWidth - innerWidth')).toBeLessThanOrEqual(0)
      }
      const { violations } = await page.evaluate<AxeResults>('axe.run({ resultTypes: ["violations"] })')
      expect(violations.map(({ id, help, nodes }) => `${id}: ${help} (${nodes.length}: ${nodes[0]?.html.slice(0, 160)})`)).toEqual([])
    }
    expect(messages).toEqual([])

    await page.getByRole('button', { name: 'Begin a new run' }).click()
    await page.getByRole('textbox', { name: 'Operations' }).waitFor()
    await page.context().close()
  })
})
