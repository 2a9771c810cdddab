/** The flush or compaction under way, or the last one: the fate of every entry, and why. */
import { visibleText } from 'kvarium/observe'
import type { JSX } from 'preact'
import type { KeyFate } from 'kvarium/trace'
import type { MergePicture } from '../../views/merge-fold.js'
import { wordText } from '../../run/command.js'
import { bytes, counted, number } from '../format.js'
import { select } from '../state.js'
import type { DrawingProps } from './drawing.js'
import { useRoving } from './roving.js'

const FATES: readonly (readonly [fate: KeyFate, sign: string, name: string, reason: string])[] = [
  ['kept', '✓', 'kept', 'It is the newest version, or a snapshot may still read it.'],
  ['shadowed', '≡', 'shadowed', 'A newer version of the same key hides it, and no snapshot needs it.'],
  ['covered', '▨', 'covered', 'A newer range tombstone deletes it.'],
  ['expired', '⌛', 'expired', 'Its time is over.'],
  ['tombstone-dropped', '✕', 'tombstone dropped', 'No older version lies below, so there is nothing left to hide.'],
]
const SHOWN = 12

export function Merge({ lane, index }: DrawingProps): JSX.Element | null {
  const picture = lane.pictures.merge
  const recent = picture?.merge?.recent.slice(-SHOWN) ?? []
  const roving = useRoving(recent.map(keyOf), recent.map(keyOf).at(-1))
  if (picture === undefined) return null
  const { merge } = picture
  if (merge === undefined) return <p>No flush and no compaction yet.</p>
  const total = Math.max(
    1,
    FATES.reduce((sum, [fate]) => sum + merge.fates[fate], 0),
  )
  return (
    <div class="merge">
      <p>{sentenceOf(merge)}</p>
      <table class="fates" aria-label="What became of the entries, and why">
        <thead>
          <tr>
            <th scope="col">fate</th>
            <th scope="col">entries</th>
            <th scope="col" class="text">
              why
            </th>
          </tr>
        </thead>
        <tbody>
          {FATES.filter(([fate]) => merge.fates[fate] > 0 || fate === 'kept').map(([fate, sign, name, reason]) => (
            <tr key={fate} class={`fate ${fate}`}>
              <th scope="row">
                <span aria-hidden="true">{sign} </span>
                {name}
              </th>
              <td>
                <span class="bar" style={{ width: `${(100 * merge.fates[fate]) / total}%` }} aria-hidden="true" />
                {number(merge.fates[fate])}
              </td>
              <td class="text">{reason}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {merge.notRecorded > 0 ? <p>{counted(merge.notRecorded, 'event')} of this job were not recorded.</p> : null}
      <div {...roving.around}>
        <ol class="recent" aria-label="The latest entries, the last one last">
          {recent.map((entry, at, all) => {
            const [, sign, name] = FATES.find(([fate]) => fate === entry.fate)!
            const isPresent = merge.isAtKey && at === all.length - 1
            return (
              <li key={keyOf(entry)} class={`fate ${entry.fate}`} aria-current={isPresent ? 'step' : undefined}>
                <button
                  type="button"
                  class="plain"
                  {...roving.item(keyOf(entry))}
                  onClick={() => select({ lane: index, kind: 'key', key: entry.key })}
                >
                  <span aria-hidden="true">{sign} </span>
                  {entry.kind} of {wordText(entry.key)} <span class="hidden">with sequence number </span>
                  <span aria-hidden="true">at </span>
                  {entry.sequence}: {name}
                </button>
              </li>
            )
          })}
        </ol>
      </div>
    </div>
  )
}

function keyOf({ key, sequence }: MergePicture['recent'][number]): string {
  return `${key} ${sequence}`
}

function sentenceOf({ kind, reason, outcome, state, inputs, outputs, bytesRead, bytesWritten }: MergePicture): string {
  const from =
    kind === 'flush'
      ? 'an immutable memtable'
      : inputs.length === 0
        ? 'no tables'
        : `${inputs.length === 1 ? 'table' : 'tables'} ${inputs.join(', ')}`
  const isRunning = state === 'running' || state === 'merged'
  if (outcome === 'move' || outcome === 'drop')
    return `The last compaction only ${outcome === 'move' ? 'moved' : 'dropped'} ${from}: no entry was read.`
  const to = outputs.length === 0 ? '' : `, into ${outputs.length === 1 ? 'table' : 'tables'} ${outputs.join(', ')}`
  const how = {
    running: 'merges entry by entry',
    merged: 'has built its tables, which are not current yet',
    ok: 'is over',
    failed: 'failed',
    cancelled: 'was cancelled',
  }[state]
  const why = reason === undefined ? '' : ` Reason: ${visibleText(reason)}.`
  return `${isRunning ? `A ${kind}` : `The last ${kind}`} of ${from}${to} ${how}: ${bytes(bytesRead)} read, ${bytes(bytesWritten)} written.${why}`
}
