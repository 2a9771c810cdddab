import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { run as runCommand } from '../../packages/cli/src/run.js'
import { builtInEngines, Kvarium, type BackupReport } from '../../src/index.js'
import { kvarium } from './support/command-line.js'

let directory: string

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'kvarium-backup-'))
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

const run = (...parameters: string[]): ReturnType<typeof kvarium> => kvarium(directory, parameters)

async function write(engine: string, first: number, count: number): Promise<[string, string][]> {
  const db = new Kvarium(join(directory, 'source'), { engine: builtInEngines.resolve(engine) })
  await db.batch(Array.from({ length: count }, (_, i) => ({ type: 'put', key: `key ${first + i}`, value: `value ${i}` })))
  await db.flush()
  const entries = await db.iterator().all()
  await db.close()
  return entries
}

async function entriesOf(name: string, engine: string): Promise<[string, string][]> {
  const db = new Kvarium(join(directory, name), { engine: builtInEngines.resolve(engine), readOnly: true })
  try {
    return await db.iterator().all()
  } finally {
    await db.close()
  }
}

function filesOf(name: string): string[][] {
  const path = join(directory, name)
  return readdirSync(path).map(file => [file, readFileSync(join(path, file), 'hex')])
}

describe.each(['lsm', 'btree'])('backup of %s', engine => {
  it('writes a store of its own, compares it, and leaves the source as it is', { timeout: 120_000 }, async () => {
    const entries = await write(engine, 0, 500)
    const before = filesOf('source')
    const { status, stdout, stderr } = await run('backup', 'source', 'target', '--verify')
    expect([status, stderr]).toEqual([0, ''])
    expect(stdout).toMatch(new RegExp(`^target \\(${engine}\\): .* written.*; 500 entries, equal to source, in \\d+\\.\\d s\\n$`))
    expect(filesOf('source')).toEqual(before)
    expect(await entriesOf('target', engine)).toEqual(entries)
  })

  it('is made again into the same directory only with --incremental', { timeout: 120_000 }, async () => {
    await write(engine, 0, 300)
    expect((await run('backup', 'source', 'target', '--incremental')).status).toBe(0)
    const entries = await write(engine, 1000, 50)
    const refused = await run('backup', 'source', 'target')
    expect([refused.status, refused.stderr]).toEqual([
      2,
      'error: There is something at target: make the backup in a new directory, or replace an earlier one with --incremental\n',
    ])
    const { status, stdout } = await run('backup', 'source', 'target', '--incremental', '--json')
    expect(status).toBe(0)
    const report = JSON.parse(stdout) as BackupReport
    expect(report).toMatchObject({ directory: 'source', target: 'target', engine, incremental: true })
    expect(report.writtenBytes + report.linkedBytes + report.keptBytes).toBeGreaterThan(0)
    expect(await entriesOf('target', engine)).toEqual(entries)
    expect(readdirSync(join(directory, 'target')).filter(name => name.startsWith('KVARIUM'))).toEqual(['KVARIUM'])
  })

  it('refuses a store that is open, one that is none, and a target that is no backup', { timeout: 120_000 }, async () => {
    await write(engine, 0, 10)
    expect(await run('backup', 'missing', 'target')).toMatchObject({ status: 2, stderr: 'error: There is no store missing\n' })
    const db = new Kvarium(join(directory, 'source'), { engine: builtInEngines.resolve(engine) })
    await db.open()
    const locked = await run('backup', 'source', 'target')
    await db.close()
    expect(locked.status).toBe(2)
    expect(locked.stderr).toMatch(/^error: .*source .*(open|held)/)
    const other = new Kvarium(join(directory, 'other'), { engine: builtInEngines.resolve(engine) })
    await other.put('a', '1')
    await other.close()
    const before = filesOf('other')
    const refused = await run('backup', 'source', 'other', '--incremental')
    expect(refused.status).toBe(2)
    expect(refused.stderr).toMatch(/^error: .*other is not a backup: make a backup in a new directory\. Nothing was changed\n$/)
    expect(filesOf('other')).toEqual(before)
    expect(existsSync(join(directory, 'target'))).toBe(false)
  })

  it('ends with 1 and without a backup where the store is damaged', { timeout: 120_000 }, async () => {
    await write(engine, 0, 500)
    const name = readdirSync(join(directory, 'source')).find(file => /\.(sst|btree)$/.test(file))!
    const path = join(directory, 'source', name)
    const bytes = readFileSync(path)
    writeFileSync(path, bytes.fill(0x55, engine === 'lsm' ? 20 : 8192, engine === 'lsm' ? 2000 : 12_288))
    const { status, stderr } = await run('backup', 'source', 'target', '--verify')
    expect([status, existsSync(join(directory, 'target'))]).toEqual([1, false])
    expect(stderr).toMatch(/^error: /)
  })
})

it('the commands of docs/backup.md run', { timeout: 120_000 }, async () => {
  const db = new Kvarium(join(directory, 'planets'))
  await db.put('earth', 'blue')
  await db.close()
  const text = readFileSync(join(import.meta.dirname, '../../docs/backup.md'), 'utf8')
  const commands = [...text.matchAll(/^kvarium (backup .*?) *(?:#.*)?$/gm)].map(([, words]) => words.split(' '))
  expect(commands.length).toBeGreaterThan(2)
  for (const words of commands) expect(await run(...words), words.join(' ')).toMatchObject({ status: 0, stderr: '' })
})

it('a backup shows on a terminal how far it is', { timeout: 120_000 }, async () => {
  await write('btree', 0, 500)
  let shown = ''
  const terminal = new Writable({ write: (chunk: Buffer, _encoding, written) => ((shown += chunk.toString()), written()) })
  const stderr = Object.assign(terminal, { isTTY: true, columns: 100, cursorTo: () => true, clearLine: () => true, moveCursor: () => true })
  const stdout = new Writable({ write: (_chunk, _encoding, written) => written() })
  const parameters = ['backup', join(directory, 'source'), join(directory, 'target'), '--verify']
  await runCommand({ parameters, stdin: process.stdin, stdout, stderr, setExitCode: () => undefined })
  expect(shown).toContain('writing')
})
