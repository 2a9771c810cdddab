/**
 * One file of the memory file system: its bytes now, its bytes on the medium, and what lies between them.
 *
 * Invariants:
 * 1. `durable` plus all pending changes in order gives `current`.
 * 2. A sync makes durable exactly the changes made before it was *called*, and does so when it *resolves*: until then a power
 *    loss may take them, and changes made meanwhile stay pending.
 * 3. Outside of chunks [`#firstDirtyChunk`, `#endDirtyChunk`) `current` and `durable` have the same bytes.
 * 4. After `loseUnsynced` 1 and 3 no longer hold: the medium then gets each later change by itself.
 */
import { MemoryBytes, chunkBytes } from './memory-bytes.js'
import { uniform } from '../seeded-random.js'
import type { Random } from '../environment.js'

const sectorBytes = 512
/** Numbers per pending change: position (or new size), length (-1 marks a truncation), place of the bytes in the journal. */
const fieldsPerChange = 3
const truncation = -1

/** Which unsynced changes a power loss keeps: none, all, a random choice, or those parts. */
export type CrashChoice = 'none' | 'all' | Random | KeptParts

/** Parts by their numbers in the list of `unsynced`. */
export interface KeptParts {
  readonly kept: ReadonlySet<number>
}

/** A part of what is not synced that the medium has whole or not at all. */
export type UnsyncedPart =
  | { readonly change: 'write'; readonly path: string; readonly offset: number; readonly length: number }
  | { readonly change: 'truncate'; readonly path: string; readonly size: number }
  /** `removed` and `added` are paths; both are there for a rename. */
  | { readonly change: 'name'; readonly removed?: string; readonly added?: string }

export class MemoryFile {
  readonly #current: MemoryBytes
  readonly #durable: MemoryBytes
  #pending: number[] = []
  /** The bytes of the pending writes, one after another. */
  #journal = new MemoryBytes()
  #firstDirtyChunk = Infinity
  #endDirtyChunk = 0
  /** How many changes have been made durable since the file was created. */
  #durableChanges = 0
  #hasLost = false

  constructor() {
    const { current, durable } = MemoryBytes.pair()
    this.#current = current
    this.#durable = durable
  }

  get size(): number {
    return this.#current.size
  }

  /** Changes since the last completed sync. */
  get pendingChanges(): number {
    return this.#pending.length / fieldsPerChange
  }

  read(target: Uint8Array, position: number, start: number, end: number): number {
    return this.#current.read(target, position, start, end)
  }

  write(source: Uint8Array, position: number, start: number, end: number): void {
    if (end <= start) return
    this.#touch(Math.min(position, this.#current.size), position + end - start)
    this.#pending.push(position, end - start, this.#journal.size)
    this.#journal.write(source, this.#journal.size, start, end)
    this.#current.write(source, position, start, end)
  }

  truncate(size: number): void {
    this.#touch(Math.min(size, this.#current.size), Infinity)
    this.#pending.push(size, truncation, 0)
    this.#current.truncate(size)
  }

  async sync(): Promise<void> {
    const target = this.#durableChanges + this.pendingChanges
    await Promise.resolve()
    // A sync that was called earlier may have made some of these changes durable already.
    this.#makeDurable(target - this.#durableChanges)
  }

  /** Drops the pending changes: they stay readable but never reach the medium. */
  loseUnsynced(): void {
    if (this.pendingChanges === 0) return
    // Syncs under way then have nothing left to do.
    this.#durableChanges += this.pendingChanges
    this.#forgetPending()
    this.#hasLost = true
  }

  /** The pending changes in their order, writes in parts that end at sectors of the file. */
  unsynced(path: string): UnsyncedPart[] {
    return Array.from({ length: this.pendingChanges }, (_, index): UnsyncedPart[] => {
      const position = this.#pending[index * fieldsPerChange]
      if (this.#pending[index * fieldsPerChange + 1] === truncation) return [{ change: 'truncate', path, size: position }]
      return this.#sectors(index).map(([from, to]) => ({ change: 'write', path, offset: position + from, length: to - from }))
    }).flat()
  }

  /** The file as a power loss leaves it, all of it durable. `first` is the number of its first part. */
  crashed(choice: CrashChoice, first = 0): MemoryFile {
    const clone = new MemoryFile()
    if (choice === 'all') this.#current.copyTo(clone.#current)
    else {
      this.#durable.copyTo(clone.#current)
      if (typeof choice === 'object') {
        if ('kept' in choice) this.#applyParts(clone.#current, choice.kept, first)
        else this.#applySome(clone.#current, choice)
      }
    }
    clone.#durable.adoptPeer()
    return clone
  }

  #touch(from: number, to: number): void {
    this.#firstDirtyChunk = Math.min(this.#firstDirtyChunk, Math.floor(from / chunkBytes))
    this.#endDirtyChunk = Math.max(this.#endDirtyChunk, Math.ceil(to / chunkBytes))
  }

