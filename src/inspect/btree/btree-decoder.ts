/** The B+tree's data file (docs/formats/btree.md): both meta pages, the pages of the current tree, and the free list. */
import { compareKeys } from '../../codec/entry.js'
import { VarintReader } from '../../codec/varint.js'
import { META_AREA_BYTES, META_BYTES, metaOffset } from '../../btree/pages/meta-page.js'
import { CorruptionError } from '../../errors.js'
import { readExpirySpan } from '../batch-spans.js'
import { blockSpans } from '../block-spans.js'
import { PageReader, type PageContents, type PagePlace, type WalkedPage } from './btree-pages.js'
import { rawSpan, readBytes, type Decoder, type FileContext, type PartRange } from '../inspected-file.js'
import { describeReference, readMetaSpan, readReference, type MetaSpan, type MetaView } from './meta-spans.js'
import { counted, place as hexPlace, showBytes } from '../show-bytes.js'
import { SpanReader } from '../span-reader.js'
import { distrust, type Fact, type Outline, type Span } from '../span.js'

interface PlannedPart {
  readonly offset: number
  readonly length: number
  readonly page?: PagePlace
  readonly make: () => Span
}

interface Stretch {
  readonly unit: number
  readonly units: number
}

export class BtreeDecoder implements Decoder {
  readonly title = 'B+tree'
  readonly selections = ['page', 'from'] as const
  readonly #context: FileContext
  readonly #metas: readonly MetaSpan[]
  readonly #meta: MetaView | undefined
  readonly #read = { pages: 0, leaves: 0, entries: 0, usedBytes: 0, leafBytes: 0, freeUnits: 0 }

