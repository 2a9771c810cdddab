/**
 * What a storage engine is: bytes in, bytes out. The store, the bench and the contract tests know engines only through
 * this file, so that a built-in engine and one of your own are interchangeable.
 *
 * Promises every engine keeps (`tests/contract` holds them):
 * 1. Keys are ordered by unsigned bytes; the empty key is a key like any other; values may be empty.
 * 2. A batch is atomic: readers, snapshots and recovery see all of it or none of it.
 * 3. `get`, `cursor` and `snapshot` capture their moment synchronously, before anything is awaited.
 * 4. `write` returning nothing means acknowledged now; a promise resolves when acknowledged. Acknowledged means handed to
 *    the operating system, and with `sync` that the medium has it. Writes take effect in the order of the calls.
 * 5. After a failed log write or sync every write fails with `PoisonedError`, reads go on, `close` still works.
 * 6. Nothing that was read is wrong: damaged bytes are a `CorruptionError`, never a missing key.
 * 7. An entry with an expiry is hidden from every read from that moment on; a snapshot or cursor sees what was live at its own moment. A put
 *    without an expiry removes that of the entry before. Only of engines with `expiresAt`.
 */
import type { ByteView } from '../codec/entry.js'
import type { Diagnostics } from '../trace/diagnostics.js'
import type { LedgerCounts } from '../trace/ledger.js'
import type { Tracer } from '../trace/span.js'
import type { Environment } from '../vfs/environment.js'
import type { FileNames } from '../vfs/file-classes.js'
import type { FileSystem } from '../vfs/file-system.js'
import type { BatchReader, WriteBatch } from './batch.js'
import type { EntryCacheStats } from './entry-cache.js'

export interface Engine {
  readonly name: string
  /** The value, in bytes that the caller owns, or `undefined`. */
  get(key: Uint8Array, snapshot?: EngineSnapshot): Uint8Array | undefined
  /**
   * `get` without a copy: points `out` at the value and returns true, or returns false. The bytes are only good until
   * the caller yields to the engine again (any other call, or an await), and must not be changed.
   */
  getView?(key: Uint8Array, out: ByteView, snapshot?: EngineSnapshot): boolean
  /**
   * `getView` of several keys at one moment, in their order, in less time than that of one after the other. Points `out` at the value of a key
   * and calls `each`, which reads it and does nothing else with the engine, and ends the look-up by returning true. Returns how many keys were
   * looked up.
   * @param keys of which the first `count` are meant
   */
  getViews?(keys: readonly Uint8Array[], count: number, out: ByteView, each: (found: boolean) => boolean, snapshot?: EngineSnapshot): number
  /**
   * When the entry of a key expires, in milliseconds since the Unix epoch; `undefined` if it does not, or if there is none. Present in engines
   * that can expire entries, absent from others, to which the store passes no batch with an expiry.
   */
  expiresAt?(key: Uint8Array, snapshot?: EngineSnapshot): number | undefined
  /**
   * Applies a batch atomically, after the `precondition` of the options. When a promise is returned the batch belongs to the engine until it settles; when
   * nothing is returned the caller may reuse the batch at once.
   */
  write(batch: WriteBatch, options: WriteOptions): Promise<void> | void
  /** Deletes every key in the range, as one atomic step that costs far less than a tombstone per key. */
  clear(range: KeyRange, options: WriteOptions): Promise<void> | void
  /**
   * Adds the puts of all batches as one atomic step, without writing them to a log first. Keys ascend through all batches; each is sealed, read
   * before the next one is asked for, and may be reused then. Resolves when everything is durable. If it rejects, or `batches` fails, nothing
   * has changed. Writes of before the commit are older, later ones newer; snapshots of before it see nothing of it.
   */
  ingest?(batches: AsyncIterable<WriteBatch>): Promise<void>
  /** A cursor over the range as it is now, or as it was at the snapshot. */
  cursor(range: KeyRange, snapshot?: EngineSnapshot): Cursor
  /** The present moment, held until released. O(1). */
  snapshot(): EngineSnapshot
  /** Bytes that keys in the range occupy, roughly: in files, and in memory as far as they are not in tables or pages yet. */
  approximateSize(range: KeyRange): number
  /** Moves what is in memory to where the engine keeps it; resolves when it is durable there. */
  flush(): Promise<void>
  /** Brings the range (everything, without one) to its most compact form, also giving back free space. */
  compact(range?: KeyRange): Promise<void>
  /** Resolves when no background work is under way or due. */
  settle(): Promise<void>
  /**
   * Ends the engine. Calls under way finish, however long a compaction or a step of a check takes; later ones are refused with
   * `LEVEL_DATABASE_NOT_OPEN`. Work that the engine began by itself may be given up. Everything is released even if this rejects.
   */
  close(): Promise<void>
  stats(): EngineStats
  shape(): EngineShape
  /** Walks everything and yields every broken invariant, with the path to it; nothing if all is well. */
  check(): AsyncIterable<Violation>
  /**
   * Holds a version of the files for readers in other threads of the process, see `openReader` of the factory. Everything that was acknowledged
   * before the call is in it. Absent from an engine whose data other threads cannot reach.
   */
  share?(): Promise<SharedVersion>
  /**
   * Holds the present moment, to be written as a store of its own. Synchronous, like `snapshot`. Absent from an engine without files.
   */
  checkpoint?(): EngineCheckpoint
  /**
   * The committed batches after a sequence number, in their order. Each is durable, as far as anything is in this engine, when it is
   * delivered. Absent from an engine that keeps no history.
   */
  changes?(options: FeedOptions): BatchFeed
}

