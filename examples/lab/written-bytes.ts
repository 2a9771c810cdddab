import type { LedgerCounts } from '../../src/trace/ledger.js'

/** All bytes that a store has written, of whatever part. */
export function writtenBytes({ written }: Pick<LedgerCounts, 'written'>): number {
  return Object.values(written).reduce((sum, bytes) => sum + bytes, 0)
}
