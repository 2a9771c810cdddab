/** The operations so far with what came of them, lane by lane: of any number, only the rows in view exist. */
import { signal } from '@preact/signals'
import type { JSX } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import type { OperationRow } from '../session/protocol.js'
import type { Outcome } from '../run/operation.js'
import { outcomeText } from '../run/outcome-text.js'
import { number } from './format.js'
import { ask, goTo, look, summary } from './state.js'

/** As in the style. */
const ROW_PIXELS = 28
const ROWS_IN_VIEW = 9
/** Rows beyond the view that are there already. */
const MARGIN = 12

const rows = signal<{ readonly from: number; readonly rows: readonly OperationRow[] }>({ from: 0, rows: [] })

export function OperationList(): JSX.Element {
  const view = useRef<HTMLDivElement>(null)
  const count = summary.value?.operations ?? 0
  const current = look.value?.moment?.operation ?? -1
  const fetchRows = async (): Promise<void> => {
    if (view.current === null) return
    const first = Math.floor(view.current.scrollTop / ROW_PIXELS)
    const from = Math.max(0, first - MARGIN)
    rows.value = { from, rows: await ask('operations', from, first + ROWS_IN_VIEW + MARGIN) }
  }
  useEffect(() => {
    void fetchRows()
  }, [count, summary.value])
  useEffect(() => {
    const element = view.current
    if (element === null || current < 0) return
    const top = current * ROW_PIXELS
    const isSeen = top >= element.scrollTop && top + 2 * ROW_PIXELS <= element.scrollTop + element.clientHeight
    if (!isSeen) element.scrollTop = top - (ROWS_IN_VIEW / 2) * ROW_PIXELS
  }, [current, count])
  if (count === 0) return <p class="lead">No operations yet: type one above, or add many.</p>
  const lanes = summary.value!.settings.lanes
  return (
    <div
      ref={view}
      class="operation-list"
      role="table"
      aria-label="Operations so far"
      aria-rowcount={count + 1}
      tabIndex={0}
      onScroll={() => void fetchRows()}
    >
      <div role="row" aria-rowindex={1} class="operation-row operation-head">
        <span role="columnheader" class="operation-text">
          operation
        </span>
        {lanes.map(({ name }) => (
          <span key={name} role="columnheader" class="operation-outcome">
            {name}
          </span>
        ))}
      </div>
      <div role="rowgroup" style={{ height: `${count * ROW_PIXELS}px`, position: 'relative' }}>
        {rows.value.rows.map(row => (
          <div
            key={row.index}
            role="row"
            aria-rowindex={row.index + 2}
            aria-current={row.index === current ? 'step' : undefined}
            class="operation-row"
            style={{ top: `${row.index * ROW_PIXELS}px` }}
          >
            <span role="rowheader" class="operation-text">
              <button type="button" class="plain" onClick={() => void goTo(row.start)}>
                <span class="operation-index">{number(row.index + 1)}</span> {row.text}
              </button>
            </span>
            {row.outcomes.map((outcome, lane) => (
              <span
                key={lane}
                role="cell"
                class={
                  outcome?.status === 'failed' || outcome?.status === 'conflict'
                    ? 'operation-outcome operation-failed'
                    : 'operation-outcome'
                }
                title={`${lanes[lane]?.name}: ${textOf(outcome)}`}
              >
                {textOf(outcome)}
              </span>
            ))}
          </div>
        ))}
      </div>
    </div>
  )
}

function textOf(outcome: Outcome | undefined): string {
  if (outcome === undefined) return ''
  const text = outcomeText(outcome)
  return text === '' ? 'ok' : text
}