export interface FeedOptions {
  /** Sequence number of the last operation of the last batch that the caller knows, 0 before the first; `undefined` for all that are kept. */
  readonly since: number | undefined
  /** Whether the feed waits for further batches at the present, instead of ending with the batches that were there at the call. */
  readonly live: boolean
}

/** Batches one after another. One that lags holds no memory but that of the batch it is at. */
export interface BatchFeed {
  /**
   * The next batch, before its first operation, or `undefined` at the end. It is only good until the next call, which comes after this one
   * has settled. Fails with `LEVEL_CHANGES_GONE` where the batches that follow are not kept any more.
   */
  next(): Promise<BatchReader | undefined> | BatchReader | undefined
  /** Releases what the feed holds. A `next` that waits fails. Closing twice is harmless. */
  close(): void
}

/** A moment of an engine that is to be written to another directory. */
export interface EngineCheckpoint {
  /**
   * Writes the files of a store of this engine that holds exactly what this one held at the moment into `directory`, which exists and has
   * nothing but the store's own files. Writes, flushes and compactions go on meanwhile. The files share nothing with those of this store that
   * either of them changes later. Resolves when the files and their names are durable. Rejects with `LEVEL_ABORTED` once `signal` is aborted;
   * what a failure leaves in the directory, the store removes. To be called once at the most.
   */
  write(directory: string, signal?: AbortSignal): Promise<void>
  /**
   * Prepares an earlier checkpoint in `directory` to hold this moment: writes what it does not have to places that it does not use. What it holds
   * stays whole until the commit. `undefined` where the earlier one cannot be used that way; then nothing has changed. To be called instead
   * of `write`. Absent from an engine that makes every checkpoint anew.
   */
  update?(directory: string, options: CheckpointUpdateOptions): Promise<CheckpointUpdate | undefined>
  /** Releases what is held. Releasing twice is harmless. */
  release(): void
}

export interface CheckpointUpdateOptions {
  /** Ends the work with `LEVEL_ABORTED`. */
  readonly signal?: AbortSignal | undefined
  /** Called with the bytes of each page of the earlier checkpoint that stays in its place. */
  readonly onKept: (bytes: number) => void
}

/** What an earlier checkpoint lacks is written and durable; only the commit is left. */
export interface CheckpointUpdate {
  /** Pages of the earlier checkpoint that stay in their places, and pages that were written. */
  readonly pages: { readonly kept: number; readonly written: number }
  /** The file system, with the files of the directory as the commit leaves them: to be read only. */
  preview(fileSystem: FileSystem): FileSystem
  /** From the end of this on, and durably, the directory holds the moment. A failure leaves the earlier checkpoint or this one. */
  commit(): Promise<void>
  /** Closes the files. Without a commit the directory holds what it held. */
  close(): void
}

/** A version that is held for readers in other threads, or that a reader has received. */
export interface SharedVersion {
  /** What `openReader` needs of it: data that the structured clone keeps, and memory that threads share. */
  readonly description: object
  /** The holder needs it no longer. Releasing twice is harmless. */
  release(): void
}

