/** What was done, and how to add much at once. */
import { signal } from '@preact/signals'
import type { JSX } from 'preact'
import { isProblem, parse, WORDS } from '../run/command.js'
import { OpenHere } from './open-here.js'
import { OperationList } from './operation-list.js'
import { Refusal, unlessRefused } from './refusal.js'
import { add, isBusy } from './state.js'

const GENERATORS = WORDS.filter(({ form }) => form.startsWith('COUNT'))

const generator = signal('random')
const count = signal(1000)

export function OperationPanel(): JSX.Element {
  return (
    <div class="operations">
      <OperationList />
      <OpenHere />
      <Refusal id="refusal-many" />
      <Many />
      <Language />
    </div>
  )
}

function Language(): JSX.Element {
  return (
    <details>
      <summary>What can be typed</summary>
      <p>
        One operation or generator a line. Words in capitals stand for your own; those in brackets may be left out. Keys and values with
        spaces go in double quotes.
      </p>
      <dl class="language">
        {WORDS.map(({ name, form, about }) => (
          <div key={name}>
            <dt>
              <code>
                {name} {form}
              </code>
            </dt>
            <dd>{about}</dd>
          </div>
        ))}
      </dl>
    </details>
  )
}

function Many(): JSX.Element {
  const line = parse(`${generator.value} ${count.value}`)
  const about = GENERATORS.find(({ name }) => name === generator.value)!.about
  return (
    <form
      class="many"
      onSubmit={event => {
        event.preventDefault()
        if (!isProblem(line)) void add([line])
      }}
    >
      <label>
        Many:{' '}
        <select value={generator.value} onChange={event => (generator.value = event.currentTarget.value)}>
          {GENERATORS.map(({ name }) => (
            <option key={name}>{name}</option>
          ))}
        </select>
      </label>
      <label>
        how many{' '}
        <input
          type="number"
          min={1}
          max={1_000_000}
          value={count.value}
          onInput={event => (count.value = event.currentTarget.valueAsNumber)}
        />
      </label>
      <button type="submit" disabled={isBusy.value || isProblem(line)} {...unlessRefused('refusal-many')}>
        Add
      </button>
      <span class="about">{isProblem(line) ? line.message : about}</span>
    </form>
  )
}
