/**
 * The pages that a meta page leads to.
 *
 * Invariants:
 * 1. A page is trusted when it matches the reference to it. Below a branch that does not match, only children that match their
 *    references are trusted: no damaged reference leads to a page that matches.
 * 2. A walk keeps only branches, one per level. A page is one small object afterwards.
 */
import { placeSeed } from '../../codec/checksum.js'
import { Cell, SortedBlock } from '../../codec/sorted-block.js'
import { Reference, REFERENCE_BYTES } from '../../btree/pages/reference.js'
import { CorruptionError } from '../../errors.js'
import { unpackLeaf } from '../../btree/pages/packed-leaf.js'
import { readBytes, type FileContext } from '../inspected-file.js'
import { word } from '../span.js'
import type { MetaView } from './meta-spans.js'

export interface PagePlace {
  readonly unit: number
  readonly units: number
  readonly check: number
  /** 0 is a leaf. */
  readonly level: number
  readonly entries: number
}

export interface PageContents {
  readonly bytes: Uint8Array
  /** The expected and the actual hash of the page. */
  readonly expected: string
  readonly found: string
  readonly isRight: boolean
}

export interface WalkedPage {
  readonly place: PagePlace
  /** Keys of the subtree: `low` included, `high` not; `undefined` leaves the side open. */
  readonly low: Uint8Array | undefined
  readonly high: Uint8Array | undefined
  readonly depth: number
  /** Absent where the extent is not in the file. */
  readonly contents: PageContents | undefined
}

export class PageReader {
  readonly #context: FileContext
  readonly #meta: MetaView

  constructor(context: FileContext, meta: MetaView) {
    this.#context = context
    this.#meta = meta
  }

  read({ unit, units, check }: Pick<PagePlace, 'unit' | 'units' | 'check'>): PageContents | undefined {
    const { unitBytes, identity } = this.#meta
    const offset = unit * unitBytes
    const length = units * unitBytes
    if (length === 0 || offset + length > this.#context.bytes) return undefined
    const bytes = readBytes(this.#context, offset, length)
    const hash = this.#context.hash32(bytes, placeSeed(identity, offset)) >>> 0
    return { bytes, expected: word(check), found: word(hash), isRight: hash === check }
  }

  /** The contents of a page that is compressed; `undefined` for other pages. Throws a `CorruptionError` if they do not decompress. */
  unpacked({ unit, units, level }: PagePlace, { bytes }: PageContents): Uint8Array | undefined {
    const { unitBytes, pageBytes } = this.#meta
    if (level > 0 || units * unitBytes >= pageBytes) return undefined
    const contents = new Uint8Array(pageBytes)
    unpackLeaf(bytes, contents, { file: this.#context.path, offset: unit * unitBytes })
    return contents
  }

  /** Every page, the root first, each before its children. Leaves are read only with `withLeaves`. */
  *walk({ withLeaves }: { readonly withLeaves: boolean }): Generator<WalkedPage> {
    const { height, root } = this.#meta
    if (height > 0) yield* this.#subtree(placeOf(root, height - 1), undefined, undefined, 0, withLeaves)
  }

  *#subtree(
    place: PagePlace,
    low: Uint8Array | undefined,
    high: Uint8Array | undefined,
    depth: number,
    withLeaves: boolean,
  ): Generator<WalkedPage> {
    const contents = place.level > 0 || withLeaves ? this.read(place) : undefined
    yield { place, low, high, depth, contents }
    if (place.level === 0 || contents === undefined) return
    const children = childrenOf(contents.bytes, place.level)
    for (const [index, child] of children.entries()) {
      if (!contents.isRight && this.read(child.place)?.isRight !== true) continue
      const next = children[index + 1]
      yield* this.#subtree(child.place, index === 0 ? low : child.key, next?.key ?? high, depth + 1, withLeaves)
    }
  }
}

function placeOf({ offset, units, check, entries }: Reference, level: number): PagePlace {
  return { unit: offset, units, check, level, entries }
}

/** The readable references in a branch. */
function childrenOf(bytes: Uint8Array, level: number): { readonly key: Uint8Array; readonly place: PagePlace }[] {
  const children: { key: Uint8Array; place: PagePlace }[] = []
  const cell = new Cell()
  try {
    const block = new SortedBlock(bytes, bytes.length, '', 0)
    for (let index = 0; index < block.count; index++) {
      try {
        block.readCell(index, cell)
        if (cell.payloadEnd - cell.payloadStart !== REFERENCE_BYTES) continue
        children.push({ key: block.keyAt(index), place: placeOf(new Reference().read(bytes, cell.payloadStart), level - 1) })
      } catch (error) {
        if (!isDamage(error)) throw error
      }
    }
  } catch (error) {
    if (!isDamage(error)) throw error
  }
  return children
}

/** Whether an error means damage. A block with a wrong structure also leads to invalid array lengths. */
function isDamage(error: unknown): boolean {
  return error instanceof CorruptionError || error instanceof RangeError
}
