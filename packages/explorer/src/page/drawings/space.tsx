/** The data file of a B+tree as a strip: used and free units, and those that were just taken or given back. */
import type { JSX } from 'preact'
import type { SpaceBucket } from '../../views/space-fold.js'
import { bytes, counted, number } from '../format.js'
import type { DrawingProps } from './drawing.js'

export function Space({ lane }: DrawingProps): JSX.Element | null {
  const picture = lane.pictures.space
  if (picture === undefined) return null
  const { unitBytes, units, freeUnits, unitsPerBucket, buckets, takenUnits, takenAtEnd, givenUnits, present } = picture
  const unknown = buckets.reduce((sum, bucket) => sum + bucket.unknown, 0)
  const at = present === undefined ? undefined : Math.floor(present.offset / unitsPerBucket)
  return (
    <div class="space">
      <p>
        {counted(units, 'unit')} of {bytes(unitBytes)}; {number(freeUnits)} free.
        {unknown === 0 ? '' : ` Of ${number(unknown)} units the opening does not say whether they are free.`} In this operation or job{' '}
        {counted(takenUnits, 'unit')} {takenUnits === 1 ? 'was' : 'were'} taken ({number(takenAtEnd)} at the end of the file),{' '}
        {number(givenUnits)} given back.
      </p>
      <ol class="strip" aria-label={`The file, ${counted(unitsPerBucket, 'unit')} in each piece`}>
        {buckets.map((bucket, index) => (
          <li
            key={index}
            class={[stateOf(bucket), index === at ? 'present' : ''].join(' ')}
            title={textOf(bucket, index * unitsPerBucket)}
            aria-label={textOf(bucket, index * unitsPerBucket)}
          >
            <span aria-hidden="true">{signOf(bucket)}</span>
          </li>
        ))}
      </ol>
      <p class="why">
        Filled is used, empty is free, hatched is unknown, half filled is both; + was just taken, − just given back. A piece is{' '}
        {counted(unitsPerBucket, 'unit')}.
        {present === undefined
          ? ''
          : ` This event: ${counted(present.units, 'unit')} ${WHAT[present.what]} at unit ${number(present.offset)} (marked).`}
      </p>
    </div>
  )
}

const WHAT = { taken: 'taken', given: 'given back', written: 'written' }

function stateOf({ used, free, unknown }: SpaceBucket): string {
  if (unknown > 0) return 'unknown'
  return free === 0 ? 'used' : used === 0 ? 'free' : 'mixed'
}

function signOf({ taken, given }: SpaceBucket): string {
  return taken > 0 ? '+' : given > 0 ? '−' : ''
}

function textOf({ used, free, unknown, taken, given }: SpaceBucket, offset: number): string {
  const parts = [
    used > 0 ? `${used} used` : '',
    free > 0 ? `${free} free` : '',
    unknown > 0 ? `${unknown} unknown` : '',
    taken > 0 ? `${taken} just taken` : '',
    given > 0 ? `${given} just given back` : '',
  ]
  return `from unit ${offset}: ${parts.filter(part => part !== '').join(', ')}`
}
