/** The small text files: `KVARIUM` (docs/formats/store.md) and `CURRENT` (docs/formats/manifest.md). */
import { readUtf8 } from '../codec/text.js'
import { CHECKPOINT_VERSION, FORMAT_VERSION, REPLACING_VERSION } from '../store/identity.js'
import { readBytes, type Decoder, type FileContext } from './inspected-file.js'
import { printableText } from '../codec/shown-text.js'
import { showBytes } from './show-bytes.js'
import { SpanReader } from './span-reader.js'
import { distrust, word, type Fact, type Span } from './span.js'

const IDENTITY_SEED = 0x4b564152
/** A limit above the size of these files. */
const MAX_BYTES = 4096

abstract class TextDecoderOfFile implements Decoder {
  abstract readonly title: string
  readonly selections = []
  protected readonly context: FileContext
  protected readonly known: Fact[] = []

  constructor(context: FileContext) {
    this.context = context
  }

  *parts(): Generator<Span> {
    const { bytes: size } = this.context
    if (size === 0) {
      this.context.report({ offset: 0, length: 0, message: `${this.title}: the file is empty` })
      return
    }
    const bytes = readBytes(this.context, 0, Math.min(size, MAX_BYTES))
    const problem = size > MAX_BYTES ? { message: `the file has ${size} bytes, more than any version writes` } : this.problemOf(bytes)
    let spans = this.spansOf(bytes)
    if (size > bytes.length) spans = [...spans, { offset: bytes.length, length: size - bytes.length, name: 'unreadable' }]
    if (problem === undefined) {
      this.learn(bytes)
      yield* spans
      return
    }
    this.context.report({ offset: 0, length: size, ...problem })
    yield distrust({ offset: 0, length: size, name: this.title, problem: problem.message, children: spans })
  }

  facts(): readonly Fact[] {
    return this.known
  }

  protected abstract problemOf(bytes: Uint8Array): { message: string; expected?: string; found?: string } | undefined
  protected abstract spansOf(bytes: Uint8Array): Span[]
  protected abstract learn(bytes: Uint8Array): void

  /** The index behind the line feed that ends the line at `at`; the end where there is none. */
  protected lineEnd(bytes: Uint8Array, at: number): number {
    const end = bytes.indexOf(0x0a, at)
    return end < 0 ? bytes.length : end + 1
  }
}

export class IdentityDecoder extends TextDecoderOfFile {
  readonly title = "store's own file"

  protected problemOf(bytes: Uint8Array): { message: string; expected?: string; found?: string } | undefined {
    const end = this.lineEnd(bytes, 0)
    const expected = word(this.context.hash32(bytes.subarray(0, end), IDENTITY_SEED))
    const rest = readUtf8(bytes, end, bytes.length)
    const found = /^xxh32 ([0-9a-f]{8})\n/.exec(rest)?.[1]
    if (found === undefined) return { message: 'the line with the checksum is damaged or missing' }
    if (found !== expected) return { message: 'the checksum is wrong', expected, found }
    const identity = parsed(readUtf8(bytes, 0, end))
    if (identity === undefined) return { message: 'it does not name a version and an engine' }
    if (identity.version > FORMAT_VERSION)
      return { message: `format ${identity.version} is newer than this kvarium, which knows up to ${FORMAT_VERSION}` }
    if (rest.length !== 'xxh32 00000000\n'.length) return { message: 'there are bytes after its end' }
    return undefined
  }

  protected spansOf(bytes: Uint8Array): Span[] {
    const reader = new SpanReader(bytes, 0)
    const end = this.lineEnd(bytes, 0)
    reader.take('identity', end, { value: lineText(bytes, 0, end) })
    const second = this.lineEnd(bytes, end) - end
    reader.take('checksum', second, { value: lineText(bytes, end, end + second) })
    reader.rest('unreadable')
    return reader.spans
  }

  protected learn(bytes: Uint8Array): void {
    const identity = parsed(readUtf8(bytes, 0, this.lineEnd(bytes, 0)))!
    this.known.push({ name: 'engine', value: identity.engine }, { name: 'store format', value: identity.version })
    if (identity.version === REPLACING_VERSION) this.known.push({ name: 'repair in place', value: 'to be finished by the next open' })
    if (identity.version === CHECKPOINT_VERSION) this.known.push({ name: 'checkpoint', value: 'not finished; this is no store' })
  }
}

export class CurrentDecoder extends TextDecoderOfFile {
  readonly title = 'name of the current manifest'

  protected problemOf(bytes: Uint8Array): { message: string } | undefined {
    return /^MANIFEST-\d{6,16}\n$/.test(readUtf8(bytes, 0, bytes.length)) ? undefined : { message: 'it does not name a manifest' }
  }

  protected spansOf(bytes: Uint8Array): Span[] {
    const reader = new SpanReader(bytes, 0)
    const end = this.lineEnd(bytes, 0)
    reader.take('manifest', end, { value: lineText(bytes, 0, end) })
    reader.rest('unreadable')
    return reader.spans
  }

  protected learn(bytes: Uint8Array): void {
    this.known.push({ name: 'current manifest', value: readUtf8(bytes, 0, bytes.length - 1) })
  }
}

/** Without the line feed. */
function lineText(bytes: Uint8Array, start: number, end: number): string {
  const line = bytes.subarray(start, bytes[end - 1] === 0x0a ? end - 1 : end)
  return printableText(line) ?? showBytes(line, MAX_BYTES)
}

function parsed(line: string): { readonly version: number; readonly engine: string } | undefined {
  try {
    const { kvarium: version, engine } = JSON.parse(line) as { readonly kvarium?: unknown; readonly engine?: unknown }
    return typeof version === 'number' && typeof engine === 'string' ? { version, engine } : undefined
  } catch {
    return undefined
  }
}
