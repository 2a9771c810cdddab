import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseRunReport } from '../../packages/lab/src/report/parse-run-report.js'

const MAIN = join(import.meta.dirname, '../../packages/cli/dist/main.js')

let directory = ''
beforeAll(() => {
  if (!existsSync(MAIN)) throw new Error("dist/ is missing: run 'npm run build' first, or 'npm test', which does both")
  directory = mkdtempSync(join(tmpdir(), 'kvarium-report-command-'))
  compare('--report', 'first')
  compare('--report', 'second/after.html')
  compare('--report', 'third.json', '--seed', '2')
})
afterAll(() => rmSync(directory, { recursive: true, force: true }))

function run(...parameters: readonly string[]): { readonly code: number | null; readonly stdout: string; readonly stderr: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...parameters], {
    cwd: directory,
    encoding: 'utf8',
    env: { ...process.env, TMPDIR: directory, NO_COLOR: '', FORCE_COLOR: '0' },
  })
  return { code: status, stdout, stderr }
}

function compare(...parameters: readonly string[]): string {
  const { code, stdout } = run('compare', '--engine', 'lsm-leveled,btree', '--limit', '400', ...parameters)
  expect(code).toBe(0)
  return stdout
}

const path = (name: string): string => join(directory, name)

describe('kvarium compare', () => {
  it('ends by writing a report into the current directory, and says where', () => {
    const stdout = compare()
    expect(stdout).toMatch(/report: kvarium-report\/report\.html opens in a browser\n +kvarium-report\/report\.json/)
    expect(readdirSync(path('kvarium-report')).sort()).toEqual(['report.html', 'report.json'])
    expect(parseRunReport(readFileSync(path('kvarium-report/report.json'), 'utf8')).command).toBe(
      'kvarium compare --engine lsm-leveled,btree --limit 400',
    )
  })

  it('writes it elsewhere on request, or not at all', () => {
    expect(readdirSync(path('first')).sort()).toEqual(['report.html', 'report.json'])
    expect(readdirSync(path('second')).sort()).toEqual(['after.html', 'after.json'])
    expect(existsSync(path('third.html'))).toBe(true)
    rmSync(path('kvarium-report'), { recursive: true, force: true })
    compare('--no-report')
    compare('--json')
    expect(existsSync(path('kvarium-report'))).toBe(false)
  })

  it('refuses a place that cannot be written to before anything runs', () => {
    writeFileSync(path('a-file'), '')
    const { code, stdout, stderr } = run('compare', '--engine', 'memory', '--limit', '9', '--report', 'a-file/there')
    expect(stderr).toMatch(/^error: The report cannot be written to a-file\/there: /)
    expect(stdout).toBe('')
    expect(code).toBe(2)
  })
})

describe('kvarium report', () => {
  it('shows a report on the terminal, or as JSON again', () => {
    const { code, stdout } = run('report', 'first/report.json')
    expect(code).toBe(0)
    for (const text of ['Verdict', 'Where every byte went', 'lsm-leveled', 'reproduce this run: kvarium compare --engine']) {
      expect(stdout).toContain(text)
    }
    const again = parseRunReport(run('report', 'first/report.json', '--json').stdout)
    expect(again).toEqual(parseRunReport(readFileSync(path('first/report.json'), 'utf8')))
  })

  it('renders it as a page and as Markdown with drawings', () => {
    const { code, stdout } = run('report', 'first/report.json', '--html', 'page.html', '--markdown', 'page')
    expect([code, stdout]).toEqual([0, ''])
    expect(readFileSync(path('page.html'), 'utf8')).toBe(readFileSync(path('first/report.html'), 'utf8'))
    const files = readdirSync(path('page'))
    expect(files).toContain('README.md')
    expect(files.filter(file => file.endsWith('.svg')).length).toBeGreaterThan(10)
    expect(files.reduce((sum, file) => sum + statSync(path(`page/${file}`)).size, 0)).toBeLessThan(300_000)
  })

  it('two runs of the same work: what changed', () => {
    const { code, stdout } = run('report', 'first/report.json', 'second/after.json')
    expect(code).toBe(0)
    expect(stdout).toMatch(/\d+ better, \d+ worse, \d+ without a difference, of \d+ numbers\.\n$/)
    const changes = JSON.parse(run('report', 'first/report.json', 'second/after.json', '--json').stdout) as { engines: unknown[] }
    expect(changes.engines).toHaveLength(2)
  })

  it('two runs of different work are refused, and what differs is named', () => {
    const { code, stdout, stderr } = run('report', 'first/report.json', 'third.json')
    expect(stderr).toBe('error: The two runs did different work, so their numbers cannot be compared: seed 1 and 2\n')
    expect([code, stdout]).toEqual([2, ''])
  })

  it.each([
    [['report', 'nowhere.json'], /^error: The report cannot be read: .*nowhere\.json/],
    [['report', 'bad.json'], /^error: bad\.json: This is not a report: it is not JSON/],
    [['report', 'newer.json'], /^error: newer\.json: The report's field version is 9, .* render it with a newer kvarium/],
    [['report'], /missing required argument 'report\.json'/],
  ])('%j is answered with what is wrong', (parameters, message) => {
    writeFileSync(path('bad.json'), 'no')
    writeFileSync(path('newer.json'), '{"format":"kvarium-report","version":9}')
    const { code, stdout, stderr } = run(...parameters)
    expect(stderr).toMatch(message)
    expect([code, stdout]).toEqual([2, ''])
  })
})
