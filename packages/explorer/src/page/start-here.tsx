/** What to begin with, for those who are here for the first time. Each goes away when it is used. */
import type { JSX } from 'preact'
import { linesOf } from '../run/scenario.js'
import { lessonName } from './lesson-name.js'
import { openPanel } from './open-panel.js'
import { focusTab } from './panel-tabs.js'
import { isListOfTexts, remembered } from './remembered.js'
import { add, goTo, isBusy, last, move, refusal } from './state.js'

interface Suggestion {
  readonly name: string
  readonly title: string
  readonly about: string
  readonly run: () => Promise<void>
}

const SUGGESTIONS: readonly Suggestion[] = [
  {
    name: 'put',
    title: 'Step through a put',
    about: 'then → for each step',
    run: () => add(linesOf(['put saturn "rings of ice"'])),
  },
  {
    name: 'flush',
    title: 'Make it flush',
    about: 'a table appears, pages are written',
    run: async () => {
      await add(linesOf(['flush']))
      await move(1, 'job')
    },
  },
  {
    name: 'power',
    title: 'Break the power',
    about: 'what is left of each store?',
    run: async () => {
      await goTo(last.value)
      openPanel('power')
    },
  },
  {
    name: 'lesson',
    title: 'Take a lesson',
    about: 'a question, the steps, and a goal',
    run: () => {
      openPanel('lessons')
      return Promise.resolve()
    },
  },
]

function focusNext(name: string): void {
  if (name === 'power') focusTab('power')
  else if (name === 'lesson') focusTab('lessons')
  else document.querySelector<HTMLElement>('[aria-label="Next moment"]')?.focus()
}

const used = remembered<readonly string[]>('used-suggestions', [], isListOfTexts)

export function StartHere(): JSX.Element | null {
  const left = SUGGESTIONS.filter(({ name }) => !used.value.includes(name))
  if (left.length === 0 || refusal.value !== undefined || lessonName.value !== undefined) return null
  return (
    <section class="start-here" aria-labelledby="start-here-h">
      <h2 id="start-here-h">Start here</h2>
      <ul>
        {left.map(({ name, title, about, run }) => (
          <li key={name}>
            <button
              type="button"
              disabled={isBusy.value}
              onClick={() => {
                used.value = [...used.value, name]
                // The button that had the focus is gone; what goes on from here takes it.
                void run().then(() => focusNext(name))
              }}
            >
              {title}
            </button>{' '}
            <span class="about">{about}</span>
          </li>
        ))}
      </ul>
      <button class="plain dismiss" type="button" onClick={() => (used.value = SUGGESTIONS.map(({ name }) => name))}>
        Not now
      </button>
    </section>
  )
}
