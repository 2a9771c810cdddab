/**
 * Bulk load: sorted entries become packed pages of a tree of their own, and one change of the meta page puts that into the present tree.
 *
 * The pages are written while writes go on, to places that no tree on disk refers to and whose free list has them. The commit holds writers: it
 * flushes what they wrote, so that the tree on disk is the present one, and joins both trees on disk. Subtrees whose keys do not mix stay as
 * they are; only pages where keys of both trees meet are written anew. The log gets nothing: a checkpoint makes the ingest durable.
 *
 * Invariants:
 * 1. One ingest at a time.
 * 2. The present tree is not changed before the meta page is: until then a failure gives the places back, a crash leaves them free.
 * 3. An ingest takes one sequence number, which no log has.
 */
import type { BatchReader, WriteBatch } from '../../engine/batch.js'
import { withSpan, type Span } from '../../trace/span.js'
import type { CheckpointScheduler } from '../checkpoint/scheduler.js'
import { Extents } from '../pages/extents.js'
import { LevelCounts } from '../pages/level-counts.js'
import type { BtreeParts } from '../parts.js'
import { PackedTree, type StoredRoot } from './packed-tree.js'
import { PageOutput } from './page-output.js'
import { merge, StoredTree } from './stored-tree.js'

export interface IngesterOptions {
  readonly parts: BtreeParts
  readonly scheduler: CheckpointScheduler
  /** Resolves when the store takes writes. */
  ready(): Promise<void>
  /** Runs work in the place of a writer. */
  hold(work: () => Promise<void>): Promise<void>
  /** Called when readers see the entries. */
  onCommit(): void
}

export class Ingester {
  readonly #options: IngesterOptions
  #last: Promise<void> = Promise.resolve()

  constructor(options: IngesterOptions) {
    this.#options = options
  }

  /** Resolves when all entries are durable and visible; if it rejects nothing has changed. */
  run(batches: AsyncIterable<WriteBatch>): Promise<void> {
    const { parts, ready } = this.#options
    const span = parts.context.trace?.trace.currentSpan ?? null
    const ingest = this.#last.then(async () => {
      if (!parts.logStart.isDone) await withSpan(span, ready)
      await new Ingest(this.#options, span).run(batches)
    })
    this.#last = ingest.catch(() => undefined)
    return ingest
  }
}

class Ingest {
  readonly #options: IngesterOptions
  readonly #span: Span | null
  readonly #taken = new Extents()
  readonly #output: PageOutput
  #userBytes = 0
  #puts = 0
  #isCommitted = false

  constructor(options: IngesterOptions, span: Span | null) {
    this.#options = options
    this.#span = span
    const { file, free, store, context, logs } = options.parts
    const turn = (): Promise<void> => context.environment.scheduler.turn()
    const requireWritable = (): void => {
      if (logs.failure !== undefined) throw logs.refusal()
    }
    this.#output = new PageOutput({ file, free, taken: this.#taken, trace: store.trace, span, turn, requireWritable })
  }

  async run(batches: AsyncIterable<WriteBatch>): Promise<void> {
    const { checkpointer, free, logs } = this.#options.parts
    checkpointer.unborn = this.#taken
    try {
      const added = await this.#write(batches)
      if (added === undefined) return
      await this.#output.sync()
      await this.#options.hold(() => this.#commit(added))
    } catch (error) {
      // In force it is whole, whatever fails behind that: the next open removes the logs that are left.
      if (!this.#isCommitted) throw error
    } finally {
      await this.#output.settled()
      // If the meta page could not be written, the next open may find the ingest in force.
      if (!this.#isCommitted && logs.failure === undefined) {
        checkpointer.unborn = undefined
        withSpan(this.#span, () => {
          freeAll(free, this.#taken.pairs)
          checkpointer.cut()
        })
      }
    }
  }

  /** A tree of the entries alone, `undefined` if there are none. */
  async #write(batches: AsyncIterable<WriteBatch>): Promise<StoredRoot | undefined> {
    const tree = new PackedTree(this.#output)
    for await (const batch of batches) await this.#add(tree, batch.reader())
    return this.#puts === 0 ? undefined : tree.finish()
  }

  async #add(tree: PackedTree, reader: BatchReader): Promise<void> {
    const { key, value } = reader
    while (reader.next()) {
      const long = tree.add(key.bytes, key.start, key.end, value.bytes, value.start, value.end)
      if (long !== undefined) await long
      this.#userBytes += key.length + value.length
      this.#puts++
    }
  }

  async #commit(added: StoredRoot): Promise<void> {
    const { scheduler } = this.#options
    const { checkpointer, logs } = this.#options.parts
    if (logs.failure !== undefined) throw logs.refusal()
    await withSpan(this.#span, () => scheduler.flush('an ingest follows'))
    await scheduler.paused(async () => {
      if (logs.failure !== undefined) throw logs.refusal()
      await this.#join(added, checkpointer.meta)
    })
  }

  /** Joins the tree on disk with the one of the entries, and puts the result in force. */
  async #join(
    added: StoredRoot,
    { height, root, sequence }: { height: number; root: StoredRoot['reference']; sequence: number },
  ): Promise<void> {
    const { tree, file, free, checkpointer, logs, log, ledger, context } = this.#options.parts
    const streams = { file, span: this.#span, turn: () => context.environment.scheduler.turn() }
    const levels = height === 0 ? new LevelCounts(file.pageUnits) : tree.levels.clone()
    let joined = added
    const present = new StoredTree({ height, reference: root }, streams)
    const own = new StoredTree(added, streams)
    if (height > 0) joined = await merge(present, own, new PackedTree(this.#output))
    levels.join(this.#output.levels, 1)
    levels.join(present.replacedLevels, -1)
    levels.join(own.replacedLevels, -1)
    const next = {
      height: joined.height,
      root: joined.reference,
      sequence: sequence + 1,
      levels,
      replaced: present.replaced,
      unused: own.replaced,
    }
    await checkpointer.adopt(next, logs, log, this.#span, () => {
      this.#isCommitted = true
      checkpointer.unborn = undefined
      freeAll(free, own.replaced)
      ledger.userBytes += this.#userBytes
      ledger.operations.puts += this.#puts
      ledger.operations.batches++
      this.#options.onCommit()
    })
  }
}

function freeAll(free: BtreeParts['free'], pairs: readonly number[]): void {
  for (let i = 0; i < pairs.length; i += 2) free.free(pairs[i], pairs[i + 1])
}
