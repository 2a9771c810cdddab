/**
 * Amounts and their division: everything is a whole number, and the shares of a division add up to the divided amount.
 *
 * Shares are cut from a line: the owner of [a, b) of a weight w gets floor(total × b / w) - floor(total × a / w). Neighbours use the same
 * cut, so nothing is lost or counted twice. Each share differs from the exact one by less than 1, and can be computed without the others.
 */
import type { ReadPart, WritePart } from '../trace/ledger.js'
import type { Amounts } from './receipt.js'

const WRITE_PARTS = ['log', 'flush', 'compaction', 'page', 'meta', 'backup'] as const satisfies readonly WritePart[]
const READ_PARTS = ['open', 'get', 'scan', 'compaction', 'changes', 'backup'] as const satisfies readonly ReadPart[]
const SYNCS = WRITE_PARTS.length + READ_PARTS.length
const CELLS = SYNCS + 1
/** Units of one sync, which operations can share. */
const SYNC = 1_000_000

export class Tally {
  /** Written by part, read by part, millionths of syncs. */
  readonly #cells = new Float64Array(CELLS)

  write(part: WritePart, bytes: number): void {
    this.#cells[WRITE_PARTS.indexOf(part)] += bytes
  }

  read(part: ReadPart, bytes: number): void {
    this.#cells[WRITE_PARTS.length + READ_PARTS.indexOf(part)] += bytes
  }

  sync(): void {
    this.#cells[SYNCS] += SYNC
  }

  add(other: Tally): void {
    for (let i = 0; i < CELLS; i++) this.#cells[i] += other.#cells[i]
  }

  get isZero(): boolean {
    return this.#cells.every(cell => cell === 0)
  }

  get writtenBytes(): number {
    let sum = 0
    for (let i = 0; i < WRITE_PARTS.length; i++) sum += this.#cells[i]
    return sum
  }

  /** The share of the owner of `weight` out of `whole`, with `before` owned by others ahead in the line. */
  share(before: number, weight: number, whole: number): Tally {
    const share = new Tally()
    const after = before + weight
    for (let i = 0; i < CELLS; i++) share.#cells[i] = cut(this.#cells[i], after, whole) - cut(this.#cells[i], before, whole)
    return share
  }

  /** Divides all of it in proportion to `weights`, which need not be whole numbers. They must not all be 0. */
  divide(weights: readonly number[]): Tally[] {
    const whole = weights.reduce((sum, weight) => sum + weight, 0)
    const shares: Tally[] = []
    const cutOff = new Float64Array(CELLS)
    let before = 0
    for (let k = 0; k < weights.length; k++) {
      before += weights[k]
      const share = new Tally()
      for (let i = 0; i < CELLS; i++) {
        const end = k === weights.length - 1 ? this.#cells[i] : Math.min(this.#cells[i], Math.floor((this.#cells[i] * before) / whole))
        share.#cells[i] = end - cutOff[i]
        cutOff[i] = end
      }
      shares.push(share)
    }
    return shares
  }

  amounts(): Amounts {
    const at = (index: number): number => this.#cells[index]
    const written = Object.fromEntries(WRITE_PARTS.map((part, i) => [part, at(i)])) as Record<WritePart, number>
    const read = Object.fromEntries(READ_PARTS.map((part, i) => [part, at(WRITE_PARTS.length + i)])) as Record<ReadPart, number>
    return { written, read, microSyncs: at(SYNCS) }
  }
}

/** floor(total × to / whole), exactly. */
function cut(total: number, to: number, whole: number): number {
  const product = total * to
  if (product <= Number.MAX_SAFE_INTEGER) return Math.floor(product / whole)
  return Number((BigInt(total) * BigInt(to)) / BigInt(whole))
}
