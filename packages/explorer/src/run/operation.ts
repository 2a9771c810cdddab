/** What can be done with the stores of a run. Keys and values are text. */

export interface Put {
  readonly type: 'put'
  readonly key: string
  readonly value: string
  /** Milliseconds until it expires. Absent: it does not, unless the store has a default. */
  readonly ttl?: number
  readonly sync?: boolean
}

export interface Del {
  readonly type: 'del'
  readonly key: string
  readonly sync?: boolean
}

/** The keys from `from` on and before `to`; without a bound, from the first or to the last. */
export interface KeyInterval {
  readonly from?: string
  readonly to?: string
}

/** What a transaction writes. */
export type TransactionWrite = Omit<Put, 'sync'> | Omit<Del, 'sync'> | ({ readonly type: 'clear' } & KeyInterval)

/** What can be done inside of a transaction. */
export type TransactionStep = TransactionWrite | { readonly type: 'get'; readonly key: string } | Range

export type Range = { readonly type: 'range'; readonly limit?: number; readonly reverse?: boolean } & KeyInterval

export type Operation =
  | Put
  | Del
  /** With `snapshot` the value of the moment when the snapshot of this name was taken. */
  | { readonly type: 'get'; readonly key: string; readonly snapshot?: string }
  | Range
  /** All of its writes or none. */
  | { readonly type: 'batch'; readonly operations: readonly (Omit<Put, 'sync'> | Omit<Del, 'sync'>)[]; readonly sync?: boolean }
  | ({ readonly type: 'clear' } & KeyInterval)
  | { readonly type: 'snapshot'; readonly name: string }
  | { readonly type: 'release'; readonly name: string }
  /** A transaction that stays open under this name until it is committed or aborted. */
  | { readonly type: 'begin'; readonly name: string; readonly sync?: boolean }
  /** A step of the open transaction of this name. */
  | { readonly type: 'in'; readonly name: string; readonly operation: TransactionStep }
  | { readonly type: 'commit'; readonly name: string }
  /** Ends a transaction of which nothing is written. */
  | { readonly type: 'abort'; readonly name: string }
  /** Everything that was written so far survives power loss afterwards. */
  | { readonly type: 'sync' }
  | { readonly type: 'flush' }
  | ({ readonly type: 'compact' } & KeyInterval)
  /** Simulated time passes, in milliseconds, in which the background works. */
  | { readonly type: 'wait'; readonly ms: number }
  | { readonly type: 'reopen' }
  | Crash

/** Power fails in one lane as it was after one of its events, and its store opens again on what is left. The other lanes go on. */
export interface Crash {
  readonly type: 'crash'
  /** Name of the lane. */
  readonly lane: string
  /** Number of the event. What the lane did later has not happened for it. */
  readonly event: number
  readonly image: CrashImage
}

/**
 * What is left of a lane's files. `none`: only what was synced; `all`: everything, as after the end of the process. A number is the seed of a
 * choice among what was not synced, parts of it torn. A list has the parts that are kept, by their numbers in `unsynced` of the file system.
 */
export type CrashImage = 'none' | 'all' | number | readonly number[]

/**
 * What came of an operation. `text` is one line; `entries` are those of a range, as far as they are kept. `conflict`: the store has refused a
 * commit, as another write has changed what the transaction had read.
 */
export interface Outcome {
  readonly status: 'ok' | 'found' | 'missing' | 'conflict' | 'failed'
  readonly text: string
  readonly value?: string
  readonly entries?: readonly (readonly [key: string, value: string])[]
  /** Code of the error. */
  readonly code?: string
}
