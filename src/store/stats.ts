import type { EngineStats } from '../engine/contract.js'
import {
  readAmplification,
  spaceAmplification,
  writeAmplification,
  type LedgerCounts,
  type ReadAmplification,
  type WriteAmplification,
} from '../trace/ledger.js'
import type { CheckpointTraffic } from './checkpoint.js'
import type { IdentityTraffic } from './directory.js'

/** The engine's counts since open, the amplifications that follow from them, and the store's own facts. */
export interface KvariumStats extends EngineStats {
  readonly location: string
  /** Readers in other threads, and handles that none has opened yet. Only of a store that can have any. */
  readonly readers?: number
  /** Milliseconds since open. */
  readonly uptimeMs: number
  /** Defined in `trace/ledger.ts`. */
  readonly amplification: {
    readonly write: WriteAmplification
    readonly read: { readonly found: ReadAmplification; readonly missing: ReadAmplification; readonly scan: ReadAmplification }
    /** File bytes per live byte now, and at the peak of file bytes since open. */
    readonly space: number
    readonly peakSpace: number
  }
}

/** What the store itself, and not the engine, wrote and read. */
export interface StoreTraffic {
  readonly identity: IdentityTraffic
  readonly checkpoints: CheckpointTraffic
}

/** The engine's stats with the store's own files counted under `meta`, `open` and `backup`, and what follows from them. */
export function deriveStats(engine: EngineStats, store: StoreTraffic, location: string, uptimeMs: number): KvariumStats {
  const ledger = withStore(engine.ledger, store)
  return {
    ...engine,
    ledger,
    location,
    uptimeMs,
    amplification: {
      write: writeAmplification(ledger),
      read: {
        found: readAmplification(ledger.found),
        missing: readAmplification(ledger.missing),
        scan: readAmplification(ledger.scan),
      },
      space: spaceAmplification(ledger.fileBytes, ledger.liveBytes),
      peakSpace: spaceAmplification(ledger.peakFileBytes, ledger.liveBytes),
    },
  }
}

function withStore(ledger: LedgerCounts, { identity, checkpoints }: StoreTraffic): LedgerCounts {
  return {
    ...ledger,
    written: {
      ...ledger.written,
      meta: ledger.written.meta + identity.bytesWritten,
      backup: ledger.written.backup + checkpoints.bytesWritten,
    },
    read: { ...ledger.read, open: ledger.read.open + identity.bytesRead },
    syncs: ledger.syncs + identity.syncs + checkpoints.syncs,
    fileBytes: ledger.fileBytes + identity.fileBytes,
    peakFileBytes: ledger.peakFileBytes + identity.fileBytes,
  }
}
