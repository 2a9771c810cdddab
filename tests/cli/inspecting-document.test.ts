import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { runModule, shell } from './support/command-line.js'

const text = readFileSync(join(import.meta.dirname, '../../docs/inspecting.md'), 'utf8')
let directory: string

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'kvarium-inspecting-'))
  const [, program] = /```js\n([\s\S]*?)```/.exec(text)!
  runModule(program, directory)
})
afterAll(() => rmSync(directory, { recursive: true, force: true }))

it('what docs/inspecting.md shows is what the commands print', { timeout: 240_000 }, () => {
  const sessions = [...text.matchAll(/```console\n([\s\S]*?)```/g)].map(([, session]) => session)
  expect(sessions.length).toBeGreaterThan(3)
  for (const session of sessions) {
    const commands = session.split('\n').filter(line => line.startsWith('$ '))
    const printed = commands.map(command => `${command}\n${shell(directory, command.slice(2))}`).join('')
    expect(printed).toBe(session)
  }
})
