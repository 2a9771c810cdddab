/** The sorted block of tables and tree pages (layout in codec/sorted-block.ts) as spans. */
import { compareKeys } from '../codec/entry.js'
import { EXPIRES_BIT, headOf, OFFSET_MASK, SLOT_BYTES } from '../codec/sorted-block.js'
import { hexOf } from '../codec/text.js'
import { printableText, quotedText } from '../codec/shown-text.js'
import { place, showBytes } from './show-bytes.js'
import { SpanReader } from './span-reader.js'
import { damageIn, tile, type Span } from './span.js'

/** Decodes the payload from the reader's position to its end, and describes the entry in one line. The payload of one that `expires` begins with its expiry. */
export type DescribeEntry = (key: Uint8Array, payload: SpanReader, index: number, expires: boolean) => string

export interface BlockOptions {
  readonly preview: number
  readonly describe: DescribeEntry
  /** Called with each error of the structure. */
  readonly wrong: (offset: number, length: number, message: string) => void
  /** Branch pages: the key of entry 0 bounds nothing. */
  readonly bareFirst?: boolean
  /** Leaves of the B+tree: slots say which entries expire. */
  readonly mayExpire?: boolean
}

export interface BlockView {
  readonly spans: Span[]
  readonly count: number
  readonly firstKey: Uint8Array | undefined
  readonly lastKey: Uint8Array | undefined
  /** Bytes that entries need: all except gap and dead cells. */
  readonly usedBytes: number
}

/** `bytes[0, end)`, which begin at `base`, as a sorted block. Never throws, whatever the bytes hold. */
export function blockSpans(bytes: Uint8Array, end: number, base: number, options: BlockOptions): BlockView {
  const reader = new SpanReader(bytes, base, 0, end)
  const empty = { count: 0, firstKey: undefined, lastKey: undefined, usedBytes: 0 }
  try {
    const count = reader.number('entries', 4)
    const prefixLength = reader.number('prefix length', 4)
    const prefix = reader.take('prefix', prefixLength)
    if (prefixLength > 0) reader.spans[2] = { ...reader.spans[2], value: showBytes(prefix, options.preview) }
    if (count * SLOT_BYTES > reader.left) {
      options.wrong(base, end, `a block of ${end} bytes is too short for its ${count} entries`)
      reader.rest('unreadable')
      return { spans: reader.spans, ...empty }
    }
    const places = readSlots(reader, count, options.mayExpire === true)
    return readCells(reader, prefix, places, options)
  } catch (error) {
    options.wrong(base, end, damageIn(error))
    reader.rest('unreadable')
    return { spans: reader.spans, ...empty }
  }
}

interface Slot {
  readonly head: number
  readonly cell: number
  readonly expires: boolean
  readonly offset: number
}

function readSlots(reader: SpanReader, count: number, mayExpire: boolean): Slot[] {
  const { bytes } = reader
  return Array.from({ length: count }, (_, index) => {
    const at = reader.at
    const head = ((bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]) >>> 0
    const word = (bytes[at + 4] | (bytes[at + 5] << 8) | (bytes[at + 6] << 16) | (bytes[at + 7] << 24)) >>> 0
    const expires = mayExpire && word >= EXPIRES_BIT
    const cell = expires ? word & OFFSET_MASK : word
    const offset = reader.base + at
    reader.take(`slot ${index}`, SLOT_BYTES, {
      value: `head ${showHead(bytes.subarray(at, at + 4))}, cell at ${place(reader.base + cell)}${expires ? ', expires' : ''}`,
    })
    return { head, cell, expires, offset }
  })
}

function showHead(head: Uint8Array): string {
  let end = 4
  while (end > 0 && head[end - 1] === 0) end--
  const text = printableText(head.subarray(0, end))
  return text === undefined ? hexOf(head) : quotedText(text)
}

function readCells(reader: SpanReader, prefix: Uint8Array, slots: readonly Slot[], options: BlockOptions): BlockView {
  const { bytes, base, end, at: cellsStart } = reader
  const { preview, describe, wrong, bareFirst = false } = options
  const cells: Span[] = []
  let firstKey: Uint8Array | undefined
  let lastKey: Uint8Array | undefined
  for (const [index, { head, cell: at, expires, offset }] of slots.entries()) {
    if (at < cellsStart || at >= end) {
      wrong(offset, SLOT_BYTES, `slot ${index} points outside of the cells`)
      continue
    }
    const cell = new SpanReader(bytes, base, at, end)
    const name = `entry ${index}`
    try {
      const suffixLength = cell.varint('suffix length')
      const payloadLength = cell.varint('payload length')
      const suffix = cell.take('suffix', suffixLength, { value: '' })
      if (suffixLength > 0) cell.spans[2] = { ...cell.spans[2], value: showBytes(suffix, preview) }
      if (payloadLength > cell.left) {
        wrong(base + at, 1, `${name} runs past the end of its block`)
        continue
      }
      const key = joined(prefix, suffix)
      const payload = new SpanReader(bytes, base, cell.at, cell.at + payloadLength)
      const value = described(key, payload, index, expires, name)
      cells.push({ offset: base + at, length: payload.end - at, name, value, entry: true, children: [...cell.spans, ...payload.spans] })
      if (head !== headOf(suffix, 0, suffix.length)) wrong(offset, SLOT_BYTES, `the head in slot ${index} is not that of its key`)
      if (lastKey !== undefined && !(bareFirst && index === 1) && compareKeys(lastKey, key) > 0) {
        wrong(offset, SLOT_BYTES, `the key of ${name} is less than the one before it`)
      }
      firstKey ??= key
      lastKey = key
    } catch (error) {
      wrong(base + at, 1, `${name}: ${damageIn(error)}`)
    }
  }
  const filler = (offset: number, length: number): Span => ({ offset, length, name: 'not in use', unused: true })
  const dropped = (span: Span): void => wrong(span.offset, span.length, `${span.name} overlaps another one`)
  const tiled = tile(base + cellsStart, base + end, cells, filler, dropped)
  const unused = tiled.reduce((sum, span) => sum + (span.unused === true ? span.length : 0), 0)
  return { spans: [...reader.spans, ...tiled], count: slots.length, firstKey, lastKey, usedBytes: end - unused }

  function described(key: Uint8Array, payload: SpanReader, index: number, expires: boolean, name: string): string {
    try {
      const text = describe(key, payload, index, expires)
      if (payload.left > 0) {
        wrong(base + payload.at, payload.left, `${name} has bytes after its end`)
        payload.rest('unreadable')
      }
      return text
    } catch (error) {
      wrong(base + payload.at, Math.max(1, payload.left), `${name}: ${damageIn(error)}`)
      payload.rest('unreadable')
      return showBytes(key, preview)
    }
  }
}

function joined(prefix: Uint8Array, suffix: Uint8Array): Uint8Array {
  const key = new Uint8Array(prefix.length + suffix.length)
  key.set(prefix)
  key.set(suffix, prefix.length)
  return key
}
