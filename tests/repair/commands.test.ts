import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Kvarium } from '../../src/index.js'
import { kvarium as runCommand, type Ran } from '../cli/support/command-line.js'

let directory: string
let location: string

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'kvarium-commands-'))
  location = join(directory, 'store')
  const db = new Kvarium(location)
  for (let i = 0; i < 100; i++) await db.put(`key${i}`, `value${i}`)
  await db.flush()
  await db.put('last', 'one')
  await db.close()
})

afterEach(() => rmSync(directory, { recursive: true, force: true }))

const kvarium = (...parameters: string[]): Promise<Ran> => runCommand('.', parameters)

function damage(): string {
  const table = join(
    location,
    readdirSync(location).find(name => name.endsWith('.sst'))!,
  )
  const bytes = readFileSync(table)
  bytes[100] ^= 1
  writeFileSync(table, bytes)
  return table
}

describe('kvarium verify and kvarium repair', () => {
  it('distinguish a sound store from a damaged one by their exit codes, and save what can be saved', async () => {
    const sound = await kvarium('verify', location)
    expect(sound.status).toBe(0)
    expect(sound.stdout).toMatch(/store \(lsm\): sound; 101 entries/)
    const table = damage()
    const found = await kvarium('verify', location)
    expect([found.status, found.stderr]).toEqual([1, ''])
    expect(found.stdout).toContain(`${table} at byte 0`)
    const saved = await kvarium('repair', location, join(directory, 'new'))
    expect(saved.status).toBe(1)
    expect(saved.stdout).toContain(`lost: a block of the table is lost: a block fails its checksum (${table} at byte 0), keys from`)
  })

  it('repair in place, where exactly one of a target and --in-place is given', async () => {
    const table = damage()
    for (const refused of [await kvarium('repair', location), await kvarium('repair', location, join(directory, 'new'), '--in-place')]) {
      expect([refused.status, refused.stdout]).toEqual([2, ''])
      expect(refused.stderr).toMatch(/^error: Give either a target, .* or --in-place/)
    }
    const saved = await kvarium('repair', location, '--in-place')
    expect(saved.status).toBe(1)
    expect(saved.stdout).toMatch(/store \(lsm\): [\d,]+ entr(y|ies) of [\d,]+ key and value bytes saved\n/)
    expect(readdirSync(join(location, 'KVARIUM.lost'))).toEqual([basename(table)])
    expect((await kvarium('verify', location)).status).toBe(0)
    expect((await kvarium('inspect', location)).stdout).toMatch(/KVARIUM\.lost .*damaged files that a repair has replaced/)
  })

  it('say what they cannot use, with exit code 2 and without a stack', async () => {
    const refused = await kvarium('repair', location, directory)
    expect(refused.status).toBe(2)
    expect(refused.stderr).toMatch(/^error: .* exists already; .*\n$/)
  })
})
