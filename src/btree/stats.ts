import type { EngineStats } from '../engine/contract.js'
import type { BtreeParts } from './parts.js'

export function statsOf(
  { tree, store, cache, ledger, logs, file, free }: BtreeParts,
  jobs: number,
  stalls: EngineStats['stalls'],
): EngineStats {
  ledger.read.get = ledger.found.bytesFromDisk + ledger.missing.bytesFromDisk
  ledger.read.scan = ledger.scan.bytesFromDisk
  ledger.read.compaction = file.bytesRead - ledger.read.get - ledger.read.scan
  const counts = ledger.counts(tree.present.liveBytes)
  return {
    engine: 'btree',
    ledger: { ...counts, syncs: counts.syncs + logs.syncs },
    memoryBytes: store.dirtyBytes + cache.usedBytes + free.memoryBytes,
    cache: { hits: cache.hits, misses: cache.misses, usedBytes: cache.usedBytes, capacityBytes: cache.capacityBytes },
    pending: { memoryBytes: store.dirtyBytes, jobs },
    stalls: { ...stalls },
  }
}
