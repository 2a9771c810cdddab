import type { LedgerCounts, ReadCounts } from 'kvarium/trace'

/** About how many gets of a phase are sampled: reading the ledger makes a get slower. */
const SAMPLED_GETS = 400
const LEAST_STEP = 8
const MOST_BLOCKS = 64

/** A histogram of blocks per get: the difference of the ledger around a sample of the gets. */
export class BlocksPerGet {
  readonly #ledger: () => LedgerCounts
  readonly found: number[] = []
  readonly missing: number[] = []
  #step = LEAST_STEP
  #calls = 0
  #before: LedgerCounts | undefined

  constructor(ledger: () => LedgerCounts) {
    this.#ledger = ledger
  }

  /** @param total - Expected gets, if known. */
  beginPhase(total = 0): void {
    this.#step = Math.max(LEAST_STEP, Math.floor(total / SAMPLED_GETS))
    this.#calls = 0
  }

  beforeGet(): void {
    this.#before = ++this.#calls % this.#step === 0 ? this.#ledger() : undefined
  }

  afterGet(): void {
    const before = this.#before
    if (before === undefined) return
    const after = this.#ledger()
    for (const kind of ['found', 'missing'] as const) {
      // Skips samples with other reads meanwhile.
      if (after[kind].operations - before[kind].operations !== 1) continue
      const blocks = Math.min(MOST_BLOCKS, blocksOf(after[kind]) - blocksOf(before[kind]))
      while (this[kind].length <= blocks) this[kind].push(0)
      this[kind][blocks]++
    }
  }
}

function blocksOf({ blocksFromCache, blocksFromDisk }: ReadCounts): number {
  return blocksFromCache + blocksFromDisk
}
