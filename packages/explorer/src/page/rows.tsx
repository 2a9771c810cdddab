/** The drawings of all lanes, row by row: what means the same in two engines stands side by side. */
import type { JSX } from 'preact'
import { useEffect, useMemo, useRef } from 'preact/hooks'
import type { LaneLook } from '../session/protocol.js'
import { DRAWINGS } from './drawings/catalog.js'
import type { Drawing, RowName } from './drawings/drawing.js'
import { follow, happensIn, heedScrolling } from './follow.js'
import { ForkButton } from './fork-button.js'
import { number } from './format.js'
import { drawingId, isLit } from './lit.js'
import { isShown, rowsOfRun, show, shownBands } from './shown-rows.js'
import { last, look } from './state.js'
import { useTurn } from './turns.js'

export function Rows(): JSX.Element {
  useEffect(heedScrolling, [])
  useEffect(follow, [look.value?.position])
  if (look.value === undefined || last.value === 0) return <p class="lead">The engines are starting.</p>
  const { lanes } = look.value
  return (
    <section class="lanes" aria-label="Drawings" style={{ '--lanes': lanes.length }}>
      <Chooser />
      <div class="lane-names">
        {lanes.map(({ name, events }, index) => (
          <div key={name} class="lane-head">
            <h2 class="lane">
              {name} <span class="lane-events">{number(events)} events</span>
            </h2>
            <ForkButton lane={index} name={name} />
          </div>
        ))}
      </div>
      {shownBands().map(band => (
        <section key={band[0].row} class="row" aria-label={band.map(({ title }) => title).join(', ')}>
          {lanes.map((lane, index) => (
            <div key={lane.name} class="cell">
              {band.map(({ row }) => (
                <Drawings key={row} row={row} lane={lane} index={index} />
              ))}
            </div>
          ))}
        </section>
      ))}
    </section>
  )
}

/** Which rows are shown. */
function Chooser(): JSX.Element {
  return (
    <div class="chooser" role="group" aria-label="Drawings that are shown">
      {rowsOfRun().map(({ row, title }) => (
        <button key={row} class="chip" type="button" aria-pressed={isShown(row)} onClick={() => show(row, !isShown(row))}>
          {title}
        </button>
      ))}
    </div>
  )
}

interface DrawingsProps {
  readonly row: RowName
  readonly lane: LaneLook
  readonly index: number
}

function Drawings({ row, lane, index }: DrawingsProps): JSX.Element {
  const own = DRAWINGS.filter(each => each.row === row && lane.pictures[each.picture] !== undefined)
  return (
    <>
      {own.map(drawing => (
        <One key={drawing.title} drawing={drawing} lane={lane} index={index} />
      ))}
    </>
  )
}

function One({ drawing, lane, index }: { readonly drawing: Drawing } & Omit<DrawingsProps, 'row'>): JSX.Element {
  const { title, picture, Component } = drawing
  const moment = look.value?.moment
  // An element that is the same as before is not drawn again: of a lane, a drawing sees its own picture, and which others there are.
  const wanted = useMemo(
    () => <Component lane={lane} index={index} />,
    [Component, lane.pictures[picture], Object.keys(lane.pictures).length, lane.name, index],
  )
  const section = useRef<HTMLElement>(null)
  const drawn = useTurn(section, wanted)
  const isHere = moment?.lane === index && happensIn(drawing, moment)
  const isWanted = isLit(title, index)
  return (
    <section
      ref={section}
      id={drawingId({ drawing: title, lane: index })}
      class={`drawing of-${drawing.row}${isHere ? ' here' : ''}${isWanted ? ' lit' : ''}`}
      aria-label={`${title} of ${lane.name}`}
      aria-busy={drawn !== wanted}
      tabIndex={-1}
    >
      <h3>
        {title} <span class="of">{lane.name}</span>
        {isWanted ? <span class="badge look-here">look here</span> : null}
        {isHere ? <span class="badge">this step</span> : null}
      </h3>
      {drawn}
    </section>
  )
}
