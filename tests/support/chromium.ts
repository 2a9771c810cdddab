/** The browser that pages are opened in. */
import { existsSync } from 'node:fs'

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
