import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { builtInEngines, Kvarium } from '../../src/index.js'
import { kvarium, kvariumProcess } from './support/command-line.js'

let directory: string

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'kvarium-everyday-'))
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

const run = (...parameters: string[]): ReturnType<typeof kvarium> => kvarium(directory, parameters)

/** The store's files with their contents, without those of the lock. */
function filesOf(store: string): Record<string, string> {
  const names = readdirSync(join(directory, store)).filter(name => !name.startsWith('LOCK'))
  return Object.fromEntries(names.map(name => [name, readFileSync(join(directory, store, name), 'hex')]))
}

async function make(engine: string, name = engine): Promise<void> {
  const db = new Kvarium(join(directory, name), { engine: builtInEngines.resolve(engine) })
  for (const [key, value] of [
    ['a', '1'],
    ['b', '2'],
    ['b\t', 'x\ny'],
    ['c', '3'],
  ])
    await db.put(key, value)
  await db.close()
}

describe('put, get and del', () => {
  it.each(['lsm', 'btree'])(
    'a store of %s is made only when asked for, and then found by its own engine',
    { timeout: 120_000 },
    async engine => {
      const refused = await run('put', engine, 'k', 'v')
      expect([refused.status, refused.stderr]).toEqual([2, `error: There is no store ${engine}; kvarium put --create makes one\n`])
      expect(readdirSync(directory)).toEqual([])
      expect((await run('put', engine, 'k', 'v', '--create', engine, '--sync')).status).toBe(0)
      const bytes = Uint8Array.from({ length: 256 }, (_, i) => i)
      expect((await kvarium(directory, ['put', engine, '6b00', '-', '--key-encoding', 'hex'], bytes)).status).toBe(0)
      expect((await run('get', engine, '6b00', '--hex')).stdout).toBe(`${Buffer.from(bytes).toString('hex')}\n`)
      const deleted = await run('del', engine, 'k', 'nothing')
      expect([deleted.status, deleted.stderr]).toEqual([1, 'not found: nothing\n'])
      expect(await run('get', engine, 'k')).toMatchObject({ status: 1, stdout: '', stderr: 'not found: k\n' })
      const db = new Kvarium(join(directory, engine), { engine: builtInEngines.resolve(engine) })
      await db.open()
      expect(db.engine).toBe(engine)
      expect(await db.keys().all()).toEqual(['k\0'])
      await db.close()
    },
  )

  it('values go in and come out as MessagePack', { timeout: 120_000 }, async () => {
    expect((await run('put', 's', 'k', '{"a":[1,true]}', '-v', 'msgpack', '--create')).status).toBe(0)
    expect((await run('get', 's', 'k', '-v', 'msgpack', '--json')).stdout).toBe('{"key":"k","value":{"a":[1,true]}}\n')
    const db = new Kvarium<string, unknown>(join(directory, 's'), { valueEncoding: 'msgpack' })
    expect(await db.get('k')).toEqual({ a: [1, true] })
    await db.close()
    expect(await run('put', 's', 'k', '{', '-v', 'json')).toMatchObject({
      status: 2,
      stderr: expect.stringMatching(/^error: The value is not JSON: .*\n$/) as string,
    })
  })
})

describe('scan', () => {
  it('prints ranges in both directions, and leaves every file as it was', { timeout: 120_000 }, async () => {
    await make('lsm')
    const before = filesOf('lsm')
    expect((await run('scan', 'lsm')).stdout).toBe('a\t1\nb\t2\n0x6209\t0x780a79\nc\t3\n')
    expect((await run('scan', 'lsm', '--gte', 'b', '--lt', 'c', '--reverse', '--json')).stdout).toBe(
      '{"key":"0x6209","value":"x\\ny"}\n{"key":"b","value":"2"}\n',
    )
    expect((await run('scan', 'lsm', '--prefix', 'b', '--limit', '1', '--keys')).stdout).toBe('b\n')
    expect((await run('scan', 'lsm', '--prefix', 'b', '--count')).stdout).toBe('2\n')
    expect((await run('scan', 'lsm', '--gt', 'a', '--gte', 'b')).status).toBe(2)
    expect((await run('stats', 'lsm')).stdout).toMatch(/^lsm: lsm\n\n {2}files +4 files, /)
    expect(filesOf('lsm')).toEqual(before)
  })
})