/**
 * The reading half of an engine, over a version that an engine in another thread shares. It takes no lock and writes nothing. Its ledger counts
 * its own reads.
 */
export interface ReaderEngine extends Pick<
  Engine,
  'name' | 'get' | 'expiresAt' | 'cursor' | 'snapshot' | 'approximateSize' | 'close' | 'stats' | 'shape' | 'check'
> {
  getView(key: Uint8Array, out: ByteView, snapshot?: EngineSnapshot): boolean
  /** Reads a newer version from now on. The one before is released when no snapshot and no cursor reads it. */
  advance(version: SharedVersion): void
}

export interface WriteOptions {
  /** Acknowledge only once the write survives power loss. */
  readonly sync: boolean
  /**
   * Called once, when everything before the write is in effect and no other write can come between this call and the write. It may read the
   * present state. If it throws, nothing of the write happens, and the write fails with that error. An attempt that finds no room calls it
   * later, when there is room.
   */
  readonly precondition?: (() => void) | undefined
  /** Called once, when readers see the write, before another write takes effect. Not called for a write that failed. */
  readonly applied?: (() => void) | undefined
}

/** Bounds of a range of keys. `gt` with `gte`, or `lt` with `lte`, is a misuse; no bounds means everything. */
export interface KeyRange {
  readonly gt?: Uint8Array
  readonly gte?: Uint8Array
  readonly lt?: Uint8Array
  readonly lte?: Uint8Array
}

/** A moment of an engine. Releasing twice is harmless. */
export interface EngineSnapshot {
  /** Sequence number of the last operation that it sees, where the engine has a change feed. */
  readonly sequence?: number
  release(): void
}

/**
 * A position in a range of live keys. A fresh cursor is not valid; moving off either end makes it invalid; `next` and
 * `prev` require `valid`. `key` and `value` are only good until the cursor moves or the caller awaits.
 */
export interface Cursor {
  readonly valid: boolean
  readonly key: ByteView
  readonly value: ByteView
  first(): boolean
  last(): boolean
  /** To the first key at or after `target`, within the range. */
  seek(target: Uint8Array): boolean
  /** To the last key at or before `target`, within the range. */
  seekReverse(target: Uint8Array): boolean
  next(): boolean
  prev(): boolean
  /** Releases what the cursor pins. Closing twice is harmless. */
  close(): void
}

/** Numbers since open, and sizes now. */
export interface EngineStats {
  readonly engine: string
  readonly ledger: LedgerCounts
  /** Bytes held in memory for data: memtables or pages, cache, resident indexes and filters. */
  readonly memoryBytes: number
  readonly cache?: { readonly hits: number; readonly misses: number; readonly usedBytes: number; readonly capacityBytes: number }
  /** Values of keys that are read again and again, in bytes and gets. Only where the option `entryCache` is on, and the cache large enough. */
  readonly entryCache?: EntryCacheStats
  /** Work that waits for the background writer: bytes not yet flushed, compactions due. */
  readonly pending: { readonly memoryBytes: number; readonly jobs: number }
  /** Times writers had to wait for the background, and for how long in total. */
  readonly stalls: { readonly count: number; readonly totalMs: number }
  /** Times an idle or closing engine turned deleted data into free space, and the bytes by which that made the files smaller. */
  readonly idleCompaction?: { readonly runs: number; readonly freedBytes: number }
  /** Where flushes and compactions run: in a worker thread, or inline in the thread of the store. Only of engines that can do both. */
  readonly executor?: 'worker' | 'inline'
}

/** The structure of an engine as plain JSON, for drawing and for tests. */
export interface EngineShape {
  readonly engine: string
  readonly levels?: readonly LevelShape[]
  readonly [detail: string]: unknown
}

export interface LevelShape {
  readonly level: number
  readonly runs: number
  readonly tables: number
  readonly entries: number
  readonly bytes: number
}

export interface Violation {
  /** From the outside in: `lsm / L1 / 000012.sst / block 3`. */
  readonly path: string
  readonly message: string
  /** The file that is damaged, and where in it, in bytes, where the violation is one of a file. */
  readonly file?: string
  readonly offset?: number
}

