import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { isInstalled, LEAST_CONTRAST, withPage } from '../../support/chromium-page.js'
import { renderHtml } from '../../../packages/lab/src/report/html-page.js'
import { isEveryStory, storyCases } from '../../support/thoroughness.js'
import { smallMap } from './support/small-map.js'
import { smallRun } from './support/small-run.js'

const SCHEMES = ['light', 'dark'] as const

const AXE = readFileSync(
  createRequire(join(import.meta.dirname, '../../../packages/explorer/package.json')).resolve('axe-core/axe.min.js'),
  'utf8',
)

interface AxeResults {
  readonly violations: readonly { readonly id: string; readonly help: string; readonly nodes: readonly { readonly html: string }[] }[]
}

let directory = ''
let file = ''
let mapFile = ''
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'kvarium-page-'))
  file = join(directory, 'report.html')
  writeFileSync(file, renderHtml(smallRun()))
  mapFile = join(directory, 'map.html')
  writeFileSync(
    mapFile,
    renderHtml(smallMap({ 'lsm-tiered': [2, 6, 2], 'lsm-leveled': [4, 4, 1.2], btree: [12, 2, 1.4], 'btree-worse': [13, 2, 1.5] })),
  )
})
afterAll(() => rmSync(directory, { recursive: true, force: true, maxRetries: 5 }))

describe.skipIf(!isInstalled)('the page of a report, in a browser', () => {
  it('needs no network and says nothing on the console', async () => {
    await withPage(file, { width: 1200, scheme: 'light' }, async ({ page, messages, requests }) => {
      expect(requests).toEqual([pathToFileURL(file).href])
      expect(messages).toEqual([])
      expect(await page.title()).toBe('A small run')
    })
  })

  it('every figure is drawn, named, and has its table', async () => {
    await withPage(file, { width: 1200, scheme: 'light' }, async ({ page }) => {
      const figures = await page.locator('figure').count()
      expect(figures).toBeGreaterThan(15)
      expect(await page.locator('figure svg[role=img] > title').count()).toBe(figures)
      expect(await page.locator('figure svg[role=img] > desc').count()).toBe(figures)
      expect(await page.locator('figure details table').count()).toBe(figures)
      const flat = await page.locator('figure svg').evaluateAll(all => all.filter(svg => svg.getBoundingClientRect().height < 40).length)
      expect(flat).toBe(0)
      expect(await page.getByRole('heading', { level: 1 }).count()).toBe(1)
      for (const landmark of ['banner', 'navigation', 'main', 'contentinfo'] as const)
        expect(await page.getByRole(landmark).count()).toBe(1)
    })
  })

  it.runIf(isEveryStory)('the keyboard reaches the skip link first, then the contents, and opens a table', async () => {
    await withPage(file, { width: 1200, scheme: 'light' }, async ({ page }) => {
      const focused = (): Promise<string> => page.evaluate(() => document.activeElement?.textContent ?? '')
      await page.keyboard.press('Tab')
      expect(await focused()).toBe('Skip to the results')
      await page.keyboard.press('Tab')
      expect(await focused()).toBe('Verdict')
      let seen = ''
      for (let presses = 0; presses < 200 && !seen.startsWith('Data as a table'); presses++) {
        await page.keyboard.press('Tab')
        seen = await focused()
      }
      expect(seen).toContain('Data as a table of Throughput by phase')
      await page.keyboard.press('Enter')
      expect(await page.locator('figure details[open]').count()).toBe(1)
    })
  })

  it.each(storyCases(SCHEMES))('its text can be read: %s', async scheme => {
    await withPage(file, { width: 1200, scheme }, async ({ page }) => {
      const least: { contrast: number; text: string } = await page.evaluate(LEAST_CONTRAST)
      expect(least.contrast, least.text).toBeGreaterThanOrEqual(4.5)
      const background = await page.evaluate(() => getComputedStyle(document.body).backgroundColor)
      expect(background).toBe(scheme === 'light' ? 'rgb(251, 251, 249)' : 'rgb(18, 22, 27)')
    })
  })

  it.runIf(isEveryStory)('nothing but its own regions scrolls sideways on a narrow screen', async () => {
    await withPage(file, { width: 400, scheme: 'light' }, async ({ page }) => {
      await page.evaluate(() => document.querySelectorAll('details').forEach(details => (details.open = true)))
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(400)
    })
  })

  it.each(storyCases(SCHEMES))('a phone keeps the names of rows in sight and says that a drawing is wider: %s', async scheme => {
    await withPage(file, { width: 360, scheme }, async ({ page }) => {
      const hints = await page
        .locator('figure > .scroll')
        .evaluateAll(all => all.filter(one => getComputedStyle(one, '::before').content.includes('scroll sideways')).length)
      expect(hints).toBe(await page.locator('figure').count())
      const table = page.locator('#verdict .panel .scroll')
      const scrolled = await table.evaluate(region => {
        region.scrollLeft = 200
        const name = region.querySelector('tbody tr:nth-child(2) th')!.getBoundingClientRect()
        return { moved: region.scrollLeft, left: name.left - region.getBoundingClientRect().left }
      })
      expect(scrolled.moved).toBeGreaterThan(100)
      expect(scrolled.left).toBeLessThan(2)
      const least: { contrast: number; text: string } = await page.evaluate(LEAST_CONTRAST)
      expect(least.contrast, least.text).toBeGreaterThanOrEqual(4.5)
    })
  })

  it.each(['light', 'dark'] as const)('a map can be read on a phone, by keys, and with a screen reader: %s', async scheme => {
    await withPage(mapFile, { width: 360, scheme }, async ({ page, messages }) => {
      expect(messages).toEqual([])
      const least: { contrast: number; text: string } = await page.evaluate(LEAST_CONTRAST)
      expect(least.contrast, least.text).toBeGreaterThanOrEqual(4.5)
      await page.locator('figure summary').first().focus()
      await page.keyboard.press('Enter')
      expect(await page.getByRole('cell', { name: '1, suggested' }).count()).toBe(1)
      expect(await page.getByRole('img', { name: /Write and (read|space) amplification/ }).count()).toBe(2)
      expect(await page.locator('[tabindex]').evaluateAll(all => all.filter(one => !one.hasAttribute('aria-label')).length)).toBe(0)
      const outside = await page.locator('#map svg').evaluateAll(all =>
        all.flatMap(svg => {
          const { width, height } = (svg as SVGSVGElement).viewBox.baseVal
          const boxes = [...svg.querySelectorAll<SVGGraphicsElement>('.point, .foreseen, .value')].map(one => one.getBBox())
          return boxes.filter(box => box.x < 0 || box.y < 0 || box.x + box.width > width || box.y + box.height > height)
        }),
      )
      expect(outside).toEqual([])
      await page.evaluate(AXE)
      const { violations } = await page.evaluate<AxeResults>('axe.run({ resultTypes: ["violations"] })')
      expect(violations.map(({ id, help, nodes }) => `${id}: ${help} (${nodes[0]?.html.slice(0, 160)})`)).toEqual([])
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360)
    })
  })
})
