import { quiet } from '../../packages/lab/src/compare/process-meter.js'
import type { Store } from './stores.js'

/**
 * Waits for the end of background work and returns its time. The process is watched after `settle()`: work that continues
 * then counts.
 */
export async function settle(store: Pick<Store, 'settle'>): Promise<number> {
  const slackMs = 50
  await store.settle?.()
  const said = performance.now()
  const seen = await quiet()
  return store.settle === undefined || seen > said + slackMs ? seen : said
}
