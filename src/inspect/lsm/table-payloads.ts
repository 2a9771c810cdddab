/** The contents of a table's blocks (docs/formats/sstable.md), entry by entry. */
import { BlobPointer } from '../../codec/blob-pointer.js'
import { ByteView, KIND_BLOB, KIND_DELETE, KIND_DELETE_RANGE, KIND_PUT_EXPIRING, MAX_SEQUENCE } from '../../codec/entry.js'
import { readUtf8 } from '../../codec/text.js'
import { CorruptionError } from '../../errors.js'
import { blobName } from '../../lsm/file-names.js'
import { readHandle, type BlockHandle } from '../../sstable/format.js'
import { CUSTOM_FILTER_ID } from '../../sstable/table-filter.js'
import { VarintReader } from '../../codec/varint.js'
import { EXPIRY_BYTES } from '../../codec/expiry.js'
import { kindName, readExpirySpan, showExpiry } from '../batch-spans.js'
import type { DescribeEntry } from '../block-spans.js'
import { place, showBytes } from '../show-bytes.js'
import { SpanReader } from '../span-reader.js'
import type { Span } from '../span.js'

interface Tag {
  readonly kind: number
  readonly sequence: number
}

/** sequence × 4 + kind as LEB128, decoded without the product, which exceeds 53 bits. */
function readTag(payload: SpanReader): Tag {
  const { bytes, at, end } = payload
  let length = 0
  let sequence = 0
  let scale = 32
  let byte = 0x80
  while (byte >= 0x80) {
    if (length === 8 || at + length >= end) throw new CorruptionError('an entry has a damaged tag')
    byte = bytes[at + length]
    if (length === 0) sequence = (byte >>> 2) & 31
    else {
      sequence += (byte & 0x7f) * scale
      scale *= 128
    }
    length++
  }
  const kind = bytes[at] & 3
  const isShort = kind === KIND_PUT_EXPIRING && at + length + EXPIRY_BYTES > end
  if (isShort || sequence > MAX_SEQUENCE) throw new CorruptionError('an entry has a damaged tag')
  payload.take('tag', length, { value: `${kindName(kind)} at ${sequence}` })
  return { kind, sequence }
}

export function describeDataEntry(preview: number, saw: (tag: Tag) => void): DescribeEntry {
  return (key, payload) => {
    const tag = readTag(payload)
    saw(tag)
    const shown = showBytes(key, preview)
    if (tag.kind === KIND_BLOB) {
      const pointer = new BlobPointer()
      const stored = new ByteView()
      stored.set(payload.bytes, payload.at, payload.end)
      pointer.read(stored)
      const place = `${pointer.length} bytes at ${pointer.offset} of ${blobName(pointer.file)}`
      payload.rest('pointer', { value: place })
      return `put ${shown} = ${place}${pointer.expiry === undefined ? '' : ` until ${showExpiry(pointer.expiry)}`} at ${tag.sequence}`
    }
    if (tag.kind === KIND_DELETE) return `delete ${shown} at ${tag.sequence}`
    const until = tag.kind === KIND_PUT_EXPIRING ? ` until ${readExpirySpan(payload)}` : ''
    const value = showBytes(payload.bytes.subarray(payload.at, payload.end), preview)
    payload.rest('value', { value })
    return `put ${shown} = ${value}${until} at ${tag.sequence}`
  }
}

export function describeRange(preview: number): DescribeEntry {
  return (key, payload) => {
    const { kind, sequence } = readTag(payload)
    if (kind !== KIND_DELETE_RANGE) throw new CorruptionError('the range block holds something else than range tombstones')
    const last = showBytes(payload.bytes.subarray(payload.at, payload.end), preview)
    payload.rest('last key', { value: last })
    return `delete range ${showBytes(key, preview)} to ${last} at ${sequence}`
  }
}

/** The entry of one data block in the index. */
export interface IndexEntry {
  readonly separator: Uint8Array
  readonly handle: Readonly<BlockHandle>
}

/** Entries are added to `into` by their ordinal; one that points outside of the data is omitted. */
export function describeIndexEntry(preview: number, dataEnd: number, into: Map<number, IndexEntry>): DescribeEntry {
  return (key, payload, index) => {
    const handle = { offset: 0, bytes: 0, rawBytes: 0 }
    readHandle(new VarintReader(payload.bytes, payload.at, payload.end), dataEnd, handle)
    payload.varint('block offset')
    payload.varint('block size')
    if (payload.left > 0) payload.varint('raw size')
    into.set(index, { separator: key, handle })
    return `up to ${showBytes(key, preview)}: data block ${index} at ${place(handle.offset)}, ${handle.bytes} bytes`
  }
}

/** Numbers are added to `into` by their names. */
export function describeProperty(preview: number, into: Map<string, number | string>): DescribeEntry {
  return (key, payload) => {
    const name = readUtf8(key, 0, key.length)
    if (name === 'smallest' || name === 'largest') {
      const text = showBytes(payload.bytes.subarray(payload.at, payload.end), preview)
      payload.rest('key', { value: text })
      into.set(name, text)
      return `${name} = ${text}`
    }
    const number = payload.varint('number')
    into.set(name, number)
    return `${showBytes(key, preview).slice(1, -1)} = ${number}`
  }
}

export interface FilterView {
  readonly spans: Span[]
  readonly value: string
}

/** The filter's header and bits. Throws a `CorruptionError` where it contradicts itself. */
export function filterSpans(bytes: Uint8Array, base: number): FilterView {
  const reader = new SpanReader(bytes, base)
  const hash = reader.number('hash id', 1, id => (id === CUSTOM_FILTER_ID ? { value: `${id}: a custom filter` } : {}))
  const probes = reader.number('k', 1, k => ({ value: `${k}: bits per key` }))
  reader.number('not in use', 2)
  const bitCount = reader.number('bit count', 4)
  if (hash === CUSTOM_FILTER_ID) {
    reader.rest('bits')
    return { spans: reader.spans, value: `${bitCount} bits, of a custom filter` }
  }
  if (hash !== 1) throw new CorruptionError(`the filter uses hash ${hash}; this kvarium knows 1`)
  if (probes < 1 || probes > 30 || bitCount < 1 || bitCount > reader.left * 8)
    throw new CorruptionError('a filter block contradicts itself')
  let set = 0
  for (let at = reader.at; at < bytes.length; at++) for (let rest = bytes[at]; rest > 0; rest &= rest - 1) set++
  const fill = set / bitCount
  const passes = (100 * fill ** probes).toFixed(2)
  const value = `${bitCount} bits, ${probes} per key, ${(100 * fill).toFixed(1)} % set: about ${passes} % of absent keys pass`
  reader.rest('bits', { value: `${set} of ${bitCount} are set` })
  return { spans: reader.spans, value }
}
