/** What a receipt says: plain data, as JSON. Bytes are physical ones unless they are said to be the user's. */
import type { OperationKind } from '../trace/events.js'
import type { ReadCounts, ReadPart, WritePart } from '../trace/ledger.js'

/** What something cost. All are whole numbers, so that they add up. */
export interface Amounts {
  /** Bytes written, by the part of the ledger that they are booked in. */
  readonly written: Readonly<Record<WritePart, number>>
  /** Bytes read, likewise. */
  readonly read: Readonly<Record<ReadPart, number>>
  /** Millionths of a sync: three operations that share one sync pay 333,333 or 333,334 each. */
  readonly microSyncs: number
}

/**
 * What is billed afterwards. `log`: what its log cost beside the records (header, room ahead, making it known). `flush`, `compaction`,
 * `checkpoint`: the job that wrote it to tables or pages, with the manifest, meta page and free list written for it.
 */
export type LaterCause = 'log' | 'flush' | 'compaction' | 'checkpoint'

export interface LaterLine {
  readonly cause: LaterCause
  /** Of a compaction: the level it wrote to. */
  readonly level?: number
  /** How many jobs are on this line. */
  readonly jobs: number
  readonly amounts: Amounts
}

/** `pending`: in the log and in memory. `flushed`: in tables, and compactions will move it. `settled`: in the last level, or in pages. */
export interface ReceiptState {
  readonly phase: 'pending' | 'flushed' | 'settled'
  /** Levels with tables that hold data of its memtable, from the top. Empty for a tree of pages, and where all was forgotten. */
  readonly levels: readonly number[]
}

/** Where a read looked. The counts of memtables, tables and pages are known only from a trace of level `step`; otherwise they are 0. */
export interface Searched {
  readonly memtables: number
  readonly tables: number
  readonly pages: number
  /** Filters asked, blocks or pages from the cache and from disk. */
  readonly touched: Readonly<ReadCounts>
}

/** What one operation cost, so far. */
export interface Receipt {
  readonly operation: number
  readonly kind: OperationKind
  readonly status: 'under way' | 'ok' | 'found' | 'missing' | 'failed'
  readonly entries: number
  /** Key and value bytes, as the ledger counts them. */
  readonly userBytes: number
  /** Key and value bytes that a read returned. */
  readonly valueBytes: number
  /** Until it was acknowledged. */
  readonly now: Amounts
  /** For each commit that it waited for, how many operations shared it. */
  readonly commits: readonly number[]
  /** Its share of what the background did with its data. */
  readonly later: readonly LaterLine[]
  /** Only of writes that left a record in the log. */
  readonly state?: ReceiptState
  readonly searched: Searched
  /** All it wrote, now and later. */
  readonly writtenBytes: number
  /** `writtenBytes` ÷ `userBytes`; 0 for what is no write. */
  readonly writeAmplification: number
}

/** All operations of one log together, that is of one memtable, or between two checkpoints. Divide by `operations` for the mean receipt. */
export interface CohortReceipt {
  /** 0 for the one in which old cohorts are put together. */
  readonly log: number
  readonly operations: number
  readonly userBytes: number
  /** Bytes of its log records, by which everything later is divided. */
  readonly logBytes: number
  readonly now: Amounts
  readonly later: readonly LaterLine[]
  readonly state: ReceiptState
}

/** What all operations of one kind cost at once. Divide by `operations` for the mean. */
export interface KindReceipt {
  readonly kind: OperationKind
  readonly operations: number
  readonly now: Amounts
  readonly searched: Searched
}

/**
 * Why bytes are on nobody's receipt: `open` (recovery included) and `close` of the store; `earlier`: background work on data that was written
 * before the book began; `maintenance`: jobs that served no operation; `failed`: jobs that came to nothing; `under way`: jobs
 * that have not ended; `outside`: neither in an operation nor in a job.
 */
export type UnbilledCause = 'open' | 'close' | 'earlier' | 'maintenance' | 'failed' | 'under way' | 'outside'

export interface UnbilledLine {
  readonly cause: UnbilledCause
  readonly amounts: Amounts
}

/** `total` = `billed` + `unbilled`, in every field. */
export interface ReceiptTotals {
  readonly operations: number
  /** Of the writes that were acknowledged. */
  readonly userBytes: number
  /** All that went through the file system. */
  readonly total: Amounts
  /** The sum of all receipts, those no longer kept among them. */
  readonly billed: Amounts
  readonly unbilled: Amounts
}
