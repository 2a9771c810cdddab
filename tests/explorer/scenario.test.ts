/** Hazards: a link that does something else than the run it was made of; one that is damaged or hostile; an exported program that answers otherwise. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { decodeScenario, encodeScenario, linesOf, type Scenario } from '../../packages/explorer/src/run/scenario.js'
import { Session } from '../../packages/explorer/src/session/session.js'
import { parseJsonLines } from '../../src/observe/json-lines.js'
import { SETTINGS } from './support/settings.js'

const SCRIPT = [
  'put a 1 sync',
  'random 200 keys 50',
  'snapshot s',
  'batch put b 2; del a',
  'get a at s',
  'range limit 3',
  'reopen',
  'put c 3 ttl 50',
  'wait 60',
  'get c',
]

async function run(script: readonly string[]): Promise<Session> {
  const session = new Session()
  await session.begin(SETTINGS)
  await session.add(linesOf(script))
  return session
}

describe('a link', () => {
  it('is the scenario again', async () => {
    const setting = fc.oneof(fc.integer(), fc.string(), fc.boolean())
    await fc.assert(
      fc.asyncProperty(
        fc.nat(),
        fc.nat(),
        fc.dictionary(fc.string(), setting, { noNullPrototype: true }),
        async (seed, position, options) => {
          const scenario: Scenario = { settings: { seed, lanes: [{ name: 'x', engine: 'lsm', options }] }, script: SCRIPT, position }
          expect(await decodeScenario(await encodeScenario(scenario))).toEqual(scenario)
        },
      ),
      { seed: 1, numRuns: 50 },
    )
  })

  it('made anywhere in a run leads to the same moments up to there', async () => {
    const session = await run(SCRIPT)
    const { moments } = await session.add([])
    for (const position of [0, 80, 2000, moments]) {
      const again = await run(await session.script(position))
      const pictures = ['levels', 'pages', 'files'] as const
      expect((await again.look({ position, pictures })).lanes).toEqual((await session.look({ position, pictures })).lanes)
    }
    expect(await (await run(await session.script(moments))).digest()).toBe(await session.digest())
    expect(await (await run([...SCRIPT, 'put z 1'])).digest()).not.toBe(await session.digest())
  })

  it.each([
    ['no link', 'abc', 'it has to begin with "v1."'],
    ['one that is cut', 'v1.q1ZKzs9NVbJSUCpOzC3ISVWq', 'damaged'],
    ['one with other characters', 'v1.%%%', 'damaged'],
  ])('is refused where it is %s', async (_, text, message) => {
    await expect(decodeScenario(text)).rejects.toThrow(message)
  })

  it.each([
    [
      'a lane without options',
      { settings: { seed: 1, lanes: [{ name: 'a', engine: 'lsm' }] }, script: [], position: 0 },
      'options must be an object',
    ],
    [
      'an object as an option',
      { settings: { seed: 1, lanes: [{ name: 'a', engine: 'lsm', options: { x: {} } }] }, script: [], position: 0 },
      'option x',
    ],
    ['no lanes', { settings: { seed: 1, lanes: [] }, script: [], position: 0 }, 'lanes must be a list of one to 3'],
    ['a line that is no operation', { settings: SETTINGS, script: ['put a 1', 'fetch b'], position: 0 }, 'Line 2 of the script'],
    ['a position that is no number', { settings: SETTINGS, script: [], position: 'end' }, 'position must be a whole number'],
  ])('is refused with %s', async (_, scenario, message) => {
    await expect(decodeScenario(await encodeScenario(scenario as never))).rejects.toThrow(message)
  })

  it('does not unfold into more memory than a run needs', async () => {
    const script = ['put a ' + 'x'.repeat(8 << 20)]
    const link = await encodeScenario({ settings: SETTINGS, script, position: 0 })
    expect(link.length).toBeLessThan(20_000)
    await expect(decodeScenario(link)).rejects.toThrow('damaged')
  })
})

describe('an export', () => {
  it('as JSON lines is read back as the events of the lane', async () => {
    const session = await run(SCRIPT)
    const events = parseJsonLines(await session.trace(1))
    expect(events.at(-1)?.sequence).toBe(events.length)
    expect(events.some(event => event.type === 'page.split')).toBe(true)
  })

  it('as a program answers as the run did', async () => {
    const session = await run(SCRIPT)
    const folder = join(import.meta.dirname, '../../.tmp/explorer-program')
    mkdirSync(folder, { recursive: true })
    const file = join(folder, 'run.mjs')
    writeFileSync(file, await session.program())
    const lines: unknown[][] = []
    const log = vi.spyOn(console, 'log').mockImplementation((...line) => void lines.push(line))
    try {
      await import(/* @vite-ignore */ pathToFileURL(file).href)
    } finally {
      log.mockRestore()
    }
    const [get, range] = await session.operations(203, 205)
    for (const [lane, name] of ['lsm', 'btree'].entries()) {
      expect(lines).toContainEqual([name, 'get', 'a', get.outcomes[lane]?.value])
      expect(lines).toContainEqual([name, 'get', 'c', undefined])
      const found = lines.find(line => line[0] === name && line[1] === 'range')?.[2] as [string, string][]
      expect(found.map(([key]) => key)).toEqual(range.outcomes[lane]?.entries?.map(([key]) => key))
    }
  })

  it('as a program is refused after a crash, which is at an event of the run', async () => {
    const session = await run(['put a 1', 'crash lsm event 30 none'])
    await expect(session.program()).rejects.toThrow('go back before the crash')
  })
})
