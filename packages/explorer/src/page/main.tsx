/** The page. */
import { render } from 'preact'
import { App } from './app.js'
import { followAddress } from './open-panel.js'
import { keepRun, keptRun } from './kept-run.js'
import { lessonIn } from './lesson-name.js'
import { openLink } from './lessons.js'
import { setPanels } from './panel.js'
import { PANELS } from './panels.js'
import { start } from './state.js'
import { newWorker } from './workers.js'

setPanels(PANELS)
render(<App />, document.getElementById('explorer')!)
const link = followAddress()
const isLesson = lessonIn(link) !== undefined
void start(newWorker('worker'), keptRun() ?? (isLesson ? '' : link)).then(() => (isLesson ? openLink(link) : undefined))
keepRun()
