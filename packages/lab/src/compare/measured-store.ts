/** What a comparison calls of a store: a part of `Kvarium`, which `LevelStore` gives other abstract-level databases. */
import type { EngineShape, EngineStats, Violation } from 'kvarium/engine'
import type { Bounds, DelOperation, PutOperation } from './operation.js'

interface Durability {
  readonly sync: boolean
}

export interface MeasuredStore {
  /** The name of the engine, or of the package. */
  readonly engine: string
  readonly status: string
  readonly supports: { readonly permanence: boolean }
  open(options?: { readonly errorIfExists: boolean }): Promise<void>
  close(): Promise<void>
  put(key: Uint8Array, value: Uint8Array, options?: Durability): Promise<void>
  del(key: Uint8Array, options?: Durability): Promise<void>
  batch(operations: (PutOperation | DelOperation)[], options?: Durability): Promise<void>
  clear(options: Bounds & Durability): Promise<void>
  get(key: Uint8Array): Promise<Uint8Array | undefined>
  /** A promise where the store has no synchronous reads. */
  getSync(key: Uint8Array): Uint8Array | undefined | Promise<Uint8Array | undefined>
  iterator(options: Bounds & { readonly reverse: boolean; readonly limit: number }): MeasuredIterator
  flush(): Promise<void>
  compactRange(): Promise<void>
  /** Resolves when no background work is left. */
  settle(): Promise<void>
  stats(): EngineStats
  shape(): EngineShape
  /** Violated invariants. */
  check(): AsyncIterable<Violation>
}

export interface MeasuredIterator {
  nextv(size: number): Promise<[Uint8Array, Uint8Array][]>
  close(): Promise<void>
}
