/** A browser with a profile of its own on disk, and an origin that serves scripts to it: for what pages keep, and for browsers that are killed. */
import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from 'esbuild'
import { chromium, type Browser, type Page } from 'playwright-core'
import { ARGUMENTS, CHROMIUM } from './chromium.js'

const SUPPORT = import.meta.dirname

/** Bundles a program for a browser. What it imports of vitest is `browser-vitest.ts`; Node's Buffer is a package, and no global. */
export async function browserScript(entry: string): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [entry],
    bundle: true,
    write: false,
    platform: 'browser',
    target: 'es2023',
    format: 'iife',
    logLevel: 'error',
    alias: { vitest: join(SUPPORT, 'browser-vitest.ts') },
    inject: [join(SUPPORT, 'browser-buffer.ts')],
    define: { 'process.env': JSON.stringify({ KVARIUM_THOROUGH: process.env['KVARIUM_THOROUGH'] ?? '' }) },
  })
  return outputFiles[0].text
}

/** Serves scripts by their names, and an empty page for every other path. */
export class Origin {
  readonly #server: Server
  readonly url: string

  private constructor(server: Server) {
    this.#server = server
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  }

  static async serve(scripts: Readonly<Record<string, string>>): Promise<Origin> {
    const server = createServer((request, response) => {
      const script = scripts[request.url!.slice(1)]
      response.setHeader('content-type', script === undefined ? 'text/html' : 'text/javascript')
      response.end(script ?? '<!doctype html><title>kvarium</title>')
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    return new Origin(server)
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise(resolve => this.#server.close(resolve))
  }
}

/** Its profile outlives the browser, which can be killed and started again. */
export class ProfiledBrowser {
  readonly #profile = mkdtempSync(join(tmpdir(), 'kvarium-chromium-'))
  #process: ChildProcess | undefined
  #browser: Browser | undefined

  async start(): Promise<void> {
    const child = spawn(CHROMIUM, [...ARGUMENTS, '--remote-debugging-port=0', `--user-data-dir=${this.#profile}`, 'about:blank'], {
      detached: true,
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    this.#process = child
    const endpoint = await new Promise<string>((resolve, reject) => {
      let errors = ''
      child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
        errors += chunk
        const [, url] = /DevTools listening on (ws:\S+)/.exec(errors) ?? []
        if (url !== undefined) resolve(url)
      })
      child.once('exit', () => reject(new Error(`The browser has ended: ${errors}`)))
    })
    this.#browser = await chromium.connectOverCDP(endpoint)
  }

  async page(url: string): Promise<Page> {
    const page = await this.#browser!.contexts()[0].newPage()
    await page.goto(url)
    return page
  }

  /** Kills every process of the browser. */
  async kill(): Promise<void> {
    const child = this.#process
    if (child === undefined) return
    this.#process = undefined
    const ended = new Promise(resolve => child.once('close', resolve))
    process.kill(-child.pid!, 'SIGKILL')
    await ended
  }

  async dispose(): Promise<void> {
    await this.kill()
    rmSync(this.#profile, { recursive: true, force: true, maxRetries: 5 })
  }
}
