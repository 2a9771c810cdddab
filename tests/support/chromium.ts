/** The browser that pages are opened in. */
import { existsSync } from 'node:fs'
import type { BrowserContext, Page } from 'playwright-core'

export const CHROMIUM = process.env['KVARIUM_CHROMIUM'] ?? '/usr/bin/chromium'
export const ARGUMENTS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]
export const isInstalled = existsSync(CHROMIUM)
if (!isInstalled) process.stderr.write(`Pages are not opened: there is no ${CHROMIUM}; KVARIUM_CHROMIUM can name another one\n`)

/** A page, with what it has said on its console and asked the network for. */
export interface Opened {
  readonly page: Page
  readonly messages: readonly string[]
  readonly requests: readonly string[]
}

/** An empty page that is watched from its beginning. */
export async function watchedPage(context: BrowserContext): Promise<Opened> {
  const page = await context.newPage()
  const messages: string[] = []
  const requests: string[] = []
  page.on('console', message => messages.push(message.text()))
  page.on('pageerror', error => messages.push(error.message))
  page.on('request', request => requests.push(request.url()))
  return { page, messages, requests }
}
