/** A hint file: docs/formats/hash.md. */
import { BATCH_HEADER_BYTES } from '../../engine/batch.js'
import type { DataName } from '../../hash/file-names.js'
import { HINT_HEADER_BYTES, HINT_VERSION } from '../../hash/hint.js'
import { kindName, describeBatch, readBatch, showExpiry } from '../batch-spans.js'
import { rawSpan, readBytes, type Decoder, type FileContext } from '../inspected-file.js'
import { counted, showBytes } from '../show-bytes.js'
import { SpanReader } from '../span-reader.js'
import { damageIn, distrust, word, type Fact, type Span } from '../span.js'

export class HintDecoder implements Decoder {
  readonly title = 'hint file'
  readonly selections = []
  /** The data file that it is about, once the header was read. */
  data: DataName | undefined
  readonly #context: FileContext
  #facts: readonly Fact[] = []

  constructor(context: FileContext) {
    this.#context = context
  }

  *parts(): Generator<Span> {
    const { bytes: size, hash32, nameNumber, preview } = this.#context
    const report = (message: string, details: { readonly expected?: string; readonly found?: string } = {}): void =>
      this.#context.report({ offset: 0, length: size, message, ...details })
    if (size < HINT_HEADER_BYTES + 4) {
      report('it is shorter than its header')
      if (size > 0) yield rawSpan(0, size, 'unreadable', 'it is shorter than its header')
      return
    }
    const bytes = readBytes(this.#context, 0, size)
    const reader = new SpanReader(bytes, 0)
    let problem: string | undefined
    try {
      this.#read(reader, preview)
    } catch (error) {
      problem = damageIn(error)
      report(problem)
    }
    const end = size - 4
    const number = new DataView(bytes.buffer, bytes.byteOffset).getUint32(8, true)
    const found = word(new DataView(bytes.buffer, bytes.byteOffset).getUint32(end, true))
    const expected = word(hash32(bytes.subarray(0, end), number))
    if (found !== expected) {
      problem ??= 'the checksum is wrong'
      report('the checksum is wrong', { expected, found })
    }
    if (bytes[7] !== HINT_VERSION) report(`format version ${bytes[7]} is not known`)
    if (nameNumber !== undefined && nameNumber !== number) report(`it is the hint file of data file ${number}`)
    if (reader.left > 0) reader.rest('unreadable', { problem: problem ?? 'there are bytes after the end' })
    yield* problem === undefined ? reader.spans : reader.spans.map(distrust)
  }

  facts(): readonly Fact[] {
    return this.#facts
  }

  #read(reader: SpanReader, preview: number): void {
    let count = 0
    let tombstoneBytes = 0
    let dataBytes = 0
    reader.group('header', header => {
      header.take('magic', 7, { value: 'KVHINT' })
      header.number('version', 1)
      const number = header.number('number of the data file', 4)
      count = header.number('puts', 4)
      dataBytes = header.number('bytes of the data file', 8)
      const first = header.number('first sequence', 8)
      const last = header.number('last sequence', 8)
      header.number('all puts of the data file', 8)
      header.number('their key and value bytes', 8)
      header.number('first expiry', 8, expiry => ({ value: expiry === 0 ? 'none' : showExpiry(expiry) }))
      header.number('bytes of the keys', 4)
      tombstoneBytes = header.number('bytes of the tombstones', 4)
      const from = header.number('first log', 4)
      const to = header.number('last log', 4)
      this.data = { number, from, to }
      this.#facts = [
        { name: 'data file', value: number },
        { name: 'puts', value: count },
        { name: 'data bytes', value: dataBytes },
        { name: 'sequence', value: `${first} to ${last}` },
        { name: 'tombstone bytes', value: tombstoneBytes },
      ]
      return { value: `data file ${number}, ${counted(count, 'put')}` }
    })
    for (const [column, show] of [
      ['hashes', (value: number) => ({ value: word(value) })],
      ['offsets', undefined],
      ['lengths', undefined],
      ['checks', (value: number) => ({ value: word(value) })],
    ] as const) {
      reader.group(column, inner => {
        for (let i = 0; i < count; i++) inner.number(`${i}`, 4, show)
      })
    }
    reader.group('kinds', inner => {
      for (let i = 0; i < count; i++) inner.number(`${i}`, 1, kind => ({ value: kindName(kind) }))
    })
    reader.group('keys', inner => {
      for (let i = 0; i < count; i++) {
        inner.group(`${i}`, key => {
          const length = key.varint('length')
          const bytes = key.take('key', length)
          return { value: showBytes(bytes, preview), entry: true }
        })
      }
    })
    if (tombstoneBytes >= BATCH_HEADER_BYTES) {
      reader.group('tombstones', inner => {
        const batch = new SpanReader(inner.bytes, inner.base, inner.at, Math.min(inner.end, inner.at + tombstoneBytes))
        const summary = readBatch(batch, preview)
        inner.spans.push(...batch.spans)
        inner.at = batch.at
        return { value: describeBatch(summary) }
      })
    }
    reader.number('checksum', 4, value => ({ value: word(value) }))
  }
}
