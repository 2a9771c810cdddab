/** Opens pages in Chromium, for tests of what they look like and how they are used. */
import { pathToFileURL } from 'node:url'
import { chromium, type Browser } from 'playwright-core'
import { afterAll } from 'vitest'
import { ARGUMENTS, CHROMIUM, watchedPage, type Opened } from './chromium.js'

export { isInstalled, type Opened } from './chromium.js'

/** One for all pages of a test file. */
let browser: Promise<Browser> | undefined
afterAll(async () => (await browser)?.close())

/** The page in a browser context of its own, which may not use the network. */
export async function withPage(
  file: string,
  look: { readonly width: number; readonly scheme: 'light' | 'dark' },
  use: (opened: Opened) => Promise<void>,
): Promise<void> {
  browser ??= chromium.launch({ executablePath: CHROMIUM, args: ARGUMENTS })
  const context = await (
    await browser
  ).newContext({
    offline: true,
    colorScheme: look.scheme,
    reducedMotion: 'reduce',
    viewport: { width: look.width, height: 800 },
  })
  try {
    const opened = await watchedPage(context)
    await opened.page.goto(pathToFileURL(file).href)
    await use(opened)
  } finally {
    await context.close()
  }
}

/** The least contrast of text with what is behind it, by the formula of WCAG 2. */
export const LEAST_CONTRAST = `(() => {
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
