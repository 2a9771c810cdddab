/** For the script of a dedicated worker that has the stores of a page. */
import { Kvarium } from '../repair/portable-repair.js'
import { serve, type ServeOptions } from './serve.js'

export type { ServeOptions } from './serve.js'

/**
 * Opens the stores that the page asks for by `openInWorker`, and answers its requests. Call it while the script runs for the first time.
 *
 * ```ts
 * import { serveStores } from 'kvarium/browser/worker'
 * serveStores()
 * ```
 */
export function serveStores(options: ServeOptions = {}): void {
  serve(Kvarium, options)
}
