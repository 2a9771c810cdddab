/** The lesson that is open: its question, its steps, its free part and its challenges. */
import type { ComponentChildren, JSX } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import type { Lesson, Score, Task } from '../lessons/lesson.js'
import { number } from './format.js'
import {
  answer,
  answered,
  beginAgain,
  explanation,
  leave,
  open,
  own,
  part,
  reveal,
  showChallenge,
  showFree,
  shown,
  showPart,
  showStep,
  step,
  stepText,
  verdict,
  type Part,
} from './lesson-state.js'
import { drawingId, lit, type LitDrawing } from './lit.js'
import { isBusy, look } from './state.js'

export { close, openNamed } from './lesson-state.js'

export function OpenLesson(): JSX.Element | null {
  return open.value === undefined ? null : <LessonSection lesson={open.value.lesson} />
}

function LessonSection({ lesson }: { readonly lesson: Lesson }): JSX.Element {
  const heading = useRef<HTMLHeadingElement>(null)
  useEffect(() => heading.current?.focus(), [lesson])
  const isLocked = own.value.isAnswered !== true
  const tab = (which: Part, text: string, isMet: boolean, show: () => unknown): JSX.Element => (
    <button
      key={text}
      type="button"
      aria-current={part.value === which ? 'step' : undefined}
      disabled={isBusy.value || (which !== 'question' && isLocked)}
      onClick={() => void show()}
    >
      {text}
      {isMet ? ' ✓' : ''}
    </button>
  )
  return (
    <section class={part.value === 'steps' ? 'lesson lesson-docked' : 'lesson'} aria-labelledby="lesson-h">
      <div class="lesson-head">
        <h2 id="lesson-h" ref={heading} tabIndex={-1}>
          Lesson: {lesson.title}
        </h2>
        <button type="button" disabled={isBusy.value} onClick={() => void leave()}>
          Leave, back to my run
        </button>
      </div>
      <div class="buttons lesson-parts" role="group" aria-label="Parts of the lesson">
        {tab('question', 'Question', own.value.isAnswered === true, () => showPart('question'))}
        {tab('steps', 'Steps', own.value.isWalked === true, () => showStep(step.value))}
        {tab('free', 'On your own', own.value.isFreeMet === true, showFree)}
        {lesson.challenges.map(({ title }, index) =>
          tab(index, `Challenge: ${title}`, own.value.challenges?.[index] !== undefined, () => showChallenge(index)),
        )}
      </div>
      {shown.value === undefined ? (
        <p role="status">The run of this lesson is being made.</p>
      ) : part.value === 'question' ? (
        <QuestionPart lesson={lesson} />
      ) : part.value === 'steps' ? (
        <StepsPart lesson={lesson} />
      ) : part.value === 'free' ? (
        <TaskPart task={lesson.free}>
          <p class="about">
            Do what you like: type operations, go back, change the engines and their options. A step shows the lesson's own run again.
          </p>
        </TaskPart>
      ) : (
        <ChallengePart lesson={lesson} index={part.value} />
      )}
    </section>
  )
}

function QuestionPart({ lesson: { question } }: { readonly lesson: Lesson }): JSX.Element {
  const given = answered.value
  const isRight = given === question.right
  return (
    <>
      <fieldset class="lesson-question">
        <legend>{question.text}</legend>
        {question.answers.map(({ text }, index) => (
          <label key={text}>
            <input type="radio" name="lesson-answer" checked={given === index} onChange={() => answer(index)} /> {text}
          </label>
        ))}
      </fieldset>
      <p role="status">
        {given === undefined ? null : (
          <>
            <strong>{isRight ? 'Right.' : 'Not so.'}</strong> {explanation.value}
          </>
        )}
      </p>
      <div class="buttons">
        {isRight ? (
          <button type="button" disabled={isBusy.value} onClick={() => void showStep(0)}>
            Go through it
          </button>
        ) : (
          <button type="button" onClick={reveal}>
            Show me the answer
          </button>
        )}
      </div>
    </>
  )
}

function StepsPart({ lesson: { steps } }: { readonly lesson: Lesson }): JSX.Element {
  const at = step.value
  const isFirst = at === 0
  const isLast = at === steps.length - 1
  useEffect(() => {
    const [first] = lit.value
    if (first !== undefined && !matchMedia('(prefers-reduced-motion: reduce)').matches) elementOf(first)?.scrollIntoView()
  }, [lit.value])
  return (
    <>
      <div aria-live="polite">
        <h3>
          Step {at + 1} of {steps.length}: {steps[at].title}
        </h3>
        <p>{stepText.value}</p>
      </div>
      <div class="buttons">
        <button type="button" disabled={isBusy.value || isFirst} onClick={() => void showStep(at - 1)}>
          Step before
        </button>
        <button type="button" disabled={isBusy.value} onClick={() => void (isLast ? showFree() : showStep(at + 1))}>
          {isLast ? 'On your own' : 'Next step'}
        </button>
        <span class="about">Look at:</span>
        {lit.value.map(each => (
          <button key={drawingId(each)} type="button" class="plain lesson-look" onClick={() => lookAt(each)}>
            {each.drawing} of {look.value?.lanes[each.lane]?.name}
          </button>
        ))}
      </div>
    </>
  )
}

function elementOf(drawing: LitDrawing): HTMLElement | null {
  return document.getElementById(drawingId(drawing))
}

function lookAt(drawing: LitDrawing): void {
  const element = elementOf(drawing)
  element?.focus({ preventScroll: true })
  element?.scrollIntoView()
}

function TaskPart({
  task,
  score,
  children,
}: {
  readonly task: Task
  readonly score?: Score | undefined
  readonly children?: ComponentChildren
}): JSX.Element {
  const found = verdict.value
  return (
    <>
      <h3>{task.title}</h3>
      <p>{task.text}</p>
      {children}
      <div role="status">
        {found === undefined ? null : (
          <>
            <ul class="lesson-conditions">
              {found.conditions.map(({ text, isMet }, index) => (
                <li key={index} class={isMet ? 'met' : 'unmet'}>
                  <span aria-hidden="true">{isMet ? '✓' : '✗'}</span> <span class="visually-hidden">{isMet ? 'Met:' : 'Not met:'}</span>{' '}
                  {text}
                </li>
              ))}
            </ul>
            {found.isMet ? (
              <p>
                <strong>Done.</strong>{' '}
                {found.score === undefined || score === undefined
                  ? ''
                  : `${number(Math.round(found.score))} ${score.unit}, ${found.score <= score.par ? 'par reached' : `par is ${number(score.par)}`}.`}
              </p>
            ) : null}
          </>
        )}
      </div>
      <div class="buttons">
        <button type="button" disabled={isBusy.value} onClick={() => void beginAgain()}>
          Begin this part again
        </button>
      </div>
      <details key={task.title}>
        <summary>A hint</summary>
        <p>{task.hint}</p>
      </details>
    </>
  )
}

function ChallengePart({ lesson, index }: { readonly lesson: Lesson; readonly index: number }): JSX.Element {
  const challenge = lesson.challenges[index]
  const best = own.value.challenges?.[index]
  return (
    <TaskPart task={challenge} score={challenge.score}>
      <p class="about">
        Change options in the panel Engines, and apply them.
        {challenge.score === undefined
          ? ''
          : ` Fewer ${challenge.score.unit} are better; par is ${number(challenge.score.par)}.${best === undefined ? '' : ` Your best: ${number(Math.round(best))}.`}`}
      </p>
    </TaskPart>
  )
}