  constructor(context: FileContext) {
    this.#context = context
    this.#metas = [0, 1].map(slot => {
      const offset = Math.min(metaOffset(slot), context.bytes)
      const length = Math.min(META_BYTES, context.bytes - offset)
      return readMetaSpan(readBytes(context, offset, length), slot, context.hash32)
    })
    this.#meta = this.#metas.flatMap(({ meta }) => meta ?? []).sort((a, b) => b.number - a.number)[0]
  }

  /** The current meta page. */
  get meta(): MetaView | undefined {
    return this.#meta
  }

  *parts(range: PartRange): Generator<Span> {
    const { bytes: size } = this.#context
    let at = 0
    for (const part of this.#plan(range)) {
      if (part.offset < at) {
        const message = 'two parts overlap'
        this.#context.report({ offset: part.offset, length: part.length, message })
        continue
      }
      if (part.offset > at) yield* this.#between(at, part.offset, range)
      at = part.offset + part.length
      if (isWanted(part, range)) yield part.make()
    }
    if (at < size) yield* this.#between(at, size, range)
  }

  facts(): readonly Fact[] {
    const meta = this.#meta
    if (meta === undefined) return [{ name: 'current meta page', value: 'none: both are damaged, the tree cannot be found' }]
    const { pages, leaves, entries, usedBytes, leafBytes, freeUnits } = this.#read
    return [
      { name: 'current meta page', value: `${meta.slot}, number ${meta.number}` },
      { name: 'unit', value: `${meta.unitBytes} bytes` },
      ...(meta.pageBytes > meta.unitBytes ? [{ name: 'leaf in memory', value: `${meta.pageBytes} bytes` }] : []),
      { name: 'levels', value: meta.height },
      { name: 'root', value: describeReference(meta.root, meta.unitBytes) },
      { name: 'last sequence in the tree', value: meta.sequence },
      { name: 'logs', value: meta.lastLog < meta.firstLog ? 'none' : `${meta.firstLog} to ${meta.lastLog}` },
      { name: 'read', value: `${counted(pages, 'page')}, ${leaves} of them leaves with ${counted(entries, 'entry', 'entries')}` },
      ...(leafBytes > 0 ? [{ name: 'leaves are filled to', value: percent(usedBytes / leafBytes) }] : []),
      { name: 'free', value: `${counted(freeUnits, 'unit')} of ${meta.length}` },
    ]
  }

  *outline(): Generator<Outline> {
    const meta = this.#meta
    if (meta === undefined) return
    const reader = new PageReader(this.#context, meta)
    for (const page of reader.walk({ withLeaves: true })) yield this.#outlineOf(page, meta, reader)
  }

  #outlineOf({ place, low, high, depth, contents }: WalkedPage, meta: MetaView, reader: PageReader): Outline {
    const { preview } = this.#context
    const name = place.level === 0 ? 'leaf' : depth === 0 ? 'root' : 'branch'
    const from = low === undefined ? 'from the first key' : `from ${showBytes(low, preview)}`
    const to = high === undefined ? 'to the last' : `to before ${showBytes(high, preview)}`
    const fill = contents?.isRight === true ? this.#fill(contents, place, meta, reader) : ''
    const indent = '  '.repeat(depth)
    const label = `${indent}${name} at unit ${place.unit} (${hexPlace(place.unit * meta.unitBytes)}), ${counted(place.entries, 'entry', 'entries')} ${from} ${to}${fill}`
    if (contents === undefined) return { label, problem: 'it is not in the file' }
    return contents.isRight
      ? { label }
      : { label, problem: `it does not match the reference to it (${contents.expected}, not ${contents.found})` }
  }

  #fill(contents: PageContents, place: PagePlace, meta: MetaView, reader: PageReader): string {
    try {
      const unpacked = reader.unpacked(place, contents)
      const share = percent(this.#usedShare(unpacked ?? contents.bytes, place, meta))
      return `, ${share} full${unpacked === undefined ? '' : `, compressed to ${counted(place.units, 'unit')}`}`
    } catch (error) {
      if (!(error instanceof CorruptionError)) throw error
      return ', does not decompress'
    }
  }

  #usedShare(bytes: Uint8Array, place: PagePlace, { unitBytes }: MetaView): number {
    const options = { preview: 0, describe: () => '', wrong: () => undefined, bareFirst: place.level > 0, mayExpire: place.level === 0 }
    const { usedBytes } = blockSpans(bytes, bytes.length, place.unit * unitBytes, {
      ...options,
      describe: (_, payload) => {
        payload.rest('payload')
        return ''
      },
    })
    return usedBytes / bytes.length
  }

  /** The known parts in file order. */
  #plan(range: PartRange): PlannedPart[] {
    const parts: PlannedPart[] = this.#metas.map((_, slot) => {
      const { offset, length } = this.#metas[slot].span
      return { offset, length, make: () => this.#metaSpan(slot) }
    })
    const meta = this.#meta
    if (meta === undefined) return parts.filter(part => part.length > 0)
    const reader = new PageReader(this.#context, meta)
    for (const { place, low, high } of reader.walk({ withLeaves: false })) {
      if (range.from !== undefined && high !== undefined && compareKeys(high, range.from) <= 0) continue
      if (range.from !== undefined && place.level > 0) continue
      const { unitBytes } = meta
      const part = { offset: place.unit * unitBytes, length: place.units * unitBytes, page: place }
      if (part.length > 0 && part.offset + part.length <= this.#context.bytes) {
        parts.push({ ...part, make: () => this.#page(place, meta, reader) })
      } else {
        const keys = low === undefined ? '' : ` from ${showBytes(low, this.#context.preview)} on`
        const message = `the file ends before a page of the tree${keys}: ${counted(place.units, 'unit')} at unit ${place.unit}`
        this.#context.report({ offset: part.offset, length: part.length, message })
      }
    }
    parts.push(...this.#freeParts(meta, reader))
    return parts.filter(part => part.length > 0).sort((a, b) => a.offset - b.offset || a.length - b.length)
  }

  #metaSpan(slot: number): Span {
    const { span, meta, problem } = this.#metas[slot]
    if (problem !== undefined) this.#context.report(problem)
    if (meta === undefined) return span
    return { ...span, value: `${span.value}, ${meta === this.#meta ? 'current' : 'the previous one'}` }
  }

  #page(place: PagePlace, meta: MetaView, reader: PageReader): Span {
    const { preview, report } = this.#context
    const { unitBytes } = meta
    const offset = place.unit * unitBytes
    const contents = reader.read(place)!
    const name = `${place.level === 0 ? 'leaf' : 'branch'} at unit ${place.unit}`
    const { bytes: extent, isRight, expected, found } = contents
    const wrong = (at: number, length: number, message: string): void => {
      if (isRight) report({ offset: at, length, message: `${name}: ${message}` })
    }
    let unpacked: Uint8Array | undefined
    try {
      unpacked = reader.unpacked(place, contents)
    } catch (error) {
      if (!(error instanceof CorruptionError)) throw error
      const problem = isRight ? 'it does not decompress' : 'it does not match the reference to it'
      report({ offset, length: extent.length, message: `${name}: ${problem}`, ...(isRight ? {} : { expected, found }) })
      this.#read.pages++
      const rest = rawSpan(offset, extent.length, 'contents', problem)
      return { offset, length: extent.length, name, problem, children: [rest] }
    }
    const bytes = unpacked ?? extent
    const { spans, count, firstKey, lastKey, usedBytes } = blockSpans(bytes, bytes.length, unpacked === undefined ? offset : 0, {
      preview,
      bareFirst: place.level > 0,
      mayExpire: place.level === 0,
      // The place in the file of anything inside compressed contents is that of the page.
      wrong: unpacked === undefined ? wrong : (_, __, message) => wrong(offset, extent.length, `${message}, decompressed`),
      describe: (key, payload, index, expires) => {
        if (place.level > 0) {
          const child = readReference(payload, 'reference', unitBytes)
          return `${index === 0 ? 'below the next' : `from ${showBytes(key, preview)}`}: ${describeReference(child, unitBytes)}`
        }
        const until = expires ? ` until ${readExpirySpan(payload)}` : ''
        const value = showBytes(payload.bytes.subarray(payload.at, payload.end), preview)
        payload.rest('value', { value })
        return `${showBytes(key, preview)} = ${value}${until}`
      },
    })
    const keys =
      firstKey === undefined || lastKey === undefined ? '' : `, ${showBytes(firstKey, preview)} to ${showBytes(lastKey, preview)}`
    const entries = counted(count, 'entry', 'entries')
    const packed = unpacked === undefined ? '' : `, compressed from ${bytes.length} bytes`
    const value = `level ${place.level}, ${entries}${place.level > 0 ? '' : keys}, ${percent(usedBytes / bytes.length)} full${packed}`
    const children = unpacked === undefined ? spans : packedSpans(extent, offset, unpacked, spans)
    const span: Span = { offset, length: extent.length, name, value, children }
    this.#read.pages++
    if (!isRight) {
      const problem = `${name} does not match the reference to it`
      report({ offset, length: extent.length, message: problem, expected, found })
      return distrust({ ...span, problem })
    }
    if (place.level === 0) {
      this.#read.leaves++
      this.#read.entries += count
      this.#read.usedBytes += usedBytes
      this.#read.leafBytes += bytes.length
    }
    return span
  }

  #freeParts(meta: MetaView, reader: PageReader): PlannedPart[] {
    const { unitBytes, freeList } = meta
    if (freeList.units === 0) return []
    const list = { unit: freeList.offset, units: freeList.units, check: freeList.check }
    const contents = reader.read(list)
    const offset = list.unit * unitBytes
    if (contents === undefined) {
      this.#context.report({ offset, message: 'the file ends before the free list' })
      return []
    }
    const stretches = freeStretches(contents, freeList.liveBytes, freeList.entries)
    this.#read.freeUnits = stretches.reduce((sum, { units }) => sum + units, 0)
    const parts: PlannedPart[] = [{ offset, length: list.units * unitBytes, make: () => this.#freeList(contents, offset, meta) }]
    for (const { unit, units } of stretches) {
      const part = { offset: unit * unitBytes, length: units * unitBytes }
      if (part.offset + part.length > this.#context.bytes) part.length = Math.max(0, this.#context.bytes - part.offset)
      const value = `${counted(units, 'unit')} at unit ${unit}`
      parts.push({ ...part, make: () => ({ ...part, name: 'free', value, unused: true }) })
    }
    return parts
  }

  #freeList({ bytes, isRight, expected, found }: PageContents, offset: number, { freeList }: MetaView): Span {
    const reader = new SpanReader(bytes, offset, 0, Math.min(freeList.liveBytes, bytes.length))
    let at = 0
    let message: string | undefined
    try {
      for (let run = 0; run < freeList.entries; run++) {
        reader.group(`stretch ${run}`, stretch => {
          const used = stretch.varint('units in use')
          const free = stretch.varint('units free')
          const unit = at + used
          at = unit + free
          return { value: `${counted(free, 'unit')} from unit ${unit} on`, entry: true }
        })
      }
      if (reader.left > 0) message = 'the free list has bytes after its end'
    } catch (error) {
      if (!(error instanceof CorruptionError)) throw error
      message = `the free list is damaged: ${error.message}`
    }
    reader.rest('unreadable')
    const rest = new SpanReader(bytes, offset, reader.at)
    rest.rest('not in use', { unused: true })
    const value = `${counted(freeList.entries, 'stretch', 'stretches')} in ${counted(freeList.liveBytes, 'byte')}`
    const span: Span = { offset, length: bytes.length, name: 'free list', value, children: [...reader.spans, ...rest.spans] }
    if (isRight && message === undefined) return span
    const problem = message !== undefined && isRight ? message : 'the free list does not match the reference to it'
    this.#context.report({ offset, length: bytes.length, message: problem, ...(isRight ? {} : { expected, found }) })
    return distrust({ ...span, problem })
  }

  /** Unreferenced bytes, split where their meaning changes. */
  *#between(start: number, end: number, range: PartRange): Generator<Span> {
    const meta = this.#meta
    const firstPage = meta === undefined ? META_AREA_BYTES : Math.ceil(META_AREA_BYTES / meta.unitBytes) * meta.unitBytes
    const needed = meta === undefined ? Infinity : Math.max(firstPage, meta.length * meta.unitBytes)
    const cuts = [start, ...[firstPage, needed].filter(cut => cut > start && cut < end), end]
    for (let i = 0; i + 1 < cuts.length; i++) {
      const [offset, length] = [cuts[i], cuts[i + 1] - cuts[i]]
      if (!isWanted({ offset, length }, range)) continue
      if (offset < firstPage) yield { offset, length, name: 'not in use', unused: true }
      else if (offset >= needed) yield { offset, length, name: 'beyond the tree', value: 'free', unused: true }
      else yield this.#lost(offset, length, meta)
    }
  }

  #lost(offset: number, length: number, meta: MetaView | undefined): Span {
    if (meta === undefined) return rawSpan(offset, length, 'unreadable', 'without a meta page nothing says what is here')
    const problem = 'nothing readable leads here'
    this.#context.report({ offset, length, message: `${counted(length / meta.unitBytes, 'unit')} of the file: ${problem}` })
    return rawSpan(offset, length, 'unreadable', problem)
  }
}

