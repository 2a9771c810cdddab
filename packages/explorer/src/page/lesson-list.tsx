/** The lessons, and how far the learner is in each. */
import type { JSX } from 'preact'
import { LESSONS } from '../lessons/catalog.js'
import { isDone, type LessonProgress } from '../lessons/progress.js'
import { counted } from './format.js'
import { forget, open, progress } from './lesson-state.js'
import { openLesson } from './lessons.js'
import { isBusy } from './state.js'

export function LessonList(): JSX.Element {
  const { lessons } = progress.value
  const done = LESSONS.filter(({ name }) => isDone(lessons[name])).length
  return (
    <div class="lesson-list">
      <p>
        {done} of {counted(LESSONS.length, 'lesson')} done. Your own run waits while a lesson is open.
      </p>
      <ol>
        {LESSONS.map(({ name, title }) => (
          <li key={name} aria-current={open.value?.entry.name === name ? 'true' : undefined}>
            <button type="button" class="plain lesson-name" disabled={isBusy.value} onClick={() => void openLesson(name)}>
              {title}
            </button>{' '}
            <span class="about">{progressText(lessons[name])}</span>
          </li>
        ))}
      </ol>
      <p class="about">Your progress stays in this browser.</p>
      {Object.keys(lessons).length === 0 ? null : (
        <button type="button" onClick={forget}>
          Forget my progress
        </button>
      )}
    </div>
  )
}

function progressText(of: LessonProgress | undefined): string {
  if (of === undefined) return 'not begun'
  const met = Object.keys(of.challenges ?? {}).length
  const steps = of.isWalked === true ? 'all steps seen' : of.step === undefined ? '' : `step ${of.step + 1}`
  return [
    isDone(of) ? 'done ✓' : 'begun',
    steps,
    of.isFreeMet === true ? 'goal met' : '',
    met === 0 ? '' : `${counted(met, 'challenge')} met`,
  ]
    .filter(text => text !== '')
    .join(', ')
}
