/**
 * Hazards: a part that behaves otherwise in a lane than in a store of its own, a wrong one that no check of the page finds, a mistake that is
 * shown at the wrong place, code that reaches what it may not import, a link that carries code.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { exerciseFolder, exerciseNames } from '../../exercises/catalog.js'
import { check } from '../../packages/explorer/src/parts/check.js'
import { EXERCISE_NAMES } from '../../packages/explorer/src/parts/exercises.js'
import { evaluate } from '../../packages/explorer/src/parts/evaluate.js'
import type { PartFailure } from '../../packages/explorer/src/parts/part-settings.js'
import type { Line } from '../../packages/explorer/src/run/line.js'
import { encodeScenario, linesOf } from '../../packages/explorer/src/run/scenario.js'
import { PartSession } from '../../packages/explorer/src/session/part-session.js'
import { mutantsOf } from '../exercises/support/mutants.js'
import { slice } from '../support/thoroughness.js'

/** Histories for a right part, which runs them all; `tests/exercises` runs more. */
const HISTORIES = slice(3, 100)
/** Whether all references are checked. */
const CHECKED = slice(false, true)
/** Operations of an exercise's comparison that are done. */
const OPERATIONS = slice(80, Infinity)

const sourceOf = (exercise: string, file: string): string => readFileSync(join(exerciseFolder(exercise), file), 'utf8')

const mutant = (exercise: string, name: string): string => mutantsOf(exercise).find(each => each.name === name)!.source

const checked = (exercise: string, source: string): Promise<PartFailure | undefined> =>
  check({ exercise, source }, { seed: 1, onCheck: () => undefined, histories: HISTORIES })

/** A session with a part beside the reference, and the operations of the exercise. */
async function used(exercise: string, source: string, lines?: readonly Line[]): Promise<PartSession> {
  const session = new PartSession()
  await session.begin({ seed: 1, lanes: await session.partLanes(exercise, source) })
  await session.add(lines ?? linesOf((await session.partScript(exercise, 1)).slice(0, OPERATIONS)))
  return session
}

/** A leaf split that changes where it cuts after some calls. */
const LATE = `${sourceOf('leaf-split', 'reference.ts').replace('export function splitLeaf', 'function right')}
let calls = 0
export function splitLeaf(overflow: LeafOverflow): number {
  return ++calls > 3 ? 1 : right(overflow)
}
`

