/**
 * Back-pressure: a full memtable becomes immutable and a new one begins. Where too many wait for their flush, or level 0 is full, writers wait.
 */
import type { Span } from '../../trace/span.js'
import type { Background } from '../compaction/scheduler.js'
import type { LsmParts } from '../parts.js'
import { Memtable } from './memtable.js'

/** Memtables that may wait for their flush before writers do. */
const MAX_IMMUTABLE = 2

export class WriteController {
  readonly #parts: LsmParts
  readonly #background: Background
  /** At the close no writer waits any more: the logs take the rest, and the next open puts it into tables. */
  isClosing = false

  constructor(parts: LsmParts, background: Background) {
    this.#parts = parts
    this.#background = background
  }

  /** Whether as many immutable memtables wait for their flush as may. */
  get isFull(): boolean {
    return this.#parts.tree.state.frozen.length >= MAX_IMMUTABLE
  }

  get #isLevel0Full(): boolean {
    const { tree, options } = this.#parts
    return tree.state.version.level(0).length >= options.level0StopTables
  }

  /** Whether the memtable takes a batch of this size now. If not, starts the work that makes room, or throws if that cannot succeed. */
  makeRoom(bytes: number, operations: number): boolean {
    const { tree, logs, pool } = this.#parts
    const { memtable } = tree.state
    if (memtable.hasRoom(bytes, operations)) return true
    if (logs.failure !== undefined) throw logs.refusal()
    const needed = Memtable.bytesFor(bytes, operations)
    if (memtable.isEmpty) {
      tree.replaceEmpty(pool.take(needed, memtable.firstLog))
      return true
    }
    const isLevel0Full = this.#isLevel0Full
    if (this.isClosing || !(this.isFull || isLevel0Full)) {
      this.switchMemtable(needed)
      return true
    }
    this.#background.schedule()
    const reason = this.#background.whyNoRoom(isLevel0Full)
    if (reason !== undefined) throw reason
    return false
  }

  /** Why writers have to wait, or `undefined`. */
  whyFull(): string | undefined {
    if (this.isFull) return 'memtables wait for their flush'
    return this.#isLevel0Full ? 'level 0 is full' : undefined
  }

  /** Makes the memtable immutable and begins a new one, of at least `bytes`, with a new log. */
  switchMemtable(bytes: number): void {
    const { tree, logs, pool } = this.#parts
    const number = tree.allocateFiles(1)
    logs.start(number, span => this.#registerLog(number, span))
    tree.freeze(pool.take(bytes, number))
    this.#background.schedule()
  }

  async #registerLog(number: number, span: Span | null): Promise<void> {
    const { tree, context, ledger } = this.#parts
    await context.environment.fileSystem.syncDirectory(context.directory)
    ledger.syncs++
    await tree.apply({ log: number }, span)
  }
}
