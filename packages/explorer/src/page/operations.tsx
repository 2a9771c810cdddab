/** Where operations are added: one at a time, or by the thousand. */
import { signal } from '@preact/signals'
import type { JSX } from 'preact'
import { isProblem, parse, WORDS } from '../run/command.js'
import { Editor } from './editor.js'
import { number } from './format.js'
import { OperationList } from './operation-list.js'
import { add, isBusy, last, look, position, restore, stop, summary } from './state.js'

const GENERATORS = WORDS.filter(({ form }) => form.startsWith('COUNT'))

const generator = signal('random')
const count = signal(1000)

export function Operations(): JSX.Element {
  return (
    <section class="operations" aria-label="Operations">
      <h2>Operations</h2>
      <Editor />
      <Language />
      <Many />
      <Progress />
      <Undone />
      <OperationList />
    </section>
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
      <button type="submit" disabled={isBusy.value || isProblem(line)}>
        Add
      </button>
      <span class="about">{isProblem(line) ? line.message : about}</span>
    </form>
  )
}

function Progress(): JSX.Element | null {
  if (!isBusy.value) return null
  const { operations = 0, ahead } = summary.value ?? {}
  return (
    <p class="progress" role="status">
      <progress aria-label="Operations performed" max={operations + (ahead ?? 0)} value={ahead === undefined ? undefined : operations} />{' '}
      {number(operations)} {ahead === undefined ? '' : `of ${number(operations + ahead)} `}operations{' '}
      <button type="button" onClick={stop}>
        Stop
      </button>
    </p>
  )
}

/** What going back means for the operations behind, before and after it happened. */
function Undone(): JSX.Element | null {
  const { operations = 0, dropped } = summary.value ?? {}
  if (isBusy.value) return null
  const later = position.value === last.value ? 0 : operations - 1 - (look.value?.moment?.operation ?? -1)
  if (later === 0 && dropped === undefined) return null
  return (
    <p class="undone" role="status">
      {later === 0 ? null : `Adding here drops the ${later === 1 ? 'operation' : `${number(later)} operations`} behind this position. `}
      {dropped === undefined ? null : (
        <>
          A run of {number(dropped)} {dropped === 1 ? 'operation' : 'operations'} was left.{' '}
          <button type="button" onClick={() => void restore()}>
            Bring it back
          </button>
        </>
      )}
    </p>
  )
}
