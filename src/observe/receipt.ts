/** The contents of a receipt: plain data, as JSON. Bytes are physical unless marked as the user's. */
import type { OperationKind } from '../trace/events.js'
import type { ReadCounts, ReadPart, WritePart } from '../trace/ledger.js'

/** A cost in whole numbers, so that costs add up. */
export interface Amounts {
  /** Bytes written, by the part of the ledger that counts them. */
  readonly written: Readonly<Record<WritePart, number>>
  /** Bytes read, likewise. */
  readonly read: Readonly<Record<ReadPart, number>>
  /** Millionths of a sync: three operations that share one sync pay 333,333 or 333,334 each. */
  readonly microSyncs: number
}

/**
 * The cause of a later cost. `log`: the cost of its log besides the records (header, zeros ahead, registering it). `flush`, `compaction`,
 * `checkpoint`: the job that wrote it to tables or pages, with the manifest, meta page and free list written for it.
 */
export type LaterCause = 'log' | 'flush' | 'compaction' | 'checkpoint'

export interface LaterLine {
  readonly cause: LaterCause
  /** For a compaction: the level it wrote to. */
  readonly level?: number
  /** Jobs on this line. */
  readonly jobs: number
  readonly amounts: Amounts
}

/** `pending`: in the log and in memory. `flushed`: in tables, and compactions will move it. `settled`: in the last level, or in pages. */
export interface ReceiptState {
  readonly phase: 'pending' | 'flushed' | 'settled'
  /** Levels with tables that hold data of its memtable, from the top. Empty for a B+tree, and once all of the data was dropped. */
  readonly levels: readonly number[]
}

/** Where a read looked. The counts of memtables, tables and pages are known only from a trace of level `step`; otherwise they are 0. */
export interface Searched {
  readonly memtables: number
  readonly tables: number
  readonly pages: number
  /** Filters probed, blocks or pages from the cache and from disk. */
  readonly touched: Readonly<ReadCounts>
}

/** The cost of one operation so far. */
export interface Receipt {
  readonly operation: number
  readonly kind: OperationKind
  readonly status: 'under way' | 'ok' | 'found' | 'missing' | 'failed'
  readonly entries: number
  /** Key and value bytes, as the ledger counts them. */
  readonly userBytes: number
  /** Key and value bytes that a read returned. */
  readonly valueBytes: number
  /** Cost until it was acknowledged. */
  readonly now: Amounts
  /** For each commit that it waited for, the number of operations that shared it. */
  readonly commits: readonly number[]
  /** Its share of background work on its data. */
  readonly later: readonly LaterLine[]
  /** Only for writes that left a record in the log. */
  readonly state?: ReceiptState
  readonly searched: Searched
  /** Bytes written for it, now and later. */
  readonly writtenBytes: number
  /** `writtenBytes` ÷ `userBytes`; 0 for an operation that writes nothing. */
  readonly writeAmplification: number
}

/** All operations of one log together: those of one memtable, or between two checkpoints. Divide by `operations` for the mean receipt. */
export interface CohortReceipt {
  /** 0 for the one that merges old cohorts. */
  readonly log: number
  readonly operations: number
  readonly userBytes: number
  /** Bytes of its log records, by which everything later is divided. */
  readonly logBytes: number
  readonly now: Amounts
  readonly later: readonly LaterLine[]
  readonly state: ReceiptState
}

/** The immediate cost of all operations of one kind. Divide by `operations` for the mean. */
export interface KindReceipt {
  readonly kind: OperationKind
  readonly operations: number
  readonly now: Amounts
  readonly searched: Searched
}

/**
 * Why bytes are on no receipt: `open` (recovery included) and `close` of the store; `earlier`: background work on data that was written
 * before the book began; `maintenance`: jobs that served no operation; `failed`: jobs that failed; `under way`: jobs
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
  /** Key and value bytes of the acknowledged writes. */
  readonly userBytes: number
  /** All traffic of the file system. */
  readonly total: Amounts
  /** The sum of all receipts, those no longer kept among them. */
  readonly billed: Amounts
  readonly unbilled: Amounts
}
