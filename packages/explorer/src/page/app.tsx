/** The whole page: time above, operations and panels beside the drawings of all lanes. */
import type { JSX } from 'preact'
import { useEffect } from 'preact/hooks'
import { takeDroppedFiles } from './drop.js'
import { ForkPlace } from './fork-place.js'
import { areKeysShown, handleKey } from './keys.js'
import { KeysDialog } from './keys-dialog.js'
import { LivePlace } from './live-place.js'
import { LessonPlace } from './lessons.js'
import { Operations } from './operations.js'
import { PanelTabs } from './panel-tabs.js'
import { Rows } from './rows.js'
import { StartHere } from './start-here.js'
import { Time } from './time.js'

export function App(): JSX.Element {
  useEffect(takeDroppedFiles, [])
  useEffect(() => {
    document.addEventListener('keydown', handleKey)
    return () => document.removeEventListener('keydown', handleKey)
  }, [])
  return (
    <>
      <header class="top">
        <h1>kvarium explorer</h1>
        <p class="lead">
          Real storage engines run in this page. Every operation goes into all of them: step through what each does with it.
        </p>
        <button type="button" onClick={() => (areKeysShown.value = true)}>
          Keys <kbd>?</kbd>
        </button>
      </header>
      <Time />
      <main id="main">
        <div class="side">
          <LivePlace />
          <LessonPlace />
          <Operations />
          <StartHere />
          <PanelTabs />
        </div>
        <Rows />
        <KeysDialog />
        <ForkPlace />
      </main>
    </>
  )
}
