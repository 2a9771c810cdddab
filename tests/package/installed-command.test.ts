import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { FOLDERS, ROOT } from './support/installed-package.js'

let project: string

interface Ran {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

function run(cwd: string, program: string, parameters: readonly string[], input = ''): Ran {
  return spawnSync(program, parameters, { cwd, encoding: 'utf8', timeout: 240_000, input, shell: process.platform === 'win32' })
}

/** What npx starts; without npx, which takes longer than most of what it starts. */
const kvarium = (parameters: readonly string[], input?: string): Ran =>
  run(project, join(project, 'node_modules/.bin/kvarium'), parameters, input)

beforeAll(() => {
  project = mkdtempSync(join(tmpdir(), 'kvarium-command-package-'))
  const packed = join(project, 'packed')
  mkdirSync(packed)
  for (const folder of Object.values(FOLDERS)) {
    const { status, stderr } = run(folder, 'npm', ['pack', '--ignore-scripts', '--pack-destination', packed])
    expect(status, stderr).toBe(0)
  }
  const tarballs = readdirSync(packed).map(file => join(packed, file))
  expect(tarballs).toHaveLength(3)
  const ran = run(project, 'npm', ['install', '--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund', ...tarballs])
  expect(ran.status, ran.stderr).toBe(0)
}, 300_000)
afterAll(() => rmSync(project, { recursive: true, force: true }))

describe('the command, packed and installed without scripts', { timeout: 300_000 }, () => {
  it('compares the engines with the cities that come along', () => {
    const { status, stdout, stderr } = run(project, 'npx', [
      '--no-install',
      'kvarium',
      'compare',
      '--limit',
      '1000',
      '--rounds',
      '1',
      '--json',
    ])
    expect(status, stderr).toBe(0)
    const { ok, dataset } = JSON.parse(stdout) as { readonly ok: boolean; readonly dataset: { readonly entries: number } }
    expect(ok).toBe(true)
    expect(dataset.entries).toBe(1000)
  })

  it('prints an example as a checkout does', () => {
    const { stdout } = kvarium(['example', '2'])
    expect(stdout).toContain('Example 2')
    expect(stdout).toBe(run(ROOT, process.execPath, ['--import', 'tsx', 'examples/lab/main.ts', '2']).stdout)
  })

  it('steps through an example, with its bytes', () => {
    const { status, stdout, stderr } = kvarium(['example', '1', '--step'], 'n\nn\nn\nq\n')
    expect(status, stderr).toBe(0)
    expect(stdout).toContain('open')
  })

  it('writes an example as a page', () => {
    const { status, stderr } = kvarium(['example', '1', '--html', 'page.html'])
    expect(status, stderr).toBe(0)
    expect(readFileSync(join(project, 'page.html'), 'utf8')).toMatch(/^<!doctype html>[^]*<script>/)
  })

  it('lists the examples and their options', () => {
    const { status, stdout } = kvarium(['example', '--help'])
    expect(status).toBe(0)
    expect(stdout).toContain('Usage: kvarium example')
    expect(stdout).toContain('--step')
    expect(stdout).toContain('14  lockstep')
  })

  it('lists and copies the exercises', () => {
    expect(kvarium(['learn']).stdout).toContain('skiplist')
    expect(kvarium(['learn', 'skiplist', 'mine']).status).toBe(0)
    expect(readdirSync(join(project, 'mine')).sort()).toEqual([
      'README.md',
      'package.json',
      'skiplist.ts',
      'skiplist.units.ts',
      'tsconfig.json',
    ])
  })
})
