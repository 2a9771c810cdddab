/**
 * A recording as stored in a page: JSON, within bounds.
 *
 * Invariants:
 * 1. The page stores the beginning of the recording without a gap, with the first payloads of writes. The rest is counted.
 */
import { describe, eventFromJson, toJson } from 'kvarium/observe'
import type { TraceEvent } from 'kvarium/trace'
import type { FoundFiles, Item, ReplayedRun } from './items.js'

const MAX_ITEMS = 100_000
const MAX_PAYLOAD_BYTES = 8 << 20

export interface StoredRecording {
  readonly items: readonly unknown[]
  readonly found: readonly (Omit<FoundFiles, 'events'> & { readonly events: readonly unknown[] })[]
  /** Index of the item that the page opens at. */
  readonly position: number
  readonly leftOut: { readonly items: number; readonly payloadBytes: number }
}

export interface StoreLimits {
  readonly maxItems?: number
  readonly maxPayloadBytes?: number
}

export function storedRecording(
  { items, found = [], position = 0 }: ReplayedRun,
  { maxItems = MAX_ITEMS, maxPayloadBytes = MAX_PAYLOAD_BYTES }: StoreLimits = {},
): StoredRecording {
  let kept = 0
  let leftOut = 0
  const eventOf = (event: TraceEvent): unknown => {
    if (event.type !== 'file.write' || event.bytes === undefined) return toJson(event)
    const { bytes, ...bare } = event
    if (leftOut === 0 && kept + bytes.length <= maxPayloadBytes) {
      kept += bytes.length
      return toJson(event)
    }
    leftOut += bytes.length
    return toJson(bare)
  }
  const storedFound: StoredRecording['found'][number][] = []
  const stored = items.slice(0, maxItems).map((item, index) => {
    for (; found[storedFound.length]?.position === index;) {
      const { events, ...rest } = found[storedFound.length]
      storedFound.push({ ...rest, events: events.map(eventOf) })
    }
    if (item.kind !== 'event') return item
    const { text: _text, event, ...rest } = item
    return { ...rest, event: eventOf(event) }
  })
  return {
    items: stored,
    found: storedFound,
    position: Math.max(0, Math.min(position, stored.length - 1)),
    leftOut: { items: items.length - stored.length, payloadBytes: leftOut },
  }
}

/** The items again, with the sentences of their events. */
export function itemsOf({ items }: Pick<StoredRecording, 'items'>): Item[] {
  return items.map(stored => {
    const item = stored as Item
    if (item.kind !== 'event') return item
    const event = eventFromJson(item.event)
    return { ...item, event, text: describe(event) }
  })
}

/** The found files again. */
export function foundOf({ found }: Pick<StoredRecording, 'found'>): FoundFiles[] {
  return found.map(({ events, ...rest }) => ({ ...rest, events: events.map(eventFromJson) }))
}
