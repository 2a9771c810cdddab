/**
 * Key and value bytes that a scan would return, as the engine itself tells them: a B+tree knows them, an LSM tree estimates them from its
 * tables and memtables.
 */
import { LsmShapeFold } from 'kvarium/lsm'
import type { TraceEvent } from 'kvarium/trace'

export class LiveBytes {
  /** What a B+tree or a hash engine says; an LSM tree has none of the events that set it. */
  #told: number | undefined
  #isHash = false
  #lsm = new LsmShapeFold()
  #memtable = 0
  #frozen: readonly number[] = []

  apply(event: TraceEvent): void {
    switch (event.type) {
      case 'job.begin':
        if (event.kind !== 'open') break
        this.#told = undefined
        this.#isHash = false
        this.#memtable = 0
        this.#frozen = []
        break
      case 'meta.read':
      case 'tree.change':
        this.#told = event.liveBytes
        break
      case 'directory.change':
        this.#told = event.liveBytes
        this.#isHash = true
        break
      case 'entries.expire':
        // A hash engine has said so before, with what has changed.
        if (this.#told !== undefined && !this.#isHash) this.#told -= event.bytes
        break
      case 'memtable.insert':
        this.#memtable += event.key.length + event.valueBytes
        break
      case 'memtable.freeze':
        this.#frozen = [...this.#frozen, this.#memtable]
        this.#memtable = 0
        break
      case 'memtable.drop':
        this.#frozen = this.#frozen.slice(1)
        break
      default:
        break
    }
    if (this.#told === undefined) this.#lsm.apply(event)
  }

  clone(): LiveBytes {
    const clone = new LiveBytes()
    clone.#told = this.#told
    clone.#isHash = this.#isHash
    clone.#lsm = this.#lsm.clone()
    clone.#memtable = this.#memtable
    clone.#frozen = this.#frozen
    return clone
  }

  /** Whether `bytes` is an estimate. */
  get isEstimated(): boolean {
    return this.#told === undefined
  }

  /** The deepest run counts as live, and of newer tables those that lie outside of its bounds. */
  get bytes(): number {
    if (this.#told !== undefined) return this.#told
    const levels = this.#lsm.shape().levels.map(({ runTables }) => runTables)
    const runs = levels.flat()
    const deepest = levels.findLastIndex(level => level.length > 0) > 0 ? runs.at(-1) : undefined
    const memory = this.#frozen.reduce((sum, bytes) => sum + bytes, this.#memtable)
    if (deepest === undefined) return runs.flat().reduce((sum, { rawBytes }) => sum + rawBytes, memory)
    const { smallest } = deepest[0]
    const { largest } = deepest.at(-1)!
    const outside = runs
      .slice(0, -1)
      .flat()
      .filter(table => table.largest < smallest || table.smallest > largest)
    return [...deepest, ...outside].reduce((sum, { rawBytes }) => sum + rawBytes, 0)
  }
}
