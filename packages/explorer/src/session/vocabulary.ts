/** The words of a run that a line can name: keys, snapshots that are held, transactions that are open, lanes. */
import type { KnownKind } from '../run/line-reader.js'
import type { Operation } from '../run/operation.js'

const MOST_KEYS = 10_000
const MOST_WORDS = 50

export class Vocabulary {
  /** In the order of their last use. */
  readonly #keys = new Set<string>()
  readonly #snapshots = new Set<string>()
  readonly #transactions = new Set<string>()
  readonly #lanes: readonly string[]
  /** Whether any transaction has begun. */
  hasTransactions = false

  constructor(lanes: readonly string[] = []) {
    this.#lanes = lanes
  }

  add(operation: Operation): void {
    switch (operation.type) {
      case 'put':
      case 'del':
      case 'get':
        this.#use(operation.key)
        return
      case 'batch':
        for (const { key } of operation.operations) this.#use(key)
        return
      case 'snapshot':
        this.#snapshots.add(operation.name)
        return
      case 'release':
        this.#snapshots.delete(operation.name)
        return
      case 'begin':
        this.#transactions.add(operation.name)
        this.hasTransactions = true
        return
      case 'in':
        this.add(operation.operation)
        return
      case 'commit':
      case 'abort':
        this.#transactions.delete(operation.name)
        return
      case 'reopen':
        this.#snapshots.clear()
        this.#transactions.clear()
        return
      default:
        return
    }
  }

  /** Words that begin so, the latest first. */
  beginning(kind: KnownKind, prefix: string): readonly string[] {
    return [...this.#wordsOf(kind)]
      .reverse()
      .filter(word => word.startsWith(prefix))
      .slice(0, MOST_WORDS)
  }

  #wordsOf(kind: KnownKind): Iterable<string> {
    switch (kind) {
      case 'key':
        return this.#keys
      case 'snapshot':
        return this.#snapshots
      case 'transaction':
        return this.#transactions
      case 'lane':
        return this.#lanes
    }
  }

  #use(key: string): void {
    this.#keys.delete(key)
    this.#keys.add(key)
    if (this.#keys.size > MOST_KEYS) this.#keys.delete(this.#keys.values().next().value!)
  }
}
