/**
 * A recording as stored in a page: JSON, within bounds.
 *
 * Invariants:
 * 1. The page stores the beginning of the recording without a gap, with the first payloads of writes. The rest is counted.
 */
import { describe } from '../../../src/observe/describe.js'
import { eventFromJson, toJson } from '../../../src/observe/json-lines.js'
import type { Item, Recording } from '../items.js'

const MAX_ITEMS = 100_000
const MAX_PAYLOAD_BYTES = 8 << 20

export interface StoredRecording {
  readonly items: readonly unknown[]
  readonly leftOut: { readonly items: number; readonly payloadBytes: number }
}

export interface StoreLimits {
  readonly maxItems?: number
  readonly maxPayloadBytes?: number
}

export function storedRecording(
  { items }: Recording,
  { maxItems = MAX_ITEMS, maxPayloadBytes = MAX_PAYLOAD_BYTES }: StoreLimits = {},
): StoredRecording {
  let kept = 0
  let leftOut = 0
  const stored = items.slice(0, maxItems).map(item => {
    if (item.kind !== 'event') return item
    const { text: _text, event, ...rest } = item
    if (event.type !== 'file.write' || event.bytes === undefined) return { ...rest, event: toJson(event) }
    const { bytes, ...bare } = event
    if (leftOut === 0 && kept + bytes.length <= maxPayloadBytes) {
      kept += bytes.length
      return { ...rest, event: toJson(event) }
    }
    leftOut += bytes.length
    return { ...rest, event: toJson(bare) }
  })
  return { items: stored, leftOut: { items: items.length - stored.length, payloadBytes: leftOut } }
}

/** The items again, with the sentences of their events. */
export function itemsOf({ items }: StoredRecording): Item[] {
  return items.map(stored => {
    const item = stored as Item
    if (item.kind !== 'event') return item
    const event = eventFromJson(item.event)
    return { ...item, event, text: describe(event) }
  })
}
