import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { catalog } from '../../examples/lab/catalog.js'
import type { Recording } from '../../packages/lab/src/replay/items.js'
import { record } from '../../examples/lab/lab.js'
import { eventFromJson } from '../../src/observe/json-lines.js'

const ROOT = join(import.meta.dirname, '../..')
/** The built command, which starts in a fifth of the time that `npm run example` takes. Their program is the same. */
const COMMAND = ['packages/cli/dist/main.js', 'example']
const SOURCE = ['--import', 'tsx', 'examples/lab/main.ts']

const run = (args: readonly string[], input = ''): string =>
  execFileSync(process.execPath, [...COMMAND, ...args], { cwd: ROOT, encoding: 'utf8', input, maxBuffer: 1 << 26 })

it('--json gives every event with its bytes', async () => {
  const { items } = JSON.parse(run(['1', '--json'])) as Recording
  const [{ number, name, load }] = catalog()
  const recording = await record(number, name, await load())
  expect(items.map(item => (item.kind === 'event' ? { ...item, event: eventFromJson(item.event) } : item))).toEqual(recording.items)
})

it('--html writes a page', () => {
  const directory = mkdtempSync(join(tmpdir(), 'kvarium-example-'))
  try {
    const file = join(directory, 'replay.html')
    expect(run(['1', '--html', file])).toContain(file)
    expect(readFileSync(file, 'utf8')).toMatch(/^<!doctype html>[^]*<\/html>\n$/)
  } finally {
    rmSync(directory, { recursive: true })
  }
})

it('--step takes its commands from a pipe, also from source', () => {
  const output = execFileSync(process.execPath, [...SOURCE, '1', '--step'], { cwd: ROOT, encoding: 'utf8', input: 'n\nq\nn\n' })
  expect(run(['1', '--step'], 'n\nq\nn\n')).toBe(output)
  expect(output).toMatch(/^Example 1: [^]*-- 2 of \d+ \| call\n> open \/pets\n\nstep> q\n$/)
})

it('q ends the command, also while its input stays open', async () => {
  const child = spawn(process.execPath, [...COMMAND, '1', '--step'], { cwd: ROOT, stdio: ['pipe', 'ignore', 'inherit'] })
  child.stdin.write('n\nq\n')
  try {
    expect(await new Promise(resolve => child.once('exit', resolve))).toBe(0)
  } finally {
    child.kill()
  }
})

it.each([
  ['two forms at once', ['1', '--step', '--json'], /cannot be used with/],
  [
    'a page in a directory that is not there',
    ['1', '--html', '/nonexistent/x.html'],
    /^error: \/nonexistent\/x\.html cannot be written: ENOENT.*\n$/,
  ],
  ['an option without an example', ['--step'], /^error: which example\? Its number or name is missing/],
  ['an example that is not there', ['99'], /There is no example 99\. The examples are:\n {2}1 {2}bytes-of-a-put/],
])('%s is refused', (_, args, message) => {
  const { status, stderr } = spawnSync(process.execPath, [...COMMAND, ...args], { cwd: ROOT, encoding: 'utf8' })
  expect([status, stderr]).toEqual([1, expect.stringMatching(message)])
})

it('without an example, and with --help, it lists the question of each; a name does as well as a number', () => {
  for (const parameters of [[], ['--help']]) {
    const listed = run(parameters)
    for (const { name } of catalog()) expect(listed).toMatch(new RegExp(`^ +\\d+  ${name} .*\\?$`, 'm'))
  }
  expect(run(['flush'])).toBe(run(['4']))
})
