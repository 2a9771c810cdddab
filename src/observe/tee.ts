import type { TraceListener } from '../trace/span.js'

/** One listener that passes every event to several, in their order. */
export function tee(...listeners: readonly TraceListener[]): TraceListener {
  return event => {
    for (const listener of listeners) listener(event)
  }
}
