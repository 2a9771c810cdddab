import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { exerciseNames } from '../../exercises/catalog.js'
import { isEveryStory } from '../support/thoroughness.js'
import { installPackages } from './support/installed-package.js'

let project: string
let installed: string

function run(program: string, ...parameters: string[]): string {
  const ran = spawnSync(process.execPath, [program, ...parameters], { cwd: project, encoding: 'utf8', timeout: 60_000 })
  return ran.stdout + ran.stderr
}

describe.runIf(isEveryStory)('installed packages', { timeout: 120_000 }, () => {
  beforeAll(() => {
    project = mkdtempSync(join(tmpdir(), 'kvarium-installed-'))
    installed = installPackages(project, ['kvarium-cli', 'kvarium-lab', 'kvarium'], 'all')
  })
  afterAll(() => rmSync(project, { recursive: true, force: true }))

  it('an installed package makes and checks exercises without a checkout', () => {
    const kvarium = join(installed, 'dist/main.js')
    expect(run(kvarium, 'learn', 'log-reader', '.')).toContain('npm run check')
    expect(readFileSync(join(project, 'package.json'), 'utf8')).toMatch(/"kvarium": "\^\d[^]*"kvarium-cli": "\^\d/)
    expect(run(kvarium, 'learn', 'log-reader', '.', '--check')).toContain('Not written yet: ')

    cpSync(join(installed, 'dist/exercises/log-reader/reference.ts'), join(project, 'log-reader.ts'))
    expect(run(kvarium, 'learn', 'log-reader', '.', '--check')).toContain('All checks pass')
  })

  it('an editor finds the types of all that learners get', () => {
    const kvarium = join(installed, 'dist/main.js')
    for (const name of exerciseNames()) run(kvarium, 'learn', name, join('all', name))
    expect(readdirSync(join(project, 'all')).sort()).toEqual(exerciseNames())
    // The configuration that the first of them got, for all of them at once.
    renameSync(join(project, 'all', exerciseNames()[0], 'tsconfig.json'), join(project, 'all/tsconfig.json'))
    expect(run(join(project, 'node_modules/typescript/bin/tsc'), '-p', 'all')).toBe('')
  })
})
