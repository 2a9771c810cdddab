/**
 * Hazards: a lesson that says a number that its run has not, points at a drawing that is not there, calls a wrong answer right, or has a task that is
 * done by doing nothing, or cannot be done; progress lost by a storage that refuses, or a page broken by one that holds garbage.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'
import { describe, expect, it } from 'vitest'
import { LESSONS } from '../../packages/explorer/src/lessons/catalog.js'
import { textAt, type Challenge, type Lesson, type Place } from '../../packages/explorer/src/lessons/lesson.js'
import { positionsOf, sceneAt } from '../../packages/explorer/src/lessons/places.js'
import { isDone, isProgress, NO_PROGRESS } from '../../packages/explorer/src/lessons/progress.js'
import { judgeChallenge, judgeFree, type Verdict } from '../../packages/explorer/src/lessons/tasks.js'
import { DRAWINGS } from '../../packages/explorer/src/page/drawings/catalog.js'
import { BTREE, LEVELED } from '../../packages/explorer/src/run/engine-lanes.js'
import { linesOf } from '../../packages/explorer/src/run/scenario.js'
import type { RunSettings } from '../../packages/explorer/src/run/settings.js'
import { Session } from '../../packages/explorer/src/session/session.js'
import { slice } from '../support/thoroughness.js'
import { SOLUTIONS, type Attempt, type TaskSolution } from './support/lesson-solutions.js'

const ROOT = join(import.meta.dirname, '../..')

interface Ran {
  readonly session: Session
  readonly end: number
  readonly operations: number
}

/** Runs that tests share: none of them goes on with one. */
const runs = new Map<string, Promise<Ran>>()

function runOf(settings: RunSettings, lines: readonly string[]): Promise<Ran> {
  const key = JSON.stringify([settings, lines])
  const run = runs.get(key) ?? newRun(settings, lines)
  runs.set(key, run)
  return run
}

async function newRun(settings: RunSettings, lines: readonly string[]): Promise<Ran> {
  const session = new Session()
  await session.begin(settings)
  const { moments, operations } = await session.add(linesOf(lines))
  return { session, end: moments, operations }
}

function withOptions({ seed, lanes: [first, ...others] }: RunSettings, { options }: Attempt): RunSettings {
  return { seed, lanes: [{ ...first, options: { ...first.options, ...options } }, ...others] }
}

async function tryFree(lesson: Lesson, attempt: Attempt): Promise<Verdict> {
  const { settings, lines, free } = lesson
  const own = await runOf(settings, lines)
  const { session, end, operations } = await runOf(withOptions(settings, attempt), [...lines, ...(attempt.lines ?? [])])
  const [next] = await session.operations(own.operations, own.operations + 1)
  const now = await session.facts(end)
  const before = operations === own.operations ? now : await session.facts(next.start - 1)
  return judgeFree(free, lines, settings, { now, before })
}

async function tryChallenge(challenge: Challenge, attempt: Attempt): Promise<Verdict> {
  const { session, end } = await runOf(withOptions(challenge.settings, attempt), [...challenge.lines, ...(attempt.lines ?? [])])
  const now = await session.facts(end)
  return judgeChallenge(challenge, { now, before: now })
}

const unmet = ({ conditions }: Verdict): readonly string[] => conditions.filter(({ isMet }) => !isMet).map(({ text }) => text)

async function expectSolved({ solution, cheats }: TaskSolution, judge: (attempt: Attempt) => Promise<Verdict>): Promise<Verdict> {
  expect((await judge({})).isMet, 'without doing anything').toBe(false)
  const solved = await judge(solution)
  expect(unmet(solved)).toEqual([])
  for (const cheat of slice(cheats.slice(0, 1), cheats)) expect((await judge(cheat)).isMet, JSON.stringify(cheat)).toBe(false)
  return solved
}

