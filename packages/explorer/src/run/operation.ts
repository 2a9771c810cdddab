/** What can be done with the stores of a run. Keys and values are text. */

export interface Put {
  readonly type: 'put'
  readonly key: string
  readonly value: string
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

export type Operation =
  | Put
  | Del
  /** With `snapshot` the value of the moment when the snapshot of this name was taken. */
  | { readonly type: 'get'; readonly key: string; readonly snapshot?: string }
  | ({ readonly type: 'range'; readonly limit?: number; readonly reverse?: boolean } & KeyInterval)
  | { readonly type: 'batch'; readonly operations: readonly (Put | Del)[]; readonly sync?: boolean }
  | ({ readonly type: 'clear' } & KeyInterval)
  | { readonly type: 'snapshot'; readonly name: string }
  | { readonly type: 'release'; readonly name: string }
  /** Everything that was written so far survives power loss afterwards. */
  | { readonly type: 'sync' }
  | { readonly type: 'flush' }
  | ({ readonly type: 'compact' } & KeyInterval)
  /** Simulated time passes, in milliseconds, in which the background works. */
  | { readonly type: 'wait'; readonly ms: number }
  | { readonly type: 'reopen' }

/** What came of an operation. `text` is one line; `entries` are those of a range, as far as they are kept. */
export interface Outcome {
  readonly status: 'ok' | 'found' | 'missing' | 'failed'
  readonly text: string
  readonly value?: string
  readonly entries?: readonly (readonly [key: string, value: string])[]
  /** Code of the error. */
  readonly code?: string
}