/** How the store makes an engine. Pass your own as `engine` in the options of the store. */
export interface EngineFactory {
  /** Remembered by the directory; opening it with another engine is an error. */
  readonly name: string
  /** False for an engine that keeps nothing on disk: the store then makes no directory and takes no lock. */
  readonly durable: boolean
  /** The options that the engine understands, so that the store can refuse unknown ones. */
  readonly options: OptionTable
  /**
   * The names of the files that the engine makes, by class; a durable engine needs it. Destroying a store removes these files and no others,
   * a store that lost its `KVARIUM` is known by them, and the class decides in which part of the ledger a trace counts their bytes.
   */
  readonly files?: FileNames
  /** The ledger's `liveBytes` is what a scan would return, not an estimate. */
  readonly countsLiveBytes?: true
  /** Its entries can expire: the engine has `expiresAt`. */
  readonly expires?: true
  /** The rows of this engine in `kvarium compare`; by default one of its own name, with the default options. */
  readonly variants?: readonly EngineVariant[]
  open(context: EngineContext): Promise<Engine>
  /**
   * Everything live that can still be read from the files of a damaged store, in the order of the keys, without opening it. What
   * cannot be read goes to `lost`. Changes no file. Without this method a repair reads through an open engine.
   */
  salvage?(context: EngineContext, lost: (loss: Loss) => void): AsyncIterable<SalvagedEntry>
  /** Reads a version that an engine of this factory shares, in any thread of the process. */
  openReader?(context: ReaderContext, version: SharedVersion): Promise<ReaderEngine>
}

/** `options` are those of the factory's table that a reader has: the size of its cache, and files kept open. */
export type ReaderContext = Pick<EngineContext, 'environment' | 'directory' | 'options'>

/** One way to run an engine in a comparison. */
export interface EngineVariant {
  /** As `kvarium compare --engine` takes it; names a directory. */
  readonly name: string
  readonly options: Readonly<Record<string, unknown>>
  /** Names of options in bytes that shrink with the dataset, so that a small one fills the same structure as a large one would. */
  readonly scaled: readonly string[]
}

/** Bytes that the caller owns. */
export interface SalvagedEntry {
  readonly key: Uint8Array
  readonly value: Uint8Array
  /** Milliseconds since the Unix epoch. */
  readonly expiresAt?: number | undefined
}

/** A part of a store that cannot be read. */
export interface Loss {
  readonly file: string
  readonly offset?: number
  readonly message: string
  /** The keys that may be missing, or have an older value, if that is known. A side without a bound is open. */
  readonly keys?: KeyRange
}

export interface EngineContext {
  readonly environment: Environment
  /**
   * Exists, is locked, and is the engine's own but for the store's `KVARIUM` and `LOCK*` files. A relative one means what it means when
   * the engine is opened.
   */
  readonly directory: string
  /** True when this open created the store: the engine then starts empty, over whatever a crash in creation left. */
  readonly created: boolean
  /**
   * The engine is opened only to be read, by a read-only store or by a tool, maybe while others read it: it starts no background work
   * of its own. The file system keeps what it writes in memory, over files that do not change; better it writes nothing.
   */
  readonly inspecting?: boolean
  /** Every option of the factory's table, validated, defaults filled in. */
  readonly options: Readonly<Record<string, unknown>>
  /** What the engine emits to, inside of operations and in the background; the file system emits file events by itself. */
  readonly trace?: Tracer
  /** Where the engine publishes the ends of its jobs and stalls, for operators. */
  readonly diagnostics?: Diagnostics | undefined
}

export type OptionTable = Readonly<Record<string, OptionSpec>>

export type OptionSpec =
  | {
      readonly type: 'integer'
      readonly default: number
      readonly min: number
      readonly max: number
      /** Accepts `'auto'` as well. The store replaces it, before the engine is opened, by a part of the memory that is available. */
      readonly auto?: true
      readonly unit?: string
      readonly about: string
    }
  | { readonly type: 'boolean'; readonly default: boolean; readonly about: string }
  | {
      readonly type: 'choice'
      readonly default: string
      readonly choices: readonly string[]
      /** The choices that `false` and `true` stand for, where a boolean is accepted as well. */
      readonly booleans?: readonly [string, string]
      /** Accepts an object of choices as well: by `level0`, `level1`, …, and `rest` for the other levels, without which they have the default. */
      readonly byLevel?: true
      readonly about: string
    }
  /** Checked by the engine itself. */
  | { readonly type: 'object'; readonly about: string }
