/** The page. */
import { render } from 'preact'
import { App } from './app.js'
import { followAddress } from './open-panel.js'
import { start } from './state.js'

render(<App />, document.getElementById('explorer')!)
void start(new Worker(new URL('worker.js', document.baseURI), { type: 'module' }), followAddress())
