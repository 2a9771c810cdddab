/** The whole page: operations, time, and a column of drawings for every lane. */
import type { JSX } from 'preact'
import { useEffect } from 'preact/hooks'
import { Crash } from './crash.js'
import { DRAWINGS } from './drawings/catalog.js'
import { History } from './history.js'
import { handleKey } from './keys.js'
import { KeysDialog } from './keys-dialog.js'
import { Operations } from './operations.js'
import { OwnStore } from './own-store.js'
import { Share } from './share.js'
import { LaneSettingsPanel } from './lanes.js'
import { Receipt } from './receipt.js'
import { last, look, problem } from './state.js'
import { Time } from './time.js'

export function App(): JSX.Element {
  useEffect(() => {
    document.addEventListener('keydown', handleKey)
    return () => document.removeEventListener('keydown', handleKey)
  }, [])
  return (
    <>
      <header>
        <h1>Two storage engines, step by step</h1>
        <p class="lead">
          Real engines of kvarium run in this page. Every operation goes into all of them, and every event can be stepped through.
        </p>
      </header>
      <main id="main">
        <LaneSettingsPanel />
        <Operations />
        <Time />
        {problem.value === undefined ? null : (
          <p class="problem" role="alert">
            {problem.value}
          </p>
        )}
        <History />
        <Receipt />
        <Lanes />
        <Crash />
        <Share />
        <OwnStore />
        <KeysDialog />
      </main>
    </>
  )
}

function Lanes(): JSX.Element {
  if (look.value === undefined || last.value === 0) return <p class="lead">The engines are starting.</p>
  return (
    <div class="lanes">
      {look.value.lanes.map((lane, index) => (
        <section key={lane.name} class="lane" aria-label={lane.name}>
          <h2>{lane.name}</h2>
          {DRAWINGS.filter(({ picture }) => lane.pictures[picture] !== undefined).map(({ title, Component }) => (
            <section key={title} class="drawing" aria-label={`${title} of ${lane.name}`}>
              <h3>{title}</h3>
              <Component lane={lane} index={index} />
            </section>
          ))}
        </section>
      ))}
    </div>
  )
}
