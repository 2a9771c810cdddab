import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { bundledProgram } from '../support/bundled-program.js'

let runner = ''
beforeAll(() => {
  runner = bundledProgram(join(import.meta.dirname, 'support/run-abstract-suite.ts'))
})

/** Runs the suite in a process of its own, under the real tape; resolves with its TAP output. */
function runSuite(engine: string, place: string): Promise<{ code: number | null; tap: string; errors: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [runner, engine, place], { stdio: ['ignore', 'pipe', 'pipe'] })
    let tap = ''
    let errors = ''
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => (tap += chunk))
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => (errors += chunk))
    child.on('error', reject)
    child.on('close', code => resolve({ code, tap, errors }))
  })
}

const countOf = (tap: string, what: string): number => Number(new RegExp(`^# ${what} +(\\d+)$`, 'm').exec(tap)?.[1] ?? 0)
const failuresIn = (tap: string): string[] => tap.split('\n').filter(line => line.startsWith('not ok'))

describe("abstract-level's own test suite", () => {
  // The contract's suite runs every engine on disk; here one shows that the disk makes no difference to abstract-level.
  it.concurrent.each([
    ['memory', 'memory'],
    ['lsm', 'disk'],
    ['btree', 'memory'],
    ['hash', 'memory'],
  ])(
    'passes in full on %s, its files in %s',
    async (engine, place) => {
      const { code, tap, errors } = await runSuite(engine, place)
      expect(failuresIn(tap)).toEqual([])
      expect(errors).toBe('')
      expect(countOf(tap, 'pass')).toBeGreaterThan(5000)
      expect(countOf(tap, 'fail')).toBe(0)
      expect(code).toBe(0)
    },
    180_000,
  )
})
