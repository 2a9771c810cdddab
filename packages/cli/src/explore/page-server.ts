/**
 * Serves the explorer's page to the browser of this machine.
 *
 * Invariants:
 * 1. It listens on the loopback address alone, and answers only requests that name that address: a page of another origin reads nothing, also
 *    when a name of its own leads here.
 * 2. Every address begins with a random word, so other programs of this machine cannot guess one.
 * 3. Only files that were listed can be asked for: a request makes no path. A link in a store's directory is not followed.
 * 4. Programs send their events to an address with a word of its own, which reads nothing. A page of any origin may not send there.
 */
import { randomBytes } from 'node:crypto'
import { closeSync, constants, createReadStream, fstatSync, openSync, readdirSync, readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { extname, join } from 'node:path'
import { pipeline } from 'node:stream'
import { gzipSync } from 'node:zlib'
import { LiveFeeds } from './live-feeds.js'

const LOOPBACK = '127.0.0.1'
const WORD_BYTES = 16
/** The files of a store are below this name, which itself lists them. */
const STORE = 'store/'
/** The stores of running programs are below this name, which itself lists them. */
const LIVE = 'live/'
/** Where a page finds that name, so that it asks for it only here. */
const CHARSET = '<meta charset="utf-8">'
const LIVE_NAME = `${CHARSET}\n<meta name="kvarium-live" content="${LIVE}">`

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
}

/** For every answer: nothing is kept, guessed, framed or given to another origin. */
const HEADERS = {
  'cache-control': 'no-store',
  'content-security-policy': "frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
}

export class PageServer {
  /** Where the page is. */
  readonly address: string
  /** Where programs send their events. */
  readonly feedAddress: string
  readonly #feeds = new LiveFeeds()
  readonly #feedPath = `/${randomBytes(WORD_BYTES).toString('hex')}`
  readonly #server: Server
  readonly #hosts: ReadonlySet<string>
  readonly #prefix = `/${randomBytes(WORD_BYTES).toString('hex')}/`
  readonly #folder: string
  readonly #files: ReadonlySet<string>
  readonly #store: string | undefined

  private constructor(server: Server, port: number, folder: string, store: string | undefined) {
    this.#server = server
    this.#hosts = new Set([`${LOOPBACK}:${port}`, `localhost:${port}`])
    this.#folder = folder
    this.#files = new Set(regularFiles(folder))
    this.#store = store
    this.address = `http://${LOOPBACK}:${port}${this.#prefix}${store === undefined ? '' : '#store'}`
    this.feedAddress = `http://${LOOPBACK}:${port}${this.#feedPath}`
    // A program sends as long as it runs.
    server.requestTimeout = 0
    server.on('request', (request, response) => this.#answer(request, response))
  }

  /**
   * @param folder - That of the built page.
   * @param port - `0` for any that is free.
   * @param store - The directory of a store, whose files the page may read.
   */
  static async listen(
    folder: string,
    { port = 0, store }: { readonly port?: number; readonly store?: string | undefined } = {},
  ): Promise<PageServer> {
    const server = createServer()
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(port, LOOPBACK, resolve)
    })
    return new PageServer(server, (server.address() as { readonly port: number }).port, folder, store)
  }

  async close(): Promise<void> {
    const isClosed = new Promise<void>(resolve => this.#server.close(() => resolve()))
    this.#server.closeAllConnections()
    await isClosed
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const { method, headers, url = '/' } = request
    if (!this.#hosts.has(headers.host ?? '')) return refuse(response, 403, 'This server answers only at the loopback address.')
    if (url === this.#feedPath) {
      if (headers.origin !== undefined) return refuse(response, 403, 'Only programs send events here.')
      if (method === 'POST') return this.#feeds.take(request, response)
    }
    if (method !== 'GET' && method !== 'HEAD') return refuse(response, 405, 'This address can only be read.')
    const [path] = url.split('?')
    if (!path.startsWith(this.#prefix)) return refuse(response, 404, 'Open the address that the command printed.')
    const name = path.slice(this.#prefix.length) || 'index.html'
    if (name.startsWith(STORE)) return this.#answerOfStore(name.slice(STORE.length), response)
    if (name.startsWith(LIVE)) return this.#answerOfFeeds(name.slice(LIVE.length), response)
    if (!this.#files.has(name)) return refuse(response, 404, 'There is no such file.')
    const file = readFileSync(join(this.#folder, name))
    const bytes = name === 'index.html' ? Buffer.from(file.toString('utf8').replace(CHARSET, LIVE_NAME)) : file
    const isGzip = headers['accept-encoding']?.includes('gzip') === true
    response.writeHead(200, {
      ...HEADERS,
      'content-type': TYPES[extname(name)] ?? 'application/octet-stream',
      ...(isGzip && { 'content-encoding': 'gzip' }),
    })
    response.end(isGzip ? gzipSync(bytes) : bytes)
  }

  #answerOfFeeds(feed: string, response: ServerResponse): void {
    if (feed === '') {
      response.writeHead(200, { ...HEADERS, 'content-type': 'application/json' }).end(JSON.stringify(this.#feeds.states))
      return
    }
    if (!this.#feeds.send(feed, response, HEADERS)) refuse(response, 404, 'There is no such store any more.')
  }

  #answerOfStore(text: string, response: ServerResponse): void {
    const store = this.#store
    if (store === undefined) return refuse(response, 404, 'The command was given no store.')
    try {
      const names = regularFiles(store)
      if (text === '') {
        response.writeHead(200, { ...HEADERS, 'content-type': 'application/json' }).end(JSON.stringify(names))
        return
      }
      const name = decoded(text)
      if (name === undefined || !names.includes(name))
        return refuse(response, 404, `There is no such file in ${store}: load the page again.`)
      const descriptor = openSync(join(store, name), constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0))
      const stat = fstatSync(descriptor)
      if (!stat.isFile()) {
        closeSync(descriptor)
        return refuse(response, 404, `${name} is no file any more: load the page again.`)
      }
      response.writeHead(200, { ...HEADERS, 'content-type': 'application/octet-stream' })
      // Where either side fails, both are closed, and the page sees an answer that is cut off.
      pipeline(createReadStream('', { fd: descriptor }), response, () => undefined)
    } catch (error) {
      refuse(response, 404, (error as Error).message)
    }
  }
}

/** The names of the regular files that lie directly in a folder. */
function regularFiles(folder: string): readonly string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap(entry => (entry.isFile() ? [entry.name] : []))
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}

function refuse(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { ...HEADERS, 'content-type': 'text/plain; charset=utf-8' }).end(`${text}\n`)
}
