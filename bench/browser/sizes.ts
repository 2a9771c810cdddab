export const STORE_NAMES = ['lsm', 'btree', 'browser-level'] as const
export type StoreName = (typeof STORE_NAMES)[number]

export interface Sizes {
  readonly entries: number
  readonly gets: number
}

/** Milliseconds: of the whole load and scan, and of one get or put. */
export type Measured = Readonly<Record<'load' | 'open' | 'get' | 'getMany' | 'scan' | 'put', number>>
