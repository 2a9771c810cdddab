/** What formulas and a simulation predict for a lane's work, beside what was measured. */
import type { JSX } from 'preact'
import type { PredictedRow, PredictionPicture } from '../../views/prediction.js'
import { bytes, counted, number } from '../format.js'

const ORDER = { ascending: 'in ascending order', uniform: 'all equally often', zipfian: 'few of them often' }

export function PredictionFigures({
  prediction,
  name,
}: {
  readonly prediction: PredictionPicture | undefined
  readonly name: string
}): JSX.Element {
  const { work, rows, notes } = prediction ?? { rows: [], notes: [] }
  return (
    <>
      {work === undefined ? null : (
        <p>
          The work so far: {counted(work.puts, 'put')} of keys drawn from about {number(work.keys)}, {ORDER[work.distribution]}; a key has{' '}
          {bytes(work.keyBytes)}, a value {bytes(work.valueBytes)}.
        </p>
      )}
      {notes.map(note => (
        <p key={note}>{note}</p>
      ))}
      {rows.length === 0 ? null : (
        <div class="scroll" tabIndex={0} role="region" aria-label={`Predictions for ${name}`}>
          <table class="predictions">
            <caption>Measured so far, and predicted for this work</caption>
            <thead>
              <tr>
                {['figure', 'measured', 'predicted', 'off by'].map(title => (
                  <th key={title} scope="col">
                    {title}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {rows.map(row => (
                <tr key={row.name}>
                  <th scope="row">{row.name}</th>
                  <td>{row.measured === null ? 'nothing' : text(row.measured, row)}</td>
                  <td>{text(row.predicted, row)}</td>
                  <td>{errorText(row)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {rows.length === 0 ? null : (
        <details>
          <summary>The formulas, and why they differ</summary>
          <ul class="prediction-why">
            {rows.map(({ name: figure, formula, source, why }) => (
              <li key={figure}>
                <strong>{figure}</strong>: {formula} ({source}). {why}
              </li>
            ))}
          </ul>
        </details>
      )}
    </>
  )
}

function text(value: number, { unit }: PredictedRow): string {
  if (unit === 'share') return `${(100 * value).toFixed(1)} %`
  return unit === 'levels' ? number(value) : value.toFixed(2)
}

function errorText({ measured, predicted }: PredictedRow): string {
  if (measured === null || measured === 0) return ''
  const error = (predicted - measured) / measured
  return `${error < 0 ? '−' : '+'}${Math.abs(100 * error).toFixed(1)} %`
}
