/**
 * The bytes of an event, each line with its meaning.
 *
 * Invariants:
 * 1. A write shows the bytes of that write. Their meaning is read from the file after the write, or, for the writes of a
 *    job, after the job: only then do the parts of a table or a tree refer to each other.
 */
import { HEX_WIDTH, hexRows, inspectFile, type HexRow } from 'kvarium/inspect'
import { MemoryFileSystem } from 'kvarium/vfs'
import { bytesIn, placeOf, type FilePlace } from './event-fields.js'
import { annotatedLine } from './hex-line.js'
import type { RebuiltFile } from 'kvarium/observe'
import type { EventItem, Item } from './items.js'
import type { Replay } from './replay.js'
import { isBtree } from './structure-text.js'

const ROWS_OF_A_SPAN = 8

export interface ShownBytes {
  readonly title: string
  readonly lines: readonly string[]
  /** Offset in the file of the first omitted line. */
  readonly nextOffset?: number
}

/** At most `limit` lines of the bytes of the event at a position; `undefined` if it has none. */
export async function bytesOfEvent(
  items: readonly Item[],
  replay: Replay,
  position: number,
  limit: number,
): Promise<ShownBytes | undefined> {
  const item = items[position]
  if (item.kind !== 'event') return undefined
  const place = placeOf(item.event, unitBytesOf(replay, item.store, position))
  const [first] = bytesIn(item.event)
  if (place === undefined) return first === undefined ? undefined : shown(`The bytes of ${first.name}`, plainRows(first.bytes, 0), limit)
  const file = fileWith(items, replay, position, item, place)
  const title = `${place.length} bytes at offset ${place.offset} of ${place.file}`
  if (file !== undefined) return shown(title, await rowsOf(file, place.offset, place.offset + place.length, limit), limit)
  return first === undefined ? undefined : shown(title, plainRows(first.bytes, place.offset), limit)
}

/** At most `limit` lines of a file, from an offset on. */
export async function bytesOfFile(file: RebuiltFile, offset: number, limit: number): Promise<ShownBytes> {
  const { name, bytes, isWhole } = file
  const title = `${name}, ${bytes.length} bytes${isWhole ? '' : '; those from before it was watched are not known and shown as zeros'}`
  return shown(title, isWhole ? await rowsOf(file, offset, bytes.length, limit) : plainRows(bytes.subarray(offset), offset), limit)
}

function unitBytesOf(replay: Replay, store: string, position: number): number {
  const shape = replay.structure(store, position)
  return typeof shape !== 'string' && isBtree(shape) ? shape.pageBytes : 0
}

/** The file in which the bytes of the event have their meaning. */
function fileWith(
  items: readonly Item[],
  replay: Replay,
  position: number,
  { store, event }: EventItem,
  place: FilePlace,
): RebuiltFile | undefined {
  const written = event.type === 'file.write' ? event.bytes : undefined
  const isIn = (file: RebuiltFile): boolean =>
    file.isWhole &&
    file.bytes.length >= place.offset + place.length &&
    (written === undefined || written.every((byte, i) => file.bytes[place.offset + i] === byte))
  for (const at of [endOfJob(items, position), position]) {
    const file = replay.file(store, place.file, at)
    if (file !== undefined && isIn(file)) return file
  }
  return undefined
}

function endOfJob(items: readonly Item[], position: number): number {
  const item = items[position]
  if (item.kind !== 'event' || item.event.job === 0) return position
  for (let at = position; at < items.length; at++) {
    const later = items[at]
    const isEnd = later.kind === 'event' && later.event.type === 'job.end' && later.event.job === item.event.job
    if (isEnd && later.store === item.store) return at
  }
  return position
}

async function rowsOf({ name, bytes }: RebuiltFile, from: number, to: number, limit: number): Promise<Iterable<HexRow>> {
  const fileSystem = new MemoryFileSystem()
  const path = `/${name}`
  const handle = fileSystem.create(path)
  handle.write(bytes, 0)
  handle.close()
  const inspection = await inspectFile(path, { fileSystem })
  try {
    const rows: HexRow[] = []
    const read = (offset: number, length: number): Uint8Array => inspection.read(offset, length)
    for (const part of inspection.parts({ offset: from })) {
      for (const row of hexRows(part, read, { width: HEX_WIDTH, rows: ROWS_OF_A_SPAN })) {
        if (row.offset >= to || rows.length > limit) return rows
        if (row.offset >= from || row.offset + row.bytes.length > from) rows.push(row)
      }
    }
    return rows
  } finally {
    inspection.close()
  }
}

function* plainRows(bytes: Uint8Array, offset: number): Generator<HexRow> {
  for (let at = 0; at < bytes.length; at += HEX_WIDTH) {
    yield { depth: 0, offset: offset + at, bytes: bytes.subarray(at, at + HEX_WIDTH), state: 'good' }
  }
}

function shown(title: string, rows: Iterable<HexRow>, limit: number): ShownBytes {
  const lines: string[] = []
  for (const row of rows) {
    if (lines.length === limit) return { title, lines, nextOffset: row.offset }
    lines.push(annotatedLine(row))
  }
  return { title, lines }
}
