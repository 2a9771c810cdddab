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
export { JobTracer, OperationTracer, Trace } from './trace.js'
export type { Owner, TraceListener, TraceOptions, Tracer } from './trace.js'
export { EVENT_SCHEMAS } from './event-schema.js'
export type { EventSchema, Field, Fields } from './event-schema.js'
export { Ledger, readAmplification, spaceAmplification, writeAmplification } from './ledger.js'
export type { LedgerCounts, ReadAmplification, ReadCounts, ReadPart, WriteAmplification, WritePart } from './ledger.js'
