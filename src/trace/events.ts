/**
 * The events of a trace: one type per kind of event. The engine runs each operation to its end and emits as it goes; a reader who steps
 * through a run folds the events and never holds the engine up.
 *
 * Invariants:
 * 1. Events are plain data that own their bytes: they stay true when the engine goes on.
 * 2. Every file event belongs to an operation or to a job; the bytes of all file events are the bytes of the ledger.
 * 3. Events come in the order in which things happened. Those of a job in another thread arrive together, when the job has ended.
 */
import type { EntryKind } from '../codec/entry.js'
import type { ReadCounts, ReadPart, WritePart } from './ledger.js'

/** How much a trace records: what happens in the background; also every operation and file call; also every step inside of them. */
export type TraceLevel = 'job' | 'io' | 'step'

export type OperationKind =
  | 'get'
  | 'write'
  | 'clear'
  | 'cursor'
  | 'seek'
  | 'next'
  | 'snapshot'
  | 'flush'
  | 'compact'
  | 'settle'
  | 'check'
  | 'estimate'
  | 'share'
  | 'ingest'
  | 'changes'
  | 'backup'
  | 'transaction'

/** `commit` is a sync of the log that concurrent writers share; `open` is recovery, `replay` what goes on of it after opening; `rotate` makes a new log known; `free` removes files. */
export type TraceJobKind = 'open' | 'close' | 'commit' | 'rotate' | 'replay' | 'flush' | 'compaction' | 'checkpoint' | 'free'

/** What every event carries. */
export interface EventStamp {
  /** Counts from 1 and never repeats in a trace. */
  readonly sequence: number
  /** The operation it belongs to; 0 if it belongs to none. */
  readonly operation: number
  /** The job it belongs to; 0 if it belongs to none. */
  readonly job: number
  /** By the clock of the environment. */
  readonly atMs: number
}

/** Where a get looked: the memtable, a frozen one (0 is the newest), a table, or a run of several tables of which none may hold the key. */
export type ProbeSource =
  | { readonly in: 'memtable' }
  | { readonly in: 'frozen'; readonly index: number }
  | { readonly in: 'table'; readonly level: number; readonly file: number }
  | { readonly in: 'run'; readonly level: number; readonly run: number }

/**
 * `range-skip`: no key of the source can be it. `bloom-skip`: the filter said no. `false-positive`: the filter said maybe, wrongly.
 * `covered`: there is a value, but a newer range tombstone deletes it. `miss` also where all versions are newer than the snapshot.
 */
export type ProbeOutcome = 'hit' | 'tombstone' | 'expired' | 'covered' | 'miss' | 'range-skip' | 'bloom-skip' | 'false-positive'

export type KeyFate = 'kept' | 'expired' | 'shadowed' | 'covered' | 'tombstone-dropped'

export interface TracedTable {
  readonly number: number
  readonly level: number
  readonly run: number
  readonly entries: number
  /** Point tombstones among the entries. */
  readonly tombstones: number
  readonly rangeTombstones: number
  readonly fileBytes: number
  readonly rawBytes: number
  readonly minSequence: number
  readonly maxSequence: number
  readonly smallest: Uint8Array
  readonly largest: Uint8Array
  /** About when half of the entries will have expired, in milliseconds since the Unix epoch; only where that many expire. */
  readonly halfExpiredAt?: number
  /** Numbers of the blob files with values of the table, and the bytes of those; only where there are any. */
  readonly blobs?: readonly (readonly [file: number, bytes: number])[]
}

export interface TracedBlob {
  readonly number: number
  readonly fileBytes: number
  /** Bytes of all values that were put into it, and of the other entries that a log had. */
  readonly valueBytes: number
}

/** A file of a hash engine, as it is now. `puts` and `putBytes` are all that it was given, `live` and `liveBytes` those of newest versions. */
export interface TracedDataFile {
  readonly file: number
  /** Numbers of the first and the last log that it has, or replaces. */
  readonly from: number
  readonly to: number
  /** Whether it still has the name of a log. */
  readonly log: boolean
  /** It was merged into another file, and only held moments need it. */
  readonly obsolete: boolean
  readonly bytes: number
  readonly puts: number
  readonly live: number
  readonly putBytes: number
  readonly liveBytes: number
  /** Versions in it that held moments need. */
  readonly pins: number
}

