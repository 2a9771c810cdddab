import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { isEveryStory } from '../support/thoroughness.js'
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

describe.runIf(isEveryStory)('the command, packed and installed without scripts', { timeout: 300_000 }, () => {
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
    expect(stdout).toMatch(/^ {2}14 {2}lockstep .*\?$/m)
  })

  it('without tsx, TypeScript of the user is refused with the file and what to do where Node does not read it', () => {
    const engine = 'export interface Shape { a: 1 }\nexport default { name: "typed" }\n'
    writeFileSync(join(project, 'typed.ts'), engine)
    writeFileSync(join(project, 'imports-typed.mjs'), "export * from './typed.ts'\n")
    const advice =
      /Node v20\S+ does not read TypeScript\. Install tsx beside the file \(npm install --save-dev tsx\), .* or use Node 22\.18/
    const readsTypes = (process.features as { readonly typescript?: unknown }).typescript !== undefined
    for (const [flag, file, own] of [
      ['--engine', './typed.ts', /exports no engine/],
      ['--engine', './imports-typed.mjs', /exports no engine/],
      ['--workload', './typed.ts', /exports no workload/],
    ] as const) {
      const { status, stdout, stderr } = kvarium(['compare', flag, file])
      expect(stderr).toMatch(readsTypes ? own : advice)
      expect(stderr).toContain(`error: ${file}: `)
      expect([status, stdout]).toEqual([2, ''])
    }
  })

  it('without tsx, the checks of an exercise say where to install it', () => {
    kvarium(['learn', 'bloom-filter', 'unchecked'])
    const { status, stderr } = kvarium(['learn', 'bloom-filter', 'unchecked', '--check'])
    expect(stderr).toBe(`error: The checks are TypeScript and need tsx: run \`npm install\` in ${join(project, 'unchecked')} first.\n`)
    expect(status).toBe(2)
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
