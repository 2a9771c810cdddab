import { AbstractChainedBatch } from 'abstract-level'
import { WriteBatch } from '../engine/batch.js'
import type { Awaitable, SyncOption } from './level-types.js'
import type { Stored } from './owned-bytes.js'
import type { TtlOption } from './ttl.js'
import type { StoreWrites } from './writes.js'

/** A chained batch that encodes each operation straight into the engine's batch. */
export class EncodedChainedBatch<TDatabase, K, V> extends AbstractChainedBatch<TDatabase, K, V> {
  readonly #batch = new WriteBatch()
  readonly #writes: StoreWrites

  constructor(db: TDatabase, writes: StoreWrites) {
    super(db)
    this.#writes = writes
  }

  _put(key: Stored, value: Stored, { ttl }: TtlOption): void {
    this.#batch.put(key, value, this.#writes.expiryOf(ttl))
  }

  _del(key: Stored): void {
    this.#batch.del(key)
  }

  _clear(): void {
    this.#batch.clear()
  }

  _write(options: SyncOption): Awaitable<void> {
    return this.#writes.write(this.#batch, options)
  }
}
