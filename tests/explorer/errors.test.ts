/** Hazards: an error of the explorer without a code or without what to do, a code that no document names. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse, parseScript } from '../../packages/explorer/src/run/command.js'
import type { Line } from '../../packages/explorer/src/run/line.js'
import { decodeScenario, encodeScenario } from '../../packages/explorer/src/run/scenario.js'
import { Session } from '../../packages/explorer/src/session/session.js'
import { SETTINGS } from './support/settings.js'

const ROOT = join(import.meta.dirname, '../..')
const [LSM] = SETTINGS.lanes

/** The rejection of a call. */
async function errorOf(call: Promise<unknown>): Promise<{ readonly code?: string; readonly message: string }> {
  try {
    await call
  } catch (error) {
    return error as Error
  }
  return expect.fail('it does not reject')
}

describe('errors of the explorer', () => {
  it('have a code that the document names, and no other', () => {
    const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8')
    const codes = read('packages/explorer/src/run/explorer-error.ts')
      .match(/'KVARIUM_\w+'/g)!
      .map(code => code.slice(1, -1))
    const documented = read('docs/explorer.md')
      .match(/^\| `KVARIUM_\w+/gm)!
      .map(row => row.slice(3))
    expect(documented).toEqual(codes)
  })

  it('say what is wrong with what, and what to do', async () => {
    const session = new Session()
    const notes = { name: 'notes.txt', contents: new Blob(['hello']) }
    const link = await encodeScenario({ settings: SETTINGS, script: [], position: 0 })
    const cases: readonly (readonly [call: () => Promise<unknown>, code: string, message: RegExp])[] = [
      [() => session.look({ position: 0 }), 'KVARIUM_NOTHING_THERE', /No run has begun: begin one/],
      [() => session.begin({ seed: 1, lanes: [] }), 'KVARIUM_INVALID_LANES', /one to 3 lanes, not 0/],
      [() => session.begin({ seed: 1, lanes: [LSM, LSM] }), 'KVARIUM_INVALID_LANES', /the name "lsm": give each lane its own/],
      [
        () => session.begin({ seed: 1, lanes: [{ ...LSM, name: 'l\u202esm' }] }),
        'KVARIUM_INVALID_LANES',
        /"l\\u202esm" is no name of a lane: give/,
      ],
      [() => session.openFiles([notes]), 'KVARIUM_INVALID_FILES', /notes.txt is not the files of a store: choose/],
      [() => session.restore(), 'KVARIUM_NOTHING_THERE', /No run has begun: begin one/],
      [() => session.watch([]), 'KVARIUM_NOT_AT_HAND', /kvarium explore: open/],
      [() => decodeScenario('hello'), 'KVARIUM_INVALID_LINK', /has to begin with/],
      [() => decodeScenario(link.slice(0, -8)), 'KVARIUM_INVALID_LINK', /damaged: copy/],
    ]
    for (const [call, code, message] of cases) {
      const error = await errorOf(call())
      expect([error.code, error.message]).toEqual([code, expect.stringMatching(message)])
    }
  })

  it('stay with an operation that fails', async () => {
    const session = new Session()
    await session.begin(SETTINGS)
    await session.add(['get a at b', 'snapshot b', 'snapshot b'].map(line => parse(line) as Line))
    const rows = await session.operations(0, 3)
    expect(rows.map(({ outcomes }) => outcomes[0]?.code)).toEqual(['KVARIUM_NOTHING_THERE', undefined, 'KVARIUM_INVALID_NAME'])
  })
})

describe('a list of lines of which several are wrong', () => {
  it('has a problem of each, of whatever kind', () => {
    const rows = [
      'put a 1',
      'fetch a',
      'put b',
      'range limit 0',
      'put "c',
      'del a b',
      'put d "\\x"',
      'compact',
      'put e 4000KiB',
      'wait soon',
    ]
    const { lines, problems } = parseScript(rows.join('\n'))
    expect(lines).toHaveLength(2)
    expect(problems.map(({ row }) => row)).toEqual([1, 2, 3, 4, 5, 6, 8, 9])
    expect(new Set(problems.map(({ message }) => message)).size).toBe(8)
  })
})
