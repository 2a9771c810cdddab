/**
 * A table that may be damaged, read block by block: a block that fails is reported and skipped. Filter and properties are not needed. Without
 * its footer or its index, as after a cut, its blocks are found by their checksums.
 */
import type { Hash32 } from '../../codec/checksum.js'
import { BlobPointer } from '../../codec/blob-pointer.js'
import { ByteView, compareKeys, KIND_DELETE_RANGE } from '../../codec/entry.js'
import { Cell, SortedBlock } from '../../codec/sorted-block.js'
import { VarintReader } from '../../codec/varint.js'
import type { KeyRange, Loss } from '../../engine/contract.js'
import { messageOf, placeOf, type KeyVersion } from '../../engine/durable/log-salvage.js'
import { CorruptionError, FormatError } from '../../errors.js'
import { decompressBlock, decompressUnsized } from '../../sstable/block-compression.js'
import { walkBlocks } from '../../sstable/block-walk.js'
import { EntryTag, readTag } from '../../sstable/entry-tag.js'
import {
  CODEC_NONE,
  decodeFooter,
  FOOTER_BYTES,
  noHandle,
  readHandle,
  TRAILER_BYTES,
  verifyTrailer,
  type BlockHandle,
  type Footer,
} from '../../sstable/format.js'
import { decodeProperties } from '../../sstable/properties.js'
import { decodeRangeTombstones, type RangeTombstone } from '../../sstable/range-tombstone.js'
import type { PlatformCompression } from '../../vfs/environment.js'
import type { FileHandle } from '../../vfs/file-system.js'

export interface SalvagedTableOptions {
  /** Closed by `close`, or when opening fails. */
  readonly file: FileHandle
  readonly number: number
  readonly hash32: Hash32
  readonly compression: PlatformCompression
  /** The largest key that the table had, where it is known. */
  readonly largest: Uint8Array | undefined
}

/** Keys of blocks that follow each other in the table and can all be read; both bounds included. */
export interface Stretch {
  readonly first: Uint8Array
  readonly last: Uint8Array
}

export class SalvagedTable {
  readonly number: number
  rangeTombstones: readonly RangeTombstone[] = []
  readonly #options: SalvagedTableOptions
  #parts: readonly Part[] = []

  private constructor(options: SalvagedTableOptions) {
    this.number = options.number
    this.#options = options
  }

  /** Throws when the file cannot be read, or has no block that can. */
  static open(options: SalvagedTableOptions): SalvagedTable {
    const table = new SalvagedTable(options)
    try {
      table.#find()
      return table
    } catch (error) {
      options.file.close()
      throw error
    }
  }

  /**
   * The entries of every block that can be read, in their order.
   * @param lost called for each part of the table that cannot be read
   * @param stretches gets the keys of what can
   */
  *versions(lost: (loss: Loss) => void, stretches: Stretch[] = []): Generator<KeyVersion> {
    let isNext = false
    for (const part of this.#parts) {
      const versions = this.#versionsOf(part, lost)
      if (versions.length > 0) {
        const [first, last] = [versions[0].key, versions.at(-1)!.key]
        const before = isNext ? stretches.pop() : undefined
        stretches.push({ first: before?.first ?? first, last })
      }
      isNext = versions.length > 0
      yield* versions
    }
  }

  close(): void {
    this.#options.file.close()
  }