/** One level of a search through a skiplist, from the top down. `key` is where it stood when it went down; undefined is the head. */
export interface SearchStep {
  readonly level: number
  readonly key: Uint8Array | undefined
  readonly forward: number
  readonly comparisons: number
}

/** Bodies by type. Lengths and offsets are bytes. */
export interface EventBodies {
  // The engine: level job.
  /** An engine is open and says where it begins: the sequence number of the last operation that it recovered, and its options. */
  'engine.open': { readonly engine: string; readonly entrySequence: number; readonly options: Readonly<Record<string, unknown>> }
  /** `live` is the number of snapshots then. */
  'snapshot.take': { readonly entrySequence: number; readonly live: number }
  'snapshot.release': { readonly entrySequence: number; readonly live: number }

  // Operations: level io.
  'operation.begin': {
    readonly kind: OperationKind
    readonly key?: Uint8Array
    readonly entries?: number
    readonly userBytes?: number
    readonly sync?: boolean
  }
  /** `touched`: what a get or a step of a cursor asked filters and took from the cache or the disk. */
  'operation.end': {
    readonly kind: OperationKind
    readonly status: 'ok' | 'found' | 'missing' | 'failed'
    readonly valueBytes?: number
    readonly error?: string
    readonly touched?: Readonly<ReadCounts>
  }

  // Transactions: level job.
  /** What the run with the number `attempt` read has changed; without a key, more was written meanwhile than is kept to compare with. */
  'transaction.conflict': { readonly attempt: number; readonly key?: Uint8Array }
  /** `entries` that the run has written, and the keys that it has read beside ranges. */
  'transaction.commit': { readonly attempt: number; readonly entries: number; readonly keysRead: number }

  // Files: level io. `file` is the name without directory. The ledger counts it under `part`.
  'file.create': { readonly file: string }
  'file.open': { readonly file: string; readonly writable: boolean }
  'file.read': { readonly file: string; readonly offset: number; readonly length: number; readonly part: ReadPart }
  /** `bytes` only if the trace journals payloads. */
  'file.write': {
    readonly file: string
    readonly offset: number
    readonly length: number
    readonly part: WritePart
    readonly bytes?: Uint8Array
  }
  'file.truncate': { readonly file: string; readonly size: number }
  'file.sync': { readonly file: string }
  'file.close': { readonly file: string }
  'file.rename': { readonly from: string; readonly to: string }
  'file.link': { readonly file: string; readonly name: string }
  'file.remove': { readonly file: string }
  'directory.sync': { readonly directory: string }

  // The log. `append` io, the others job.
  'log.append': {
    readonly log: number
    readonly firstSequence: number
    readonly entries: number
    readonly offset: number
    readonly length: number
    readonly userBytes: number
  }
  'log.rotate': { readonly from: number; readonly to: number }
  'log.replay': {
    readonly log: number
    readonly records: number
    readonly entries: number
    readonly bytes: number
    readonly outcome: string
  }
  /** A feed of changes begins with a log, or goes on with it. Level io. */
  'changes.log': { readonly log: number; readonly after: number }
  'log.release': { readonly log: number; readonly bytes: number }
  /** One sync that `operations` shared. */
  'log.commit': { readonly log: number; readonly operations: readonly number[]; readonly upTo: number }

