/** The events of a memtable's life. */
import type { Tracer } from '../../trace/span.js'
import type { Memtable } from './memtable.js'

export function emitNew(trace: Tracer, { firstLog, list }: Memtable): void {
  trace.emit({ type: 'memtable.new', log: firstLog, bytesUsed: list.bytesUsed, capacityBytes: list.capacityBytes })
}

export function emitFrozen(trace: Tracer, { firstLog, list, ranges }: Memtable, hasGrown = false): void {
  const grown = hasGrown ? { capacityBytes: list.capacityBytes } : {}
  trace.emit({ type: 'memtable.freeze', log: firstLog, entries: list.count + ranges.length, bytes: list.bytesUsed, ...grown })
}

export function emitDropped(trace: Tracer, { firstLog, list, ranges }: Memtable): void {
  trace.emit({ type: 'memtable.drop', log: firstLog, entries: list.count + ranges.length })
}