  #versionsOf(part: Part, lost: (loss: Loss) => void): readonly KeyVersion[] {
    if ('loss' in part) {
      lost(part.loss)
      return []
    }
    const { handle, keys } = part
    try {
      return versionsOf(this.#block(handle), this.number)
    } catch (error) {
      lost({ ...placeOf(error, this.#options.file.path), message: `a block of the table is lost: ${messageOf(error)}`, keys })
      return []
    }
  }

  #find(): void {
    const { file, hash32, number } = this.#options
    let footer: Footer
    try {
      const offset = file.size() - FOOTER_BYTES
      if (offset < 0) throw new CorruptionError(`${file.size()} bytes are too few for a table`, { file: file.path })
      footer = decodeFooter(this.#read(offset, FOOTER_BYTES), hash32, number, file.path, offset)
    } catch (error) {
      if (!(error instanceof CorruptionError)) throw error
      this.#walk(file.size(), error)
      return
    }
    const dataEnd = [footer.ranges, footer.filter, footer.index].find(handle => handle.bytes > 0)!.offset
    try {
      this.#parts = partsOf(this.#block(footer.index), dataEnd)
    } catch (error) {
      if (!(error instanceof CorruptionError)) throw error
      this.#walk(dataEnd, error)
    }
    if (footer.ranges.bytes === 0) return
    try {
      this.rangeTombstones = decodeRangeTombstones(this.#block(footer.ranges))
    } catch (error) {
      const message = `range deletions are lost, what they deleted may come back: ${messageOf(error)}`
      this.#parts = [...this.#parts, { loss: { ...placeOf(error, file.path), message } }]
    }
  }

  /**
   * Finds the blocks before `end` by their checksums: data blocks first, and where the footer is lost also range tombstones and the index
   * behind them. Throws `cause` if there are none.
   */
  #walk(end: number, cause: CorruptionError): void {
    const { file, number, hash32, largest } = this.#options
    const parts: Part[] = []
    let position = 0
    let last: Uint8Array | undefined
    const lose = (until: number, keys: KeyRange, isOpen = false): void => {
      if (until === position && !isOpen) return
      const message = isOpen
        ? `the table cannot be read from byte ${position} on: ${messageOf(cause)}`
        : `bytes ${position} to ${until} of the table cannot be read: ${messageOf(cause)}`
      parts.push({ loss: { file: file.path, offset: position, message, keys: { ...(last !== undefined && { gt: last }), ...keys } } })
      position = until
    }
    // Where the data blocks end is known from the footer alone.
    const isEndKnown = end < file.size()
    for (const { offset, bytes, codec } of walkBlocks(this.#read(0, end), number, hash32)) {
      const handle = { offset, bytes, rawBytes: codec === CODEC_NONE ? bytes : UNKNOWN }
      const found = this.#contents(handle)
      if (found.kind === 'index') {
        this.#parts = partsOf(found.block, offset)
        const dataEnd = this.#parts.reduce((most, part) => ('handle' in part ? endOf(part.handle) : most), 0)
        if (position < dataEnd) position = dataEnd
        parts.length = 0
        lose(offset, {})
        this.#parts = [...this.#parts, ...parts]
        return
      }
      if (found.kind === 'properties') break
      if (found.kind === 'data') {
        lose(offset, { lt: found.first })
        parts.push({ handle, keys: {} })
        last = found.last
      } else if (found.kind === 'ranges') {
        lose(offset, {})
        this.rangeTombstones = found.tombstones
      } else {
        lose(offset, {})
      }
      position = offset + bytes + TRAILER_BYTES
    }
    if (position === 0) throw cause
    lose(end, largest === undefined ? {} : { lte: largest }, !isEndKnown)
    this.#parts = parts
  }

  #contents(handle: BlockHandle): Contents {
    let block: SortedBlock
    try {
      block = this.#block(handle)
      return contentsOf(block, this.number)
    } catch (error) {
      // A filter, which is no sorted block.
      if (error instanceof CorruptionError || error instanceof FormatError) return { kind: 'other' }
      throw error
    }
  }

  #block(handle: BlockHandle): SortedBlock {
    const { file, number, hash32, compression } = this.#options
    const { offset, bytes } = handle
    const stored = this.#read(offset, bytes + TRAILER_BYTES)
    const codec = verifyTrailer(stored, bytes, hash32, number, file.path, offset)
    if (codec === CODEC_NONE) return new SortedBlock(stored, bytes, file.path, offset)
    const place = { file: file.path, offset }
    const contents = stored.subarray(0, bytes)
    if (handle.rawBytes === UNKNOWN) {
      const raw = decompressUnsized(codec, contents, compression, place)
      return new SortedBlock(raw, raw.length, file.path, offset)
    }
    const raw = new Uint8Array(handle.rawBytes)
    decompressBlock(codec, contents, raw, compression, place)
    return new SortedBlock(raw, raw.length, file.path, offset)
  }

  #read(offset: number, length: number): Uint8Array {
    const { file } = this.#options
    const bytes = new Uint8Array(length)
    if (file.read(bytes, offset) !== length) throw new CorruptionError('the file ends early', { file: file.path, offset })
    return bytes
  }
}

/** A data block, with the keys it may hold as far as the index says; or a part that is known to be lost. */
type Part = { readonly handle: BlockHandle; readonly keys: KeyRange } | { readonly loss: Loss }

/** The size of a block's contents once decompressed, where only the lost index has it. */
const UNKNOWN = -1

type Contents =
  | { readonly kind: 'data'; readonly first: Uint8Array; readonly last: Uint8Array }
  | { readonly kind: 'ranges'; readonly tombstones: readonly RangeTombstone[] }
  | { readonly kind: 'index'; readonly block: SortedBlock }
  | { readonly kind: 'properties' | 'other' }

/** What a block is that was found without anything that refers to it. */
function contentsOf(block: SortedBlock, table: number): Contents {
  if (block.count === 0) return { kind: 'other' }
  if (isIndex(block)) return { kind: 'index', block }
  if (isProperties(block)) return { kind: 'properties' }
  const cell = new Cell()
  const tag = new EntryTag()
  block.readCell(0, cell)
  readTag(block, cell, tag)
  // Among the entries of a data block the same number says that a value lies in a blob file.
  if (tag.kind === KIND_DELETE_RANGE && !isPointer(block, tag, cell)) return { kind: 'ranges', tombstones: decodeRangeTombstones(block) }
  const versions = versionsOf(block, table)
  return { kind: 'data', first: versions[0].key, last: versions.at(-1)!.key }
}

function isPointer(block: SortedBlock, tag: EntryTag, cell: Cell): boolean {
  const stored = new ByteView()
  stored.set(block.bytes, tag.end, cell.payloadEnd)
  return isDecoded(() => new BlobPointer().read(stored))
}

/**
 * Whether the payloads are the places of blocks that follow each other from the start of the file up to this one at most. No data block
 * looks like that: its first entry would have sequence number 0, which no operation has.
 */
function isIndex(block: SortedBlock): boolean {
  let position = 0
  return isDecoded(() => {
    for (let ordinal = 0; ordinal < block.count; ordinal++) {
      const handle = handleAt(block, ordinal, block.offset)
      if (handle.offset !== position) throw block.corruption('no index')
      position = endOf(handle)
    }
  })
}

function isProperties(block: SortedBlock): boolean {
  return isDecoded(() => decodeProperties(block, 0))
}

function isDecoded(decode: () => unknown): boolean {
  try {
    decode()
    return true
  } catch (error) {
    if (error instanceof CorruptionError) return false
    throw error
  }
}

function partsOf(index: SortedBlock, dataEnd: number): readonly Part[] {
  return Array.from({ length: index.count }, (_, ordinal) => {
    const last = index.keyAt(ordinal)
    const before = ordinal > 0 ? index.keyAt(ordinal - 1) : undefined
    // Where a block has nothing but older versions of the key that ends the block before, that key is all it can be about.
    const isSameKey = before !== undefined && compareKeys(before, last) === 0
    const first = before === undefined ? {} : isSameKey ? { gte: last } : { gt: before }
    return { handle: handleAt(index, ordinal, dataEnd), keys: { ...first, lte: last } }
  })
}

function endOf({ offset, bytes }: BlockHandle): number {
  return offset + bytes + TRAILER_BYTES
}

function handleAt(index: SortedBlock, ordinal: number, dataEnd: number): BlockHandle {
  const cell = new Cell()
  index.readCell(ordinal, cell)
  const handle = noHandle()
  try {
    readHandle(new VarintReader(index.bytes.subarray(cell.payloadStart, cell.payloadEnd)), dataEnd, handle)
  } catch (cause) {
    throw index.corruption(`the index entry of data block ${ordinal} is damaged`, cause)
  }
  return handle
}

function versionsOf(block: SortedBlock, file: number): KeyVersion[] {
  const cell = new Cell()
  const tag = new EntryTag()
  const versions: KeyVersion[] = []
  for (let i = 0; i < block.count; i++) {
    block.readCell(i, cell)
    readTag(block, cell, tag)
    const { sequence, kind } = tag
    versions.push({ key: block.keyAt(i), sequence, kind, value: block.bytes.slice(tag.end, cell.payloadEnd), file })
  }
  return versions
}
