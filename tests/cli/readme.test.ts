import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { BTREE_OPTIONS } from '../../src/btree/options.js'
import { HASH_OPTIONS } from '../../src/hash/options.js'
import type { OptionTable } from '../../src/engine/contract.js'
import { LSM_OPTIONS } from '../../src/lsm/options.js'

const ROOT = join(import.meta.dirname, '../..')
const readme = readFileSync(join(ROOT, 'README.md'), 'utf8')

let directory = ''
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'kvarium-readme-'))
})
afterAll(() => rmSync(directory, { recursive: true, force: true }))

describe('the README', () => {
  it('its first program runs, and prints what it says', () => {
    const [, program] = /```js\n(import [\s\S]*?)```/.exec(readme) ?? []
    expect(program).toContain(`from 'kvarium'`)
    // In the package's own directory, so that its name resolves; the store goes elsewhere.
    const moved = program.replace(`'./planets'`, JSON.stringify(join(directory, 'planets')))
    expect(moved).not.toBe(program)
    const output = execFileSync(process.execPath, ['--input-type=module', '-e', moved], { cwd: ROOT, encoding: 'utf8' })
    const promised = [...program.matchAll(/console\.log\(.*\) \/\/ (.*)/g)].map(([, text]) => text)
    expect(promised.length).toBeGreaterThan(3)
    expect(output.trimEnd().split('\n')).toEqual(promised)
  })

  it.each([
    ['lsm', LSM_OPTIONS],
    ['btree', BTREE_OPTIONS],
    ['hash', HASH_OPTIONS],
  ])('its table of the options of %s is the one of the engine', (engine, options: OptionTable) => {
    const table = readme.slice(readme.search(new RegExp(`^(The options of|Those of) \`'${engine}'\``, 'm'))).split('\n\n')[1]
    const rows = [...table.matchAll(/^\| `(\w+)` +\| ([^|]+?) +\|/gm)].map(([, name, value]) => [name, value])
    const documented = Object.fromEntries(rows) as Record<string, string>
    expect(Object.keys(documented)).toEqual(Object.keys(options))
    for (const [name, spec] of Object.entries(options)) {
      if (spec.type === 'object') throw new Error(`the option ${name} has no default to document`)
      expect(documented[name], `the option ${name}`).toBe(spec.type === 'integer' ? amount(spec) : code(spec.default))
    }
  })

  it('its links to files of the repository lead somewhere', () => {
    const links = [...readme.matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map(([, path]) => path)
    expect(links.length).toBeGreaterThan(5)
    for (const link of links) expect(readdirSync(join(ROOT, link, '..')), link).toContain(link.replace(/\/$/, '').split('/').at(-1))
  })
})

function code(value: string | boolean): string {
  return typeof value === 'string' ? `\`'${value}'\`` : `\`${value}\``
}

function amount({ default: value, unit = '' }: { readonly default: number; readonly unit?: string }): string {
  if (unit !== 'bytes') return `${value} ${unit}`.trim()
  return value % 2 ** 20 === 0 ? `${value / 2 ** 20} MiB` : `${value / 2 ** 10} KiB`
}
