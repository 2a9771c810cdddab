/**
 * Files in the log's framing (docs/formats/wal.md): write-ahead logs and manifests.
 *
 * Invariants:
 * 1. Only records that recovery would read are shown as replayed: none behind the first place where it would stop, which is a problem.
 * 2. Sound records behind that place are shown, too, marked as not replayed.
 */
import { placeSeed } from '../codec/checksum.js'
import { FileWindow, WINDOW_BYTES } from '../wal/file-window.js'
import {
  COMPACT_LOG_VERSION,
  decodeFileHeader,
  encodeFileHeader,
  encodeFrameHeader,
  FRAME_HEADER_BYTES,
  frameCheckSeed,
  IMPLIED_BYTES,
  LOG_FORMAT_VERSION,
  LOG_HEADER_BYTES,
  readWord,
} from '../wal/format.js'
import { FrameReader } from '../wal/frame-reader.js'
import { findDurabilityProof, isBlank } from '../wal/tail.js'
import { rawSpan, type FileContext, type PartRange } from './inspected-file.js'
import { counted } from './show-bytes.js'
import { SpanReader } from './span-reader.js'
import { damageIn, distrust, word, type Fact, type Problem, type Span } from './span.js'

/** Decodes the records of a file. */
export interface RecordDecoder {
  readonly name: string
  /** Reads to the end of the payload and describes it; throws a `CorruptionError` for invalid bytes. */
  read(payload: SpanReader): string
  /** Called in order for the records that recovery would read. */
  take(payload: Uint8Array, offset: number): void
}

export class FramedFile {
  /** The number that the frames are checked with. */
  readonly number: number
  readonly #context: FileContext
  readonly #decoder: RecordDecoder
  readonly #window: FileWindow
  readonly #seed: number
  readonly #version: number
  readonly #frames: FrameReader
  #records = 0
  #recordBytes = 0
  #closed = false
  #synced = 0
  #blankBytes = 0
  /** Where recovery stops. */
  #stop: { readonly offset: number; readonly torn: boolean } | undefined

  constructor(context: FileContext, decoder: RecordDecoder) {
    this.#context = context
    this.#decoder = decoder
    this.#window = new FileWindow(context.file)
    const { number, version } = identityOf(context)
    this.number = number
    this.#version = version
    this.#frames = new FrameReader(version, number, context.hash32)
    this.#seed = frameCheckSeed(this.number)
  }

