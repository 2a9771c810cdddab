/** What differs between two lanes: options, the first step that differs, outcomes, figures, and costs of operations. */
import type { ComponentChildren, JSX } from 'preact'
import { useRef, useState } from 'preact/hooks'
import type { Setting } from '../run/settings.js'
import type { Comparison, FigurePair } from '../session/comparison.js'
import { beforeFork, comparePair, pair, removeLane, undoFork } from './fork.js'
import { bytes, counted, number } from './format.js'
import { Problem } from './problem.js'
import { goTo, isBusy, last, position, summary } from './state.js'
import { useAnswer } from './use-answer.js'
import { TableHead } from './table-head.js'
import { LaneOptions } from './lane-options.js'

export function Compare(): JSX.Element {
  const lanes = summary.value?.settings.lanes ?? []
  const compared = pair.value
  const before = beforeFork.value
  const heading = useRef<HTMLHeadingElement>(null)
  // The button goes away.
  const toHeading = (): void => heading.current?.focus()
  return (
    <section class="compare" aria-labelledby="compare-h">
      <h2 id="compare-h" ref={heading} tabIndex={-1}>
        What differs
      </h2>
      {compared === undefined ? (
        <p>There is one lane. Fork it: another lane then does the same with one option changed.</p>
      ) : (
        <>
          <p class="compare-row">
            {compared.map((lane, side) => (
              <label key={side}>
                {side === 0 ? 'Lane' : 'beside'}{' '}
                <select
                  value={lane}
                  onChange={({ currentTarget }) => {
                    const wanted = Number(currentTarget.value)
                    // The same lane twice: they change places.
                    const other = compared[1 - side] === wanted ? lane : compared[1 - side]
                    if (side === 0) comparePair(wanted, other)
                    else comparePair(other, wanted)
                  }}
                >
                  <LaneOptions lanes={lanes} />
                </select>
              </label>
            ))}
            {summary.value?.isRecorded ? null : before === undefined ? (
              <button type="button" disabled={isBusy.value} onClick={() => void removeLane(compared[1]).then(toHeading)}>
                Remove {lanes[compared[1]]?.name}
              </button>
            ) : (
              <button type="button" disabled={isBusy.value} onClick={() => void undoFork(before).then(toHeading)}>
                Undo the fork
              </button>
            )}
          </p>
          <Answer key={`${JSON.stringify(summary.value?.settings)} ${last.value}`} lanes={compared} />
        </>
      )}
    </section>
  )
}

function Answer({ lanes }: { readonly lanes: readonly [number, number] }): JSX.Element | null {
  const { answer: found, problem } = useAnswer('compare', isBusy.value ? undefined : [lanes, position.value])
  if (problem !== undefined) return <Problem text={problem} />
  if (found === undefined)
    return <p>{isBusy.value ? 'The lanes are compared when the operations have ended.' : 'The lanes are compared.'}</p>
  const isRecorded = summary.value?.isRecorded === true
  return (
    <>
      <Options compared={found} />
      {isRecorded ? <p>What others did is no run of the same operations: only figures are compared.</p> : <Parting compared={found} />}
      {isRecorded ? null : <Outcomes compared={found} />}
      <Figures compared={found} />
      {isRecorded ? null : <Costs compared={found} />}
    </>
  )
}

interface Props {
  readonly compared: Comparison
}

function Options({ compared: { names, engines, options } }: Props): JSX.Element {
  return (
    <>
      <h3>Options</h3>
      {engines[0] === engines[1] ? null : (
        <p>
          The engines differ: {names[0]} is {engines[0]}, {names[1]} is {engines[1]}.
        </p>
      )}
      {options.length === 0 ? (
        <p>All options are the same.</p>
      ) : (
        <ul>
          {options.map(({ option, values }) => (
            <li key={option}>
              {option}: {values.map((value, side) => `${settingText(value)} in ${names[side]}`).join(', ')}
            </li>
          ))}
        </ul>
      )}
    </>
  )
}

function settingText(value: Setting | undefined): string {
  if (value === undefined) return 'none'
  return typeof value === 'number' ? number(value) : String(value)
}

