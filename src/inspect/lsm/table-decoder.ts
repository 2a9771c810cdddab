/**
 * Tables (docs/formats/sstable.md). Every block is checked against its own checksum, so that a damaged one, the footer included,
 * hides no more than its own contents. Blocks are read one at a time.
 */
import { placeSeed } from '../../codec/checksum.js'
import { compareKeys } from '../../codec/entry.js'
import {
  CODEC_NONE,
  EXPIRING_FORMAT_VERSION,
  FOOTER_BYTES,
  FORMAT_VERSION,
  TRAILER_BYTES,
  readUint32,
  type BlockHandle,
} from '../../sstable/format.js'
import { compressionName, decompressBlock } from '../../sstable/block-compression.js'
import { isAvailable } from '../../sstable/compression-name.js'
import { blockSpans, type BlockView, type DescribeEntry } from '../block-spans.js'
import { rawSpan, readBytes, type Decoder, type FileContext, type PartRange } from '../inspected-file.js'
import { counted, place, showBytes } from '../show-bytes.js'
import { SpanReader } from '../span-reader.js'
import { damageIn, distrust, word, type Fact, type Span } from '../span.js'
import { describeDataEntry, describeIndexEntry, describeProperty, describeRange, filterSpans, type IndexEntry } from './table-payloads.js'

type Resident = 'range tombstones' | 'filter' | 'index' | 'properties'
const RESIDENT: readonly Resident[] = ['range tombstones', 'filter', 'index', 'properties']

/** A part with a known place, decoded when its turn comes. */
interface PlannedPart {
  readonly offset: number
  readonly length: number
  readonly ordinal?: number
  readonly make: () => Span
}

export class TableDecoder implements Decoder {
  readonly title = 'sorted table'
  readonly selections = ['block', 'from'] as const
  readonly #context: FileContext
  readonly #index = new Map<number, IndexEntry>()
  readonly #properties = new Map<string, number | string>()
  #fileNumber = 0
  #filter: string | undefined
  #entries = 0
  #blocks = 0
  #largestSequence = 0

  constructor(context: FileContext) {
    this.#context = context
  }

