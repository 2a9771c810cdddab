import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { smallRun } from '../lab/report/support/small-run.js'
import { kvarium, shell } from './support/command-line.js'

let directory = ''
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'kvarium-pipe-'))
  writeFileSync(join(directory, 'run.json'), JSON.stringify(smallRun()))
  expect((await kvarium(directory, ['put', 'store', 'key', 'value', '--create'])).stderr).toBe('')
})
afterAll(() => rmSync(directory, { recursive: true, force: true }))

/** Standard error and the exit code when the reader of standard output is gone. */
function unread(parameters: string): string {
  return shell(directory, `{ kvarium ${parameters}; echo "code $?" >&2; } | true`)
}

describe('a closed output pipe', () => {
  it.each([
    '--help',
    'report run.json',
    'report run.json run.json',
    'report run.json --json',
    'scan store',
    'get store key',
    'verify store',
  ])('ends kvarium %s without a word', parameters => expect(unread(parameters)).toBe('code 0\n'))

  it('ends a comparison, and none of its stores is left', () => {
    const comparison = 'compare --engine lsm --limit 300 --no-report --dir stores 2>/dev/null'
    expect(unread(comparison)).toBe('code 0\n')
    expect(readdirSync(directory)).not.toContain('stores')
  })
})
