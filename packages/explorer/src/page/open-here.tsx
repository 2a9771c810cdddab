/** The transactions that are open at the present position: what each has read, and what waits for its commit. */
import type { JSX } from 'preact'
import type { OpenTransaction } from '../session/open-here.js'
import { counted, number } from './format.js'
import { goTo, last, position, summary } from './state.js'
import { useAnswer } from './use-answer.js'

export function OpenHere(): JSX.Element | null {
  if (summary.value?.hasTransactions !== true) return null
  // The run behind a position may be another one by now.
  return <At key={last.value} />
}

function At(): JSX.Element | null {
  const { answer } = useAnswer('openHere', [position.value])
  if (answer === undefined || answer.transactions.length === 0) return null
  const { transactions, omitted } = answer
  return (
    <section class="open-here" aria-label="Transactions that are open here">
      <h3>Open transactions</h3>
      <ul>
        {transactions.map(each => (
          <li key={`${each.operation} ${each.name}`}>
            <One {...each} />
          </li>
        ))}
      </ul>
      {omitted === 0 ? null : <p>And {number(omitted)} more.</p>}
    </section>
  )
}

function One({ name, operation, start, lanes, reads, readCount, writes, writeCount }: OpenTransaction): JSX.Element {
  const all = summary.value?.settings.lanes ?? []
  const where = lanes.length === all.length ? '' : `, in ${lanes.map(lane => all[lane]?.name).join(' and ')} alone`
  return (
    <>
      <code>{name}</code> since{' '}
      <button type="button" class="plain" onClick={() => void goTo(start)}>
        operation {number(operation + 1)}
      </button>
      {where}. <Steps what={counted(readCount, 'read')} count={readCount} steps={reads} />{' '}
      <Steps what={`${counted(writeCount, 'write')} ${writeCount === 1 ? 'waits' : 'wait'}`} count={writeCount} steps={writes} />
    </>
  )
}

function Steps({ what, count, steps }: { readonly what: string; readonly count: number; readonly steps: readonly string[] }): JSX.Element {
  if (count === 0) return <>{what}.</>
  return (
    <>
      {what}: {count > steps.length ? '..., ' : ''}
      <code>{steps.join('; ')}</code>.
    </>
  )
}
