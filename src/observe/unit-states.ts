/**
 * A byte for each unit of a B+tree's file, as events have said it: used, free, or unknown.
 *
 * Invariant: units behind the end of the file have no byte; those with which it grows are used.
 */
export const UNIT_UNKNOWN = 0
export const UNIT_USED = 1
export const UNIT_FREE = 2

export class UnitStates {
  #bytes = new Uint8Array(0)
  #count = 0

  /** Units of the file. */
  get count(): number {
    return this.#count
  }

  /** By unit. Bits above those of the states are the caller's. */
  get bytes(): Uint8Array {
    return this.#bytes
  }

  /** The file has at least this many units. */
  grow(count: number): void {
    if (count <= this.#count) return
    if (count > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(64, count * 2))
      larger.set(this.#bytes.subarray(0, this.#count))
      this.#bytes = larger
    }
    this.#bytes.fill(UNIT_USED, this.#count, count)
    this.#count = count
  }

  /** The file has exactly this many units. */
  resize(count: number): void {
    this.grow(count)
    this.#count = count
  }

  mark(offset: number, units: number, state: number): void {
    this.grow(offset + units)
    this.#bytes.fill(state, offset, offset + units)
  }

  clone(): UnitStates {
    const clone = new UnitStates()
    clone.#bytes = this.#bytes.slice()
    clone.#count = this.#count
    return clone
  }
}