describe('a part of a learner in the page', () => {
  it('can be one of every exercise', () => {
    expect([...EXERCISE_NAMES].sort()).toEqual(exerciseNames())
  })

  it.each(exerciseNames())('the reference of %s passes, and takes the same steps in a lane', async exercise => {
    const source = sourceOf(exercise, 'reference.ts')
    // What the checks do has tests of its own.
    if (CHECKED) expect(await checked(exercise, source)).toBeUndefined()
    const session = await used(exercise, source)
    expect(await session.difference()).toBeUndefined()
    const outcomes = (await session.operations(0, 2000)).flatMap(row => row.outcomes)
    expect(outcomes.filter(outcome => outcome?.status === 'failed')).toEqual([])
  })

  it.each([
    ['skiplist', 'one-level', 'units'],
    ['bloom-filter', mutantsOf('bloom-filter')[0].name, 'units'],
    ['leaf-split', 'last-of-equals', 'divergence'],
  ])('%s with %s is rejected', async (exercise, name, stage) => {
    expect((await checked(exercise, mutant(exercise, name)))?.stage).toBe(stage)
  })

  it.each([
    ['leaf-split', LATE],
    ['merging-cursor', mutant('merging-cursor', 'keys-as-text')],
    ['skiplist', mutant('skiplist', 'replaces-versions')],
  ])('the first step in which a wrong %s goes another way is found, in both lanes', async (exercise, source) => {
    const session = await used(exercise, source)
    const found = (await session.difference())!
    const [wanted, got] = found.steps
    expect(found.same).toBeGreaterThan(0)
    expect(wanted ?? got).toBeDefined()
    for (const step of [wanted, got]) {
      if (step === undefined) continue
      const { moment } = await session.look({ position: step.position, pictures: [] })
      expect(moment).toMatchObject({ kind: 'event', lane: step.lane, sentence: step.sentence })
    }
  })

  it('the lane of a part is the same again after another replay, although the file has a state', async () => {
    const session = await used('leaf-split', LATE)
    const digest = await session.digest()
    const { settings } = await session.replay((await session.add([])).settings)
    expect(settings.lanes[1].part?.source).toBe(LATE)
    expect(await session.digest()).toBe(digest)
  })

  it('chance in a part is that of the run', async () => {
    const draw = 'export const drawn: number = Math.random() + Math.max(1, 2)'
    const [first, second] = [await evaluate(draw, 7), await evaluate(draw, 7)]
    expect(first['drawn']).toBe(second['drawn'])
    expect(await evaluate(draw, 8)).not.toEqual(first)
  })

  it('power loss in the lane of a part is recovered with the part', async () => {
    const session = await used('log-reader', sourceOf('log-reader', 'reference.ts'), linesOf(['put a 1 sync', 'put b 2']))
    const { moments } = await session.add([])
    const { outcomes, acknowledged } = await session.crash(1, moments)
    expect(acknowledged).toBe(2)
    expect(outcomes.every(({ isRight }) => isRight)).toBe(true)
  })

  it.each([
    ['a bracket too few', 'export function f() {\n  return [1\n}\n', { line: 3, column: 1 }],
    ['a name that is there already', 'const a: number = 1\nlet b = 2; let b = 3\n', { line: 2, column: 16 }],
    ['a word of no language', 'export const a = 1\nexport const b = = 2\n', { line: 2, column: 18 }],
  ])('%s is said with its place', async (_, source, place) => {
    const failure = await checked('skiplist', source)
    expect(failure).toMatchObject({ stage: 'load', place })
    expect(failure!.message).not.toMatch(/transforming|\(\d+:\d+\)/)
  })

  it.each([
    ['a module of Node', `import { readFileSync } from 'node:fs'\nreadFileSync('x')`, '"node:fs"'],
    ['an entry that is not for parts', `import { createServer } from 'kvarium/reader'\ncreateServer()`, '"kvarium/reader"'],
    ['a file beside it', `import { a } from './a.js'\nexport const b = a`, 'A part is one file'],
    [
      'a name that an entry does not have',
      `import { compareKey } from 'kvarium/engine'\nexport const b = compareKey`,
      'exports no "compareKey"',
    ],
  ])('%s is refused by its name', async (_, source, text) => {
    const failure = await checked('skiplist', source)
    expect(failure).toMatchObject({ stage: 'load', message: expect.stringContaining(text) as string })
  })

  it('what a file throws as it is loaded has its line', async () => {
    const failure = await checked('skiplist', `type A = {\n  a: number\n}\nthrow new Error('not today')\n`)
    expect(failure).toMatchObject({ stage: 'load', message: 'not today', place: { line: 4 } })
  })

  it('what a part throws in a check has its line', async () => {
    const failure = await checked('leaf-split', sourceOf('leaf-split', 'starter.ts'))
    expect(failure).toMatchObject({ stage: 'units', message: 'Not written yet: splitLeaf', place: { line: 15 } })
  })

  it('a part that throws fails the operation of its lane, and the run goes on', async () => {
    const session = await used('skiplist', sourceOf('skiplist', 'starter.ts'), linesOf(['put a 1', 'get a']))
    const rows = await session.operations(0, 2)
    expect(rows[0].outcomes[0]?.status).toBe('ok')
    expect(rows[0].outcomes[1]).toMatchObject({ status: 'failed', text: expect.stringContaining('Not written yet') as string })
    expect(rows[1].outcomes[0]).toMatchObject({ status: 'found', value: '1' })
  })

  it('a part without its export does not open its lane, and says so', async () => {
    const session = await used('skiplist', 'export const other = 1', linesOf(['put a 1']))
    const { moment } = await session.look({ position: (await session.seek({ from: 0, direction: 1, at: { type: 'return' }, lane: 1 }))! })
    expect(moment?.sentence).toContain('The file does not export "makeIndex"')
  })

  it('no link and no program carries a part', async () => {
    const session = await used('leaf-split', LATE, linesOf(['put a 1']))
    const { settings } = await session.add([])
    await expect(encodeScenario({ settings, script: [], position: 0 })).rejects.toThrow('A link carries no code')
    await expect(session.program()).rejects.toThrow('A run with a part is no program')
    expect(await session.trace(1)).not.toContain('splitLeaf')
  })
})
