/** The page. */
import { render } from 'preact'
import { App } from './app.js'
import { open, start } from './state.js'

render(<App />, document.getElementById('explorer')!)
void start(new Worker(new URL('worker.js', document.baseURI), { type: 'module' }), location.hash.slice(1))
addEventListener('hashchange', () => void open(location.hash.slice(1)))
