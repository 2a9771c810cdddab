/** The run as a link, as a trace and as a program. */
import { signal } from '@preact/signals'
import type { JSX } from 'preact'
import { errorText } from './error-text.js'
import { ask, linkHere, look, position, refusal, summary } from './state.js'

/** What was made last, in a sentence. */
const made = signal('')
const link = signal('')

export function Share(): JSX.Element {
  const lanes = look.value?.lanes ?? []
  const isEmpty = summary.value === undefined
  const reason = whyNotRepeated()
  const repeated = reason === undefined ? { disabled: isEmpty } : { disabled: true, 'aria-describedby': 'not-repeated' }
  return (
    <section class="share" aria-labelledby="share-h">
      <h2 id="share-h">Share and export</h2>
      {reason === undefined ? null : (
        <p id="not-repeated" class="about" role="note">
          {reason}
        </p>
      )}
      <div class="buttons" role="group" aria-label="Share and export">
        <button type="button" {...repeated} onClick={() => void showLink()}>
          Link to this position
        </button>
        <button type="button" {...repeated} onClick={() => void save('run.mjs', () => ask('program'))}>
          Program for Node
        </button>
        <button type="button" disabled={isEmpty} onClick={() => void save('replay.html', () => ask('replayPage', position.value))}>
          Page that replays the run
        </button>
        {lanes.map((lane, index) => (
          <button key={lane.name} type="button" onClick={() => void save(`${lane.name}.jsonl`, () => ask('trace', index))}>
            Trace of {lane.name}
          </button>
        ))}
        <button type="button" disabled={isEmpty} onClick={() => void showDigest()}>
          Digest of the run
        </button>
      </div>
      {link.value === '' ? null : (
        <p>
          <label>
            Link <input class="link" type="text" readOnly value={link.value} onFocus={event => event.currentTarget.select()} />
          </label>
        </p>
      )}
      <p aria-live="polite">{made.value}</p>
    </section>
  )
}

/** Why neither a link nor a program can do the run again; `undefined` where they can. */
function whyNotRepeated(): string | undefined {
  if (refusal.value !== undefined) return `${refusal.value} So no link and no program can do it again: save the trace instead.`
  return summary.value?.isOfFiles ? 'No link and no program can carry the files of your store: save the trace instead.' : undefined
}

async function showLink(): Promise<void> {
  let href: string
  try {
    href = new URL(`#${await linkHere()}`, location.href).href
  } catch (error) {
    made.value = errorText(error)
    return
  }
  link.value = href
  try {
    await navigator.clipboard.writeText(href)
    made.value = 'The link is copied. It opens the same run, byte for byte.'
  } catch {
    made.value = 'The link is in the field: copy it from there.'
  }
}

async function showDigest(): Promise<void> {
  made.value = `The digest of everything that has happened is ${await ask('digest')}.`
}

/** Gives a text to the reader as a file. */
async function save(name: string, text: () => Promise<string>): Promise<void> {
  try {
    const address = URL.createObjectURL(new Blob([await text()], { type: 'text/plain' }))
    const anchor = Object.assign(document.createElement('a'), { href: address, download: name })
    anchor.click()
    URL.revokeObjectURL(address)
    made.value = `${name} is saved.`
  } catch (error) {
    made.value = errorText(error)
  }
}