/** A compressed leaf: its length, the LZ4 block with what it decompresses to, and zeros. */
function packedSpans(extent: Uint8Array, offset: number, contents: Uint8Array, spans: readonly Span[]): readonly Span[] {
  const reader = new SpanReader(extent, offset)
  const length = reader.number('length', 2)
  reader.take('contents', length, { value: `lz4, of ${contents.length} bytes`, decompressed: { bytes: contents, spans } })
  if (reader.left > 0) reader.rest('zeros', { unused: true })
  return reader.spans
}

/** The free ranges in a readable free list. */
function freeStretches({ bytes, isRight }: PageContents, length: number, runs: number): Stretch[] {
  const stretches: Stretch[] = []
  if (!isRight) return stretches
  const reader = new VarintReader(bytes, 0, Math.min(length, bytes.length))
  try {
    for (let run = 0, at = 0; run < runs; run++) {
      const unit = at + reader.read()
      const units = reader.read()
      stretches.push({ unit, units })
      at = unit + units
    }
  } catch (error) {
    if (!(error instanceof CorruptionError)) throw error
  }
  return stretches
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`
}

function isWanted(part: Pick<PlannedPart, 'offset' | 'length' | 'page'>, range: PartRange): boolean {
  const { offset = 0, page, from } = range
  if (part.offset + part.length <= offset) return false
  if (page !== undefined) return part.page?.unit === page
  return from === undefined || part.page !== undefined
}
