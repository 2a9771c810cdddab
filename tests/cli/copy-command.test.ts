import { existsSync, mkdtempSync, mkdirSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { builtInEngines, Kvarium } from '../../src/index.js'
import { kvariumProcess } from './support/command-line.js'

let directory: string

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'kvarium-copy-'))
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

const run = (...parameters: string[]): ReturnType<typeof kvariumProcess> => kvariumProcess(directory, parameters)

async function fill(name: string, engine: string): Promise<[string, string][]> {
  const db = new Kvarium(join(directory, name), { engine: builtInEngines.resolve(engine), valueEncoding: 'utf8' })
  await db.batch(Array.from({ length: 2500 }, (_, i) => ({ type: 'put', key: `key ${i}`, value: `value ${i}` })))
  await db.sublevel('names').put('a', 'b')
  const entries = await db.iterator().all()
  await db.close()
  return entries
}

async function entriesOf(name: string): Promise<[string, string][]> {
  const db = new Kvarium(join(directory, name), {
    createIfMissing: false,
    engine: builtInEngines.resolve(engineOf(name)),
    valueEncoding: 'utf8',
  })
  try {
    return await db.iterator().all()
  } finally {
    await db.close()
  }
}

const engineOf = (name: string): string => (existsSync(join(directory, name, 'data.btree')) ? 'btree' : 'lsm')

describe('copy', () => {
  it('engine to engine, every entry arrives, and the source stays as it is', { timeout: 120_000 }, async () => {
    const entries = await fill('source', 'lsm')
    const files = (): string[] => readdirSync(join(directory, 'source')).map(name => readFileSync(join(directory, 'source', name), 'hex'))
    const before = files()
    const { status, stdout } = run('copy', 'source', 'target', '--engine', 'btree')
    expect(stdout).toMatch(/^target \(btree\): 2,501 entries, .*, equal to source, in \d/)
    expect(status).toBe(0)
    expect(engineOf('target')).toBe('btree')
    expect(await entriesOf('target')).toEqual(entries)
    expect(files()).toEqual(before)
  })

  it(
    'a directory of something else, a target that is not empty, and a missing package are refused by name',
    { timeout: 120_000 },
    async () => {
      await fill('source', 'btree')
      mkdirSync(join(directory, 'other'))
      writeFileSync(join(directory, 'other', 'file'), 'x')
      mkdirSync(join(directory, 'level'))
      writeFileSync(join(directory, 'level', 'CURRENT'), 'MANIFEST-000001\n')
      expect(run('copy', 'other', 'target').stderr).toMatch(/^error: other is no store of kvarium, classic-level or lmdb by its files/)
      expect(run('copy', 'missing', 'target').stderr).toBe('error: There is no directory missing\n')
      expect(run('copy', 'source', 'other').stderr).toBe('error: other is not empty: copy into a new directory\n')
      const refused = run('copy', 'level', 'target')
      expect(refused.stderr).toMatch(
        /^error: The package classic-level, which reads the source, is not installed in .*: npm install classic-level\n$/,
      )
      expect(refused.status).toBe(2)
      expect(readdirSync(directory).sort()).toEqual(['level', 'other', 'source'])
    },
  )

  it('damage in the source ends it with 1 and leaves no half copy', { timeout: 120_000 }, async () => {
    await fill('source', 'btree')
    const file = join(directory, 'source', 'data.btree')
    const bytes = readFileSync(file)
    writeFileSync(file, bytes.fill(0x55, 4096, bytes.length - 4096))
    const { status, stderr } = run('copy', 'source', 'target')
    expect([status, existsSync(join(directory, 'target'))]).toEqual([1, false])
    expect(stderr).toMatch(/^error: .*data\.btree at byte \d+\)\n$/)
  })

  const peers = join(import.meta.dirname, '../../bench/peers/node_modules')
  it.skipIf(!existsSync(join(peers, 'lmdb')))('from the files of classic-level and lmdb', { timeout: 120_000 }, async () => {
    symlinkSync(peers, join(directory, 'node_modules'))
    const { ClassicLevel } = (await import(join(peers, 'classic-level/index.js'))) as { ClassicLevel: typeof Kvarium }
    const level = new (ClassicLevel as unknown as new (location: string) => Kvarium)(join(directory, 'level'))
    await level.batch(Array.from({ length: 1500 }, (_, i) => ({ type: 'put', key: `key ${i}`, value: `value ${i}` })))
    const entries = await level.iterator().all()
    await level.close()
    expect(run('copy', 'level', 'from-level').stderr).toBe('')
    expect(await entriesOf('from-level')).toEqual(entries)
    const { open } = (await import(join(peers, 'lmdb/index.js'))) as { open: (options: object) => Lmdb }
    const lmdb = open({ path: join(directory, 'lmdb'), encoding: 'string' })
    await lmdb.batch(() => entries.forEach(([key, value]) => void lmdb.put(key, value)))
    await lmdb.close()
    expect(run('copy', 'lmdb', 'from-lmdb', '--engine', 'btree').stderr).toBe('')
    expect(await entriesOf('from-lmdb')).toEqual(entries)
  })
})

interface Lmdb {
  batch(work: () => void): Promise<unknown>
  put(key: string, value: string): Promise<unknown>
  close(): Promise<void>
}
