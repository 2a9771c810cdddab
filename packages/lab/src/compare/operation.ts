/** The work of every engine of a comparison: the same phases of operations in the same order. */

export interface PutOperation {
  readonly type: 'put'
  readonly key: Uint8Array
  readonly value: Uint8Array
}

export interface DelOperation {
  readonly type: 'del'
  readonly key: Uint8Array
}

/** Bounds of keys, in the order of their bytes. No bounds means everything. */
export interface Bounds {
  readonly gte?: Uint8Array
  readonly lt?: Uint8Array
}

interface Durability {
  /** Acknowledged only once it survives power loss. Default: false. */
  readonly sync?: boolean
}

export interface ScanOperation extends Bounds {
  readonly type: 'scan'
  readonly reverse?: boolean
  /** Default: no limit. */
  readonly limit?: number
}

export type Operation =
  | (PutOperation & Durability)
  | (DelOperation & Durability)
  /** One atomic write. */
  | ({ readonly type: 'batch'; readonly operations: readonly (PutOperation | DelOperation)[] } & Durability)
  /** Deletes every key between the bounds. */
  | ({ readonly type: 'clear' } & Bounds & Durability)
  /** An awaited `get`, or `getSync`. The key may be missing. */
  | { readonly type: 'get' | 'get-sync'; readonly key: Uint8Array }
  | ScanOperation
  | { readonly type: 'flush' | 'compact' | 'settle' | 'reopen' }

/** Operations that are timed together. */
export interface Phase {
  readonly name: string
  /** One line for the reader of the results. */
  readonly about: string
  /** Entries that the operations write or read in all, if known: for the progress display. */
  readonly total?: number
  /** The operations. Called once per engine, and must yield the same ones each time. */
  operations(): Iterable<Operation>
}
