import type { EngineFactory } from '../engine/contract.js'
import type { BaseLevel } from './level-types.js'
import { HAS_BUFFER } from './owned-bytes.js'

/** What a store over engines of the factory supports, in abstract-level's words. */
export function manifestOf(factory: EngineFactory): ConstructorParameters<typeof BaseLevel>[0] {
  const manifest = {
    permanence: factory.durable,
    createIfMissing: factory.durable,
    errorIfExists: factory.durable,
    implicitSnapshots: true,
    explicitSnapshots: true,
    seek: true,
    has: true,
    getSync: true,
    encodings: { utf8: true, buffer: HAS_BUFFER, view: true },
    additionalMethods: {
      expiresAt: factory.expires === true,
      approximateSize: true,
      compactRange: true,
      getProperty: true,
      flush: true,
      ingest: true,
      checkpoint: true,
      settle: true,
      stats: true,
      shape: true,
      check: true,
      changes: true,
      transaction: true,
    },
    signals: { iterators: true },
  }
  return manifest
}
