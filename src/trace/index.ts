/** `kvarium/trace`: what a store tells, and what to do with it: record, step back, export, describe, bill. */
export type {
  EventBodies,
  EventBody,
  EventOf,
  EventStamp,
  EventType,
  KeyFate,
  OperationKind,
  ProbeOutcome,
  ProbeSource,
  SearchStep,
  TracedTable,
  TraceEvent,
  TraceJobKind,
  TraceLevel,
} from './events.js'
export { JobTracer, OperationTracer, Trace } from './trace.js'
export type { Owner, TraceListener, TraceOptions, Tracer } from './trace.js'
export { tee } from './tee.js'
export { Recorder } from './recorder.js'
export type { RecorderOptions } from './recorder.js'
export { Rewind } from './rewind.js'
export type { Folding } from './rewind.js'
export { jsonLines, parseJsonLines } from './json-lines.js'
export { chromeTrace } from './chrome-trace.js'
export type { ChromeEvent, ChromeTrace } from './chrome-trace.js'
export { describe } from './describe.js'
export { EVENT_SCHEMAS } from './event-schema.js'
export type { EventSchema, Field, Fields } from './event-schema.js'
export { ReceiptBook } from './receipt-book.js'
export type { ReceiptBookOptions } from './receipt-book.js'
export type {
  Amounts,
  CohortReceipt,
  KindReceipt,
  LaterCause,
  LaterLine,
  Receipt,
  ReceiptState,
  ReceiptTotals,
  Searched,
  UnbilledCause,
  UnbilledLine,
} from './receipt.js'
export { renderReceipt } from './render-receipt.js'
