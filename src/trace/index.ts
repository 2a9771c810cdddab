/** `kvarium/trace`: what a store emits: spans, events and their schema, the ledger. */
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
export { runJob, Span, Trace, withSpan } from './span.js'
export type { JobOptions, SpanKind, SpanOptions, TraceListener, TraceOptions, Tracer } from './span.js'
export { EVENT_SCHEMAS } from './event-schema.js'
export type { EventSchema, Field, Fields } from './event-schema.js'
export { Diagnostics, runWatched } from './diagnostics.js'
export type {
  DiagnosticMessages,
  DiagnosticName,
  DiagnosticSink,
  DiagnosticSource,
  FailureMessage,
  JobMessage,
  StallMessage,
  WatchedJob,
} from './diagnostics.js'
export { Ledger, readAmplification, spaceAmplification, writeAmplification } from './ledger.js'
export type { LedgerCounts, ReadAmplification, ReadCounts, ReadPart, StorePart, WriteAmplification, WritePart } from './ledger.js'
