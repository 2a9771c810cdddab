import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { parseRunReport } from '../../packages/lab/src/report/parse-run-report.js'
import { kvarium } from './support/command-line.js'

let directory = ''
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'kvarium-map-'))
  mkdirSync(join(directory, 'tmp'))
  vi.stubEnv('TMPDIR', join(directory, 'tmp'))
  const rows = Array.from({ length: 100 }, (_, id) => ({ id, large: 'x'.repeat(id % 3 === 0 ? 1500 : 1100) }))
  writeFileSync(join(directory, 'rows.ndjson'), rows.map(row => JSON.stringify(row)).join('\n'))
  writeFileSync(join(directory, 'grid.json'), '{"lsm": {"fanOut": [4]}}')
  writeFileSync(join(directory, 'no-list.json'), '{"lsm": {"fanOut": 4}}')
})
afterAll(() => {
  vi.unstubAllEnvs()
  rmSync(directory, { recursive: true, force: true })
})

const DATA = ['--dataset', 'rows.ndjson', '--key', 'id']
const explore = (...parameters: readonly string[]) => kvarium(directory, ['compare', '--explore', ...DATA, ...parameters])

describe('kvarium compare --explore', () => {
  it('measures the points that are asked for, says which one fits, goes on from its own report, and leaves nothing else', async () => {
    const before = readdirSync(directory)
    // With a large write buffer a point takes a few flushes.
    const vary = ['--engine', 'lsm', '--vary', 'valueThreshold=0,1024', '--memory', '1MiB', '--full-size']
    const first = await explore(...vary, '--report', 'map.json', '--weigh', 'write=2')
    expect(first.status).toBe(0)
    expect(first.stderr).toContain('lsm-v1K: verify (5 of 5)')
    expect(first.stdout).toContain('2 points to measure; the simulation leaves out none\n')
    expect(first.stdout).toMatch(/✓ lsm-v1K .* of 2\n/)
    expect(first.stdout).toContain('all 2 points hold the same')
    expect(first.stdout).toContain('--weigh write=2.00')
    expect(readdirSync(directory).sort()).toEqual([...before, 'map.html', 'map.json'].sort())
    expect(readdirSync(join(directory, 'tmp')).filter(name => name.startsWith('kvarium'))).toEqual([])

    const resumed = await explore(...vary, '--resume', 'map.json', '--json')
    expect(resumed).toMatchObject({ status: 0, stderr: '' })
    const { engines, map } = parseRunReport(resumed.stdout)
    expect(map).toMatchObject({ resumed: 2, leftOut: [] })
    expect(map!.dimensions).toEqual([{ engine: 'lsm', option: 'valueThreshold', values: [0, 1024] }])
    // Formulas know tables alone.
    expect(engines.map(({ name, predictions }) => [name, predictions.length > 0])).toEqual(
      expect.arrayContaining([
        ['lsm-v0', true],
        ['lsm-v1K', false],
      ]),
    )
  })

  it.each([
    [['--vary', 'fanOut'], '--vary takes NAME=VALUE,VALUE, not "fanOut"'],
    [['--vary', 'fanout=4'], 'Did you mean fanOut?'],
    [['--vary', 'fanOut=4,4'], '--vary fanOut has the same value twice: 4, 4'],
    [['--vary', 'valueThreshold=-1'], '--vary valueThreshold'],
    [['--grid', 'none.json'], 'The grid cannot be read: '],
    [['--grid', 'no-list.json'], 'no-list.json: lsm.fanOut must be a list of at least one value'],
    [['--grid', 'grid.json', '--vary', 'fanOut=4'], '--grid and --vary both say what varies: give one of them'],
    [['--weigh', 'writes=2'], 'write'],
    [['--weigh', 'write=-1'], 'write'],
    [['--resume', 'none.json'], 'none.json'],
  ])('%j is answered with what is wrong, before anything is written', async (parameters, message) => {
    const before = readdirSync(directory)
    const { status, stdout, stderr } = await explore(...parameters)
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' })
    expect(stderr).toContain(message)
    expect(readdirSync(directory)).toEqual(before)
  })

  it('what is for maps alone is refused elsewhere', async () => {
    for (const flag of ['--vary', '--weigh', '--grid', '--memory', '--resume']) {
      const value = { '--weigh': 'write=2', '--memory': '1MiB' }[flag] ?? 'fanOut=4'
      const { status, stderr } = await kvarium(directory, ['compare', ...DATA, flag, value])
      expect(status).toBe(2)
      expect(stderr).toContain(`${flag} goes with --explore`)
    }
  })
})
