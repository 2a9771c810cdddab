import type { TraceEvent } from 'kvarium/trace'

/** Sequence numbers of the snapshots that are held after the first `count` events, ascending. */
export function snapshotsAt(events: readonly TraceEvent[], count: number): readonly number[] {
  const held: number[] = []
  for (let at = 0; at < count; at++) {
    const event = events[at]
    if (event.type === 'job.begin' && event.kind === 'open') held.length = 0
    if (event.type === 'snapshot.take') held.push(event.entrySequence)
    if (event.type !== 'snapshot.release') continue
    const index = held.indexOf(event.entrySequence)
    if (index >= 0) held.splice(index, 1)
  }
  return held.sort((a, b) => a - b)
}
