import { serveStores } from '../../src/browser/worker.js'

serveStores()
