import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { smallRun } from '../lab/report/support/small-run.js'
import { kvarium } from './support/command-line.js'

let directory = ''
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'kvarium-overview-'))
  const run = smallRun()
  for (const name of ['one', 'two', 'three']) {
    writeFileSync(join(directory, `${name}.json`), JSON.stringify({ ...run, work: { ...run.work, name, digest: name } }))
  }
})
afterAll(() => rmSync(directory, { recursive: true, force: true }))

describe('kvarium report --overview', () => {
  it('prints a row for each workload', async () => {
    const { status, stdout } = await kvarium(directory, ['report', '--overview', 'one.json', 'two.json', 'three.json'])
    expect(status).toBe(0)
    for (const name of ['one', 'two', 'three']) expect(stdout).toMatch(new RegExp(`^  ${name} +\\* 210k/s`, 'm'))
  })

  it('writes Markdown and drawings, and the whole report of the workloads that are asked for', async () => {
    const { status } = await kvarium(directory, ['report', '--overview', 'one.json', 'two.json', '--markdown', 'out', '--detail', 'two'])
    expect(status).toBe(0)
    const text = readFileSync(join(directory, 'out/README.md'), 'utf8')
    for (const [, file] of text.matchAll(/\]\(([^)#]+)\)/g)) expect(existsSync(join(directory, 'out', file)), file).toBe(true)
    expect(readdirSync(join(directory, 'out/two')).filter(name => name.endsWith('.svg')).length).toBeGreaterThan(10)
    expect(existsSync(join(directory, 'out/one'))).toBe(false)
  })

  it.each([
    [['one.json', 'two.json', 'three.json'], /3 reports: give one, or two of the same work, or --overview/],
    [['one.json', '--detail', 'one'], /--detail goes with --overview/],
    [['--overview', 'one.json', '--html', 'x.html'], /for the terminal and for --markdown/],
    [['--overview', 'one.json', 'one.json'], /Two of the reports are for one/],
    [['--overview', 'one.json', '--markdown', 'out', '--detail', 'four'], /no report of it among one/],
  ])('refuses %j', async (parameters, message) => {
    const { status, stderr } = await kvarium(directory, ['report', ...parameters])
    expect(stderr).toMatch(message)
    expect(status).toBe(2)
  })
})