  *parts(range: PartRange): Generator<Span> {
    const { bytes: size } = this.#context
    if (size < FOOTER_BYTES) {
      const problem = `${counted(size, 'byte')} are too few for a table`
      this.#context.report({ offset: 0, length: size, message: problem })
      if (size > 0) yield rawSpan(0, size, 'unreadable', problem)
      return
    }
    let at = 0
    for (const part of this.#plan()) {
      // If handles overlap, the first one stays.
      if (part.offset < at) continue
      if (part.offset > at && isWanted({ offset: at, length: part.offset - at }, range)) yield this.#unknown(at, part.offset)
      at = part.offset + part.length
      if (isWanted(part, range, this.#index)) yield part.make()
    }
  }

  facts(): readonly Fact[] {
    const properties = [...this.#properties].filter(([name]) => name !== 'smallest' && name !== 'largest')
    const keys = this.#properties.has('smallest')
      ? [{ name: 'keys', value: `${this.#properties.get('smallest')} to ${this.#properties.get('largest')}` }]
      : []
    return [
      { name: 'number', value: this.#fileNumber },
      ...keys,
      ...properties.map(([name, value]) => ({ name, value })),
      { name: 'filter', value: this.#filter ?? 'none read' },
      { name: 'read', value: `${counted(this.#entries, 'entry', 'entries')} in ${counted(this.#blocks, 'data block')}` },
    ]
  }

  /** Footer and index locate the other parts. They are decoded again when their turn comes, so that problems come in file order. */
  #plan(): PlannedPart[] {
    const { bytes: size, report } = this.#context
    const footerAt = size - FOOTER_BYTES
    const footer = readBytes(this.#context, footerAt, FOOTER_BYTES)
    const handles = handlesOf(footer, footerAt)
    this.#fileNumber = this.#chooseNumber(footer, handles)
    if (!this.#isFooterRight(footer, this.#fileNumber)) {
      // A handle is then trusted only if it leads to a sound block.
      for (const [name, handle] of handles) if (!this.#checksums(handle, this.#fileNumber).isRight) handles.delete(name)
    }
    const parts: PlannedPart[] = [{ offset: footerAt, length: FOOTER_BYTES, make: () => this.#footer(footer, footerAt) }]
    for (const [name, handle] of handles) {
      const part = { offset: handle.offset, length: handle.bytes + TRAILER_BYTES }
      parts.push({ ...part, make: () => this.#resident(name, handle) })
    }
    const index = handles.get('index')
    if (index !== undefined) this.#readIndex(index, dataEndOf(handles, footerAt))
    for (const [ordinal, { separator, handle }] of this.#index) {
      const part = { offset: handle.offset, length: handle.bytes + TRAILER_BYTES, ordinal }
      parts.push({ ...part, make: () => this.#data(ordinal, handle, separator) })
    }
    parts.sort((a, b) => a.offset - b.offset)
    for (const [i, part] of parts.entries()) {
      if (i > 0 && part.offset < parts[i - 1].offset + parts[i - 1].length) {
        report({ offset: part.offset, length: part.length, message: 'two parts of the table overlap' })
      }
    }
    return parts
  }

  /** The number that the blocks are checked with: the one in the footer or in the name that fits. */
  #chooseNumber(footer: Uint8Array, handles: ReadonlyMap<Resident, BlockHandle>): number {
    const stored = readUint32(footer, 48) + readUint32(footer, 52) * 0x1_0000_0000
    const candidates = [stored, ...(this.#context.nameNumber === undefined ? [] : [this.#context.nameNumber])]
    const fits = (number: number): boolean =>
      this.#isFooterRight(footer, number) || [...handles.values()].some(handle => this.#checksums(handle, number).isRight)
    return candidates.find(fits) ?? this.#context.nameNumber ?? stored
  }

  #isFooterRight(footer: Uint8Array, number: number): boolean {
    const { hash32, bytes } = this.#context
    return hash32(footer.subarray(0, 60), placeSeed(number, bytes - FOOTER_BYTES)) >>> 0 === readUint32(footer, 60)
  }

  #checksums(handle: BlockHandle, number: number): { readonly isRight: boolean; readonly expected: string; readonly found: string } {
    const stored = readBytes(this.#context, handle.offset, handle.bytes + TRAILER_BYTES)
    return this.#checksumsOf(stored, handle.offset, number)
  }

  #checksumsOf(
    stored: Uint8Array,
    offset: number,
    number: number,
  ): { readonly isRight: boolean; readonly expected: string; readonly found: string } {
    const end = stored.length - TRAILER_BYTES
    const expected = this.#context.hash32(stored.subarray(0, end + 1), placeSeed(number, offset)) >>> 0
    const found = readUint32(stored, end + 1)
    return { isRight: expected === found, expected: word(expected), found: word(found) }
  }

  #readIndex(handle: BlockHandle, dataEnd: number): void {
    if (!this.#checksums(handle, this.#fileNumber).isRight) return
    const bytes = readBytes(this.#context, handle.offset, handle.bytes)
    const describe = describeIndexEntry(this.#context.preview, dataEnd, this.#index)
    blockSpans(bytes, bytes.length, handle.offset, { preview: this.#context.preview, describe, wrong: () => undefined })
  }

  #footer(bytes: Uint8Array, offset: number): Span {
    const { hash32, nameNumber, report } = this.#context
    const reader = new SpanReader(bytes, offset)
    for (const name of RESIDENT) {
      reader.group(name, handle => {
        const at = handle.number('offset', 8)
        const size = handle.number('size', 4)
        return { value: size === 0 ? 'none' : `at ${place(at)}, ${size} bytes`, entry: true }
      })
    }
    const number = reader.number('file number', 8)
    const version = reader.number('format version', 4)
    const found = reader.number('checksum', 4, check => ({ value: word(check) }))
    reader.take('magic', 8, { value: showBytes(bytes.subarray(64), 8) })
    const span: Span = { offset, length: FOOTER_BYTES, name: 'footer', value: `table ${number}, format ${version}`, children: reader.spans }
    const expected = hash32(bytes.subarray(0, 60), placeSeed(this.#fileNumber, offset)) >>> 0
    const problem = bytes.subarray(64).some((byte, i) => byte !== MAGIC[i])
      ? { message: 'the magic at the end is not that of a table: it is damaged, or the end of the file is missing' }
      : expected !== found
        ? { message: 'the footer fails its checksum', expected: word(expected), found: word(found) }
        : undefined
    if (problem !== undefined) {
      report({ offset, length: FOOTER_BYTES, ...problem })
      return distrust({ ...span, problem: problem.message })
    }
    const isKnown = version === FORMAT_VERSION || version === EXPIRING_FORMAT_VERSION
    const misplaced =
      nameNumber !== undefined && number !== nameNumber
        ? `the file is table ${number}, but its name says ${nameNumber}: it is in the wrong place`
        : !isKnown
          ? `table format ${version} is not known; this kvarium reads ${FORMAT_VERSION} to ${EXPIRING_FORMAT_VERSION}`
          : undefined
    if (misplaced === undefined) return span
    report({ offset: offset + (isKnown ? 48 : 56), length: 8, message: misplaced })
    return { ...span, problem: misplaced }
  }

  #resident(name: Resident, handle: BlockHandle): Span {
    const { preview } = this.#context
    return this.#block(name, handle, (bytes, base) => {
      if (name === 'filter') {
        const { spans, value } = filterSpans(bytes, base)
        this.#filter = value
        return { spans, value }
      }
      const describe =
        name === 'properties'
          ? describeProperty(preview, this.#properties)
          : name === 'index'
            ? describeIndexEntry(preview, handle.offset, new Map())
            : describeRange(preview)
      const view = this.#sorted(bytes, base, describe)
      const of = { index: 'data block', properties: 'property', 'range tombstones': 'range' }[name]
      if (name === 'index') this.#compareWithProperties(handle, view.count)
      return { spans: view.spans, value: counted(view.count, of, of === 'property' ? 'properties' : `${of}s`) }
    })
  }

  /** Compares the index with the properties, which come later in the file. */
  #compareWithProperties(index: BlockHandle, blocks: number): void {
    const footerAt = this.#context.bytes - FOOTER_BYTES
    const handle = handlesOf(readBytes(this.#context, footerAt, FOOTER_BYTES), footerAt).get('properties')
    if (handle === undefined || !this.#checksums(handle, this.#fileNumber).isRight) return
    const known = new Map<string, number | string>()
    const bytes = readBytes(this.#context, handle.offset, handle.bytes)
    const describe = describeProperty(this.#context.preview, known)
    blockSpans(bytes, bytes.length, handle.offset, { preview: this.#context.preview, describe, wrong: () => undefined })
    if (known.get('blocks') === blocks) return
    const message = `the index has ${blocks} data blocks, the properties say ${known.get('blocks')}`
    this.#context.report({ offset: index.offset, length: index.bytes, message })
  }

  #data(ordinal: number, handle: BlockHandle, separator: Uint8Array): Span {
    const { preview, report } = this.#context
    this.#blocks++
    return this.#block(`data block ${ordinal}`, handle, (bytes, base) => {
      const describe = describeDataEntry(preview, ({ sequence }) => {
        this.#entries++
        this.#largestSequence = Math.max(this.#largestSequence, sequence)
      })
      const { spans, count, firstKey, lastKey } = this.#sorted(bytes, base, describe, handle)
      if (firstKey === undefined || lastKey === undefined) return { spans, value: 'nothing' }
      if (compareKeys(lastKey, separator) > 0) {
        report({ offset: handle.offset, length: handle.bytes, message: `data block ${ordinal} has keys behind its key in the index` })
      }
      const keys = `${showBytes(firstKey, preview)} to ${showBytes(lastKey, preview)}`
      return { spans, value: `${counted(count, 'entry', 'entries')}, ${keys}` }
    })
  }

  #sorted(bytes: Uint8Array, base: number, describe: DescribeEntry, compressed?: BlockHandle): BlockView {
    const { preview, report } = this.#context
    const isCompressed = compressed !== undefined && compressed.rawBytes !== compressed.bytes
    const wrong = (offset: number, length: number, message: string): void => {
      if (this.#isQuiet) return
      // The place in the file of anything inside compressed contents is that of the block.
      if (isCompressed) report({ offset: compressed.offset, length: compressed.bytes, message: `${message}, decompressed` })
      else report({ offset, length, message })
    }
    return blockSpans(bytes, bytes.length, base, { preview, describe, wrong })
  }

  /** Set while contents that failed their checksum are decoded: their further problems are not reported. */
  #isQuiet = false

  #block(name: string, handle: BlockHandle, decode: (bytes: Uint8Array, base: number) => { spans: Span[]; value: string }): Span {
    const { report } = this.#context
    const { offset, bytes: length } = handle
    const stored = readBytes(this.#context, offset, length + TRAILER_BYTES)
    const checks = this.#checksumsOf(stored, offset, this.#fileNumber)
    const trailer = new SpanReader(stored, offset, length)
    trailer.number('codec', 1, codec => ({ value: `${codec}: ${compressionName(codec) ?? 'unknown'}` }))
    trailer.number('checksum', 4, check => ({ value: word(check) }))
    const known = { entries: this.#entries, largest: this.#largestSequence, properties: new Map(this.#properties), filter: this.#filter }
    this.#isQuiet = !checks.isRight
    const contents = this.#contents(stored, handle, name, decode)
    this.#isQuiet = false
    const span: Span = { offset, length: stored.length, name, value: contents.value, children: [...contents.spans, ...trailer.spans] }
    if (checks.isRight) return span
    // Drops the facts from contents that fail their check.
    this.#entries = known.entries
    this.#largestSequence = known.largest
    this.#filter = known.filter
    this.#properties.clear()
    for (const [property, value] of known.properties) this.#properties.set(property, value)
    const problem = `${name} fails its checksum`
    report({ offset, length: stored.length, message: problem, expected: checks.expected, found: checks.found })
    return distrust({ ...span, problem })
  }

  #contents(
    stored: Uint8Array,
    handle: BlockHandle,
    name: string,
    decode: (bytes: Uint8Array, base: number) => { spans: Span[]; value: string },
  ): { readonly spans: Span[]; readonly value: string } {
    const { offset, bytes: length, rawBytes } = handle
    const raw = (problem: string): { spans: Span[]; value: string } => {
      if (!this.#isQuiet) this.#context.report({ offset, length, message: `${name}: ${problem}` })
      return { spans: length === 0 ? [] : [rawSpan(offset, length, 'contents', problem)], value: counted(length, 'byte') }
    }
    try {
      const codec = stored[length]
      if (rawBytes === length && codec === CODEC_NONE) return decode(stored.subarray(0, length), offset)
      const codecName = compressionName(codec)
      if (codecName === undefined) return raw(`codec ${codec} is not known here`)
      if (codecName === 'none' || rawBytes === length) return raw('the index and the block disagree on its compression')
      const { compression, path } = this.#context
      if (!isAvailable(codecName, compression)) {
        const value = `compressed with ${codecName}, which is not available here`
        return { spans: [{ offset, length, name: 'contents', value }], value: '' }
      }
      const bytes = new Uint8Array(rawBytes)
      try {
        decompressBlock(codec, stored.subarray(0, length), bytes, compression, { file: path, offset })
      } catch {
        return raw('the contents do not decompress')
      }
      const { spans, value } = decode(bytes, 0)
      const contents = { offset, length, name: 'contents', value: `${codecName}, of ${rawBytes} bytes`, decompressed: { bytes, spans } }
      return { spans: [contents], value: `${value}, compressed from ${rawBytes} bytes` }
    } catch (error) {
      return raw(damageIn(error))
    }
  }

  /** Bytes that no sound handle references. */
  #unknown(offset: number, end: number): Span {
    const problem = 'nothing readable says what is here'
    this.#context.report({ offset, length: end - offset, message: `${counted(end - offset, 'byte')} of the table: ${problem}` })
    return rawSpan(offset, end - offset, 'unreadable', problem)
  }
}

const MAGIC = Uint8Array.of(0x6b, 0x76, 0x73, 0x73, 0x74, 0x61, 0x62, 0x0a)

/** The handles that point into the file. */
function handlesOf(footer: Uint8Array, footerAt: number): Map<Resident, BlockHandle> {
  const handles = new Map<Resident, BlockHandle>()
  for (const [i, name] of RESIDENT.entries()) {
    const offset = readUint32(footer, i * 12) + readUint32(footer, i * 12 + 4) * 0x1_0000_0000
    const bytes = readUint32(footer, i * 12 + 8)
    if (bytes > 0 && offset + bytes + TRAILER_BYTES <= footerAt) handles.set(name, { offset, bytes, rawBytes: bytes })
  }
  return handles
}

function dataEndOf(handles: ReadonlyMap<Resident, BlockHandle>, footerAt: number): number {
  return Math.min(footerAt, ...[...handles.values()].map(handle => handle.offset))
}

function isWanted(
  part: Pick<PlannedPart, 'offset' | 'length' | 'ordinal'>,
  range: PartRange,
  index?: ReadonlyMap<number, IndexEntry>,
): boolean {
  const { offset = 0, block, from } = range
  if (part.offset + part.length <= offset) return false
  if (block !== undefined) return part.ordinal === block
  if (from === undefined) return true
  const separator = part.ordinal === undefined ? undefined : index?.get(part.ordinal)?.separator
  return separator !== undefined && compareKeys(separator, from) >= 0
}
