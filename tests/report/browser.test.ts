import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { chromium, type BrowserContext, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { renderHtml } from '../../src/report/html-page.js'
import { smallRun } from './small-run.js'

const CHROMIUM = process.env['KVARIUM_CHROMIUM'] ?? '/usr/bin/chromium'
const ARGUMENTS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]
const isInstalled = existsSync(CHROMIUM)
if (!isInstalled)
  process.stderr.write(`The page of a report is not opened: there is no ${CHROMIUM}; KVARIUM_CHROMIUM can name another one\n`)

let directory = ''
let file = ''
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'kvarium-page-'))
  file = join(directory, 'report.html')
  writeFileSync(file, renderHtml(smallRun()))
})
afterAll(() => rmSync(directory, { recursive: true, force: true, maxRetries: 5 }))

interface Opened {
  readonly page: Page
  readonly messages: readonly string[]
  readonly requests: readonly string[]
}

/** The page in a browser with a profile of its own, which may not use the network. */
async function withPage(look: { width: number; scheme: 'light' | 'dark' }, use: (opened: Opened) => Promise<void>): Promise<void> {
  const profile = mkdtempSync(join(directory, 'profile-'))
  const context: BrowserContext = await chromium.launchPersistentContext(profile, {
    executablePath: CHROMIUM,
    args: ARGUMENTS,
    offline: true,
    colorScheme: look.scheme,
    reducedMotion: 'reduce',
    viewport: { width: look.width, height: 800 },
  })
  try {
    const page = await context.newPage()
    const messages: string[] = []
    const requests: string[] = []
    page.on('console', message => messages.push(message.text()))
    page.on('pageerror', error => messages.push(error.message))
    page.on('request', request => requests.push(request.url()))
    await page.goto(pathToFileURL(file).href)
    await use({ page, messages, requests })
  } finally {
    await context.close()
  }
}

/** The least contrast of text with what is behind it, by the formula of WCAG 2. */
const LEAST_CONTRAST = `(() => {
  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true })
  const rgb = colour => {
    canvas.clearRect(0, 0, 1, 1)
    canvas.fillStyle = colour
    canvas.fillRect(0, 0, 1, 1)
    return [...canvas.getImageData(0, 0, 1, 1).data]
  }
  const luminance = ([r, g, b]) => {
    const part = value => (value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4)
    return 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b)
  }
  const behind = element => {
    for (let at = element; at; at = at.parentElement) {
      const colour = rgb(getComputedStyle(at).backgroundColor)
      if (colour[3] === 255) return colour
    }
    return [255, 255, 255, 255]
  }
  let least = { contrast: 21, text: '' }
  for (const element of document.querySelectorAll('p, a, th, td, dt, dd, li, h1, h2, h3, summary, pre, code, span, svg text')) {
    const style = getComputedStyle(element)
    const inDrawing = element instanceof SVGElement
    const a = luminance(rgb(inDrawing ? style.fill : style.color))
    const b = luminance(behind(element))
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)
    if (contrast < least.contrast) least = { contrast, text: element.textContent.slice(0, 40) }
  }
  return least
})()`

describe.skipIf(!isInstalled)('the page of a report, in a browser', () => {
  it('needs no network and says nothing on the console', async () => {
    await withPage({ width: 1200, scheme: 'light' }, async ({ page, messages, requests }) => {
      expect(requests).toEqual([pathToFileURL(file).href])
      expect(messages).toEqual([])
      expect(await page.title()).toBe('A small run')
    })
  })

  it('every figure is drawn, named, and has its table', async () => {
    await withPage({ width: 1200, scheme: 'light' }, async ({ page }) => {
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

  it('the keyboard reaches the skip link first, then the contents, and opens a table', async () => {
    await withPage({ width: 1200, scheme: 'light' }, async ({ page }) => {
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

  it.each(['light', 'dark'] as const)('its text can be read: %s', async scheme => {
    await withPage({ width: 1200, scheme }, async ({ page }) => {
      const least: { contrast: number; text: string } = await page.evaluate(LEAST_CONTRAST)
      expect(least.contrast, least.text).toBeGreaterThanOrEqual(4.5)
      const background = await page.evaluate(() => getComputedStyle(document.body).backgroundColor)
      expect(background).toBe(scheme === 'light' ? 'rgb(251, 251, 249)' : 'rgb(18, 22, 27)')
    })
  })

  it('nothing but its own regions scrolls sideways on a narrow screen', async () => {
    await withPage({ width: 400, scheme: 'light' }, async ({ page }) => {
      await page.evaluate(() => document.querySelectorAll('details').forEach(details => (details.open = true)))
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(400)
    })
  })
})
