/** `kvarium/engine`: what an engine is, the pieces to build one from, and the smallest one. */
export { ByteView, KIND_DELETE, KIND_DELETE_RANGE, KIND_PUT, MAX_SEQUENCE, compareKeys } from '../codec/entry.js'
export type { EntryCursor, EntryKind } from '../codec/entry.js'
export { CorruptionError, FormatError, IoError, KvariumError, LockedError, MisuseError, PoisonedError } from '../errors.js'
export { Ledger, readAmplification, spaceAmplification, writeAmplification } from '../trace/ledger.js'
export type { LedgerCounts, ReadAmplification, ReadCounts, ReadPart, StorePart, WriteAmplification, WritePart } from '../trace/ledger.js'
export type { Tracer } from '../trace/span.js'
export { BatchReader, MAX_BATCH_BYTES, WriteBatch } from './batch.js'
export type {
  BatchFeed,
  Cursor,
  Engine,
  EngineContext,
  EngineFactory,
  EngineShape,
  EngineSnapshot,
  EngineStats,
  EngineVariant,
  FeedOptions,
  KeyRange,
  LevelShape,
  OptionSpec,
  OptionTable,
  ReaderContext,
  ReaderEngine,
  SharedVersion,
  Violation,
  WriteOptions,
} from './contract.js'
export { MAX_KEY_BYTES, MAX_VALUE_BYTES } from '../codec/limits.js'
export { resolveOptions } from './options.js'
export { EngineRegistry, HOW_TO_REGISTER } from './registry.js'
export { halfOpen, isEmptyRange, isEverything, keyAfter, rangeContains } from './range.js'
export type { HalfOpenRange } from './range.js'
export { ReceivedVersions, type ReceivedVersion } from './received-versions.js'
export { VersionCursor } from './version-cursor.js'
export type { RangeTombstoneView } from './version-cursor.js'
export { BATCH_HEADER_BYTES } from './batch.js'
export { logName, parseLogName } from './durable/log-names.js'
export { nearestName } from './nearest-name.js'