  #makeDurable(count: number): void {
    if (count <= 0) return
    this.#durableChanges += count
    const isAll = count === this.pendingChanges
    if (isAll && !this.#hasLost) {
      this.#durable.adoptPeer(this.#firstDirtyChunk, this.#endDirtyChunk)
      this.#firstDirtyChunk = Infinity
      this.#endDirtyChunk = 0
    } else for (let index = 0; index < count; index++) this.#apply(this.#durable, index, 0, Infinity)
    if (isAll) this.#forgetPending()
    else this.#pending.splice(0, count * fieldsPerChange)
  }

  #forgetPending(): void {
    this.#pending = []
    this.#journal = new MemoryBytes()
  }

  /** Applies bytes `[from, to)` of a pending write, or a pending truncation whole. */
  #apply(target: MemoryBytes, index: number, from: number, to: number): void {
    const position = this.#pending[index * fieldsPerChange]
    const length = this.#pending[index * fieldsPerChange + 1]
    if (length === truncation) {
      target.truncate(position)
      return
    }
    const stop = Math.min(to, length)
    if (stop <= from) return
    const bytes = new Uint8Array(stop - from)
    this.#journal.read(bytes, this.#pending[index * fieldsPerChange + 2] + from, 0, bytes.length)
    target.write(bytes, position + from, 0, bytes.length)
  }

  #applyParts(target: MemoryBytes, kept: ReadonlySet<number>, first: number): void {
    let part = first
    for (let index = 0; index < this.pendingChanges; index++) {
      for (const [from, to] of this.#sectors(index)) if (kept.has(part++)) this.#apply(target, index, from, to)
    }
  }

  /** The parts of a pending change, as offsets in it: a write ends at every sector, a truncation is one part. */
  #sectors(index: number): [from: number, to: number][] {
    const position = this.#pending[index * fieldsPerChange]
    const length = this.#pending[index * fieldsPerChange + 1]
    const parts: [number, number][] = []
    for (let from = 0; from < length;) {
      const to = Math.min(length, from + sectorBytes - ((position + from) % sectorBytes))
      parts.push([from, to])
      from = to
    }
    return length === truncation ? [[0, 0]] : parts
  }

  /** Either the medium got a prefix of the changes, the last one torn, or each change by itself was kept, lost or torn. */
  #applySome(target: MemoryBytes, random: Random): void {
    const count = this.pendingChanges
    if (count === 0) return
    if (uniform(random, 2) === 0) {
      const kept = uniform(random, count + 1)
      for (let index = 0; index < kept; index++) this.#apply(target, index, 0, Infinity)
      if (kept < count && uniform(random, 2) === 0) this.#applyTorn(target, kept, random)
      return
    }
    const keepPercent = 10 + uniform(random, 81)
    for (let index = 0; index < count; index++) {
      const roll = uniform(random, 100)
      if (roll < keepPercent) this.#apply(target, index, 0, Infinity)
      else if (roll % 3 === 0) this.#applyTorn(target, index, random)
    }
  }

  /** A torn write leaves its front or its back part, cut at a sector of the file or at any byte. A truncation does not tear. */
  #applyTorn(target: MemoryBytes, index: number, random: Random): void {
    const position = this.#pending[index * fieldsPerChange]
    const length = this.#pending[index * fieldsPerChange + 1]
    if (length === truncation) return
    const anywhere = 1 + uniform(random, Math.max(1, length - 1))
    const sector = Math.ceil((position + anywhere) / sectorBytes) * sectorBytes - position
    const cut = uniform(random, 2) === 0 && sector < length ? sector : anywhere
    if (uniform(random, 4) === 0) this.#apply(target, index, cut, Infinity)
    else this.#apply(target, index, 0, cut)
  }
}
