/** Serves a folder of static files on the loopback address. */
import { createReadStream, statSync } from 'node:fs'
import { createServer } from 'node:http'
import { createGzip } from 'node:zlib'
import { extname, join, normalize, sep } from 'node:path'

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
}

export interface Served {
  readonly address: string
  close(): Promise<void>
}

/** @param port - `0` for any. */
export async function serve(folder: string, port = 0): Promise<Served> {
  const server = createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url ?? '/', 'http://localhost').pathname)
    const file = normalize(join(folder, path.endsWith('/') ? `${path}index.html` : path))
    if (!file.startsWith(folder + sep) || !statSync(file, { throwIfNoEntry: false })?.isFile()) {
      response.writeHead(404).end('There is no such page.')
      return
    }
    const type = TYPES[extname(file)] ?? 'application/octet-stream'
    if (request.headers['accept-encoding']?.includes('gzip')) {
      response.writeHead(200, { 'content-type': type, 'content-encoding': 'gzip' })
      createReadStream(file).pipe(createGzip()).pipe(response)
    } else {
      response.writeHead(200, { 'content-type': type })
      createReadStream(file).pipe(response)
    }
  })
  await new Promise<void>(resolve => server.listen(port, '127.0.0.1', resolve))
  const bound = server.address()
  if (bound === null || typeof bound === 'string') throw new Error('the server has no port')
  return {
    address: `http://127.0.0.1:${bound.port}/`,
    close: () => new Promise(resolve => server.close(() => resolve())),
  }
}
