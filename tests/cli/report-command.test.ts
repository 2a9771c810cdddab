import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseRunReport } from '../../packages/lab/src/report/parse-run-report.js'
import type { RunReport } from '../../packages/lab/src/report/run-report.js'
import { kvarium } from './support/command-line.js'

let directory = ''
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'kvarium-report-command-'))
  await compareBesideBusyChild('--report', 'busy.json')
  await compare('--report', 'first')
  await compare('--report', 'second/after.html')
  await compare('--report', 'third.json', '--seed', '2', '--rounds', '1')
})
afterAll(() => rmSync(directory, { recursive: true, force: true }))

async function run(
  ...parameters: readonly string[]
): Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }> {
  const { status, ...printed } = await kvarium(directory, parameters)
  return { code: status, ...printed }
}

async function compare(...parameters: readonly string[]): Promise<string> {
  const { code, stdout } = await run('compare', '--engine', 'lsm-leveled,btree', '--limit', '400', ...parameters)
  expect(code).toBe(0)
  return stdout
}

/** A run while another process keeps a core busy. */
async function compareBesideBusyChild(...parameters: readonly string[]): Promise<void> {
  const child = spawn(process.execPath, ['-e', 'process.stdout.write("."); for (;;);'], { stdio: ['ignore', 'pipe', 'inherit'] })
  try {
    await once(child.stdout, 'data')
    await compare(...parameters)
  } finally {
    child.kill('SIGKILL')
  }
}

const path = (name: string): string => join(directory, name)

describe('kvarium compare', () => {
  it('ends by writing a report into the current directory, and says where', async () => {
    const stdout = await compare()
    expect(stdout).toMatch(/report: kvarium-report\/report\.html opens in a browser\n +kvarium-report\/report\.json/)
    expect(readdirSync(path('kvarium-report')).sort()).toEqual(['report.html', 'report.json'])
    expect(parseRunReport(readFileSync(path('kvarium-report/report.json'), 'utf8')).command).toBe(
      'kvarium compare --engine lsm-leveled,btree --limit 400',
    )
  })

  it('writes it elsewhere on request, or not at all', async () => {
    expect(readdirSync(path('first')).sort()).toEqual(['report.html', 'report.json'])
    expect(readdirSync(path('second')).sort()).toEqual(['after.html', 'after.json'])
    expect(existsSync(path('third.html'))).toBe(true)
    rmSync(path('kvarium-report'), { recursive: true, force: true })
    await compare('--no-report', '--rounds', '1')
    const printed = JSON.parse(await compare('--json', '--rounds', '1')) as Pick<RunReport, 'verdict'>
    expect(existsSync(path('kvarium-report'))).toBe(false)
    expect(printed.verdict!.remark).toMatch(/^One round has no spread of times/)
    expect(printed.verdict!.rows.find(({ metric }) => metric === 'throughput/load')!.outcome).toBe('too few rounds')
  })

  it('refuses a place that cannot be written to before anything runs', async () => {
    writeFileSync(path('a-file'), '')
    const { code, stdout, stderr } = await run('compare', '--engine', 'memory', '--limit', '9', '--report', 'a-file/there')
    expect(stderr).toMatch(/^error: The report cannot be written to a-file\/there: /)
    expect(stdout).toBe('')
    expect(code).toBe(2)
  })
})

describe('kvarium report', () => {
  it('shows a report on the terminal, or as JSON again', async () => {
    const { code, stdout } = await run('report', 'first/report.json')
    expect(code).toBe(0)
    for (const text of ['Verdict', 'Where every byte went', 'lsm-leveled', 'reproduce this run: kvarium compare --engine']) {
      expect(stdout).toContain(text)
    }
    const again = parseRunReport((await run('report', 'first/report.json', '--json')).stdout)
    for (const { metric, text } of again.verdict!.rows.filter(({ outcome }) => outcome === 'best'))
      expect([metric, stdout]).toEqual([metric, expect.stringContaining(text)])
    expect(again).toEqual(parseRunReport(readFileSync(path('first/report.json'), 'utf8')))
  })

  it('renders it as a page and as Markdown with drawings', async () => {
    const { code, stdout } = await run('report', 'first/report.json', '--html', 'page.html', '--markdown', 'page')
    expect([code, stdout]).toEqual([0, ''])
    expect(readFileSync(path('page.html'), 'utf8')).toBe(readFileSync(path('first/report.html'), 'utf8'))
    const files = readdirSync(path('page'))
    expect(files).toContain('README.md')
    expect(files.filter(file => file.endsWith('.svg')).length).toBeGreaterThan(10)
    expect(files.reduce((sum, file) => sum + statSync(path(`page/${file}`)).size, 0)).toBeLessThan(300_000)
  })

  it('finds no difference between two runs of the same', async () => {
    const { code, stdout } = await run('report', 'first/report.json', 'second/after.json')
    expect(code).toBe(0)
    expect(stdout).toMatch(/\n {2}No difference in \d+ numbers(; times are not compared)?\.\n$/)
    const changes = JSON.parse((await run('report', 'first/report.json', 'second/after.json', '--json')).stdout) as { engines: unknown[] }
    expect(changes.engines).toHaveLength(2)
  })

  it('finds none either if another program was busy during one of them, and does not compare times', async () => {
    const { stdout } = await run('report', 'first/report.json', 'busy.json')
    expect(stdout).toMatch(/\n {2}No difference in \d+ numbers; times are not compared\.\n$/)
    expect(stdout).toMatch(/note: other programs kept [\d.]+ cores busy in one of the runs: times are not compared/)
    expect((await run('report', 'busy.json')).stdout).toContain('! The machine was busy')
  })

  it('two runs of different work are refused, and what differs is named', async () => {
    const { code, stdout, stderr } = await run('report', 'first/report.json', 'third.json')
    expect(stderr).toBe('error: The two runs did different work, so their numbers cannot be compared: seed 1 and 2\n')
    expect([code, stdout]).toEqual([2, ''])
  })

  it.each([
    [['report', 'nowhere.json'], /^error: The report cannot be read: .*nowhere\.json/],
    [['report', 'bad.json'], /^error: bad\.json: This is not a report: it is not JSON/],
    [['report', 'newer.json'], /^error: newer\.json: The report's field version is 9, .* render it with a newer kvarium/],
    [['report'], /missing required argument 'report\.json'/],
  ])('%j is answered with what is wrong', async (parameters, message) => {
    writeFileSync(path('bad.json'), 'no')
    writeFileSync(path('newer.json'), '{"format":"kvarium-report","version":9}')
    const { code, stdout, stderr } = await run(...parameters)
    expect(stderr).toMatch(message)
    expect([code, stdout]).toEqual([2, ''])
  })
})
