/** What traces hear of a memtable's life. */
import type { Tracer } from '../../trace/span.js'
import type { Memtable } from './memtable.js'

export function tellNew(trace: Tracer, { firstLog, list }: Memtable): void {
  trace.emit({ type: 'memtable.new', log: firstLog, bytesUsed: list.bytesUsed, capacityBytes: list.capacityBytes })
}

export function tellFrozen(trace: Tracer, { firstLog, list, ranges }: Memtable): void {
  trace.emit({ type: 'memtable.freeze', log: firstLog, entries: list.count + ranges.length, bytes: list.bytesUsed })
}

export function tellDropped(trace: Tracer, { firstLog, list, ranges }: Memtable): void {
  trace.emit({ type: 'memtable.drop', log: firstLog, entries: list.count + ranges.length })
}
