/** How far a learner has come. What a browser has kept is only used where all of it is understood. */

export interface LessonProgress {
  readonly isAnswered?: boolean
  /** The step that was looked at last, from 0. */
  readonly step?: number
  /** All steps have been looked at. */
  readonly isWalked?: boolean
  /** The goal of the free part was met. */
  readonly isFreeMet?: boolean
  /** Challenges that were met, by their index, and the best score, 0 where there is none. */
  readonly challenges?: Readonly<Record<string, number>>
}

/** The version tells a later page what an earlier one has kept. */
export interface Progress {
  readonly version: 1
  /** By the names of the lessons. */
  readonly lessons: Readonly<Record<string, LessonProgress>>
}

export const NO_PROGRESS: Progress = { version: 1, lessons: {} }

export function isProgress(value: unknown): value is Progress {
  return (
    isRecord(value) &&
    value.version === NO_PROGRESS.version &&
    isRecord(value.lessons) &&
    Object.values(value.lessons).every(isLessonProgress)
  )
}

function isLessonProgress(value: unknown): value is LessonProgress {
  if (!isRecord(value)) return false
  const { isAnswered = true, step = 0, isWalked = true, isFreeMet = true, challenges = {} } = value
  const isScore = (score: unknown): boolean => typeof score === 'number' && Number.isFinite(score)
  return (
    [isAnswered, isWalked, isFreeMet].every(each => typeof each === 'boolean') &&
    Number.isSafeInteger(step) &&
    (step as number) >= 0 &&
    isRecord(challenges) &&
    Object.values(challenges).every(isScore)
  )
}

/** Whether the question, the steps and the free part are behind the learner. */
export function isDone(progress: LessonProgress | undefined): boolean {
  return progress?.isAnswered === true && progress.isWalked === true && progress.isFreeMet === true
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
