/** Where the page stands in the run, and the moves through it. */
import { signal } from '@preact/signals'
import type { JSX } from 'preact'
import { useEffect } from 'preact/hooks'
import type { TypeCount } from '../session/protocol.js'
import { find, SEARCH_FIELD, wantedLane, wantedText, wantedType } from './find.js'
import { number } from './format.js'
import { areKeysShown } from './keys.js'
import { isPlaying, speed, SPEEDS, togglePlay } from './play.js'
import { ask, goTo, isBusy, last, look, move, position, summary } from './state.js'
import { Timeline } from './timeline.js'

const types = signal<readonly TypeCount[]>([])

export function Time(): JSX.Element {
  const moment = look.value?.moment
  const lanes = look.value?.lanes ?? []
  return (
    <section class="time" aria-label="Time">
      <h2>Time</h2>
      <Steps />
      <Find />
      <Timeline />
      <p class="sentence" aria-live={isPlaying.value ? 'off' : 'polite'} aria-atomic="true">
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

function Steps(): JSX.Element {
  const step = (text: string, run: () => void): JSX.Element => (
    <button type="button" onClick={run}>
      {text}
    </button>
  )
  return (
    <div class="buttons" role="group" aria-label="Steps">
      {step('First', () => void goTo(0))}
      {step('Job before', () => void move(-1, 'job'))}
      {step('Operation before', () => void move(-1, 'operation'))}
      {step('Back', () => void move(-1, 'moment'))}
      {step('Next', () => void move(1, 'moment'))}
      {step('Next operation', () => void move(1, 'operation'))}
      {step('Next job', () => void move(1, 'job'))}
      {step('Last', () => void goTo(last.value))}
      {step(isPlaying.value ? 'Pause' : 'Play', togglePlay)}
      <label>
        <select aria-label="Speed" value={speed.value} onChange={event => (speed.value = Number(event.currentTarget.value))}>
          {SPEEDS.map(each => (
            <option key={each} value={each}>
              {number(each)} {each === 1 ? 'moment' : 'moments'} a second
            </option>
          ))}
        </select>
      </label>
      {step('Keys (?)', () => (areKeysShown.value = true))}
    </div>
  )
}

/** The search: by type or by text, in all lanes or in one. */
function Find(): JSX.Element {
  useEffect(() => {
    if (!isBusy.value && last.value > 0) void ask('types').then(found => (types.value = found))
  }, [summary.value, isBusy.value])
  return (
    <form
      class="settings-row find"
      role="search"
      onSubmit={event => {
        event.preventDefault()
        find(1)
      }}
    >
      <label>
        Type{' '}
        <select value={wantedType.value} onChange={event => (wantedType.value = event.currentTarget.value)}>
          <option value="">any</option>
          {types.value.map(({ type, count }) => (
            <option key={type} value={type}>
              {type} ({number(count)})
            </option>
          ))}
        </select>
      </label>
      <label>
        or text{' '}
        <input
          id={SEARCH_FIELD}
          type="search"
          value={wantedText.value}
          onInput={event => (wantedText.value = event.currentTarget.value)}
          onKeyDown={event => {
            if (event.key !== 'Enter' || !event.shiftKey) return
            event.preventDefault()
            find(-1)
          }}
        />
      </label>
      <label>
        in{' '}
        <select
          value={String(wantedLane.value ?? '')}
          onChange={event => (wantedLane.value = event.currentTarget.value === '' ? undefined : Number(event.currentTarget.value))}
        >
          <option value="">all engines</option>
          {summary.value?.settings.lanes.map(({ name }, lane) => (
            <option key={name} value={lane}>
              {name}
            </option>
          ))}
        </select>
      </label>
      <button type="button" onClick={() => find(-1)}>
        Find before
      </button>
      <button type="submit">Find next</button>
    </form>
  )
}
