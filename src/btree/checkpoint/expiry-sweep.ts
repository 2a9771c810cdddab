/**
 * Looks for entries that are due in a tree that takes no writes, and drops them: a bounded part of the tree in each idle time, from its first
 * key to its last. Where a branch of leaves has fewer of them than `LEAST_SHARE` they stay: writing its leaves anew would cost more.
 *
 * Invariants:
 * 1. A whole sweep is followed by another only once about half of the entries that were still to expire are due, or others that expire were
 *    written since.
 * 2. Nothing is looked at in a tree without expiries.
 */
import { EMPTY } from '../../codec/entry.js'
import { ExpirySample } from '../../codec/expiry-sample.js'
import type { ExpiryClock } from '../../engine/expiry-clock.js'
import type { Tree } from '../tree/tree.js'
import { dropDue, type CompactionOptions } from './compaction.js'

/** Branches of leaves that one idle time looks at. */
const MOST_BRANCHES = 64
/** Entries that are due, of all of a branch, from which on they are dropped. */
const LEAST_SHARE = 1 / 4
/** Between the end of a sweep and the next one. */
const LEAST_WAIT_MS = 60_000

export class ExpirySweep {
  readonly #tree: Tree
  readonly #clock: ExpiryClock
  readonly #options: Omit<CompactionOptions, 'range'>
  /** Where the sweep under way goes on. */
  #from: Uint8Array | undefined
  #sample = new ExpirySample()
  #nextAt: number
  #endedAt = 0

  constructor(tree: Tree, clock: ExpiryClock, options: Omit<CompactionOptions, 'range'>) {
    this.#tree = tree
    this.#clock = clock
    this.#options = options
    // What an earlier session has left is not known.
    this.#nextAt = tree.expiries.isUsed ? 0 : Infinity
  }

  /** When there is something to look for, in milliseconds since the Unix epoch. */
  get dueAt(): number {
    if (this.#from !== undefined) return 0
    return this.#tree.expiries.isNew ? this.#endedAt + LEAST_WAIT_MS : this.#nextAt
  }

  /** Whether parts of a sweep are left. */
  get isUnderWay(): boolean {
    return this.#from !== undefined
  }

  get isDue(): boolean {
    const { dueAt } = this
    return dueAt < Infinity && dueAt <= this.#clock.now()
  }

  /** Sweeps the next part. Resolves when what it dropped is gone from the tree on disk. */
  async run(mayGoOn: () => boolean): Promise<void> {
    const { expiries } = this.#tree
    if (this.#from === undefined) {
      this.#sample = new ExpirySample()
      expiries.isNew = false
    }
    this.#from = await dropDue({ ...this.#options, mayGoOn }, this.#from ?? EMPTY, MOST_BRANCHES, LEAST_SHARE, this.#sample)
    if (this.#from !== undefined) return
    this.#endedAt = this.#clock.now()
    this.#nextAt = Math.max(this.#endedAt + LEAST_WAIT_MS, this.#sample.halfOfAll ?? Infinity)
  }
}
