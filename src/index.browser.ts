/** kvarium without Node: a store over files in memory, or over a custom file system. */
export { ConflictError, CorruptionError, FormatError, IoError, KvariumError, LockedError, MisuseError, PoisonedError } from './errors.js'
export type {
  Engine,
  EngineContext,
  EngineFactory,
  EngineShape,
  EngineStats,
  LevelShape,
  Loss,
  OptionSpec,
  OptionTable,
  Violation,
} from './engine/contract.js'
export { btreeEngine } from './btree/factory.js'
export type { BtreeOptions } from './btree/options.js'
export { hashEngine } from './hash/factory.js'
export type { HashOptions } from './hash/options.js'
export { memoryEngine } from './memory/factory.js'
export { lsmEngine } from './lsm/factory.js'
export type { LsmOptions } from './lsm/options.js'
export { Kvarium } from './repair/portable-repair.js'
export type { RepairOptions, RepairReport } from './repair/repair.js'
export type {
  BatchCondition,
  BatchOperation,
  BatchOptions,
  ChainedBatch,
  ChainedBatchWriteOptions,
  ClearOptions,
  DelOptions,
  ExpiresAtOptions,
  IteratorOptions,
  KeyIteratorOptions,
  PutOptions,
  SequencedSnapshot,
  Sublevel,
  SublevelOptions,
  ValueIteratorOptions,
} from './store/level-types.js'
export type { CheckpointOptions } from './store/checkpoint.js'
export { copyStore } from './store/copy-store.js'
export type { AnyLevel, CopyOptions, CopyProgress, CopyReport, EntrySource } from './store/copy.js'
export type { Change, ChangeOperation, Changes, ChangesOptions } from './store/changes.js'
export type {
  Transaction,
  TransactionKeyOptions,
  TransactionOperation,
  TransactionPutOptions,
  TransactionReadOptions,
} from './store/transactions/transaction.js'
export type { TransactionOptions } from './store/transactions/transaction-options.js'
export { msgpack } from './store/msgpack.js'
export type { KvariumStats } from './store/stats.js'
export type {
  BuiltInEngineOptions,
  DestroyOptions,
  EngineName,
  EngineOptions,
  KvariumOpenOptions,
  KvariumOptions,
  StoreOptions,
} from './store/store-options.js'
export type { LedgerCounts, ReadAmplification, ReadCounts, ReadPart, StorePart, WriteAmplification, WritePart } from './trace/ledger.js'
export type { TraceEvent, TraceLevel } from './trace/events.js'
export { Recorder } from './observe/recorder.js'
export type { RecorderOptions } from './observe/recorder.js'
export { Trace } from './trace/span.js'
export type { TraceListener, TraceOptions } from './trace/span.js'
export type { Environment } from './vfs/environment.js'
export type { FileSystem } from './vfs/file-system.js'
export { MemoryFileSystem } from './vfs/memory/memory-file-system.js'
