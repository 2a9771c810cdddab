/**
 * The files of a lane at any position: rebuilt from the bytes of their writes, each byte with its meaning.
 *
 * Invariants:
 * 1. The bytes are those of the position. Their meaning is read from the file after the job that writes it, where that only added to
 *    them: only then do the parts of a table refer to each other.
 */
import { hexRows, inspectFile, type FileInspection, type HexRow, type Problem } from 'kvarium/inspect'
import { FileHistories, type RebuiltFile } from 'kvarium/observe'
import type { TraceEvent } from 'kvarium/trace'
import { MemoryFileSystem } from 'kvarium/vfs'
import type { Fold } from '../views/fold.js'
import { Track, type LaneEvents } from '../views/track.js'
import type { HexLine, HexPage } from './hex-page.js'

/** Bytes per row. */
export const BYTES_PER_ROW = 8

/** Rows beyond a page that finish a decompressed block. */
const MOST_MORE_ROWS = 1000

/** What a page of hex shows. */
export interface HexRange {
  /** The number of events of the lane. */
  readonly count: number
  readonly file: string
  /** Default: where the present event writes, or 0. */
  readonly offset?: number
  readonly rows: number
}

export class FileBytes {
  readonly #lane: LaneEvents
  readonly #track: Track
  /** For what comes after a position, so that the next step goes on from it. */
  readonly #later: Track

  /**
   * @param before They stand for the files that the lane begins with.
   */
  constructor(lane: LaneEvents, before: readonly TraceEvent[] = []) {
    this.#lane = lane
    const make = (): { files: HistoriesFold } => {
      const files = new HistoriesFold()
      files.findFiles(before)
      return { files }
    }
    this.#track = new Track(make, lane)
    this.#later = new Track(make, lane)
  }

  /** The files after the first `count` events, to be read until the next call. */
  at(count: number): FileHistories {
    return historiesOf(this.#track, count)
  }

  /** A page of annotated hex; `undefined` if there is no such file. */
  async hex({ count, file: name, offset, rows }: HexRange): Promise<HexPage | undefined> {
    const file = this.at(count).rebuild(name)
    if (file === undefined) return undefined
    const size = file.bytes.length
    const written = writtenBy(this.#lane.events[count - 1], name)
    const from = Math.max(0, Math.min(offset ?? written?.offset ?? 0, size - 1))
    const page = { file: name, size, isWhole: file.isWhole, offset: from, ...(written !== undefined && { written }) }
    if (size === 0) return { ...page, title: 'file without bytes so far', lines: [], problems: [] }
    if (!file.isWhole) {
      const all = plainRows(file.bytes, from)
      return {
        ...page,
        title: 'file from before the first event: what is not known is shown as zeros',
        ...linesOf(all, rows, written),
        problems: [],
      }
    }
    return inspected(this.#complete(file, count), async inspection => ({
      ...page,
      title: inspection.title,
      ...linesOf(rowsFrom(inspection, from, size), rows, written),
      problems: inspection.problems.map(sentenceOf),
    }))
  }

  /** The file as it is after the job that changed it last, if that job only adds to it. */
  #complete(file: RebuiltFile, count: number): RebuiltFile {
    const job = this.at(count).lastChange(file.name)?.job ?? 0
    if (job === 0) return file
    const end = endOf(this.#lane.events, job, count)
    if (end === undefined) return file
    const later = historiesOf(this.#later, end + 1).rebuild(file.name)
    return later !== undefined && file.bytes.every((byte, index) => later.bytes[index] === byte) ? later : file
  }
}

/** Runs `work` with the inspection of a rebuilt file. */
export async function inspected<T>({ name, bytes }: RebuiltFile, work: (inspection: FileInspection) => T | Promise<T>): Promise<T> {
  const fileSystem = new MemoryFileSystem()
  const handle = fileSystem.create(`/${name}`)
  handle.write(bytes, 0)
  handle.close()
  const inspection = await inspectFile(`/${name}`, { fileSystem })
  try {
    return await work(inspection)
  } finally {
    inspection.close()
  }
}

function historiesOf(track: Track, count: number): FileHistories {
  return (track.at(count).files as HistoriesFold).picture()
}

/** Index of the end of a job that runs after the first `count` events; `undefined` if it is over by then, or never ends. */
function endOf(events: readonly TraceEvent[], job: number, count: number): number | undefined {
  for (let at = count - 1; at >= 0; at--) {
    const event = events[at]
    if (event.job !== job) continue
    if (event.type === 'job.end') return undefined
    if (event.type === 'job.begin') break
  }
  for (let at = count; at < events.length; at++) {
    const event = events[at]
    if (event.job === job && event.type === 'job.end') return at
  }
  return undefined
}

class HistoriesFold implements Fold<FileHistories> {
  #histories: FileHistories

