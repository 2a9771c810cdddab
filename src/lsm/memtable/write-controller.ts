/** Room for what is to be written: when the memtable is full it is frozen, unless too much waits for the background already. */
import type { EngineContext } from '../../engine/contract.js'
import type { LogSet } from '../../engine/durable/log-set.js'
import type { Ledger } from '../../trace/ledger.js'
import type { Span } from '../../trace/span.js'
import type { Background } from '../compaction/scheduler.js'
import { Memtable } from './memtable.js'
import type { MemtablePool } from './memtable-pool.js'
import type { LsmOptions } from '../options.js'
import type { Tree } from '../versions/version-set.js'

/** Memtables that may wait for their flush before writers do. */
const MAX_FROZEN = 2

interface RoomParts {
  readonly context: EngineContext
  readonly options: LsmOptions
  readonly ledger: Ledger
  readonly pool: MemtablePool
  readonly logs: LogSet
  readonly tree: Tree
}

export class MemtableRoom {
  readonly #parts: RoomParts
  readonly #background: Background
  /** At the close nobody waits for room any more: the logs take the rest, and the next open puts it into tables. */
  forAll = false

  constructor(parts: RoomParts, background: Background) {
    this.#parts = parts
    this.#background = background
  }

  /** Whether the memtable would have to wait if it were frozen now. */
  get isFrozenFull(): boolean {
    return this.#parts.tree.state.frozen.length >= MAX_FROZEN
  }

  get #isLevel0Full(): boolean {
    const { tree, options } = this.#parts
    return tree.state.version.level(0).length >= options.level0StopTables
  }

  /** True when the memtable can take the batch now; otherwise starts what will make room, or throws if nothing will. */
  make(bytes: number, operations: number): boolean {
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
    if (this.forAll || !(this.isFrozenFull || isLevel0Full)) {
      this.rotate(needed)
      return true
    }
    this.#background.schedule()
    const reason = this.#background.whyNoRoom(isLevel0Full)
    if (reason !== undefined) throw reason
    return false
  }

  /** What there is too much of, or `undefined`. */
  shortage(): string | undefined {
    if (this.isFrozenFull) return 'memtables wait for their flush'
    return this.#isLevel0Full ? 'level 0 is full' : undefined
  }

  /** Freezes the memtable and goes on with a new one, of at least `bytes`, and a new log. */
  rotate(bytes: number): void {
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