function Parting({ compared: { names, parting } }: Props): JSX.Element {
  return (
    <>
      <h3>The first step where it goes another way</h3>
      {parting === undefined ? (
        <p>None: both lanes do the same from the first event to the last. More operations may show a difference.</p>
      ) : (
        <>
          <p>
            {parting.operation < 0 ? 'In the opening' : `In operation ${number(parting.operation + 1)}, ${parting.operationText}`}
            {parting.moments[0]?.sentence === parting.moments[1]?.sentence ? ', with other details' : ''}:
          </p>
          <ul>
            {parting.moments.map((moment, side) => (
              <li key={side}>
                {names[side]}: {moment === undefined ? 'nothing more happens' : moment.sentence}{' '}
                {moment === undefined ? null : (
                  <button type="button" onClick={() => void goTo(moment.position)}>
                    Go there in {names[side]}
                  </button>
                )}
              </li>
            ))}
          </ul>
        </>
      )}
    </>
  )
}

function Outcomes({ compared: { names, outcomes, outcomeCount, crashed } }: Props): JSX.Element {
  const reason =
    crashed.length === 0
      ? 'Options may change what an operation costs, never what comes of it.'
      : `Power has failed in ${crashed.join(' and in ')}, which may have taken writes.`
  return (
    <>
      <h3>Outcomes</h3>
      {outcomeCount === 0 ? (
        <p>Every operation has the same outcome in both lanes.</p>
      ) : (
        <div class="problem" role="alert">
          <p>
            {counted(outcomeCount, 'operation')} with outcomes that differ. {reason}
          </p>
          <ul>
            {outcomes.map(({ operation, text, start, outcomes: both }) => (
              <li key={operation}>
                <GoTo operation={operation} text={text} start={start} /> {names[0]}: {both[0]}; {names[1]}: {both[1]}
              </li>
            ))}
          </ul>
        </div>
      )}
    </>
  )
}

function GoTo({ operation, text, start }: { readonly operation: number; readonly text: string; readonly start: number }): JSX.Element {
  return (
    <button class="plain" type="button" onClick={() => void goTo(start)}>
      {number(operation + 1)} {text}
    </button>
  )
}

function Figures({ compared: { names, figures } }: Props): JSX.Element {
  const [isWhole, setWhole] = useState(false)
  const when = isWhole ? 'whole' : 'here'
  const differing = figures.filter(each => each[when][0] !== each[when][1])
  const equal = figures.length - differing.length
  return (
    <>
      <h3>Figures</h3>
      <p class="compare-row" role="group" aria-label="Figures of">
        {[false, true].map(whole => (
          <button key={String(whole)} type="button" aria-pressed={whole === isWhole} onClick={() => setWhole(whole)}>
            {whole ? 'At the end of the run' : 'At this position'}
          </button>
        ))}
      </p>
      <Patterns />
      <ul class="legend">
        {names.map((name, side) => (
          <li key={name}>
            <svg width="16" height="12" aria-hidden="true">
              <rect width="16" height="12" fill={`url(#compare-${side})`} />
            </svg>{' '}
            {name}
          </li>
        ))}
      </ul>
      {differing.length === 0 ? <p>All {counted(equal, 'figure')} are equal.</p> : <Bars names={names} figures={differing} when={when} />}
      {differing.length > 0 && equal > 0 ? <p>{counted(equal, 'figure')} more are equal.</p> : null}
      <FigureTable names={names} figures={figures} />
    </>
  )
}

/** One without lines and one with: told apart without their colours. */
function Patterns(): JSX.Element {
  return (
    <svg width="0" height="0" class="compare-patterns" aria-hidden="true">
      <defs>
        {[0, 1].map(side => (
          <pattern key={side} id={`compare-${side}`} width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
            <rect class={`area c${side}`} width="6" height="6" />
            {side === 0 ? null : <rect class="hatch" width="2" height="6" />}
          </pattern>
        ))}
      </defs>
    </svg>
  )
}

interface FiguresProps {
  readonly names: readonly [string, string]
  readonly figures: readonly FigurePair[]
}

