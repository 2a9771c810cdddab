/** Where a ledger asks for what formulas predict, for all lanes at once. What it shows is loaded when it is wanted. */
import { signal } from '@preact/signals'
import type { ComponentType, JSX } from 'preact'
import type { PredictionPicture } from '../../views/prediction.js'
import { isBusy, position } from '../state.js'
import { useAnswer } from '../use-answer.js'

const isWanted = signal(false)

/** The prediction for a lane at the present position, while it is wanted. */
export function usePrediction(lane: number): PredictionPicture | undefined {
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

export function PredictionPlace(props: PlaceProps): JSX.Element {
  const Figures = figures.value
  return (
    <details open={isWanted.value} onToggle={event => void want(event.currentTarget.open)}>
      <summary>Predicted by formulas</summary>
      {isWanted.value && props.prediction !== undefined && Figures !== undefined ? <Figures {...props} /> : null}
    </details>
  )
}
