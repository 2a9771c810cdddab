import { spawn } from 'node:child_process'

const OPENERS: Readonly<Record<string, readonly string[]>> = {
  darwin: ['open'],
  // The first text in quotes would be the title of a window.
  win32: ['cmd', '/c', 'start', '""'],
}

/** Asks the platform to open an address, and does not wait: where there is no browser nothing happens. */
export function openInBrowser(address: string): void {
  const [program, ...parameters] = OPENERS[process.platform] ?? ['xdg-open']
  const child = spawn(program, [...parameters, address], { detached: true, stdio: 'ignore' })
  child.on('error', () => undefined)
  child.unref()
}
