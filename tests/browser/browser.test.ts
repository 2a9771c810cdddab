import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { browserScript, Origin, ProfiledBrowser } from '../support/chromium-origin.js'
import { isInstalled } from '../support/chromium-page.js'
import { isEveryStory } from '../support/thoroughness.js'

/** What `page-program.ts` gives the page. */
interface TestPage {
  runSuite(script: string): Promise<{ passed: number; failures: string[] }>
  start(script: string): void
  open(location: string): Promise<string>
  write(): void
  acknowledged: number
  count(location: string): Promise<number>
  codesAfterEnd(): Promise<string[]>
  checkpoint(engine: string): Promise<{ atCall: number; inCopy: number; after: number }>
  failedCheckpoint(): Promise<{ codes: string[]; folders: string[] }>
}
declare const window: TestPage

describe.skipIf(!isInstalled)('a page with its store in a worker, in Chromium', () => {
  const browser = new ProfiledBrowser()
  let origin: Origin

  beforeAll(async () => {
    const scriptOf = (name: string): Promise<string> => browserScript(join(import.meta.dirname, `support/${name}.ts`))
    const [program, suite, store] = await Promise.all(['page-program', 'suite-worker', 'store-worker'].map(scriptOf))
    origin = await Origin.serve({ 'page.js': program, 'suite.js': suite, 'store.js': store })
    await browser.start()
  })
  afterAll(async () => {
    await browser.dispose()
    await origin.close()
  })

  async function newPage(): Promise<Page> {
    const page = await browser.page(origin.url)
    await page.addScriptTag({ url: '/page.js' })
    return page
  }

  it("passes abstract-level's own test suite", async () => {
    const page = await newPage()
    const { passed, failures } = await page.evaluate(() => window.runSuite('/suite.js'))
    expect(failures).toEqual([])
    expect(passed).toBeGreaterThan(4000)
    await page.close()
  })

  it('has every acknowledged write after its tab was closed, and keeps a second tab out until then', async () => {
    const page = await newPage()
    await page.evaluate(() => window.start('/store.js'))
    expect(await page.evaluate(() => window.open('numbers'))).toBe('open')
    await page.evaluate(() => window.write())
    const second = await newPage()
    await second.evaluate(() => window.start('/store.js'))
    expect(await second.evaluate(() => window.open('numbers'))).toBe(
      'LEVEL_DATABASE_NOT_OPEN LEVEL_LOCKED numbers is open in another tab or worker: close it there, or use it through its worker',
    )
    const acknowledged = await page.evaluate(() => window.acknowledged)
    expect(acknowledged).toBeGreaterThan(50)
    await page.close()
    expect(await second.evaluate(() => window.count('numbers'))).toBeGreaterThan(acknowledged)
  })

  it.runIf(isEveryStory).each(['lsm', 'btree'])('makes a checkpoint, a store in another folder, while it writes: %s', async engine => {
    const page = await newPage()
    await page.evaluate(() => window.start('/store.js'))
    const { atCall, inCopy, after } = await page.evaluate(name => window.checkpoint(name), engine)
    expect(atCall).toBe(3000)
    expect(inCopy).toBe(atCall)
    expect(after).toBeGreaterThan(atCall)
    await page.close()
  })

  it.runIf(isEveryStory)('leaves no folder of a checkpoint that was ended, and none of a store that is destroyed', async () => {
    const page = await newPage()
    await page.evaluate(() => window.start('/store.js'))
    const { codes, folders } = await page.evaluate(() => window.failedCheckpoint())
    expect(codes).toEqual(['LEVEL_ABORTED', 'LEVEL_INVALID_LOCATION', 'LEVEL_LOCKED'])
    expect(folders).toEqual(['source'])
    await page.close()
  })

  it.runIf(isEveryStory)('a worker whose script cannot be loaded fails the store, with its location', async () => {
    const page = await newPage()
    await page.evaluate(() => window.start('data:text/javascript,throw new Error("broken")'))
    expect(await page.evaluate(() => window.open('nowhere'))).toMatch(
      /^LEVEL_DATABASE_NOT_OPEN LEVEL_WORKER_FAILED The worker of nowhere has failed/,
    )
  })

  it.runIf(isEveryStory)('a terminated worker ends what waits for it, and the close', async () => {
    const page = await newPage()
    const failed = new Array<string>(4).fill('LEVEL_WORKER_FAILED')
    expect(await page.evaluate(() => window.codesAfterEnd())).toEqual([...failed, 'resolved', 'resolved'])
    await page.close()
  })
})