function Bars({ names, figures, when }: FiguresProps & { readonly when: 'here' | 'whole' }): JSX.Element {
  const groups = [...new Set(figures.map(({ group }) => group))]
  return (
    <div class="compare-bars" role="img" aria-label={`${names.join(' and ')} side by side; the figures are in the table below`}>
      {groups.map(group => (
        <div key={group}>
          <h4>{group}</h4>
          {figures
            .filter(each => each.group === group)
            .map(figure => {
              const most = Math.max(...figure[when].map(value => value ?? 0))
              return (
                <div key={figure.name} class="compare-figure">
                  <span class="compare-name">{figure.name}</span>
                  <span class="compare-ratio">{ratioText(figure[when])}</span>
                  {figure[when].map((value, side) => (
                    <Bar key={side} side={side} share={most > 0 ? (value ?? 0) / most : 0}>
                      {valueText(value, figure.unit)}
                    </Bar>
                  ))}
                </div>
              )
            })}
        </div>
      ))}
    </div>
  )
}

interface BarProps {
  readonly side: number
  /** Of the longest bar beside it. */
  readonly share: number
  readonly children: ComponentChildren
}

function Bar({ side, share, children }: BarProps): JSX.Element {
  return (
    <span class="compare-bar">
      <svg width="100%" height="10" aria-hidden="true">
        <rect width={`${100 * share}%`} height="10" fill={`url(#compare-${side})`} />
      </svg>
      <span class="compare-value">{children}</span>
    </span>
  )
}

function FigureTable({ names, figures }: FiguresProps): JSX.Element {
  return (
    <details>
      <summary>All figures</summary>
      <div class="scroll" tabIndex={0} role="region" aria-label="All figures of both lanes">
        <table>
          <caption>At position {number(position.value)}, and at the end of the run</caption>
          <TableHead names={['figure', ...names, 'ratio', ...names.map(name => `${name}, at the end`), 'ratio at the end']} />
          <tbody>
            {figures.map(({ group, name, unit, here, whole }) => (
              <tr key={`${group} ${name}`}>
                <th scope="row">
                  {group === name ? '' : `${group}: `}
                  {name}
                </th>
                {[here, whole].map((both, at) => [
                  ...both.map((value, side) => <td key={`${at} ${side}`}>{valueText(value, unit)}</td>),
                  <td key={`${at} ratio`}>{ratioText(both)}</td>,
                ])}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  )
}

function valueText(value: number | undefined, unit: FigurePair['unit']): string {
  if (value === undefined) return 'none'
  if (unit === 'bytes') return bytes(value)
  if (unit === 'count') return number(value)
  if (unit === 'share') return `${(100 * value).toFixed(1)} %`
  return value > 0 && value < 0.1 ? value.toPrecision(2) : value.toFixed(2)
}

/** The second over the first. */
function ratioText([a, b]: FigurePair['here']): string {
  if (a === undefined || b === undefined) return ''
  if (a === b) return 'equal'
  if (a === 0) return ''
  return b === 0 ? '× 0' : `× ${(b / a).toPrecision(3)}`
}

function Costs({ compared: { names, costs, withoutReceipt } }: Props): JSX.Element {
  return (
    <>
      <h3>Operations whose costs differ most</h3>
      {costs.length === 0 ? (
        <p>Every operation costs the same in both lanes.</p>
      ) : (
        <>
          <p>Bytes written and read for an operation: at once, and later, by the background, up to the end of the run.</p>
          <ol class="compare-costs">
            {costs.map(({ operation, text, start, costs: both }) => {
              const sums = both.map(({ now, later }) => now + later)
              return (
                <li key={operation}>
                  <GoTo operation={operation} text={text} start={start} />
                  {both.map(({ now, later }, side) => (
                    <Bar key={side} side={side} share={sums[side] / Math.max(...sums)}>
                      <span class="visually-hidden">{names[side]}: </span>
                      {bytes(now)} + {bytes(later)} later
                    </Bar>
                  ))}
                </li>
              )
            })}
          </ol>
        </>
      )}
      {withoutReceipt === 0 ? null : <p>{counted(withoutReceipt, 'operation')} more have no receipt: there are too many.</p>}
    </>
  )
}
