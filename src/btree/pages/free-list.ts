/** Writes and reads the list of the free units of the data file. Format: docs/formats/btree.md. */
import { CorruptionError } from '../../errors.js'
import { withSpan, type Span } from '../../trace/span.js'
import { FreeSpace } from './free-space.js'
import type { Meta } from './meta-page.js'
import type { LeftPage } from './former-page.js'
import type { PageFile } from './page-file.js'
import { Reference } from './reference.js'

/** A page, if it has a place, and the others whose places go with it. */
export type FreedExtents = Pick<LeftPage, 'offset' | 'units' | 'extents'>

const PAGES_A_TURN = 2048

export interface FreeList {
  /** Has 0 units if nothing is free. */
  readonly reference: Reference
  /** Length of the file with this list in force, in units. */
  readonly length: number
}

export class FreeListWriter {
  readonly #file: PageFile
  readonly #free: FreeSpace
  readonly #turn: () => Promise<void>

  constructor(file: PageFile, free: FreeSpace, turn: () => Promise<void>) {
    this.#file = file
    this.#free = free
    this.#turn = turn
  }

  /**
   * Writes the list: what is free now, the `pending` pages and the earlier list. Turns the event loop: both are taken at one moment, so
   * that pages which readers release meanwhile are among the pending ones.
   */
  async write(pending: readonly FreedExtents[], before: Reference, span: Span | null): Promise<FreeList> {
    const after = this.#free.clone()
    await this.#addPending(after, pending)
    if (before.units > 0) after.free(before.offset, before.units)
    return this.writeMap(after, span)
  }

  /** Writes the list of another map, which changes no more, to a place that is free in both. */
  async writeMap(after: FreeSpace, span: Span | null): Promise<FreeList> {
    const file = this.#file
    const reference = new Reference()
    if (after.freeUnits === 0) return { reference, length: after.end > file.firstUnit ? after.end : 0 }
    // The list's own place may cut a stretch in two, or move the end of the file.
    reference.units = Math.ceil(((await after.encode(this.#turn)).length + 32) / file.unitBytes)
    reference.offset = withSpan(span, () => this.#free.take(reference.units))
    try {
      after.mark(reference.offset, reference.units)
      const { bytes, length, runs } = await after.encode(this.#turn)
      const extent = new Uint8Array(reference.units * file.unitBytes)
      extent.set(bytes.subarray(0, length))
      reference.check = file.checkOf(extent, reference.offset)
      reference.entries = runs
      reference.liveBytes = length
      withSpan(span, () => file.write(extent, reference.offset * file.unitBytes, 0, extent.length, 'meta'))
    } catch (error) {
      withSpan(span, () => this.#free.free(reference.offset, reference.units))
      throw error
    }
    return { reference, length: after.end }
  }

  async #addPending(after: FreeSpace, pending: readonly FreedExtents[]): Promise<void> {
    let sinceTurn = 0
    for (const { offset, units, extents } of pending) {
      if (++sinceTurn % PAGES_A_TURN === 0) await this.#turn()
      if (offset > 0) after.free(offset, units)
      for (let i = 0; i < (extents?.length ?? 0); i += 2) after.free(extents![i], extents![i + 1])
    }
  }
}

/** The free space that the meta page and its list record. */
export function readFreeList(file: PageFile, meta: Meta): FreeSpace {
  const { length, unitBytes } = meta
  const needed = length * unitBytes
  if (file.size < needed) {
    throw new CorruptionError(`The data file has ${file.size} bytes where its tree needs ${needed}`, {
      file: file.path,
      offset: file.size,
    })
  }
  return decodeFreeList(file, meta)
}

/** `readFreeList` without the check of the file's length: a file may have been cut behind the list. */
export function decodeFreeList(file: PageFile, { length, freeList, unitBytes }: Meta): FreeSpace {
  const free = new FreeSpace(file.firstUnit, Math.max(length, file.firstUnit))
  if (freeList.units === 0) return free
  const bytes = file.readExtent(freeList)
  try {
    free.decode(bytes, freeList.liveBytes, freeList.entries)
  } catch (cause) {
    throw new CorruptionError('The free list of the tree is damaged', { file: file.path, offset: freeList.offset * unitBytes, cause })
  }
  return free
}
