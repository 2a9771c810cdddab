/** Where every version of a key lies: first what a get could look at, in its order, then what no get looks at. */
import type { JSX } from 'preact'
import type { KeyPlace } from '../session/key-place.js'
import { bytes, counted, number } from './format.js'
import { Problem } from './problem.js'
import { select } from './state.js'
import { useAnswer } from './use-answer.js'

interface PlacesProps {
  readonly lane: number
  readonly name: string
  readonly position: number
}

export function KeyPlaces({ lane, name, position }: PlacesProps): JSX.Element | null {
  const { answer: found, problem } = useAnswer('keyPlaces', [lane, name, position])
  if (problem !== undefined) return <Problem text={problem} />
  if (found?.key !== name) return null
  const { answer, places, others, without, unknown } = found
  return (
    <>
      <p class="answer">{answer}</p>
      {places.length === 0 ? null : (
        <ol class="places" aria-label="Where a get looks, in its order">
          {places.map((place, at) => (
            <Place key={at} lane={lane} place={place} />
          ))}
        </ol>
      )}
      {without.length === 0 ? null : (
        <p>
          {counted(without.length, 'table')} ({without.join(', ')}) {without.length === 1 ? 'has' : 'have'} keys on both sides of it, but
          not this one: the filter saves a get the look into {without.length === 1 ? 'it' : 'them'}.
        </p>
      )}
      {others.length === 0 ? null : (
        <>
          <p>{counted(others.length, 'place')} more, where no get looks:</p>
          <ul class="places" aria-label="Where no get looks">
            {others.map((place, at) => (
              <Place key={at} lane={lane} place={place} />
            ))}
          </ul>
        </>
      )}
      {unknown.length === 0 ? null : <p>The bytes of {unknown.join(', ')} are not all in the recording: what lies there is not known.</p>}
    </>
  )
}

function Place({ lane, place }: { readonly lane: number; readonly place: KeyPlace }): JSX.Element {
  const { name, sequence, why, answers, bytes: at, table, page } = place
  return (
    <li class={answers ? 'answers' : ''}>
      <strong>{name}</strong>: {versionText(place)}
      {sequence === undefined ? '' : `, sequence number ${number(sequence)}`}. {why[0].toUpperCase() + why.slice(1)}.{' '}
      {at === undefined ? null : (
        <button type="button" onClick={() => select({ lane, kind: 'bytes', ...at })}>
          Show bytes {number(at.offset)} to {number(at.offset + at.length)} of {at.file}
        </button>
      )}
      {table === undefined ? null : (
        <button type="button" onClick={() => select({ lane, kind: 'table', table })}>
          History of table {table}
        </button>
      )}
      {page === undefined ? null : (
        <button type="button" onClick={() => select({ lane, kind: 'page', page })}>
          History of page {page}
        </button>
      )}
    </li>
  )
}

function versionText({ kind, valueBytes, value }: KeyPlace): string {
  if (kind === 'unknown') return 'perhaps an older version'
  if (kind === 'tombstone' || kind === 'range tombstone') return kind
  return value === undefined ? `${kind} of ${bytes(valueBytes)}` : `${kind} ${value}`
}
