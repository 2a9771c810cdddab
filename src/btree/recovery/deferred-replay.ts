/**
 * The last part of a replay, which goes on after the store is open: the tree has it once it is finished, and gets of a key take its part
 * before. A log of some MiB in random order changes most leaves of a tree, and none of them is needed to open it.
 *
 * Invariants:
 * 1. A read sees the whole log: what it can reach is applied before it reads. Only a get can name its key; every other read finishes the
 *    replay first, at once.
 * 2. The store takes no write before the end, and makes no checkpoint.
 * 3. What cannot be applied is an error for everything that would have to see it, and is tried again.
 */
import { ReplayJob } from '../../engine/durable/replay-job.js'
import { withSpan, type Tracer } from '../../trace/span.js'
import type { Tree } from '../tree/tree.js'
import type { ReplayBuffer } from './replay-buffer.js'

export class DeferredReplay {
  readonly #tree: Tree
  readonly #buffer: ReplayBuffer
  readonly #afterSlice: () => Promise<void>
  /** Sorting takes longer than all the rest of an opening: it is left to the first that needs the order. */
  #isSorted = false
  #isDone = false
  readonly #job = new ReplayJob()

  /** Takes over a buffer that is filled. The tree counts its operations from now on. */
  constructor(tree: Tree, buffer: ReplayBuffer, afterSlice: () => Promise<void>) {
    this.#tree = tree
    this.#buffer = buffer
    this.#afterSlice = afterSlice
    buffer.advance()
  }

  get isDone(): boolean {
    return this.#isDone
  }

  /** Runs `work`, which finishes the replay, as a job that all reads and changes of the replay belong to. */
  runAsJob(trace: Tracer | undefined, work: () => Promise<void>): Promise<void> {
    return this.#job.run(trace?.trace, 'the log is long', work)
  }

  /** Applies what the log has for a key. */
  applyKey(key: Uint8Array): void {
    if (this.#isDone) return
    this.#sort()
    withSpan(this.#job.span, () => this.#buffer.applyKey(key))
  }

  /** Applies the rest in one step. */
  finish(): void {
    while (!this.#isDone) this.#applySlice()
  }

  /** Applies the rest in slices. */
  async finishInSlices(): Promise<void> {
    while (!this.#isDone) {
      // What the caller reads first comes first.
      await this.#afterSlice()
      if (!this.#isDone) this.#applySlice()
    }
  }

  #sort(): void {
    if (this.#isSorted) return
    this.#buffer.sort()
    this.#isSorted = true
  }

  #applySlice(): void {
    this.#sort()
    withSpan(this.#job.span, () => {
      if (this.#buffer.applySlice()) return
      this.#isDone = true
      this.#buffer.release()
      // Counts that a listener has seen are from before the entries.
      this.#tree.advance(0)
    })
  }
}
