/** Builds a tree of packed pages in the data file, from ascending entries and from whole subtrees that are there already. */
import type { ReferenceFields } from '../pages/reference.js'
import { fillSingle, PackedLeaves, singleLeafBytes, type PlacedChild } from './packed-leaves.js'
import { PackedBranches } from './packed-branches.js'
import type { PageOutput } from './page-output.js'

/** Where a tree begins; `height` 0 if it is empty. */
export interface StoredRoot {
  readonly height: number
  readonly reference: ReferenceFields
}

/** A leaf with more bytes is written between turns of the event loop. */
const LONG_BYTES = 256 * 1024

export class PackedTree {
  readonly #output: PageOutput
  readonly #leaves: PackedLeaves
  /** By level, from 1 on. */
  readonly #branches: (PackedBranches | undefined)[] = []

  constructor(output: PageOutput) {
    this.#output = output
    this.#leaves = new PackedLeaves(output, leaf => this.#above(0).add(leaf))
  }

  /** Whether a page of a level may follow whole without leaving pages with few entries before it. */
  takesWhole(level: number): boolean {
    if (!this.#leaves.isRipe) return false
    for (let each = 1; each <= level; each++) if (this.#branches[each]?.isRipe === false) return false
    return true
  }

  /** Adds an entry. Returns a promise if its value is long. One that `expires` comes from a leaf of the usual size. */
  add(
    key: Uint8Array,
    start: number,
    end: number,
    value: Uint8Array,
    valueStart: number,
    valueEnd: number,
    expires = false,
  ): Promise<void> | undefined {
    if (!this.#leaves.isLarge(end - start, valueEnd - valueStart)) {
      this.#leaves.add(key, start, end, value, valueStart, valueEnd, expires)
      return undefined
    }
    this.#leaves.seal()
    const bytes = singleLeafBytes(end - start, valueEnd - valueStart)
    const units = Math.ceil(bytes / this.#output.unitBytes)
    const liveBytes = end - start + valueEnd - valueStart
    const separator = key.slice(start, end)
    const fill = (block: Parameters<typeof fillSingle>[0]): void => fillSingle(block, key, start, end, value, valueStart, valueEnd)
    if (bytes > LONG_BYTES) {
      return this.#output.writeLong(units, liveBytes, fill).then(reference => this.#above(0).add({ separator, reference }))
    }
    this.#above(0).add({ separator, reference: this.#output.write(0, units, 1, liveBytes, fill) })
    return undefined
  }

  /** Adds a page of a level, with all under it. */
  addWhole(level: number, child: PlacedChild): void {
    this.#seal(level)
    this.#above(level).add(child)
  }

  /** Writes the rest, and hands everything to the file. Something has been added. */
  finish(): StoredRoot {
    this.#leaves.seal()
    let root: StoredRoot | undefined
    for (let level = 1; root === undefined; level++) {
      const branches = this.#branches[level]
      if (branches === undefined || branches.isEmpty) continue
      const { only } = branches
      if (only !== undefined && this.#isEmptyAbove(level)) root = { height: level, reference: only.reference }
      else branches.seal()
    }
    this.#output.flush()
    return root
  }

  #isEmptyAbove(level: number): boolean {
    return this.#branches.slice(level + 1).every(branches => branches?.isEmpty !== false)
  }

  #seal(level: number): void {
    this.#leaves.seal()
    for (let each = 1; each <= level; each++) this.#branches[each]?.seal()
  }

  /** Packs the branches above pages of a level. */
  #above(level: number): PackedBranches {
    return (this.#branches[level + 1] ??= new PackedBranches(level + 1, this.#output, branch => this.#above(level + 1).add(branch)))
  }
}
