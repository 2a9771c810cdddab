import { Skiplist } from '../../skiplist/skiplist.js'
import type { Random } from '../../vfs/environment.js'
import { Memtable } from './memtable.js'
import type { MemtableList } from './memtable-list.js'
import { ValuePlaces } from '../blobs/value-places.js'
import { CustomMemtableList, type MakeMemtableIndex } from '../custom/custom-memtable-list.js'

/**
 * Idle arenas kept for reuse under load: fresh memory costs a page fault for every 4 KiB, and dropped memory stays until the
 * garbage collector comes by.
 */
const IDLE_ARENAS = 2

/** Makes memtables, reusing the arenas of flushed ones. */
export class MemtablePool {
  /** Bytes of a memtable, unless one batch needs more. */
  readonly capacityBytes: number
  readonly #shared: boolean
  readonly #random: Random
  readonly #makeIndex: MakeMemtableIndex | undefined
  readonly #valueThreshold: number
  /** Flushed memtables whose arenas are free when the last cursor has released them. */
  readonly #retired: Memtable[] = []

  /**
   * `shared` arenas can be read by a worker thread. With `makeIndex` there are no arenas, but indexes of the user's. A
   * memtable notes the places of values from `valueThreshold` bytes on, unless that is 0.
   */
  constructor(capacityBytes: number, shared: boolean, random: Random, makeIndex?: MakeMemtableIndex, valueThreshold = 0) {
    this.capacityBytes = capacityBytes
    this.#shared = shared
    this.#random = random
    this.#makeIndex = makeIndex
    this.#valueThreshold = valueThreshold
  }

  /** A memtable with room for at least `bytes`, beginning with log `firstLog`. */
  take(bytes: number, firstLog: number): Memtable {
    const needed = bytes + Skiplist.HEAD_BYTES
    if (needed <= this.capacityBytes) {
      const index = this.#retired.findIndex(memtable => memtable.holders === 0)
      if (index >= 0) {
        const [memtable] = this.#retired.splice(index, 1)
        memtable.list.reset()
        return this.#memtable(memtable.list, firstLog)
      }
    }
    const capacityBytes = Math.max(this.capacityBytes, needed)
    return this.#memtable(this.#list(capacityBytes), firstLog)
  }

  /** A flushed memtable, which may still be read. A shared arena is left to the garbage collector. */
  retire(memtable: Memtable): void {
    if (memtable.isShared || memtable.list.capacityBytes !== this.capacityBytes || this.#retired.length >= IDLE_ARENAS) return
    this.#retired.push(memtable)
  }

  /** Gives idle arenas to the garbage collector: no write is likely to need one soon. */
  releaseIdle(): void {
    this.#retired.length = 0
  }

  #memtable(list: MemtableList, firstLog: number): Memtable {
    return new Memtable(list, firstLog, this.#valueThreshold === 0 ? undefined : new ValuePlaces(this.#valueThreshold))
  }

  #list(capacityBytes: number): MemtableList {
    if (this.#makeIndex !== undefined) return new CustomMemtableList(this.#makeIndex, capacityBytes, this.#random)
    return new Skiplist({ capacityBytes, shared: this.#shared, random: this.#random })
  }
}