it('every lesson has its chapter, its name and its solutions once', () => {
  expect(new Set(LESSONS.map(({ name }) => name)).size).toBe(LESSONS.length)
  expect(Object.keys(SOLUTIONS)).toEqual(LESSONS.map(({ name }) => name))
  for (const { name, chapter } of LESSONS) {
    expect(chapter).toBe(`${chapter.slice(0, 3)}${name}.md`)
    expect(existsSync(join(ROOT, 'docs/guide', chapter)), chapter).toBe(true)
  }
})

describe.each(LESSONS)('the lesson $name', ({ name, title, load }) => {
  it('has steps that are in its run in their order, at drawings that have a picture there', async () => {
    const { lesson } = await load()
    expect(lesson.title).toBe(title)
    const { session, end } = await runOf(lesson.settings, lesson.lines)
    const places = lesson.steps.map(({ at }) => at)
    const positions = await positionsOf(session, places, end)
    expect(positions).toEqual(positions.toSorted((a, b) => a - b))
    expect(new Set(positions).size).toBe(positions.length)
    for (const [index, { lit, text }] of lesson.steps.entries()) {
      const scene = await sceneAt(session, positions[index])
      expect(textAt(text, scene)).not.toMatch(/undefined|NaN|Infinity|\[object| {2}/)
      expect(lit.length).toBeGreaterThan(0)
      for (const { drawing, lane = 0 } of lit) {
        const found = DRAWINGS.find(each => each.title === drawing)
        expect(found, drawing).toBeDefined()
        expect(scene.lanes[lane].pictures[found!.picture], `${drawing} of lane ${lane} at step ${index + 1}`).toBeDefined()
      }
    }

    const { question } = lesson
    expect(question.answers.length).toBeGreaterThan(1)
    expect(question.answers[question.right]).toBeDefined()
    const at: Place = question.at ?? { end: true }
    const scene = await sceneAt(session, (await positionsOf(session, [at], end))[0])
    for (const { why } of question.answers) expect(textAt(why, scene)).not.toMatch(/undefined|NaN/)
    if (question.measured !== undefined) expect(question.measured(scene)).toBe(question.right)
  })

  it('has tasks that are done by their solutions, and not by doing nothing or by tricks', async () => {
    const { lesson } = await load()
    await expectSolved(SOLUTIONS[name].free, attempt => tryFree(lesson, attempt))
    expect(SOLUTIONS[name].challenges).toHaveLength(lesson.challenges.length)
    for (const [index, challenge] of lesson.challenges.entries()) {
      const solved = SOLUTIONS[name].challenges[index]
      const { score } = await expectSolved(solved, attempt => tryChallenge(challenge, attempt))
      if (challenge.score !== undefined) expect(score).toBeLessThanOrEqual(challenge.score.par)
    }
  })

  it('has no number in its steps and explanations that was written by hand', () => {
    const file = join(ROOT, 'packages/explorer/src/lessons', `${name}.ts`)
    expect(writtenNumbers(readFileSync(file, 'utf8'))).toEqual([])
  })
})

/** Texts of steps and explanations with a digit in what is written, not computed. Tasks say their bounds in words of their own. */
function writtenNumbers(source: string): string[] {
  const found: string[] = []
  const visit = (node: ts.Node, isText: boolean): void => {
    const name = ts.isPropertyAssignment(node) && ts.isIdentifier(node.name) ? node.name.text : undefined
    if (name === 'free' || name === 'challenges') return
    const isProse = (isText || name === 'why' || (name === 'text' && isInSteps(node))) && name !== 'says'
    if (isProse && (ts.isStringLiteralLike(node) || ts.isTemplateHead(node) || ts.isTemplateMiddleOrTemplateTail(node))) {
      if (/\d/.test(node.text.replaceAll(/level \d/gi, '')) && node.text.includes(' ')) found.push(node.text)
    }
    ts.forEachChild(node, child => visit(child, isProse))
  }
  visit(ts.createSourceFile('lesson.ts', source, ts.ScriptTarget.ESNext, true), false)
  return found
}

function isInSteps(node: ts.Node): boolean {
  for (let at: ts.Node | undefined = node; at !== undefined; at = at.parent) {
    if (ts.isPropertyAssignment(at) && ts.isIdentifier(at.name) && at.name.text === 'steps') return true
  }
  return false
}

describe('a task', () => {
  it('is not done where its operations, its engine or its lane are gone, or an operation has failed', async () => {
    const settings: RunSettings = { seed: 1, lanes: [LEVELED] }
    const lines = ['put a 1', 'flush']
    const conditions: Challenge['conditions'] = ({ now }) => [{ text: '', isMet: now.lanes[0].tables! > 0 }]
    const challenge: Challenge = { title: '', text: '', hint: '', settings, lines, conditions }
    const judge = async (tried: RunSettings, script: readonly string[]): Promise<boolean> => {
      const { session, end } = await newRun(tried, script)
      const now = await session.facts(end)
      return judgeChallenge(challenge, { now, before: now }).isMet
    }
    const others = { seed: 1, lanes: [BTREE] }
    const broken = { seed: 1, lanes: [{ ...LEVELED, options: { ...LEVELED.options, fanOut: 1 } }] }
    expect(await judge(settings, lines)).toBe(true)
    expect(await judge({ seed: 2, lanes: [LEVELED, BTREE] }, lines)).toBe(true)
    expect(await judge(settings, ['flush'])).toBe(false)
    expect(await judge(settings, ['flush', 'put a 1'])).toBe(false)
    expect(await judge(settings, [...lines, 'put b 1'])).toBe(false)
    expect(await judge(others, lines)).toBe(false)
    expect(await judge({ seed: 1, lanes: [BTREE, LEVELED] }, lines)).toBe(false)
    expect(await judge(broken, lines)).toBe(false)
  })
})

describe('a run that is set aside', () => {
  it('is back as it was, whatever was done meanwhile', async () => {
    const { lesson } = await LESSONS[0].load()
    const { session } = await newRun(lesson.settings, ['put mine 1', 'snapshot s', 'put mine 2'])
    const digest = await session.digest()
    await expect(session.takeBack()).rejects.toThrow('No run has been set aside')
    await session.setAside()
    await session.begin(lesson.settings)
    await session.add(linesOf(lesson.lines))
    await session.replay({ ...lesson.settings, seed: 2 })
    expect(await session.takeBack()).toMatchObject({ operations: 3 })
    expect(await session.digest()).toBe(digest)
    await session.add(linesOf(['get mine at s']))
    const [row] = await session.operations(3, 4)
    expect(row.outcomes[0]).toMatchObject({ value: '1' })
  })
})

describe('progress', () => {
  it('is taken where it is what a page keeps', () => {
    const flush = { isAnswered: true, step: 3, isWalked: true, isFreeMet: true, challenges: { 0: 120 } }
    for (const lessons of [{}, { flush }, { flush: {} }])
      expect(isProgress(JSON.parse(JSON.stringify({ ...NO_PROGRESS, lessons })))).toBe(true)
    expect([flush, { ...flush, isFreeMet: false }, {}, undefined].map(isDone)).toEqual([true, false, false, false])
  })

  it.each([
    'null',
    '[]',
    '{"version":2,"lessons":{"flush":{}}}',
    '{"version":1,"lessons":[]}',
    '{"version":1,"lessons":{"flush":7}}',
    '{"version":1,"lessons":{"flush":{"step":-1}}}',
    '{"version":1,"lessons":{"flush":{"isAnswered":"yes"}}}',
    '{"version":1,"lessons":{"flush":{"challenges":{"0":null}}}}',
    '{"version":1}',
  ])('is nothing where %s is kept', kept => {
    expect(isProgress(JSON.parse(kept))).toBe(false)
  })
})
