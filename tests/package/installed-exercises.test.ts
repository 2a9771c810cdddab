import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { exerciseNames } from '../../exercises/catalog.js'

const ROOT = join(import.meta.dirname, '../..')

let project: string
let installed: string

/** As npm installs it: what is published of the package, beside its dependencies. */
beforeAll(() => {
  if (!existsSync(join(ROOT, 'dist'))) throw new Error("dist/ is missing: run 'npm run build' first, or 'npm test', which does both")
  project = mkdtempSync(join(tmpdir(), 'kvarium-installed-'))
  installed = join(project, 'node_modules/kvarium')
  for (const file of packedFiles()) {
    mkdirSync(dirname(join(installed, file)), { recursive: true })
    cpSync(join(ROOT, file), join(installed, file))
  }
  for (const name of readdirSync(join(ROOT, 'node_modules'))) {
    if (!name.startsWith('.')) symlinkSync(join(ROOT, 'node_modules', name), join(project, 'node_modules', name))
  }
})
afterAll(() => rmSync(project, { recursive: true, force: true }))

function packedFiles(): string[] {
  const output = execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
    cwd: ROOT,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
    shell: process.platform === 'win32',
  })
  return (JSON.parse(output) as readonly { readonly files: readonly { readonly path: string }[] }[])[0].files.map(({ path }) => path)
}

function run(program: string, ...parameters: string[]): string {
  const ran = spawnSync(process.execPath, [program, ...parameters], { cwd: project, encoding: 'utf8', timeout: 60_000 })
  return ran.stdout + ran.stderr
}

it('an installed package makes and checks exercises without a checkout', { timeout: 120_000 }, () => {
  const kvarium = join(installed, 'dist/cli/main.js')
  expect(run(kvarium, 'learn', 'log-reader', '.')).toContain('npm run check')
  expect(readFileSync(join(project, 'package.json'), 'utf8')).toMatch(/"kvarium": "\^\d/)
  expect(run(kvarium, 'learn', 'log-reader', '.', '--check')).toContain('Not written yet: ')

  cpSync(join(installed, 'exercises/log-reader/reference.ts'), join(project, 'log-reader.ts'))
  expect(run(kvarium, 'learn', 'log-reader', '.', '--check')).toContain('All checks pass')
})

it('an editor finds the types of all that learners get', { timeout: 120_000 }, () => {
  const kvarium = join(installed, 'dist/cli/main.js')
  for (const name of exerciseNames()) run(kvarium, 'learn', name, join('all', name))
  expect(readdirSync(join(project, 'all')).sort()).toEqual(exerciseNames())
  // The configuration that the first of them got, for all of them at once.
  renameSync(join(project, 'all', exerciseNames()[0], 'tsconfig.json'), join(project, 'all/tsconfig.json'))
  expect(run(join(project, 'node_modules/typescript/bin/tsc'), '-p', 'all')).toBe('')
})
