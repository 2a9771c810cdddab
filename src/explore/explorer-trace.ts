/** The one line by which a program can be watched. */
import { Trace, type TraceOptions } from '../trace/span.js'
import { ExplorerFeed, type ExplorerFeedOptions } from './explorer-feed.js'

export interface ExplorerTraceOptions extends ExplorerFeedOptions, Omit<TraceOptions, 'listener'> {}

/**
 * A trace whose events `kvarium explore` shows while the program runs. Pass it as option `trace`; each store needs one of its own.
 * Without an explorer the newest events wait, within bounds. Beside the price of the trace it costs the program no waiting, and no error.
 */
export function explorerTrace({ level, payloads, ...options }: ExplorerTraceOptions = {}): Trace {
  const { listener } = new ExplorerFeed(options)
  return new Trace({ listener, ...(level !== undefined && { level }), ...(payloads !== undefined && { payloads }) })
}
