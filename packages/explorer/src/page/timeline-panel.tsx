/** The timeline in full: a search, the moments around this one, jobs and marks. */
import { signal } from '@preact/signals'
import type { JSX } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import type { TypeCount } from '../session/protocol.js'
import { find, isFieldWanted, wantedLane, wantedText, wantedType } from './find.js'
import { number } from './format.js'
import { ask, goTo, last, look, position, summary } from './state.js'
import { Timeline } from './timeline.js'

const types = signal<readonly TypeCount[]>([])

export function TimelinePanel(): JSX.Element {
  const lanes = look.value?.lanes ?? []
  return (
    <>
      <Find />
      <ol class="around" aria-label="The moments around this one">
        {look.value?.around.map(each => (
          <li key={each.position} value={each.position} aria-current={each.position === position.value ? 'step' : undefined}>
            <button type="button" class="plain" onClick={() => void goTo(each.position)}>
              <span class="lane-name">{lanes[each.lane].name}</span> <span class="type">{each.type}</span> {each.sentence}
            </button>
          </li>
        ))}
      </ol>
      <Timeline />
    </>
  )
}

/** The search: by type or by text, in all lanes or in one. */
function Find(): JSX.Element {
  const field = useRef<HTMLInputElement>(null)
  useEffect(() => {
    if (isFieldWanted.value) field.current!.focus()
    isFieldWanted.value = false
  }, [isFieldWanted.value])
  useEffect(() => {
    if (last.value > 0) void ask('types').then(found => (types.value = found))
  }, [summary.value])
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
          ref={field}
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
