/**
 * The lesson that is open, and how far the learner is in it.
 *
 * Invariants:
 * 1. The learner's own run waits unchanged while a lesson is open, and is back when the lesson is left.
 * 2. Steps are shown in the run of the lesson: where the learner has made another one of it, it is begun anew.
 * 3. `verdict` is about the end of the present run.
 */
import { computed, effect, signal, untracked } from '@preact/signals'
import { LESSONS, type LessonEntry } from '../lessons/catalog.js'
import { textAt, type Lesson, type Scene } from '../lessons/lesson.js'
import { positionsOf, sceneAt, type Asking } from '../lessons/places.js'
import { isProgress, NO_PROGRESS, type LessonProgress, type Progress } from '../lessons/progress.js'
import { judgeChallenge, judgeFree, keepsRun, type Verdict } from '../lessons/tasks.js'
import type { RunSettings } from '../run/settings.js'
import { linesOf } from '../run/scenario.js'
import { errorText } from './error-text.js'
import { lessonName } from './lesson-name.js'
import { lit } from './lit.js'
import { remembered } from './remembered.js'
import { ask, goTo, isBusy, performLines, problem, setAside, summary, takeBack } from './state.js'

/** Parts of a lesson; a number is the index of a challenge. */
export type Part = 'question' | 'steps' | 'free' | number

export interface OpenLesson {
  readonly entry: LessonEntry
  readonly lesson: Lesson
}

interface Shown {
  /** By step. */
  readonly positions: readonly number[]
  /** Operations of the lesson. */
  readonly operations: number
  /** Where its run ends. */
  readonly end: number
  /** What the answers are about. */
  readonly question: Scene
}

export const progress = remembered<Progress>('lessons', NO_PROGRESS, isProgress)
export const open = signal<OpenLesson | undefined>(undefined)
export const part = signal<Part>('question')
export const step = signal(0)
export const stepText = signal('')
export const shown = signal<Shown | undefined>(undefined)
/** The answer that was given last, in this opening of the lesson. */
export const answered = signal<number | undefined>(undefined)
export const verdict = signal<Verdict | undefined>(undefined)
/** The explanation of the answer that was given last. */
export const explanation = signal('')

/** Progress of the lesson that is open. */
export const own = computed<LessonProgress>(() => (open.value === undefined ? {} : (progress.value.lessons[open.value.entry.name] ?? {})))

/** Whether a run of the lesson is at hand that can be judged. */
const isReady = signal(false)

const session: Asking = {
  seek: request => ask('seek', request),
  operations: (from, to) => ask('operations', from, to),
  look: request => ask('look', request),
  facts: position => ask('facts', position),
}

export async function openNamed(name: string): Promise<void> {
  const entry = LESSONS.find(each => each.name === name)
  if (entry === undefined) {
    problem.value = `There is no lesson "${name}": choose one of the list`
    return
  }
  if (open.value?.entry === entry) return
  const isFirst = open.value === undefined
  await guarded(async () => {
    const { lesson } = await entry.load()
    if (isFirst) await setAside()
    open.value = { entry, lesson }
    lessonName.value = name
    await beginRun()
    const { isAnswered, step: last = 0 } = own.value
    answered.value = isAnswered ? lesson.question.right : undefined
    if (isAnswered) explain(lesson.question.right)
    if (isAnswered) await showStep(Math.min(last, lesson.steps.length - 1))
    else showPart('question')
  })
}

/** Goes back to the learner's own run. */
export async function leave(): Promise<void> {
  close()
  await takeBack()
}

/** The lesson ends, and the present run goes on. */
export function close(): void {
  open.value = undefined
  lessonName.value = undefined
  shown.value = undefined
  verdict.value = undefined
  lit.value = []
}

export function answer(index: number): void {
  const { question } = open.value!.lesson
  answered.value = index
  explain(index)
  if (index === question.right) keep({ isAnswered: true })
}

export function reveal(): void {
  answer(open.value!.lesson.question.right)
}

function explain(index: number): void {
  explanation.value = textAt(open.value!.lesson.question.answers[index].why, shown.value!.question)
}

export function showPart(wanted: 'question' | 'free'): void {
  part.value = wanted
  lit.value = []
}