  // The memtable. `search`, `insert` and `tombstone.add` step, the others job.
  'memtable.search': { readonly source: ProbeSource; readonly path: readonly SearchStep[]; readonly found: boolean }
  'memtable.insert': {
    readonly key: Uint8Array
    readonly kind: EntryKind
    readonly entrySequence: number
    readonly valueBytes: number
    readonly height: number
    /** Bytes used of the arena afterwards. */
    readonly bytesUsed: number
  }
  /** Takes the place of the memtable: the one before was frozen, or is empty and given up for one with more room. */
  'memtable.new': { readonly log: number; readonly bytesUsed: number; readonly capacityBytes: number }
  /** `capacityBytes` is there where recovery filled the memtable and it grew. */
  'memtable.freeze': { readonly log: number; readonly entries: number; readonly bytes: number; readonly capacityBytes?: number }
  /** The oldest frozen one: it is in tables now, or was forgotten. */
  'memtable.drop': { readonly log: number; readonly entries: number }
  'tombstone.add': { readonly from: Uint8Array; readonly to: Uint8Array; readonly entrySequence: number }

  // Jobs: level job.
  'job.begin': { readonly kind: TraceJobKind; readonly reason?: string; readonly remote?: boolean }
  'job.end': {
    readonly kind: TraceJobKind
    readonly status: 'ok' | 'failed' | 'cancelled'
    readonly bytesRead: number
    readonly bytesWritten: number
    readonly error?: string
  }

  // Tables being built: `block`, `filter` step; `table` job.
  'table.block': {
    readonly file: number
    readonly kind: 'data' | 'index' | 'filter' | 'properties' | 'ranges' | 'footer'
    readonly offset: number
    readonly length: number
    readonly entries: number
  }
  'table.filter': { readonly file: number; readonly bits: number; readonly hashes: number; readonly keys: number }
  'table.built': TracedTable & { readonly blocks: number }

  // Compaction: `pick` and `merge.end` job, `key` step (also of a flush, which is a merge of one source).
  'compaction.pick': {
    readonly reason: string
    /** What the picker weighed: 1 or more is due. */
    readonly scores: readonly number[]
    readonly inputs: readonly (readonly number[])[]
    readonly outputLevel: number
    readonly outcome: 'merge' | 'move' | 'drop'
    /** Bytes of the inputs that lie in the output level. */
    readonly overlapBytes: number
    readonly inputBytes: number
  }
  'compaction.key': {
    readonly key: Uint8Array
    readonly entrySequence: number
    readonly kind: EntryKind
    readonly fate: KeyFate
    readonly valueBytes: number
  }

  /** A flush or compaction has merged its inputs; its tables are complete but in no version yet. */
  'merge.end': {
    readonly entriesRead: number
    /** `expired` is there where it is not 0. */
    readonly dropped: { readonly shadowed: number; readonly covered: number; readonly tombstones: number; readonly expired?: number }
    readonly tables: readonly number[]
    /** Events of level step that a job in another thread had to leave out, for lack of room in its buffer. */
    readonly notRecorded: number
  }

  /** Entries that have expired are gone; where they were replaced by tombstones, those may still be there. Level job. */
  'entries.expire': { readonly entries: number; readonly bytes: number }

  // The hash engine. `change` io, `search`, `place` and `remove` step, the others job.
  /** Where the newest value of a key is, or that a search found none. `offset` is that of the value in file `file`. */
  'directory.search': {
    readonly key: Uint8Array
    readonly outcome: 'hit' | 'expired' | 'miss'
    readonly file?: number
    readonly offset?: number
    readonly length?: number
  }
  /** The newest value of a key is there now, put or copied; with `from` copied out of that file. `record` is its number in the directory. */
  'directory.place': {
    readonly key: Uint8Array
    readonly hash: number
    readonly record: number
    readonly file: number
    readonly offset: number
    readonly length: number
    readonly entrySequence: number
    readonly from?: number
  }
  /** A key has no value any more; with `last` all keys from `key` to `last`. */
  'directory.remove': { readonly key: Uint8Array; readonly last?: Uint8Array }
  /**
   * Something has changed: the numbers of the directory now, and the files that are new or different. `bytes` is what the keys take in memory,
   * `orderBytes` of it their order. `gone` are files that are no more.
   */
  'directory.change': {
    readonly entries: number
    readonly liveBytes: number
    readonly entrySequence: number
    readonly records: number
    readonly bytes: number
    readonly orderBytes: number
    readonly olderVersions: number
    readonly held: number
    readonly files: readonly TracedDataFile[]
    readonly gone: readonly number[]
  }
  /** The keys in their order, for a cursor or a clear: `sorted` of the `records` were new to it. */
  'directory.sort': { readonly records: number; readonly sorted: number }
  /** Opening has read a data file, or only its hint file. `puts` are those that no later file has replaced. */
  'data.read': {
    readonly file: number
    readonly from: number
    readonly to: number
    readonly puts: number
    readonly bytes: number
    readonly hint: boolean
  }
  /** A data file has what was in the logs `from` to `to`: a log that was sealed, or the result of a merge of the files `replaces`. */
  'data.add': {
    readonly file: number
    readonly from: number
    readonly to: number
    readonly puts: number
    readonly bytes: number
    readonly replaces: readonly number[]
  }
  'data.drop': { readonly file: number; readonly bytes: number }

