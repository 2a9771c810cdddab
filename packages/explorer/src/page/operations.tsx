/** Where operations are typed, always in sight, with what is under way. */
import type { JSX } from 'preact'
import { Editor } from './editor.js'
import { counted, number } from './format.js'
import { Refusal } from './refusal.js'
import { endSilent, isBusy, last, look, position, problem, refusal, restore, stop, summary } from './state.js'

export function Operations(): JSX.Element {
  return (
    <section class="command" aria-label="Operations">
      {refusal.value === undefined ? <Editor /> : <Refusal id="refusal-operations" isLeading />}
      <Progress />
      <Undone />
      <Full />
      {problem.value === undefined ? null : (
        <p class="problem" role="alert">
          {problem.value}
        </p>
      )}
      {endSilent.value === undefined ? null : (
        <p class="problem" role="alert">
          The engines have not answered for some seconds: your part may have an endless loop.{' '}
          <button type="button" onClick={endSilent.value}>
            Stop it, and do without your part
          </button>
        </p>
      )}
    </section>
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

/** Why the run ended before the last operation that was asked for. */
function Full(): JSX.Element | null {
  const { isFull, operations = 0 } = summary.value ?? {}
  if (isFull !== true || isBusy.value) return null
  return (
    <p class="problem" role="alert">
      The run ends after {counted(operations, 'operation')}: its moments take all the memory that they may. What it has stays. To do more,
      go back and add there, or apply fewer lanes under Engines.
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
