/** A meta page of the B+tree (docs/formats/btree.md), field by field. */
import { placeSeed, type Hash32 } from '../../codec/checksum.js'
import {
  COMPRESSED_BTREE_FORMAT_VERSION,
  isKnownVersion,
  KNOWN_VERSIONS,
  MAX_LEVELS,
  META_BYTES,
  metaOffset,
} from '../../btree/pages/meta-page.js'
import { Reference } from '../../btree/pages/reference.js'
import { logName } from '../../engine/durable/log-names.js'
import { place, showBytes } from '../show-bytes.js'
import { SpanReader } from '../span-reader.js'
import { distrust, word, type Problem, type Span } from '../span.js'

const CHECK_AT = 508
const CHECK_SEED = 0x6b766274
const LOG_ENDS = 12
const MAGIC = Uint8Array.of(0x6b, 0x76, 0x62, 0x74, 0x72, 0x65, 0x65, 0x0a)

/** The contents of a sound meta page. */
export interface MetaView {
  readonly slot: number
  readonly number: number
  readonly unitBytes: number
  /** Bytes of a leaf in memory: more than a unit where leaves may be compressed. */
  readonly pageBytes: number
  readonly identity: number
  readonly height: number
  readonly sequence: number
  readonly firstLog: number
  readonly lastLog: number
  /** Length of the file in units, as far as the tree needs it. */
  readonly length: number
  readonly root: Reference
  readonly freeList: Reference
  /** Pages of each level, from the leaves up. */
  readonly pages: readonly number[]
}

export interface MetaSpan {
  readonly span: Span
  /** Absent where the page cannot be used. */
  readonly meta?: MetaView
  readonly problem?: Omit<Problem, 'file'>
}

/** `bytes` are those of meta page `slot`, fewer if the file ends before. */
export function readMetaSpan(bytes: Uint8Array, slot: number, hash32: Hash32): MetaSpan {
  const offset = metaOffset(slot)
  const name = `meta page ${slot}`
  if (bytes.length < META_BYTES) {
    const message = `${name} is cut off`
    const span = { offset, length: bytes.length, name, problem: message, unverified: true as const }
    return { span, problem: { offset, length: bytes.length, message } }
  }
  const reader = new SpanReader(bytes, offset)
  const meta = readFields(reader, slot)
  const expected = word(hash32(bytes.subarray(0, CHECK_AT), placeSeed(CHECK_SEED, offset)))
  const found = word(reader.number('check', 4, check => ({ value: word(check) })))
  const value = `number ${meta.number}`
  const span: Span = { offset, length: META_BYTES, name, value, children: reader.spans }
  if (MAGIC.some((byte, i) => bytes[i] !== byte)) return damaged(span, `${name} does not begin with the magic`, {})
  if (found !== expected) return damaged(span, `${name} fails its check`, { expected, found })
  const version = versionOf(bytes)
  if (!isKnownVersion(version)) {
    const message = `${name} has format version ${version}; this kvarium reads ${KNOWN_VERSIONS}`
    return { span: { ...span, problem: message }, problem: { offset: offset + 8, length: 4, message } }
  }
  const { unitBytes, pageBytes, height } = meta
  const isUnit = unitBytes > 0 && unitBytes <= pageBytes && (unitBytes & (unitBytes - 1)) === 0
  if (!isUnit || pageBytes < 256 || pageBytes > 65536 || (pageBytes & (pageBytes - 1)) !== 0 || height > MAX_LEVELS) {
    return damaged(span, `${name} contradicts itself`, {})
  }
  return { span, meta }
}

function versionOf(bytes: Uint8Array): number {
  return bytes[8] + bytes[9] * 0x100 + bytes[10] * 0x1_0000 + bytes[11] * 0x100_0000
}

function damaged(span: Span, message: string, checks: Pick<Problem, 'expected' | 'found'>): MetaSpan {
  const problem = { offset: span.offset, length: span.length, message, ...checks }
  return { span: distrust({ ...span, problem: message }), problem }
}

function readFields(reader: SpanReader, slot: number): MetaView {
  reader.take('magic', 8, { value: showBytes(reader.bytes.subarray(0, 8), 8) })
  reader.number('format version', 4)
  const unitBytes = reader.number('unit', 4, value => ({ value: `${value} bytes`, entry: true }))
  const identity = reader.number('identity', 4, value => ({ value: word(value) }))
  const height = reader.number('levels', 4, () => ({ entry: true }))
  const number = reader.number('number', 8, () => ({ entry: true }))
  const sequence = reader.number('last sequence in the tree', 8, () => ({ entry: true }))
  const firstLog = reader.number('first log', 4, value => ({ value: logName(value), entry: true }))
  const lastLog = reader.number('last log', 4, value => ({ value: logName(value), entry: true }))
  const length = reader.number('length in units', 8, () => ({ entry: true }))
  const root = readReference(reader, 'root', unitBytes)
  const freeList = readReference(reader, 'free list', unitBytes)
  const pages: number[] = []
  const shown = Math.min(height, MAX_LEVELS)
  for (let level = 0; level < shown; level++) {
    reader.group(`level ${level}`, counts => {
      pages.push(counts.number('pages', 6))
      return { value: `${pages[level]} pages of ${counts.number('units', 6)} units`, entry: true }
    })
  }
  reader.take('levels not in use', (MAX_LEVELS - shown) * 12)
  for (let i = 0; i < LOG_ENDS; i++) {
    reader.number(`end of log ${firstLog + i}`, 8, value => (value === 0 ? { value: '0: not known to be complete' } : { entry: true }))
  }
  let pageBytes = unitBytes
  if (versionOf(reader.bytes) === COMPRESSED_BTREE_FORMAT_VERSION) {
    pageBytes = reader.number('leaf in memory', 4, value => ({ value: `${value} bytes`, entry: true }))
    reader.number('entries that expire', 4, value => ({ value: value === 0 ? 'never had one' : 'has or had one' }))
  } else {
    reader.take('not in use', CHECK_AT - reader.at)
  }
  return { slot, number, unitBytes, pageBytes, identity, height, sequence, firstLog, lastLog, length, root, freeList, pages }
}

/** Reads a reference as one field with its parts below. */
export function readReference(reader: SpanReader, name: string, unitBytes: number): Reference {
  const reference = new Reference()
  reader.group(name, fields => {
    reference.offset = fields.number('unit', 5)
    reference.units = fields.number('units', 3)
    reference.check = fields.number('check', 4, check => ({ value: word(check) }))
    reference.entries = fields.number('entries', 6)
    reference.liveBytes = fields.number('bytes', 6)
    return { value: describeReference(reference, unitBytes), entry: true }
  })
  return reference
}

export function describeReference({ offset, units, entries, liveBytes }: Reference, unitBytes: number): string {
  if (units === 0) return 'none'
  const extent = `unit ${offset} at ${place(offset * unitBytes)}, ${units} ${units === 1 ? 'unit' : 'units'}`
  return `${extent}; ${entries} entries of ${liveBytes} bytes`
}