  *parts(range: PartRange): Generator<Span> {
    const { offset: from = 0 } = range
    for (const part of this.#all()) if (part.offset + part.length > from) yield part
  }

  facts(): Fact[] {
    const stop = this.#stop
    const end =
      stop === undefined ? [] : [{ name: 'recovery stops', value: `at byte ${stop.offset}${stop.torn ? ', a torn tail' : ', damage'}` }]
    return [
      { name: 'number', value: this.number },
      { name: 'records', value: `${this.#records} (${counted(this.#recordBytes, 'byte')})` },
      { name: 'known durable', value: `${counted(this.#synced, 'byte')}, according to the records` },
      ...(this.#blankBytes > 0 ? [{ name: 'grown ahead', value: counted(this.#blankBytes, 'byte') }] : []),
      { name: 'closed in good order', value: this.#closed ? 'yes' : 'no' },
      ...end,
    ]
  }

  *#all(): Generator<Span> {
    const { bytes: size } = this.#context
    if (size === 0) return
    yield this.#fileHeader()
    let offset = Math.min(LOG_HEADER_BYTES, size)
    while (offset < size) {
      if (this.#closed && this.#stop === undefined) {
        this.#stopAt(offset, size - offset, 'there are bytes after the marker of a clean close', false)
        yield rawSpan(offset, size - offset, 'unreadable', 'bytes behind the close marker')
        return
      }
      const state = this.#frames.read(this.#window, offset, size, this.#stop !== undefined)
      if (state === 'frame') {
        const { end } = this.#frames
        yield this.#frame(offset, end)
        offset = end
      } else if (isBlank(this.#window, offset)) {
        this.#blankBytes = size - offset
        yield { offset, length: size - offset, name: 'grown ahead', value: 'zeros', unused: true }
        return
      } else {
        const span = state === 'bad payload' ? this.#badPayload(offset) : this.#badHeader(offset)
        yield span
        offset += span.length
      }
    }
  }

  #fileHeader(): Span {
    const { path: _path, bytes: size, nameNumber } = this.#context
    const length = Math.min(LOG_HEADER_BYTES, size)
    const bytes = this.#copy(0, length)
    const header = length === LOG_HEADER_BYTES ? decodeFileHeader(bytes, 0) : undefined
    const reader = new SpanReader(bytes, 0)
    if (length === LOG_HEADER_BYTES) {
      reader.take('magic', 7, { value: 'KVARWAL' })
      reader.number('format version', 1)
      reader.number('log number', 4)
      reader.number('header check', 4, check => ({ value: word(check) }))
    }
    reader.rest('unreadable')
    const span: Span = { offset: 0, length, name: 'file header', value: `number ${this.number}`, children: reader.spans }
    if (header === undefined) return this.#badFileHeader(span, bytes)
    if (header.version !== LOG_FORMAT_VERSION && header.version !== COMPACT_LOG_VERSION) {
      const known = `this kvarium reads versions ${LOG_FORMAT_VERSION} and ${COMPACT_LOG_VERSION}`
      const problem = `format version ${header.version} is not known; ${known}`
      this.#context.report({ offset: 7, length: 1, message: problem })
      return { ...span, problem }
    }
    if (nameNumber !== undefined && header.logNumber !== nameNumber) {
      const problem = `the file is number ${header.logNumber}, but its name says ${nameNumber}: it is in the wrong place`
      this.#context.report({ offset: 8, length: 4, message: problem })
      return { ...span, problem }
    }
    return span
  }

  #badFileHeader(span: Span, bytes: Uint8Array): Span {
    if (isBlank(this.#window, 0)) {
      const value = 'zeros: it was created, and nothing in it ever became durable'
      return { offset: 0, length: span.length, name: 'empty', value, unused: true }
    }
    const wanted = encodeFileHeader(this.number, bytes[7] === COMPACT_LOG_VERSION ? COMPACT_LOG_VERSION : LOG_FORMAT_VERSION)
    const sameFields = bytes.length === LOG_HEADER_BYTES && bytes.subarray(0, 12).every((byte, i) => byte === wanted[i])
    const problem = sameFields ? 'the header check is wrong' : 'the log header is damaged'
    const checks = sameFields ? { expected: word(readWord(wanted, 12)), found: word(readWord(bytes, 12)) } : {}
    const proof = findDurabilityProof(this.#window, this.number, this.#context.hash32, 0, LOG_HEADER_BYTES, undefined)
    this.#stopAt(0, span.length, this.#explained(problem, proof), proof === undefined, checks)
    return distrust({ ...span, problem })
  }

  /** A frame whose checks hold, which was read last. */
  #frame(offset: number, end: number): Span {
    const { synced, isCloseMarker, isCompact, base } = this.#frames
    // Moving the window on may overwrite the view.
    const payload = this.#frames.payload.slice()
    const start = isCompact ? base + IMPLIED_BYTES : base
    const length = end - start
    const isReplayed = this.#stop === undefined
    const children: Span[] = [isCompact ? this.#compactFields(offset, start) : this.#headerFields(offset)]
    if (isReplayed) this.#synced = Math.max(this.#synced, synced)
    if (isCloseMarker) {
      if (isReplayed) this.#closed = true
      return { offset, length: FRAME_HEADER_BYTES, name: 'close marker', value: 'closed in good order', children }
    }
    const reader = new SpanReader(payload, base)
    let value: string
    let problem: string | undefined
    try {
      value = this.#decoder.read(reader)
      if (isReplayed) this.#decoder.take(payload, offset)
    } catch (error) {
      value = counted(length, 'byte')
      problem = `a record is not ${this.#decoder.name}: ${damageIn(error)}`
      reader.rest('unreadable')
      this.#context.report({ offset, length: end - offset, message: problem })
    }
    children.push({ offset: start, length, name: 'payload', value, children: reader.spans.filter(span => span.offset >= start) })
    if (isReplayed) this.#records++
    if (isReplayed) this.#recordBytes += payload.length
    const shown = isReplayed ? value : `${value} (not replayed: it is behind byte ${this.#stop!.offset})`
    const name = isReplayed ? `record ${this.#records}` : 'record'
    return { offset, length: end - offset, name, value: shown, ...(problem !== undefined && { problem }), children }
  }

  /** What is before the operations in a compact frame. */
  #compactFields(offset: number, start: number): Span {
    const reader = new SpanReader(this.#copy(offset, start - offset), offset)
    reader.varint('body length', value => ({ value: `${value / 2}, doubled` }))
    reader.number('check', 4, check => ({ value: word(check) }))
    const count = reader.varint('operations')
    const value = `compact: ${counted(count, 'operation')}, sequence from the record before`
    return { offset, length: start - offset, name: 'frame header', value, children: reader.spans }
  }

  #headerFields(offset: number): Span {
    const bytes = this.#copy(offset, FRAME_HEADER_BYTES)
    const reader = new SpanReader(bytes, offset)
    let length = 0
    reader.number('payload length', 4, first => {
      length = this.#version === COMPACT_LOG_VERSION ? first >>> 1 : first
      return { value: this.#version === COMPACT_LOG_VERSION ? `${length}, doubled and 1` : length }
    })
    const synced = reader.number('synced', 4, value => ({ value: `${value}: bytes of the file known to be durable` }))
    reader.number('payload checksum', 4, check => ({ value: word(check) }))
    reader.number('header check', 4, check => ({ value: word(check) }))
    const value = `${counted(length, 'byte')} of payload, ${synced} durable before it`
    return { offset, length: FRAME_HEADER_BYTES, name: 'frame header', value, children: reader.spans }
  }

  /** The header is sound, so its length holds; the payload is cut off or damaged. */
  #badPayload(offset: number): Span {
    const { bytes: size, hash32 } = this.#context
    const { length, checksum, isCloseMarker } = this.#frames.header
    const header = this.#headerFields(offset)
    const start = offset + FRAME_HEADER_BYTES
    const there = Math.min(length, size - start)
    const payload = this.#copy(start, there)
    const what = isCloseMarker ? 'the close marker' : 'a record'
    const isCut = there < length
    const problem = isCut ? `${what} is cut off: ${there} of ${length} bytes are there` : `${what} fails its checksum`
    const checks = isCut ? {} : { expected: word(hash32(payload, placeSeed(this.number, offset))), found: word(checksum) }
    this.#bad(offset, FRAME_HEADER_BYTES + there, problem, start + there, checks)
    const body: Span[] = there === 0 ? [] : [distrust({ ...this.#tolerant(payload, start), problem })]
    return { offset, length: FRAME_HEADER_BYTES + there, name: what.replace(/^(a|the) /, ''), problem, children: [header, ...body] }
  }

  /** The length of the frame is unknown: all bytes up to the next sound frame are unreadable. */
  #badHeader(offset: number): Span {
    const { bytes: size } = this.#context
    const end = this.#nextFrame(offset + 1) ?? size
    const first = this.#copy(offset, Math.min(FRAME_HEADER_BYTES, end - offset))
    let problem = 'a record header is damaged'
    let checks = {}
    const children: Span[] = []
    if (first.length === FRAME_HEADER_BYTES) {
      const again = new Uint8Array(FRAME_HEADER_BYTES)
      encodeFrameHeader(again, this.#seed, offset, readWord(first, 0), readWord(first, 4), readWord(first, 8))
      checks = { expected: word(readWord(again, 12)), found: word(readWord(first, 12)) }
      children.push(this.#headerFields(offset))
    } else {
      problem = 'a record header is cut off'
      children.push(rawSpan(offset, first.length, 'unreadable'))
    }
    this.#bad(offset, end - offset, problem, offset + 1, checks)
    const start = offset + first.length
    if (end > start) {
      const isShort = end - start <= WINDOW_BYTES
      children.push(isShort ? this.#tolerant(this.#copy(start, end - start), start) : rawSpan(start, end - start, 'unreadable'))
    }
    return distrust({ offset, length: end - offset, name: 'unreadable', problem, children })
  }

  /** An untrusted payload, as far as it can be decoded. */
  #tolerant(payload: Uint8Array, offset: number): Span {
    const reader = new SpanReader(payload, offset)
    try {
      this.#decoder.read(reader)
    } catch (error) {
      damageIn(error)
    }
    reader.rest('unreadable')
    return { offset, length: payload.length, name: 'payload', children: reader.spans }
  }

  #nextFrame(from: number): number | undefined {
    const window = this.#window
    for (let offset = from; offset < window.size; offset++)
      if (this.#frames.read(window, offset, window.size, true) === 'frame') return offset
    return undefined
  }

  #bad(offset: number, length: number, problem: string, from: number, checks: Pick<Problem, 'expected' | 'found'>): void {
    if (this.#stop !== undefined) {
      this.#context.report({ offset, length, message: problem, ...checks })
      return
    }
    const proof = findDurabilityProof(this.#window, this.number, this.#context.hash32, offset, from, this.#version)
    this.#stopAt(offset, length, this.#explained(problem, proof), proof === undefined, checks)
  }

  #stopAt(offset: number, length: number, message: string, torn: boolean, checks: Pick<Problem, 'expected' | 'found'> = {}): void {
    this.#stop = { offset, torn }
    this.#context.report({ offset, length, message, ...checks, ...(torn && { torn }) })
  }

  #explained(problem: string, proof: number | undefined): string {
    if (proof !== undefined) return `${problem}, and the record at byte ${proof} shows that these bytes had been made durable`
    return `${problem}; nothing shows that it was ever durable, so recovery treats this as the torn end of the log`
  }

  #copy(offset: number, length: number): Uint8Array {
    const at = this.#window.locate(offset, length)
    return this.#window.bytes.slice(at, at + length)
  }
}

/** The number in the header if that is sound, else the one in the name, else the one in the damaged header; and the version. */
function identityOf({ file, bytes, nameNumber }: FileContext): { readonly number: number; readonly version: number } {
  const header = new Uint8Array(LOG_HEADER_BYTES)
  if (bytes >= LOG_HEADER_BYTES) file.read(header, 0)
  const sound = decodeFileHeader(header, 0)
  return { number: sound?.logNumber ?? nameNumber ?? readWord(header, 8), version: sound?.version ?? header[7] }
}
