import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { SeededRandom } from '../../src/vfs/seeded-random.js'
import { browserScript, Origin, ProfiledBrowser } from '../support/chromium-origin.js'
import { isInstalled } from '../support/chromium-page.js'
import { isEveryStory, slice, storyCases } from '../support/thoroughness.js'

/** In a page: its worker, and the last number that the worker has acknowledged. */
interface TestPage {
  worker: Worker
  acknowledged: number
}
declare const window: TestPage

const KILLS = slice(1, 6)

describe.skipIf(!isInstalled)('stores in OPFS, in Chromium', () => {
  const browser = new ProfiledBrowser()
  const random = new SeededRandom(1)
  let origin: Origin

  beforeAll(async () => {
    origin = await Origin.serve({ 'worker.js': await browserScript(join(import.meta.dirname, 'support/browser-worker.ts')) })
    await browser.start()
  })
  afterAll(async () => {
    await browser.dispose()
    await origin.close()
  })

  const newPage = (): Promise<Page> => browser.page(origin.url)

  /** Runs a command in a new worker of the page; rejects with its error. */
  async function run(page: Page, name: string, ...args: readonly string[]): Promise<unknown> {
    const answer = await page.evaluate(
      command =>
        new Promise<{ result?: unknown; error?: { message: string; stack: string; code?: string } }>((resolve, reject) => {
          const worker = new Worker('/worker.js')
          window.worker = worker
          window.acknowledged = -1
          worker.onerror = event => reject(new Error(event.message))
          worker.onmessage = ({ data }: MessageEvent<{ acknowledged?: number; result?: unknown }>) => {
            if (data.acknowledged === undefined) resolve(data)
            else window.acknowledged = data.acknowledged
          }
          worker.postMessage(command)
        }),
      { id: 1, name, args },
    )
    if (answer.error === undefined) return answer.result
    throw Object.assign(new Error(answer.error.message), { code: answer.error.code, stack: answer.error.stack })
  }

  const pause = (): Promise<void> => new Promise(resolve => setTimeout(resolve, 30 + random.uniform(slice(150, 600))))
  const acknowledged = (page: Page): Promise<number> => page.evaluate(() => window.acknowledged)

  it.each(storyCases(slice(['lsm', 'btree', 'hash'], ['lsm', 'btree', 'hash', 'memory'])))(
    '%s keeps every promise of the engine contract',
    async engine => {
      const page = await newPage()
      const { passed, failures } = (await run(page, 'contract', engine)) as { passed: number; failures: string[] }
      expect(failures).toEqual([])
      expect(passed).toBeGreaterThan(slice(8, 100))
      await page.close()
    },
  )

  describe.each(slice(['lsm'], ['lsm', 'btree', 'hash']))('what %s has acknowledged is there', engine => {
    it('after the end of the worker, of the tab and of the browser', async () => {
      let page = await newPage()
      let last = -1
      for (let kill = 0; kill < 3 * KILLS; kill++) {
        await run(page, 'write', `numbers-${engine}`, engine)
        await pause()
        last = Math.max(last, await acknowledged(page))
        if (kill % 3 === 0) await page.evaluate(() => window.worker.terminate())
        else if (kill % 3 === 1) await page.close()
        else {
          await browser.kill()
          await browser.start()
        }
        if (kill % 3 !== 0) page = await newPage()
        expect(await run(page, 'read', `numbers-${engine}`, engine)).toBeGreaterThan(last)
      }
      expect(last).toBeGreaterThan(20)
    })
  })

  it.runIf(isEveryStory)('a second tab gets LEVEL_LOCKED, and the store once the first one has closed', async () => {
    const [first, second] = [await newPage(), await newPage()]
    await run(first, 'hold', 'one')
    const error: unknown = await run(second, 'tryToOpen', 'one').catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'LEVEL_LOCKED' })
    expect((error as Error).message).toBe('one is open in another tab or worker: close it there, or use it through its worker')
    await expect(run(second, 'tryToRemove', 'one')).rejects.toMatchObject({ code: 'LEVEL_LOCKED' })
    await run(second, 'tryToOpen', 'another')
    await first.close()
    await run(second, 'tryToOpen', 'one')
    await run(second, 'tryToRemove', 'one')
    await second.close()
  })

  it.runIf(isEveryStory).each(slice(['btree'], ['lsm', 'btree']))(
    'a full quota is a full disk for %s: what was written stays, and a clear makes room',
    async engine => {
      const page = await newPage()
      const protocol = await page.context().newCDPSession(page)
      // The stores of the tests before count as well.
      const { usage = 0 } = await page.evaluate(() => navigator.storage.estimate())
      const quota = { origin: origin.url, quotaSize: usage + (12 << 20) }
      await protocol.send('Storage.overrideQuotaForOrigin', quota)
      const filled = (await run(page, 'fill', `full-${engine}`, engine)) as Record<string, unknown>
      expect(filled).toMatchObject({ code: 'LEVEL_IO_ERROR', isReadable: true })
      expect(filled['causes']).toEqual(expect.arrayContaining([expect.stringContaining('ENOSPC')]))
      expect(filled['isThere']).toBeGreaterThanOrEqual(filled['written'] as number)
      expect(await run(page, 'clear', `full-${engine}`, engine)).toBe('written')
      await protocol.send('Storage.overrideQuotaForOrigin', { origin: origin.url })
      await page.close()
    },
  )
})
