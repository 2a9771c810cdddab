/** The history of what is selected, and a search for a key: where every version of it lies, and everything that was done with it. */
import { wordText } from '../run/command.js'
import { useState } from 'preact/hooks'
import type { JSX, TargetedKeyboardEvent } from 'preact'
import type { HistoryEntry } from '../session/history.js'
import { titleOf } from '../session/selection.js'
import { useRoving, type Roving } from './drawings/roving.js'
import { counted } from './format.js'
import { KeyPlaces } from './key-places.js'
import { Problem } from './problem.js'
import { earlierSelections, goTo, last, look, select, selectEarlier, selection } from './state.js'
import { useAnswer } from './use-answer.js'
import { LaneOptions } from './lane-options.js'

export function History(): JSX.Element {
  const [key, setKey] = useState('')
  const [lane, setLane] = useState(0)
  const lanes = look.value?.lanes ?? []
  const selected = selection.value
  const earlier = earlierSelections.value.at(-1)
  return (
    <section class="history" aria-label="History" onKeyDown={goBack}>
      <h2>What became of it</h2>
      <form
        class="controls"
        onSubmit={event => {
          event.preventDefault()
          if (key !== '') select({ lane: Math.min(lane, lanes.length - 1), kind: 'key', key })
        }}
      >
        <label>
          Key <input value={key} onInput={event => setKey(event.currentTarget.value)} placeholder="key000042" />
        </label>
        <label>
          in{' '}
          <select value={lane} onChange={event => setLane(Number(event.currentTarget.value))}>
            <LaneOptions lanes={lanes} />
          </select>
        </label>
        <button type="submit">Trace</button>
        <Snapshots key={last.value} lane={Math.min(lane, lanes.length - 1)} />
        {earlier === undefined ? null : (
          <button type="button" onClick={selectEarlier} title="Backspace, or Alt and ←">
            Back: {titleOf(earlier)}
          </button>
        )}
        {selected === undefined ? null : (
          <button type="button" onClick={() => select(undefined)}>
            Clear
          </button>
        )}
      </form>
      {selected === undefined ? (
        <p class="lead">
          Select a key, a table, a page or bytes in a drawing, a job in the timeline, or type a key: who made it, why, and what became of
          it.
        </p>
      ) : (
        <Selected />
      )}
    </section>
  )
}

/** The snapshots that are held, of which one can be selected. */
function Snapshots({ lane }: { readonly lane: number }): JSX.Element | null {
  const { answer: names = [] } = useAnswer('words', ['snapshot', ''])
  if (names.length === 0) return null
  const selected = selection.value?.kind === 'snapshot' ? selection.value.name : ''
  return (
    <label>
      or snapshot{' '}
      <select
        value={selected}
        onChange={event => {
          const { value: name } = event.currentTarget
          if (name !== '') select({ lane, kind: 'snapshot', name })
        }}
      >
        <option value="">none</option>
        {names.map(name => (
          <option key={name} value={name}>
            {wordText(name)}
          </option>
        ))}
      </select>
    </label>
  )
}

/** Backspace, or Alt with the arrow to the left: to what was selected before. */
function goBack(event: TargetedKeyboardEvent<HTMLElement>): void {
  const { key, altKey, ctrlKey, metaKey, target } = event
  const isBack = !ctrlKey && !metaKey && (altKey ? key === 'ArrowLeft' : key === 'Backspace')
  if (!isBack || (target instanceof HTMLElement && target.matches('input, select'))) return
  event.preventDefault()
  selectEarlier()
  // What had the focus may have gone with the history that it was part of.
  const panel = event.currentTarget
  requestAnimationFrame(() => {
    if (!panel.contains(document.activeElement)) panel.querySelector<HTMLElement>('h3')?.focus({ preventScroll: true })
  })
}

function Selected(): JSX.Element | null {
  const position = look.value?.position ?? 0
  const selected = selection.value!
  const { answer: found, problem } = useAnswer('history', [selected, position])
  const keys = found?.entries.map(entry => String(entry.position)) ?? []
  const roving = useRoving(keys, found?.entries.findLast(({ isLater }) => !isLater)?.position.toString())
  if (problem !== undefined) return <Problem text={problem} />
  if (found === undefined) return null
  const { title, summary, entries, omittedBefore, omittedAfter } = found
  return (
    <>
      <h3 tabIndex={-1}>
        {title} in {look.value?.lanes[selected.lane]?.name}
      </h3>
      {summary.map(sentence => (
        <p key={sentence}>{sentence}</p>
      ))}
      {selected.kind === 'key' ? <KeyPlaces lane={selected.lane} name={selected.key} position={position} /> : null}
      {omittedBefore > 0 ? <p>{counted(omittedBefore, 'earlier moment')} not listed.</p> : null}
      <div {...roving.around}>
        <ol class="entries" aria-label={`Moments of ${title}`}>
          {entries.map(entry => (
            <Entry key={entry.position} entry={entry} isPresent={entry.position === position} roving={roving} />
          ))}
        </ol>
      </div>
      {omittedAfter > 0 ? <p>{counted(omittedAfter, 'later moment')} not listed.</p> : null}
    </>
  )
}

interface EntryProps {
  readonly entry: HistoryEntry
  readonly isPresent: boolean
  readonly roving: Roving
}

function Entry({ entry, isPresent, roving }: EntryProps): JSX.Element {
  const { position, sentence, isLater } = entry
  return (
    <li value={position} class={isLater ? 'later' : ''} aria-current={isPresent ? 'step' : undefined}>
      <button type="button" class="plain" {...roving.item(String(position))} onClick={() => void goTo(position)}>
        {isLater ? 'later: ' : ''}
        {sentence}
      </button>
    </li>
  )
}
