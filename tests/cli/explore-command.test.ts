import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { PageServer } from '../../packages/cli/src/explore/page-server.js'
import { kvarium } from './support/command-line.js'

/** Files of a store by name. */
const STORE = [
  ['KVARIUM', 'identity'],
  ['000001.log', ''],
  ['a b%', 'odd'],
] as const

let scratch: string
let server: PageServer
beforeEach(async () => {
  scratch = mkdtempSync(join(tmpdir(), 'kvarium-explore-'))
  const page = join(scratch, 'page')
  mkdirSync(page)
  writeFileSync(join(page, 'index.html'), '<!doctype html>')
  writeFileSync(join(page, 'page.js'), '1')
  writeFileSync(join(scratch, 'secret'), 'secret')
  mkdirSync(join(page, 'folder'))
  symlinkSync(join(scratch, 'secret'), join(page, 'link'))
  const store = join(scratch, 'store')
  mkdirSync(join(store, 'folder'), { recursive: true })
  for (const [name, text] of STORE) writeFileSync(join(store, name), text)
  symlinkSync(join(scratch, 'secret'), join(store, 'link'))
  server = await PageServer.listen(page, { store })
})
afterEach(async () => {
  await server.close()
  rmSync(scratch, { recursive: true, force: true })
})

interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, unknown>>
  readonly text: string
}

/** A request with exactly this path: `fetch` and `URL` would tidy it up. */
function ask(path: string, headers: Readonly<Record<string, string>> = {}, method = 'GET'): Promise<Answer> {
  const { hostname, port } = new URL(server.address)
  return new Promise((resolve, reject) => {
    const sent = request({ hostname, port, path, method, headers, agent: false }, response => {
      let text = ''
      response.setEncoding('utf8').on('data', (part: string) => (text += part))
      response.on('end', () => resolve({ status: response.statusCode!, headers: response.headers, text }))
    })
    sent.on('error', reject).end()
  })
}

const prefix = (): string => new URL(server.address).pathname
const hostOf = (): string => new URL(server.address).host

describe('the server of kvarium explore', () => {
  it('serves the page and its files at its own address, with the types that a browser needs', async () => {
    expect(await ask(prefix())).toMatchObject({ status: 200, text: '<!doctype html>' })
    const { status, headers, text } = await ask(`${prefix()}page.js?v=1`)
    expect([status, text, headers['content-type']]).toEqual([200, '1', 'text/javascript; charset=utf-8'])
    expect(await ask(prefix(), { host: `localhost:${new URL(server.address).port}` })).toMatchObject({ status: 200 })
  })

  it('a path without the word of the address finds nothing, not even the page', async () => {
    expect(prefix()).toMatch(/^\/[0-9a-f]{32}\/$/)
    for (const path of ['/', '/index.html', '/page.js', `/${'0'.repeat(32)}/page.js`, prefix().slice(0, -1)]) {
      expect(await ask(path), path).toMatchObject({ status: 404 })
    }
    const other = await PageServer.listen(join(scratch, 'page'))
    expect(new URL(other.address).pathname).not.toBe(prefix())
    await other.close()
  })

  it.each([
    '../secret',
    '%2e%2e/secret',
    '..%2fsecret',
    'folder/../../secret',
    '..\\secret',
    '/etc/passwd',
    'link',
    'folder',
    './page.js',
    '%00',
  ])('%s leads to no file', async path => {
    const { status, text } = await ask(prefix() + path)
    expect(status).toBe(404)
    expect(text).not.toContain('secret')
  })

  it('another name that leads to this machine, as DNS rebinding has it, is refused', async () => {
    for (const host of ['evil.example', `evil.example:${new URL(server.address).port}`, '127.0.0.1', '127.0.0.1.evil.example']) {
      expect(await ask(prefix(), { host }), host).toMatchObject({ status: 403 })
    }
    expect(await ask(prefix(), { host: hostOf() })).toMatchObject({ status: 200 })
  })

  it('another origin gets no leave to read, and no page may frame it', async () => {
    for (const path of [prefix(), '/']) {
      const { headers } = await ask(path, { origin: 'https://evil.example' })
      expect(Object.keys(headers).filter(name => name.startsWith('access-control'))).toEqual([])
      expect(headers).toMatchObject({ 'cross-origin-resource-policy': 'same-origin', 'content-security-policy': "frame-ancestors 'none'" })
    }
    for (const method of ['OPTIONS', 'POST', 'PUT', 'DELETE']) expect(await ask(prefix(), {}, method)).toMatchObject({ status: 405 })
  })
})

describe('the files of a store, as kvarium explore serves them', () => {
  it('are those that lie in its directory, and no links', async () => {
    expect(JSON.parse((await ask(`${prefix()}store/`)).text)).toEqual(STORE.map(([name]) => name).sort())
    for (const [name, text] of STORE) {
      expect(await ask(`${prefix()}store/${encodeURIComponent(name)}`)).toMatchObject({ status: 200, text })
    }
    expect(new URL(server.address).hash).toBe('#store')
  })

  it.each(['link', 'folder', '..', '../secret', '..%2fsecret', '%2e%2e%2fsecret', '%', 'folder/x', '%00', 'gone'])(
    '%s is none of them',
    async name => {
      const { status, text } = await ask(`${prefix()}store/${name}`)
      expect(status).toBe(404)
      expect(text).not.toMatch(/^secret/)
    },
  )

  it('need the word of the address and its host', async () => {
    expect(await ask('/store/')).toMatchObject({ status: 404 })
    expect(await ask(`${prefix()}store/KVARIUM`, { host: 'evil.example' })).toMatchObject({ status: 403 })
    expect(await ask(`${prefix()}store/KVARIUM`, {}, 'PUT')).toMatchObject({ status: 405 })
  })

  it('are none where the command was given no store', async () => {
    const other = await PageServer.listen(join(scratch, 'page'))
    const answer = await fetch(`${other.address}store/`)
    expect(answer.status).toBe(404)
    await other.close()
  })
})

describe('kvarium explore', () => {
  it('a directory that is no store is refused', async () => {
    const { status, stderr } = await kvarium(scratch, ['explore', 'page'])
    expect([status, stderr]).toEqual([2, 'error: page is no store: it has no file KVARIUM\n'])
  })

  it('a port that cannot be is refused with the reason', async () => {
    const { status, stderr } = await kvarium(scratch, ['explore', '--port', '65536'])
    expect([status, stderr]).toEqual([2, 'error: --port 65536: the highest one is 65535\n'])
  })
})
