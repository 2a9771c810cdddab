import { quiet } from './process-meter.js'
import type { Store } from './stores.js'

/**
 * Waits for the end of background work; returns when that was. A store's own word for it is checked against what the
 * process does afterwards: work that goes on after `settle()` counts.
 */
export async function settle(store: Pick<Store, 'settle'>): Promise<number> {
  const slackMs = 50
  await store.settle?.()
  const said = performance.now()
  const seen = await quiet()
  return store.settle === undefined || seen > said + slackMs ? seen : said
}