  // The manifest: level job.
  /** Opening has read the manifest in force, which names these tables. */
  'manifest.read': { readonly manifest: number; readonly tables: readonly TracedTable[]; readonly blobs?: readonly TracedBlob[] }
  /**
   * Durable, and in force at once. With `whole` it begins a manifest: `added` are all tables of the version, whatever was there before.
   * What was in `flushedLogs` is in tables from now on; the manifest itself names a log only when it is synced.
   */
  'manifest.edit': {
    readonly manifest: number
    readonly whole: boolean
    readonly added: readonly TracedTable[]
    readonly deleted: readonly number[]
    /** Blob files that are new; only where there are any. */
    readonly blobs?: readonly TracedBlob[]
    readonly flushedLogs: readonly number[]
    readonly newLog?: number
    readonly offset: number
    readonly length: number
  }

  // Writers that wait: level job.
  'stall.begin': { readonly reason: string }
  'stall.end': { readonly waitedMs: number }

  // Reads of the LSM tree: level step.
  'bloom.probe': { readonly file: number; readonly positions: readonly number[]; readonly mayContain: boolean }
  'get.probe': { readonly source: ProbeSource; readonly outcome: ProbeOutcome }

  // The cache: level io. `id` is a block's offset in its file; pages have no file number, and their own number as `id`.
  'cache.hit': { readonly file: number; readonly id: number; readonly bytes: number }
  'cache.miss': { readonly file: number; readonly id: number; readonly bytes: number }
  /** Only of pages: a clean one is kept, after it was read or written. */
  'cache.add': { readonly file: number; readonly id: number; readonly bytes: number }
  /** Only of pages: one leaves that was changed, or that no reader needs. `bytes` are those of `cache.add`, as also of an eviction. */
  'cache.remove': { readonly file: number; readonly id: number; readonly bytes: number }
  'cache.evict': { readonly file: number; readonly id: number; readonly bytes: number }

