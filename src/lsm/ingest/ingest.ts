/**
 * Bulk load: sorted entries become tables without passing through the log and the memtable, and one edit adds them all.
 *
 * The entries get a sequence number ahead of the present one when the ingest begins. Writes go on below it. The commit holds writers: it
 * flushes what they wrote, so that no log has an older operation, adds the tables and moves the present to the number, in one step. So
 * every write acknowledged before the commit is older than the ingest, and every snapshot of before sees nothing of it.
 *
 * Invariants:
 * 1. One ingest at a time: the next one takes its number when the one before has ended.
 * 2. Where a compaction may put a table that shares keys with the ingest, the tables go to level 0.
 * 3. The files of an ingest that failed are removed, unless the manifest may name them.
 */
import type { WriteBatch } from '../../engine/batch.js'
import { withSpan, type Span } from '../../trace/span.js'
import { bindFileSystem } from '../../vfs/traced-file-system.js'
import { filterBitsOfIngest } from '../compaction/filter-bits.js'
import type { BackgroundScheduler } from '../compaction/scheduler.js'
import type { LsmParts } from '../parts.js'
import { unionBounds, type TableMeta } from '../versions/table-file.js'
import { IngestedTables, overtaken } from './ingested-tables.js'

/**
 * Operations that others may write during an ingest. Sequence numbers have 53 bits: they last for 2^27 ingests.
 */
const NUMBERS_LEFT = 2 ** 26

export interface IngesterOptions {
  readonly parts: LsmParts
  readonly scheduler: BackgroundScheduler
  /** Resolves when the store takes writes. */
  ready(): Promise<void>
  /** Moves what is in memory to tables, while writes go on. */
  flush(reason: string): Promise<void>
  /** The same, in the place of a writer: no other write comes between. */
  flushHeld(reason: string): Promise<void>
  /** Runs work in the place of a writer. */
  hold(work: () => Promise<void>): Promise<void>
}

export class Ingester {
  readonly #options: IngesterOptions
  #last: Promise<void> = Promise.resolve()

  constructor(options: IngesterOptions) {
    this.#options = options
  }

  /** Resolves when all entries are durable and visible; if it rejects nothing has changed. */
  run(batches: AsyncIterable<WriteBatch>, span: Span | null): Promise<void> {
    const ingest = this.#last.then(() => this.#run(batches, span))
    this.#last = ingest.catch(() => undefined)
    return ingest
  }

  async #run(batches: AsyncIterable<WriteBatch>, span: Span | null): Promise<void> {
    const { parts, ready, flush, hold } = this.#options
    if (!parts.start.isDone) await withSpan(span, ready)
    const tables = this.#tables(span)
    let mayBeNamed = false
    let committed = false
    try {
      for await (const batch of batches) await tables.add(batch)
      await tables.finish()
      if (tables.tables.length > 0) {
        await parts.runner.syncNames(span)
        await withSpan(span, () => flush('an ingest is to follow'))
        await hold(() =>
          this.#commit(tables, span, () => {
            mayBeNamed = true
          }),
        )
        committed = true
      }
    } finally {
      if (!mayBeNamed) await tables.abandon()
      tables.settle(committed)
    }
  }

  /** `begins` is called before the manifest changes. */
  async #commit(ingested: IngestedTables, span: Span | null, begins: () => void): Promise<void> {
    const { parts, scheduler, flushHeld } = this.#options
    const { versions, logs } = parts
    await withSpan(span, () => flushHeld('an ingest follows'))
    if (logs.failure !== undefined) throw logs.refusal()
    if (versions.sequence >= ingested.sequence) throw overtaken()
    await scheduler.withoutCompactionStart(async () => {
      const added = this.#placed(ingested)
      begins()
      try {
        await versions.apply({ added, sequence: ingested.sequence }, span)
      } catch (error) {
        logs.poison(error)
        throw error
      }
    })
  }

  #placed(ingested: IngestedTables): TableMeta[] {
    const { parts, scheduler } = this.#options
    const { versions, picker } = parts
    const bounds = unionBounds(ingested.tables)
    const place = scheduler.mayMoveInto(bounds) ? undefined : picker.placeIngested?.(versions.state.version, bounds, ingested.fileBytes)
    const { level, run } = place ?? { level: 0, run: versions.allocateFiles(1) }
    return ingested.tables.map(table => ({ ...table, level, run }))
  }

  #tables(span: Span | null): IngestedTables {
    const { versions, options, context, ledger, runner } = this.#options.parts
    return new IngestedTables({
      fileSystem: bindFileSystem(context.environment.fileSystem, span),
      directory: context.directory,
      ledger,
      runner,
      span,
      sequence: versions.sequence + NUMBERS_LEFT,
      maxFileBytes: options.maxFileSize,
      level: Math.max(1, versions.state.version.deepest),
      filterBits: filterBitsOfIngest(options, versions.state.version),
      allocateFile: () => versions.allocateFiles(1),
    })
  }
}
