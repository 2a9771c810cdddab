/** Where operations are added: one at a time, or by the thousand. */
import type { JSX } from 'preact'
import { add, isBusy, stop } from './state.js'

export function Operations(): JSX.Element {
  const many = (): void => void add([{ generator: { kind: 'random', count: 1000, seed: 1, valueBytes: 100, keys: 1000 } }])
  return (
    <section class="operations" aria-label="Operations">
      <button type="button" disabled={isBusy.value} onClick={many}>
        Put 1,000 random keys
      </button>
      {isBusy.value ? (
        <button type="button" onClick={stop}>
          Stop
        </button>
      ) : null}
    </section>
  )
}
