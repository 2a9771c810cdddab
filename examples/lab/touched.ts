import type { TraceEvent } from '../../src/trace/events.js'
import type { Item } from './items.js'

const LONGEST_LOOK_BACK = 2000

/** What the operation under way at a position has looked at so far: the probes of a get, the pages of a search. Oldest first. */
export function touchedUpTo(items: readonly Item[], position: number): TraceEvent[] {
  const here = items[position]
  if (here.kind !== 'event' || here.event.operation === 0) return []
  const touched: TraceEvent[] = []
  for (let at = position; at >= Math.max(0, position - LONGEST_LOOK_BACK); at--) {
    const item = items[at]
    if (item.kind !== 'event' || item.store !== here.store || item.event.operation !== here.event.operation) continue
    const { event } = item
    if (event.type === 'operation.begin') break
    if (event.type === 'get.probe' || event.type === 'page.visit') touched.push(event)
  }
  return touched.reverse()
}