  // The pages of the B+tree: `visit`, `split`, `merge` step, the others io. A page is one version of a node: a copy is another page. It has
  // its number for life, and numbers begin anew with every opening. `dirtyBytes` is the memory of all changed pages, after.
  /** `slot` is where a branch leads on, and in a leaf where the key is or would be. */
  'page.visit': { readonly page: number; readonly depth: number; readonly slot: number; readonly entries: number }
  /** `entries` and `liveBytes` (of keys and values) are those of all that is under it. With `copyOf` it takes that page's place. */
  'page.new': {
    readonly page: number
    readonly level: number
    readonly units: number
    readonly entries: number
    readonly liveBytes: number
    readonly dirtyBytes: number
    readonly copyOf?: number
  }
  /** `entries` of the page itself, and what they, slots, prefix and header need of its bytes. */
  'page.change': { readonly page: number; readonly level: number; readonly entries: number; readonly usedBytes: number }
  /** In units. */
  'page.resize': {
    readonly page: number
    readonly level: number
    readonly from: number
    readonly to: number
    readonly dirtyBytes: number
  }
  /**
   * `into` begins with the page itself. `ascending`: it stays as full as it is, because keys come in their order. `large`: around an entry
   * that has a page of its own. `asked`: as the user's `leafSplit` says.
   */
  'page.split': {
    readonly page: number
    readonly into: readonly number[]
    readonly separators: readonly Uint8Array[]
    readonly entries: readonly number[]
    readonly rule: 'middle' | 'ascending' | 'large' | 'asked'
  }
  /** `pack`: entries of the right page fill up the left one, in a compaction. */
  'page.merge': { readonly pages: readonly number[]; readonly into: readonly number[]; readonly rule: 'merge' | 'pack' }
  /** Before a split: `pages` are a leaf without room for an entry and a neighbour, `into` the same two, and a third if both are full. */
  'page.spread': {
    readonly pages: readonly number[]
    readonly into: readonly number[]
    readonly separators: readonly Uint8Array[]
    readonly entries: readonly number[]
  }
  /** With compression a leaf takes fewer `units` here than in the other events of pages, which count those of the contents. */
  'page.write': { readonly page: number; readonly level: number; readonly offset: number; readonly units: number }
  /** It is durable, and changed no more. */
  'page.clean': { readonly page: number; readonly dirtyBytes: number }
  /** It is in the tree no more, though perhaps in what a snapshot holds. */
  'page.drop': { readonly page: number; readonly level: number; readonly units: number }
  /** A clean branch left the tree, with all under it. Its pages count until the next checkpoint has walked them: `page.drop` for each. */
  'subtree.drop': { readonly page: number; readonly level: number; readonly entries: number }
  /** No snapshot, cursor or checkpoint needs it any more. */
  'page.free': { readonly page: number; readonly dirtyBytes: number }
  /** In units; `freeUnits` of the whole file, after. */
  'space.alloc': { readonly offset: number; readonly units: number; readonly from: 'free' | 'end'; readonly freeUnits: number }
  'space.free': { readonly offset: number; readonly units: number; readonly freeUnits: number }

  // The B+tree as a whole: `tree.change` and `root.*` io, `meta.*` and `checkpoint.end` job.
  /** A batch is in the tree: what that holds, and the sequence number of its last operation. */
  'tree.change': { readonly entries: number; readonly liveBytes: number; readonly entrySequence: number }
  /** An ingest is in the tree, which from now on has these pages and units, by level from the leaves up. */
  'tree.ingest': { readonly pages: readonly number[]; readonly units: readonly number[] }
  'root.change': { readonly page: number; readonly height: number; readonly entries: number }
  /** `held` is the number of roots that snapshots, cursors, a checkpoint and the meta page on disk hold, after. */
  'root.hold': { readonly page: number; readonly generation: number; readonly held: number }
  'root.release': { readonly page: number; readonly generation: number; readonly held: number }
  /** Opening begins with what the newest meta page says. `pages` and `units` by level, from the leaves up. */
  'meta.read': {
    readonly number: number
    readonly entrySequence: number
    readonly firstLog: number
    readonly unitBytes: number
    /** Bytes of a leaf in memory, where leaves are compressed. Without compression they are a unit. */
    readonly pageBytes?: number
    readonly entries: number
    readonly liveBytes: number
    readonly pages: readonly number[]
    readonly units: readonly number[]
    readonly fileBytes: number
    readonly freeUnits: number
  }
  /** Durable, and in force at once. */
  'meta.write': { readonly number: number; readonly entrySequence: number; readonly firstLog: number; readonly lastLog: number }
  /** `pages` and their `bytes` were written. */
  'checkpoint.end': {
    readonly number: number
    readonly firstLog: number
    readonly pages: number
    readonly bytes: number
    readonly fileBytes: number
    readonly freeBytes: number
  }
}

export type EventType = keyof EventBodies
/** An event of one type, as a listener gets it. */
export type EventOf<Type extends EventType> = { readonly type: Type } & EventBodies[Type] & EventStamp
export type TraceEvent = { [Type in EventType]: EventOf<Type> }[EventType]
/** An event before it is stamped. */
export type EventBody = { [Type in EventType]: { readonly type: Type } & EventBodies[Type] }[EventType]