/** Stands at a step of the lesson. */
export async function showStep(index: number): Promise<void> {
  const { lesson } = open.value!
  await guarded(async () => {
    part.value = 'steps'
    step.value = index
    if (!(await isOwnRun())) await beginRun()
    const position = shown.value!.positions[index]
    const scene = await sceneAt(session, position)
    await goTo(position)
    stepText.value = textAt(lesson.steps[index].text, scene)
    lit.value = lesson.steps[index].lit.map(({ drawing, lane = 0 }) => ({ drawing, lane }))
    keep({ step: index, ...(index === lesson.steps.length - 1 && { isWalked: true }) })
  })
}

/** The run of the free part: what the learner has made of it stays. */
export async function showFree(): Promise<void> {
  if (typeof part.value === 'number') await guarded(beginRun)
  showPart('free')
}

/** Begins the run of a challenge. */
export async function showChallenge(index: number): Promise<void> {
  const { settings, lines } = open.value!.lesson.challenges[index]
  isReady.value = false
  verdict.value = undefined
  part.value = index
  lit.value = []
  await performLines(settings, linesOf(lines))
  isReady.value = true
}

/** The part that is open begins as it did. */
export async function beginAgain(): Promise<void> {
  if (typeof part.value === 'number') await showChallenge(part.value)
  else await guarded(beginRun)
}

export function forget(): void {
  progress.value = NO_PROGRESS
  answered.value = undefined
  if (open.value !== undefined) showPart('question')
}

/** Performs the operations of the lesson in a new run, and finds its steps. */
async function beginRun(): Promise<void> {
  const { settings, lines, steps, question } = open.value!.lesson
  isReady.value = false
  shown.value = undefined
  verdict.value = undefined
  await performLines(settings, linesOf(lines))
  if (problem.value !== undefined) return
  const { moments, operations } = summary.value!
  const [at] = await positionsOf(session, [question.at ?? { end: true }], moments)
  const positions = await positionsOf(
    session,
    steps.map(each => each.at),
    moments,
  )
  shown.value = { positions, operations, end: moments, question: await sceneAt(session, at) }
  isReady.value = true
}

/** Whether the present run begins as the lesson's. */
async function isOwnRun(): Promise<boolean> {
  const { settings, lines } = open.value!.lesson
  if (shown.value === undefined || !isSame(summary.value!.settings, settings)) return false
  return keepsRun(await ask('script', summary.value!.moments), lines)
}

function isSame(a: RunSettings, b: RunSettings): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}

function keep(more: LessonProgress): void {
  const { name } = open.value!.entry
  const { lessons } = progress.value
  progress.value = { ...NO_PROGRESS, lessons: { ...lessons, [name]: { ...lessons[name], ...more } } }
}

/** Judges the run after every change of it. */
effect(() => {
  const { value: run } = summary
  const { value: at } = part
  const { value: of } = open
  if (run === undefined || of === undefined || isBusy.value || !isReady.value || (at !== 'free' && typeof at !== 'number')) return
  untracked(() => void judge(of, at))
})

let judged = 0

async function judge({ lesson }: OpenLesson, at: 'free' | number): Promise<void> {
  const turn = ++judged
  const { moments } = summary.value!
  const now = await ask('facts', moments)
  const count = at === 'free' ? shown.value!.operations : now.operations
  const [next] = await ask('operations', count, count + 1)
  const before = next === undefined ? now : await ask('facts', next.start - 1)
  if (turn !== judged || part.value !== at || open.value?.lesson !== lesson) return
  const found =
    at === 'free'
      ? judgeFree(lesson.free, lesson.lines, lesson.settings, { now, before })
      : judgeChallenge(lesson.challenges[at], { now, before })
  verdict.value = found
  if (!found.isMet) return
  if (at === 'free') {
    if (!own.value.isFreeMet) keep({ isFreeMet: true })
    return
  }
  const { score = 0 } = found
  const { challenges = {} } = own.value
  if (challenges[at] === undefined || score < challenges[at]) keep({ challenges: { ...challenges, [at]: score } })
}

async function guarded(work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    problem.value = errorText(error)
  }
}