  constructor(histories = new FileHistories()) {
    this.#histories = histories
  }

  apply(event: TraceEvent): void {
    this.#histories.apply(event)
  }

  findFiles(files: readonly TraceEvent[]): void {
    this.#histories = new FileHistories()
    for (const event of files) this.#histories.apply(event)
  }

  clone(): HistoriesFold {
    return new HistoriesFold(this.#histories.clone())
  }

  picture(): FileHistories {
    return this.#histories
  }
}

interface Range {
  readonly offset: number
  readonly length: number
}

function writtenBy(event: TraceEvent | undefined, file: string): Range | undefined {
  if (event?.type !== 'file.write' || event.file !== file) return undefined
  return { offset: event.offset, length: event.length }
}

/** The rows of the bytes `[from, size)`, before them the headings of the spans that the first one is in. */
function* rowsFrom(inspection: FileInspection, from: number, size: number): Generator<HexRow> {
  const read = (offset: number, length: number): Uint8Array => inspection.read(offset, length)
  let headings: HexRow[] = []
  let isShown = false
  for (const part of inspection.parts({ offset: from })) {
    for (const row of hexRows(part, read, { width: BYTES_PER_ROW, rows: Infinity })) {
      if (row.decompressed === undefined) {
        if (row.offset >= size) return
        isShown = row.offset + row.bytes.length > from
        if (!isShown) {
          if (row.bytes.length === 0) headings = [...headings.filter(({ depth }) => depth < row.depth), row]
          continue
        }
        yield* headings.filter(({ depth }) => depth < row.depth)
        headings = []
      }
      if (isShown) yield row.decompressed === undefined ? cut(row, size) : row
    }
  }
}

/** Without the bytes that are not there yet. */
function cut(row: HexRow, size: number): HexRow {
  return row.offset + row.bytes.length <= size ? row : { ...row, bytes: row.bytes.subarray(0, size - row.offset) }
}

function* plainRows(bytes: Uint8Array, from: number): Generator<HexRow> {
  for (let offset = from; offset < bytes.length; offset += BYTES_PER_ROW) {
    yield { depth: 0, offset, bytes: bytes.subarray(offset, offset + BYTES_PER_ROW), state: 'unverified' }
  }
}

function linesOf(rows: Iterable<HexRow>, limit: number, written: Range | undefined): Pick<HexPage, 'lines' | 'nextOffset'> {
  const lines: HexLine[] = []
  for (const row of rows) {
    if (lines.length >= limit && row.decompressed === undefined) return { lines, nextOffset: row.offset }
    if (lines.length < limit + MOST_MORE_ROWS) lines.push(lineOf(row, written))
  }
  return { lines }
}

function lineOf({ depth, offset, bytes, name = '', value, problem, state, decompressed }: HexRow, written: Range | undefined): HexLine {
  const first = Math.max(0, (written?.offset ?? 0) - offset)
  const last = Math.min(bytes.length, (written?.offset ?? 0) + (written?.length ?? 0) - offset)
  return {
    depth,
    offset,
    bytes: Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join(' '),
    text: Array.from(bytes, byte => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.')).join(''),
    meaning: [value === undefined || value === '' ? name : `${name}: ${value}`, problem].filter(Boolean).join('; '),
    state,
    ...(problem !== undefined && { isProblem: true }),
    ...(decompressed !== undefined && { decompressed }),
    ...(decompressed === undefined && last > first && { written: [first, last] as const }),
  }
}

function sentenceOf({ message, offset }: Problem): string {
  return offset === undefined ? message : `at offset ${offset}: ${message}`
}
