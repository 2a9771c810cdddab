import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { DirectoryInspection, Problem, Span } from '../../src/inspect/index.js'
import { builtInEngines, Kvarium } from '../../src/index.js'
import { coverageFault } from '../inspect/support/covered.js'
import { kvarium } from './support/command-line.js'

let directory: string

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'kvarium-inspect-'))
  for (const engine of ['lsm', 'btree']) {
    const db = new Kvarium(join(directory, engine), { engine: builtInEngines.resolve(engine), compression: 'none' })
    for (let i = 0; i < 500; i++) await db.put(`key${String(i).padStart(3, '0')}`, `value ${i}`)
    await db.flush()
    await db.put('last', 'one')
    await db.close()
  }
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

const run = (...parameters: string[]): ReturnType<typeof kvarium> => kvarium(directory, ['inspect', ...parameters])
const named = (engine: string, ending: RegExp): string =>
  `${engine}/${readdirSync(join(directory, engine)).find(name => ending.test(name))}`

function flip(file: string, offset: number): void {
  const path = join(directory, file)
  const bytes = readFileSync(path)
  bytes[offset] ^= 0x20
  writeFileSync(path, bytes)
}

interface Json {
  readonly kind: string
  readonly bytes: number
  readonly parts: readonly Span[]
  readonly problems: readonly Problem[]
}

describe('kvarium inspect', () => {
  it('gives spans that cover the file as JSON, and the place of damage', { timeout: 120_000 }, async () => {
    const table = named('lsm', /\.sst$/)
    const sound = JSON.parse((await run(table, '--json')).stdout) as Json
    expect(coverageFault(sound.parts, 0, sound.bytes)).toBeUndefined()
    const block = sound.parts[1]
    flip(table, block.offset + 100)
    const damaged = await run(table, '--json')
    expect(damaged.status).toBe(1)
    const { problems } = JSON.parse(damaged.stdout) as Json
    expect(problems).toMatchObject([
      { file: table, offset: block.offset, length: block.length, message: 'data block 1 fails its checksum' },
    ])
    const shown = await run(table)
    expect(shown.status).toBe(1)
    expect(shown.stdout).toContain(`! ${table} at byte ${block.offset} (0x${block.offset.toString(16)})`)
  })

  it('shows the chosen part alone, and says where to go on', { timeout: 120_000 }, async () => {
    const table = named('lsm', /\.sst$/)
    const from = await run(table, '--from', 'key123', '--limit', '1')
    expect(from.stdout).toContain('put "key123" = "value 123"')
    expect(from.stdout).toContain('Stopped by --limit: go on with --offset 0x')
    const page = /leaf at unit (\d+)/.exec((await run('btree/data.btree')).stdout)![1]
    expect((await run('btree/data.btree', '--page', page)).stdout).toMatch(/entry 0 +"key\d+" = "value \d+"/)
    const misuse = await run('btree/data.btree', '--block', '0')
    expect(misuse).toMatchObject({
      status: 2,
      stdout: '',
      stderr: expect.stringMatching(/^error: Data blocks are chosen in tables/) as string,
    })
    expect(await run('nothing')).toMatchObject({ status: 2, stderr: 'error: There is no file nothing\n' })
  })

  it('says what every file of a store is for, and what is missing', { timeout: 120_000 }, async () => {
    for (const engine of ['lsm', 'btree']) {
      writeFileSync(join(directory, engine, 'notes.txt'), 'mine')
      const { files, problems } = JSON.parse((await run(engine, '--json')).stdout) as DirectoryInspection
      expect(problems).toEqual([])
      expect(files.find(file => file.name === 'notes.txt')?.state).toBe('foreign')
      expect(files.filter(file => !['notes.txt', 'LOCK.generation'].includes(file.name)).every(file => file.state === 'current')).toBe(true)
    }
    rmSync(join(directory, named('lsm', /\.sst$/)))
    const missing = await run('lsm')
    expect(missing.status).toBe(1)
    expect(missing.stdout).toMatch(/! lsm\/\d+\.sst: it is missing, but MANIFEST-\d+ names it/)
  })
})
