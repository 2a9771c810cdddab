/** Where the page stands in the run, and the moves through it. */
import type { JSX } from 'preact'
import { number } from './format.js'
import { goTo, last, look, move, position } from './state.js'

export function Time(): JSX.Element {
  const moment = look.value?.moment
  const lanes = look.value?.lanes ?? []
  return (
    <section class="time" aria-label="Time">
      <div class="buttons" role="group" aria-label="Steps">
        <button type="button" onClick={() => void goTo(0)}>
          First
        </button>
        <button type="button" onClick={() => void move(-1, 'operation')}>
          Operation before
        </button>
        <button type="button" onClick={() => void move(-1, 'moment')}>
          Back
        </button>
        <button type="button" onClick={() => void move(1, 'moment')}>
          Next
        </button>
        <button type="button" onClick={() => void move(1, 'operation')}>
          Next operation
        </button>
        <button type="button" onClick={() => void goTo(last.value)}>
          Last
        </button>
      </div>
      <label>
        Position{' '}
        <input
          type="range"
          min={0}
          max={last.value}
          value={position.value}
          aria-valuetext={`${position.value} of ${last.value}: ${moment?.sentence ?? 'the beginning'}`}
          onInput={event => void goTo(Number(event.currentTarget.value))}
        />
      </label>
      <span class="count">
        {number(position.value)} of {number(last.value)}
      </span>
      <p class="sentence" aria-live="polite" aria-atomic="true">
        {moment === undefined ? 'The beginning: nothing has happened yet.' : `${lanes[moment.lane].name}: ${moment.sentence}`}
      </p>
      <ol class="around" aria-label="The moments around this one">
        {look.value?.around.map(each => (
          <li key={each.position} value={each.position} aria-current={each.position === position.value ? 'step' : undefined}>
            <button type="button" class="plain" onClick={() => void goTo(each.position)}>
              <span class="lane-name">{lanes[each.lane].name}</span> <span class="type">{each.type}</span> {each.sentence}
            </button>
          </li>
        ))}
      </ol>
    </section>
  )
}
