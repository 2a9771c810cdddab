/** The words of a run that a line can name: keys, snapshots that are held, lanes. */
import type { Operation } from '../run/operation.js'

const MOST_KEYS = 10_000
const MOST_WORDS = 50

export class Vocabulary {
  /** In the order of their last use. */
  readonly #keys = new Set<string>()
  readonly #snapshots = new Set<string>()
  readonly #lanes: readonly string[]

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
      case 'reopen':
        this.#snapshots.clear()
        return
      default:
        return
    }
  }

  /** Words that begin so, the latest first. */
  beginning(kind: 'key' | 'snapshot' | 'lane', prefix: string): readonly string[] {
    const words = kind === 'key' ? this.#keys : kind === 'snapshot' ? this.#snapshots : this.#lanes
    return [...words]
      .reverse()
      .filter(word => word.startsWith(prefix))
      .slice(0, MOST_WORDS)
  }

  #use(key: string): void {
    this.#keys.delete(key)
    this.#keys.add(key)
    if (this.#keys.size > MOST_KEYS) this.#keys.delete(this.#keys.values().next().value!)
  }
}
