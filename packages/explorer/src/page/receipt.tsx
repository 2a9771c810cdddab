/** The receipt of the operation at the present position, lane by lane: what it cost at once, and what its data has cost since. */
import type { JSX } from 'preact'
import { counted, number } from './format.js'
import { Problem } from './problem.js'
import { last, look } from './state.js'
import { useAnswer } from './use-answer.js'

export function Receipt(): JSX.Element {
  return (
    <section class="receipts" aria-label="Receipt">
      <h2>What this operation costs, now and later</h2>
      <Lanes />
    </section>
  )
}

function Lanes(): JSX.Element {
  // The later costs grow with the run: they are asked for again.
  const operation = look.value?.moment?.operation ?? -1
  if (operation < 0) return <p>No operation is under way at this position: go to one, or choose one in the list of operations.</p>
  return (
    <>
      <p class="lead">
        Operation {number(operation + 1)}. Later costs are its share of what the background has done with its data up to the end of this
        run. A reopened store begins a new account.
      </p>
      <div class="receipt-lanes">
        {look.value!.lanes.map(({ name }, lane) => (
          <section key={name} aria-label={`Receipt in ${name}`}>
            <h3>{name}</h3>
            <Receipts key={last.value} lane={lane} name={name} operation={operation} />
          </section>
        ))}
      </div>
    </>
  )
}

interface ReceiptsProps {
  readonly lane: number
  readonly name: string
  readonly operation: number
}

function Receipts({ lane, name, operation }: ReceiptsProps): JSX.Element | null {
  const { answer: found, problem } = useAnswer('receipt', [lane, operation])
  if (problem !== undefined) return <Problem text={problem} />
  if (found === undefined) return null
  const { receipts, omitted } = found
  return (
    <>
      {receipts.length === 0 ? <p>Nothing to pay: the store has begun no operation for it.</p> : null}
      {receipts.map((text, at) => (
        <pre key={at} tabIndex={0} aria-label={`Receipt ${at + 1} in ${name}`}>
          {text}
        </pre>
      ))}
      {omitted === 0 ? null : <p>{counted(omitted, 'more operation')} of the store without a receipt here.</p>}
    </>
  )
}
