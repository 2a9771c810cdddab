import type { EngineStats } from '../engine/contract.js'
import {
  readAmplification,
  spaceAmplification,
  writeAmplification,
  type LedgerCounts,
  type ReadAmplification,
  type WriteAmplification,
} from '../trace/ledger.js'
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

/** The engine's stats with the store's own file counted under `meta` and `open`, and what follows from them. */
export function deriveStats(engine: EngineStats, identity: IdentityTraffic, location: string, uptimeMs: number): KvariumStats {
  const ledger = withIdentity(engine.ledger, identity)
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

function withIdentity(ledger: LedgerCounts, identity: IdentityTraffic): LedgerCounts {
  return {
    ...ledger,
    written: { ...ledger.written, meta: ledger.written.meta + identity.bytesWritten },
    read: { ...ledger.read, open: ledger.read.open + identity.bytesRead },
    syncs: ledger.syncs + identity.syncs,
    fileBytes: ledger.fileBytes + identity.fileBytes,
    peakFileBytes: ledger.peakFileBytes + identity.fileBytes,
  }
}
