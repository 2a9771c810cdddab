/** Power loss at the present position: what may be left of a lane's files, and what recovery makes of it. */
import { signal } from '@preact/signals'
import type { JSX } from 'preact'
import type { CrashOutcome, Crashed } from '../session/protocol.js'
import { counted, number } from './format.js'
import { Refusal, unlessRefused } from './refusal.js'
import { add, ask, isBusy, look, position } from './state.js'

/** What was found for the position at which it was asked. */
const found = signal<Crashed | undefined>(undefined)
const isLooking = signal(false)

const SHOWN_PARTS = 8
const SHOWN_OUTCOMES = 10

export function Crash(): JSX.Element {
  const lanes = look.value?.lanes ?? []
  const failPower = async (lane: number): Promise<void> => {
    isLooking.value = true
    try {
      found.value = await ask('crash', lane, position.value)
    } finally {
      isLooking.value = false
    }
  }
  return (
    <section class="crash" aria-labelledby="crash-h">
      <h2 id="crash-h">What if power failed here?</h2>
      <Refusal id="refusal-power" />
      <div class="buttons" role="group" aria-label="Power loss">
        {lanes.map((lane, index) => (
          <button
            key={lane.name}
            type="button"
            disabled={isLooking.value || lane.events === 0}
            {...unlessRefused('refusal-power')}
            onClick={() => void failPower(index)}
          >
            Power fails in {lane.name}
          </button>
        ))}
      </div>
      <div aria-live="polite">
        {isLooking.value ? <p>Recovering every image.</p> : found.value === undefined ? null : <Outcomes crashed={found.value} />}
      </div>
    </section>
  )
}

function Outcomes({ crashed }: { readonly crashed: Crashed }): JSX.Element {
  const { lane, position: at, parts, images, isComplete, acknowledged, durable, outcomes } = crashed
  const name = look.value?.lanes[lane]?.name ?? ''
  const wrong = outcomes.filter(outcome => !outcome.isRight)
  const shown = shownOf(outcomes)
  return (
    <>
      <p>
        At position {number(at)}, {name} had acknowledged {counted(acknowledged, 'write')}, {durable === 0 ? 'none' : number(durable)} of
        them as durable.{' '}
        {parts.length === 0
          ? 'Everything is synced, so power loss takes nothing.'
          : parts.length === 1
            ? 'Power loss may take one part:'
            : `Power loss may take each of ${number(parts.length)} parts:`}
      </p>
      {parts.length === 0 ? null : (
        <ul class="parts">
          {parts.slice(0, SHOWN_PARTS).map(part => (
            <li key={JSON.stringify(part)}>{partText(part)}</li>
          ))}
          {parts.length > SHOWN_PARTS ? <li>and {number(parts.length - SHOWN_PARTS)} more</li> : null}
        </ul>
      )}
      <p>
        {isComplete
          ? images === 1
            ? 'One image of the files may be left.'
            : `All ${images} images that may be left were opened.`
          : `${images} of the images that may be left were opened: both extremes, and others drawn by chance.`}{' '}
        {wrong.length === 0
          ? 'Recovery always comes to a state that the store has had, with all writes that were acknowledged as durable.'
          : `${counted(wrong.length, 'outcome')} must not be: see below.`}
      </p>
      <ul class="outcomes" aria-label="What recovery makes of the images">
        {shown.map(outcome => (
          <OutcomeItem key={JSON.stringify(outcome.image)} outcome={outcome} crashed={crashed} name={name} />
        ))}
      </ul>
      {shown.length < outcomes.length ? (
        <p class="lead">{counted(outcomes.length - shown.length, 'outcome')} between these are not listed.</p>
      ) : null}
    </>
  )
}

/** Those that must not be, and of the others the ends of the list. */
function shownOf(outcomes: readonly CrashOutcome[]): readonly CrashOutcome[] {
  const half = SHOWN_OUTCOMES / 2
  return outcomes.filter((outcome, index) => !outcome.isRight || index < half || index >= outcomes.length - half)
}

interface OutcomeProps {
  readonly outcome: CrashOutcome
  readonly crashed: Crashed
  readonly name: string
}

function OutcomeItem({ outcome, crashed, name }: OutcomeProps): JSX.Element {
  const { image, images, entries, problem, kept, keptUnderway, isRight } = outcome
  const share = crashed.acknowledged === 0 ? 1 : Math.max(0, kept) / crashed.acknowledged
  const goOn = (): void => void add([{ operation: { type: 'crash', lane: name, event: crashed.event, image } }])
  return (
    <li class={isRight ? 'outcome' : 'outcome worse'}>
      <strong>{counted(images, 'image')}</strong>: {entries === undefined ? 'does not open' : counted(entries, 'entry', 'entries')},{' '}
      {kept < 0 ? 'no state that it had' : `${number(kept)} of ${counted(crashed.acknowledged, 'write')} kept`}
      {keptUnderway > 0 ? ', and the one under way' : ''}
      <span class="kept" aria-hidden="true">
        <span style={{ width: `${share * 100}%` }} />
      </span>
      <span class="missing">{problem ?? `Missing: ${missingText(outcome)}.`}</span>{' '}
      <button type="button" disabled={isBusy.value} onClick={goOn}>
        Go on with this store
      </button>
    </li>
  )
}

function missingText({ lost, lostCount, isRight }: CrashOutcome): string {
  if (lostCount === 0) return 'nothing'
  const named = lost.slice(0, 3).map(write => write.text)
  const more = lostCount > named.length ? ` and ${number(lostCount - named.length)} more` : ''
  return `${named.join(', ')}${more}: ${isRight ? 'acknowledged without sync, so power loss may take it' : 'it was acknowledged as durable'}`
}

function partText(part: Crashed['parts'][number]): string {
  if (part.change === 'write') return `${number(part.length)} bytes at offset ${number(part.offset)} of ${fileOf(part.path)}`
  if (part.change === 'truncate') return `the cut of ${fileOf(part.path)} to ${number(part.size)} bytes`
  if (part.added === undefined) return `the removal of ${fileOf(part.removed!)}`
  return part.removed === undefined ? `the name ${fileOf(part.added)}` : `the renaming of ${fileOf(part.removed)} to ${fileOf(part.added)}`
}

function fileOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}
