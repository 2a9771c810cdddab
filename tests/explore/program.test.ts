/** Hazards: a program that is kept running, delayed or failed by its feed; the last events of a program that are lost; a killed program that seems to run. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { FeedState } from '../../packages/cli/src/explore/live-feeds.js'
import { PageServer } from '../../packages/cli/src/explore/page-server.js'

const ROOT = join(import.meta.dirname, '../..')

/** The one line; `STAYS` keeps the program running. */
const PROGRAM = `
import { Kvarium } from 'kvarium'
import { explorerTrace } from 'kvarium/explore'
const db = new Kvarium(process.env.STORE, { trace: explorerTrace({ address: process.env.ADDRESS, name: 'planets' }) })
for (let i = 0; i < 50; i++) await db.put('key' + i, 'value')
if (process.env.STAYS) setInterval(() => db.put('again', String(Date.now())), 20)
else await db.close()
`

let scratch: string
let server: PageServer
const children: ChildProcess[] = []

beforeEach(async () => {
  scratch = mkdtempSync(join(tmpdir(), 'kvarium-program-'))
  writeFileSync(join(scratch, 'index.html'), '<!doctype html>')
  server = await PageServer.listen(scratch)
})
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
  await server.close()
  rmSync(scratch, { recursive: true, force: true })
})

function start(address: string, env: Readonly<Record<string, string>> = {}): ChildProcess {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', PROGRAM], {
    cwd: ROOT,
    env: { ...process.env, STORE: join(scratch, 'store'), ADDRESS: address, ...env },
    stdio: 'pipe',
  })
  children.push(child)
  return child
}

/** How a program ends: its code, what it complained about, and how long it took in milliseconds. */
async function ended(child: ChildProcess): Promise<{ readonly code: number; readonly stderr: string; readonly ms: number }> {
  const began = performance.now()
  let stderr = ''
  child.stderr!.on('data', (part: Buffer) => (stderr += part.toString()))
  const [code] = (await once(child, 'close')) as [number]
  return { code, stderr, ms: performance.now() - began }
}

const states = async (): Promise<readonly FeedState[]> => (await (await fetch(`${server.address}live/`)).json()) as readonly FeedState[]

describe('a program with the one line', () => {
  it('ends as it would without it where no explorer is there', async () => {
    expect(await ended(start('http://127.0.0.1:1/word'))).toMatchObject({ code: 0, stderr: '' })
  })

  it('sends its last events before it ends, also if it ends at once', async () => {
    expect(await ended(start(server.feedAddress))).toMatchObject({ code: 0, stderr: '' })
    const [{ feed, name, engine, isConnected }] = await states()
    expect([name, engine, isConnected]).toEqual(['planets', 'lsm', false])
    const { body } = await fetch(`${server.address}live/${feed}`)
    let text = ''
    for await (const part of body!) {
      text += Buffer.from(part).toString()
      if (/"type":"job\.end","kind":"close"/.test(text)) break
    }
    expect(text.match(/"type":"memtable\.insert"/g)).toHaveLength(50)
  })

  it('ends after a moment where an explorer takes nothing', async () => {
    const deaf = createServer(request => void request.pause())
    await new Promise<void>(resolve => deaf.listen(0, '127.0.0.1', resolve))
    try {
      const { port } = deaf.address() as { readonly port: number }
      expect(await ended(start(`http://127.0.0.1:${port}/`))).toMatchObject({ code: 0, stderr: '' })
    } finally {
      deaf.close()
      deaf.closeAllConnections()
    }
  })

  it('that is killed is shown as ended, and as another one when it starts again', async () => {
    const first = start(server.feedAddress, { STAYS: '1' })
    await expect.poll(async () => (await states())[0]?.engine, { timeout: 20_000 }).toBe('lsm')
    first.kill('SIGKILL')
    await expect.poll(async () => (await states())[0].isConnected, { timeout: 20_000 }).toBe(false)
    start(server.feedAddress, { STAYS: '1' })
    await expect.poll(async () => (await states()).map(state => state.isConnected), { timeout: 20_000 }).toEqual([false, true])
  })

  it('goes on when the explorer goes away', async () => {
    const child = start(server.feedAddress, { STAYS: '1' })
    await expect.poll(async () => (await states()).length, { timeout: 20_000 }).toBe(1)
    const { port } = new URL(server.address)
    await server.close()
    await new Promise(resolve => setTimeout(resolve, 200))
    expect(child.exitCode).toBeNull()
    server = await PageServer.listen(scratch, { port: Number(port) })
  })
})
