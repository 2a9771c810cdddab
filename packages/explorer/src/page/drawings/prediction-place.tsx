/** Where a ledger asks for what formulas predict, for all lanes at once. What it shows is loaded when it is wanted. */
import { signal } from '@preact/signals'
import type { ComponentType, JSX } from 'preact'
import type { PredictionPicture } from '../../views/prediction.js'
import { isBusy, position } from '../state.js'
import { Problem } from '../problem.js'
import { useAnswer, type Asked } from '../use-answer.js'

const isWanted = signal(false)

/** The prediction for a lane at the present position, while it is wanted. */
export function usePrediction(lane: number): Asked<PredictionPicture> {
  return useAnswer('prediction', isWanted.value && !isBusy.value ? [lane, position.value] : undefined)
}

interface PlaceProps {
  readonly prediction: PredictionPicture | undefined
  readonly name: string
}

/** Once it is loaded. */
const figures = signal<ComponentType<PlaceProps> | undefined>(undefined)

async function want(isOpen: boolean): Promise<void> {
  isWanted.value = isOpen
  if (!isOpen || figures.value !== undefined) return
  const { PredictionFigures } = await import('./prediction.js')
  figures.value = PredictionFigures
}

export function PredictionPlace({ asked, name }: { readonly asked: Asked<PredictionPicture>; readonly name: string }): JSX.Element {
  const Figures = figures.value
  return (
    <details open={isWanted.value} onToggle={event => void want(event.currentTarget.open)}>
      <summary>Predicted by formulas</summary>
      {asked.problem === undefined ? null : <Problem text={asked.problem} />}
      {isWanted.value && asked.answer !== undefined && Figures !== undefined ? <Figures prediction={asked.answer} name={name} /> : null}
    </details>
  )
}