it('inspect and stats agree on files and bytes, also beside what a lock left', async () => {
  await make('lsm')
  writeFileSync(join(directory, 'lsm', 'LOCK.generation'), '17')
  const [, shown] = /files +(.+)/.exec((await run('stats', 'lsm')).stdout)!
  expect((await run('inspect', 'lsm')).stdout).toContain(`: lsm, ${shown}\n`)
  rmSync(join(directory, 'lsm', 'LOCK.generation'))
})

describe('stats', () => {
  it('--prometheus prints OpenMetrics text of every size, with the label values escaped', { timeout: 120_000 }, async () => {
    const name = 'l"s\\m'
    await make('lsm', name)
    const db = new Kvarium(join(directory, name))
    await db.flush()
    await db.close()
    const { stdout, status } = await run('stats', name, '--prometheus')
    expect(status).toBe(0)
    expect(stdout).toContain('# TYPE kvarium_file_bytes gauge\n')
    expect(stdout).toMatch(/^kvarium_files\{directory="l\\"s\\\\m",engine="lsm"\} \d+$/m)
    expect(stdout).toMatch(/^kvarium_level_bytes\{directory=.*,engine="lsm",level="0"\} \d+$/m)
    expect(stdout.endsWith('\n# EOF\n')).toBe(true)
    expect((await run('stats', name, '--prometheus', '--json')).status).toBe(2)
    await make('btree')
    expect((await run('stats', 'btree', '--prometheus')).stdout).toMatch(
      /^kvarium_tree_pages\{directory="btree",engine="btree",depth="0"\} 1$/m,
    )
  })
})

describe('a store that is open for reading', () => {
  it.each(['lsm', 'btree'])('of %s is read by the commands, verified, and not written', { timeout: 120_000 }, async engine => {
    await make(engine)
    const reader = new Kvarium(join(directory, engine), { engine: builtInEngines.resolve(engine), readOnly: true })
    await reader.open()
    expect((await run('get', engine, 'a')).stdout).toBe('1\n')
    expect((await run('scan', engine, '--count')).stdout).toBe('4\n')
    expect((await run('stats', engine)).status).toBe(0)
    expect((await run('verify', engine)).status).toBe(0)
    const put = await run('put', engine, 'd', '4')
    expect([put.status, put.stderr]).toEqual([2, expect.stringContaining('is open for reading elsewhere: close its readers first')])
    await reader.close()
    expect((await run('put', engine, 'd', '4')).status).toBe(0)
  })
})

describe('a store that is open elsewhere', () => {
  it('refuses get and put, and lets itself be inspected', { timeout: 120_000 }, async () => {
    const db = new Kvarium(join(directory, 's'), { engine: 'btree' })
    await db.put('k', 'v')
    try {
      for (const parameters of [
        ['get', 's', 'k'],
        ['put', 's', 'k', 'v'],
      ]) {
        const refused = kvariumProcess(directory, parameters)
        expect([refused.status, refused.stdout]).toEqual([2, ''])
        expect(refused.stderr).toMatch(/^error: .*s is held by another open store: close that one first\n$/)
      }
      const inspected = await run('inspect', 's/000001.log')
      expect(inspected.status).toBe(0)
      expect(inspected.stdout).toContain('put "k" = "v"')
      if (process.platform === 'linux') expect(inspected.stdout).toContain('A process has the store open')
    } finally {
      await db.close()
    }
  })
})

describe('a mistyped command', () => {
  it('is answered with the one that was meant', { timeout: 120_000 }, async () => {
    expect(await run('inspet')).toMatchObject({ status: 2, stderr: "error: unknown command 'inspet'\n(Did you mean inspect?)\n" })
    expect((await run('scan', 's', '--revers')).stderr).toContain('(Did you mean --reverse?)')
  })
})
