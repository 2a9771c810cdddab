/** The places that the current operation or job has searched so far: the probes of a get, the pages of a search, the inputs of a compaction. */
import type { EventOf, ProbeSource } from 'kvarium/trace'
import { ownerOf } from './event-fields.js'
import type { Item } from './items.js'

const LONGEST_LOOK_BACK = 20_000

export type Touch = EventOf<'get.probe'> | EventOf<'page.visit'> | EventOf<'compaction.pick'>

/** Up to a position, oldest first. */
export function touchedUpTo(items: readonly Item[], position: number): Touch[] {
  const here = items[position]
  if (here.kind !== 'event' || ownerOf(here.event) === '') return []
  const owner = ownerOf(here.event)
  const touched: Touch[] = []
  for (let at = position; at >= Math.max(0, position - LONGEST_LOOK_BACK); at--) {
    const item = items[at]
    if (item.kind !== 'event' || item.store !== here.store || ownerOf(item.event) !== owner) continue
    const { event } = item
    if (event.type === 'operation.begin' || event.type === 'job.begin') break
    if (event.type === 'get.probe' || event.type === 'page.visit' || event.type === 'compaction.pick') touched.push(event)
  }
  return touched.reverse()
}

/** Names the place by its label in drawings, and the result there. */
export function touchText(touch: Touch): string {
  if (touch.type === 'get.probe') return `${placeName(touch.source)}: ${touch.outcome}`
  if (touch.type === 'compaction.pick') return `${touch.inputs.flat().map(tableName).join(', ')}: input`
  return `page ${touch.page} at depth ${touch.depth}: slot ${touch.slot} of ${touch.entries}`
}

export function placeName(source: ProbeSource): string {
  if (source.in === 'memtable') return 'memtable'
  if (source.in === 'frozen') return `frozen ${source.index}`
  return source.in === 'table' ? tableName(source.file) : `run ${source.run} of level ${source.level}`
}

export function tableName(file: number): string {
  return `table ${file}`
}
