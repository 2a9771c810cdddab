/**
 * What a lesson is: plain data, beside a chapter of the guide.
 *
 * How to write one:
 * 1. Add `lessons/NAME.ts` with `export const lesson: Lesson = { ... }`, and its line in `catalog.ts`. `NAME` is the chapter's without its number.
 * 2. `settings` come from `lanesOf(LEVELED, BTREE, ...)` of `settings.ts`; an option of one's own: `lanesOf(small(LEVELED, { blockSize: 512 }))`.
 *    `lines` are typed as in the page. Generators do much with one line; a fixed `seed` is part of a generator's line if it needs one.
 * 3. `question` is asked first. `measured` says from the run which answer is right, so that a test can compare it with `right`. An answer may hold
 *    numbers, `why` takes them from the run.
 * 4. `steps` stand at places of the run (`Place`), in order. `lit` names drawings by their titles in `page/drawings/catalog.ts`. A `text` has no number
 *    that was written by hand: it is a function of the `Scene`, which has the pictures of the lanes, the moment and the facts
 *    (`pictureOf(scene, 'log').logs[0].bytes`). Text: short, plain, one fact a sentence; it says what to look at.
 * 5. `free` is a task on the lesson's own run, to which the learner adds operations, or whose options are changed. `before` has the facts where the
 *    lesson's operations end, in the present run. The rules of `tasks.ts` hold beside its conditions.
 * 6. `challenges` have a run of their own: `settings` to begin with and `lines` that stay the same, so that only options are to be found. A `score`
 *    (less is better) has a `par`, which a good answer reaches.
 * 7. Write what solves each task into `tests/explorer/support/lesson-solutions.ts`, and what looks like a solution but is none.
 *    `npx vitest run tests/explorer/lessons.test.ts` checks all lessons.
 */
import type { RunSettings } from '../run/settings.js'
import type { Facts } from '../session/facts.js'
import type { LaneLook, MomentText } from '../session/protocol.js'
import type { PictureName, Pictures } from '../views/catalog.js'

export interface Lesson {
  readonly title: string
  readonly settings: RunSettings
  /** The run of the lesson, as lines that can be typed. */
  readonly lines: readonly string[]
  readonly question: Question
  readonly steps: readonly Step[]
  readonly free: Task
  readonly challenges: readonly Challenge[]
}

/** What stands where a text was computed: the run at a position. */
export interface Scene {
  readonly moment: MomentText | undefined
  readonly lanes: readonly LaneLook[]
  readonly facts: Facts
}

/** Words; numbers in them are computed from the run. */
export type Text = string | ((scene: Scene) => string)

export interface Question {
  readonly text: string
  /** Two to four. */
  readonly answers: readonly Answer[]
  /** Index of the right one. */
  readonly right: number
  /** Where the texts of the answers are computed. Default: the end of the lesson's run. */
  readonly at?: Place
  /** The index of the answer that the run says is right, at that place. Absent where no run can say it. */
  readonly measured?: (scene: Scene) => number
}

export interface Answer {
  readonly text: string
  /** Why it is right, or why it is not. */
  readonly why: Text
}

/**
 * A place in the run of the lesson. Operations have numbers as in the list of operations, from 1; those of a generator are counted one by one.
 *
 * - `operation`: where it begins in the lane; `outcome`: where it has ended there
 * - `next`: the next event of this type, or whose type begins with this word, behind the step before; with `says`, one whose sentence has these words
 * - `end`: the end of the lesson's run
 *
 * Without `lane`, which is an index, it is about the first lane.
 */
export type Place = { readonly lane?: number } & (
  { readonly operation: number } | { readonly outcome: number } | { readonly next: string; readonly says?: string } | { readonly end: true }
)

/** A drawing that a step is about, by its title. */
export interface Lit {
  readonly drawing: string
  /** Index. Default: the first lane. */
  readonly lane?: number
}

export interface Step {
  readonly title: string
  readonly at: Place
  /** One at least; the first one is scrolled to. */
  readonly lit: readonly Lit[]
  readonly text: Text
}

/** Something for the learner to reach. */
export interface Task {
  readonly title: string
  /** What is to be reached, and by what means. */
  readonly text: string
  /** Shown when it is asked for. */
  readonly hint: string
  /** It is reached where all of them are met. */
  readonly conditions: (facts: TaskFacts) => readonly Condition[]
}

export interface TaskFacts {
  /** At the end of the present run. */
  readonly now: Facts
  /** In the present run, where the operations of the lesson end. */
  readonly before: Facts
}

export interface Condition {
  /** With the figure of the moment. */
  readonly text: string
  readonly isMet: boolean
}

export interface Challenge extends Task {
  readonly settings: RunSettings
  readonly lines: readonly string[]
  readonly score?: Score
}

/** Less is better. */
export interface Score {
  readonly of: (facts: TaskFacts) => number
  /** In the plural. */
  readonly unit: string
  readonly par: number
}

/** A picture of a lane; throws where its engine has none of this name. */
export function pictureOf<Name extends PictureName>({ lanes }: Scene, name: Name, lane = 0): NonNullable<Pictures[Name]> {
  const picture = lanes[lane].pictures[name]
  if (picture === undefined) throw new Error(`Lane "${lanes[lane].name}" has no picture "${name}"`)
  return picture
}

/** A text at its place. */
export function textAt(text: Text, scene: Scene): string {
  return typeof text === 'string' ? text : text(scene)
}
