/**
 * Every place of a B+tree lane where a version of a key lies: the leaf in memory, leaves on disk, pages that something still holds, free space,
 * logs.
 *
 * Invariants:
 * 1. What a leaf on disk has is read from its bytes. What a leaf in memory has is what the logs say since the last checkpoint.
 */
import { DATA_FILE, readMeta, Reference, unpackLeaf } from 'kvarium/btree'
import { Cell, loadHash32, SortedBlock } from 'kvarium/codec'
import { parseLogName } from 'kvarium/engine'
import type { RebuiltFile } from 'kvarium/observe'
import { LeafRanges, type Leaf } from './leaf-ranges.js'
import { openRebuilt, placeInLog, shownValue, versionsInLogs, type LogVersion } from './key-in-logs.js'
import { snapshotsAt } from './key-snapshots.js'
import type { KeyPlace, KeyTrace, TracedLane } from './key-place.js'

const encoder = new TextEncoder()

export async function traceInPages(key: string, { events, count, files }: TracedLane): Promise<KeyTrace> {
  const bytes = encoder.encode(key)
  const histories = files.at(count)
  const logs = histories.names.filter(name => parseLogName(name) !== undefined).map(name => histories.rebuild(name)!)
  const data = histories.rebuild(DATA_FILE)
  const leaves = new LeafRanges(bytes)
  for (let at = 0; at < count; at++) leaves.apply(events[at])
  const { treeSequence, durableSequence } = leaves
  const inLogs = await versionsInLogs(
    logs.filter(({ isWhole }) => isWhole),
    bytes,
  )
  const applied = inLogs.filter(({ sequence }) => sequence <= treeSequence)
  const newest = applied.find(({ sequence }) => sequence > durableSequence)
  const onDisk = data?.isWhole ? await leavesOnDisk(data, leaves, bytes) : []
  const durable = onDisk.find(({ isDurable }) => isDurable)
  const places: KeyPlace[] = []
  if (newest !== undefined && newest.kind !== 'tombstone' && newest.kind !== 'range tombstone') {
    places.push(inMemory(newest, leaves.current, true))
  }
  if (durable !== undefined) {
    const why = newest === undefined ? 'the tree of the last checkpoint has it, and nothing has changed it since' : changedBy(newest)
    places.push({ ...leafPlace(durable), ...(newest === undefined && { answers: true as const }), why })
  }
  const snapshots = snapshotsAt(events, count)
  const others: KeyPlace[] = [
    ...inLogs.map(version => placeInLog(version, 'only recovery reads logs')),
    ...leaves.shadowedInMemory.map(leaf => shadowedPlace(leaf, snapshots.length)),
    ...onDisk.filter(({ isDurable }) => !isDurable).map(found => ({ ...leafPlace(found), why: whyNot(found) })),
  ]
  return {
    key,
    answer: answerOf(places[0]?.answers === true, newest, data?.isWhole === false),
    places,
    others,
    without: [],
    unknown: [...logs, ...(data === undefined ? [] : [data])].filter(({ isWhole }) => !isWhole).map(({ name }) => name),
  }
}

function answerOf(isFound: boolean, newest: LogVersion | undefined, isUnknown: boolean): string {
  if (isFound) return 'A get finds the only version that the present tree has.'
  if (newest === undefined && isUnknown) return 'What a get finds is not known: not all bytes of the files are.'
  if (newest === undefined) return 'A get finds nothing: the leaf that would have it does not.'
  return `A get finds nothing: the write with sequence number ${newest.sequence} took it out of its leaf.`
}

function changedBy({ sequence, kind }: LogVersion): string {
  const what = kind === 'value' || kind === 'expiring value' ? 'a newer version is in memory' : 'it is deleted in memory'
  return `${what}, by the write with sequence number ${sequence}: the last checkpoint has this leaf until the next one`
}

function inMemory({ sequence, kind, valueBytes, value }: LogVersion, leaf: Leaf | undefined, answers: boolean): KeyPlace {
  const page = leaf === undefined ? 'a page that no event since the opening has named' : `page ${leaf.page}, ${leaf.state}`
  return {
    in: 'leaf in memory',
    name: `leaf in memory: ${page}`,
    sequence,
    kind,
    valueBytes,
    ...(value !== undefined && { value }),
    ...(leaf !== undefined && { page: leaf.page }),
    ...(answers && { answers: true as const }),
    why: 'a get ends here, in the leaf that it comes to from the root',
  }
}

function shadowedPlace({ page, by }: Leaf, snapshots: number): KeyPlace {
  const held = snapshots > 0 ? 'a snapshot may still read it' : 'a cursor or a checkpoint under way still needs it'
  const name = `page ${page} in memory`
  return {
    in: 'leaf in memory',
    name,
    kind: 'unknown',
    valueBytes: 0,
    page,
    why: by === undefined ? held : `page ${by} took its place; ${held}`,
  }
}

interface FoundLeaf {
  readonly leaf: Leaf | undefined
  /** The tree of the meta page on disk leads to it. */
  readonly isDurable: boolean
  readonly isFree: boolean
  readonly offset: number
  readonly slot: number
  readonly valueBytes: number
  readonly value: string
  readonly expires: boolean
  readonly bytes: { readonly file: string; readonly offset: number; readonly length: number }
}

function leafPlace({ leaf, offset, slot, valueBytes, value, expires, bytes }: FoundLeaf): Omit<KeyPlace, 'why'> {
  return {
    in: 'leaf',
    name: `leaf at offset ${offset} of ${DATA_FILE}, slot ${slot}${leaf === undefined ? '' : `, page ${leaf.page}`}`,
    kind: expires ? 'expiring value' : 'value',
    valueBytes,
    value,
    bytes,
    ...(leaf !== undefined && { page: leaf.page }),
  }
}

function whyNot({ leaf, isFree }: FoundLeaf): string {
  if (isFree) return 'stale bytes in free space: nothing reads them any more, and the next page that is written here replaces them'
  if (leaf?.isInTree) return 'written by a checkpoint that is not durable yet: the meta page on disk does not lead here'
  return leaf?.by === undefined
    ? 'in the present tree no more: a snapshot or a cursor still holds it'
    : `page ${leaf.by} took its place: a snapshot, a cursor or the checkpoint before the last still holds it`
}

/** The leaves in the file that have the key: that of the last checkpoint first, then those written last. */
async function leavesOnDisk(data: RebuiltFile, leaves: LeafRanges, key: Uint8Array): Promise<readonly FoundLeaf[]> {
  const { unitBytes, pageBytes } = leaves
  const durable = await durableLeaf(data, key)
  const extents = leaves.extents.map(({ leaf, unit, units, isFree }) => ({
    leaf,
    offset: unit * unitBytes,
    length: units * unitBytes,
    isFree,
    isDurable: unit * unitBytes === durable?.offset,
  }))
  if (durable !== undefined && !extents.some(({ isDurable }) => isDurable)) {
    extents.unshift({ leaf: undefined!, ...durable, isFree: false, isDurable: true })
  }
  const found = extents.flatMap(({ offset, length, ...extent }): FoundLeaf[] => {
    try {
      const entry = entryIn(data, offset, length, pageBytes, key)
      return entry === undefined ? [] : [{ offset, ...extent, ...entry }]
    } catch {
      // What the file has there is no leaf any more, or not whole.
      return []
    }
  })
  return found.sort((a, b) => Number(b.isDurable) - Number(a.isDurable))
}

/** Where the leaf is that the meta page on disk leads to; `undefined` where there is no such page, or what it leads to is not whole. */
async function durableLeaf(data: RebuiltFile, key: Uint8Array): Promise<{ readonly offset: number; readonly length: number } | undefined> {
  const { name, bytes } = data
  try {
    const { root, height, unitBytes } = readMeta(openRebuilt(data), await loadHash32())
    if (height === 0) return undefined
    const reference = new Reference()
    const cell = new Cell()
    let place = { offset: root.offset * unitBytes, length: root.units * unitBytes }
    for (let level = height - 1; level > 0; level--) {
      const branch = new SortedBlock(bytes, place.offset + place.length, name, place.offset, place.offset)
      // The key of the first slot bounds nothing.
      branch.readCell(Math.max(0, branch.floor(key, 0, key.length)), cell)
      reference.read(bytes, cell.payloadStart)
      place = { offset: reference.offset * unitBytes, length: reference.units * unitBytes }
    }
    return place
  } catch {
    return undefined
  }
}

function entryIn(
  { name, bytes }: RebuiltFile,
  offset: number,
  length: number,
  pageBytes: number,
  key: Uint8Array,
): Omit<FoundLeaf, 'leaf' | 'isDurable' | 'isFree' | 'offset'> | undefined {
  if (offset + length > bytes.length) return undefined
  let contents = bytes
  let base = offset
  let end = offset + length
  const isPacked = length < pageBytes
  if (isPacked) {
    contents = new Uint8Array(pageBytes)
    unpackLeaf(bytes.subarray(offset, end), contents, { file: name, offset })
    base = 0
    end = pageBytes
  }
  const block = new SortedBlock(contents, end, name, offset, base)
  const slot = block.find(key, 0, key.length)
  if (slot < 0) return undefined
  const cell = new Cell()
  block.readCell(slot, cell)
  const start = block.cellStart(slot)
  const value = contents.subarray(cell.valueStart, cell.payloadEnd)
  return {
    slot,
    valueBytes: value.length,
    value: shownValue(value),
    expires: cell.expires,
    bytes: { file: name, ...(isPacked ? { offset, length } : { offset: start, length: cell.payloadEnd - start }) },
  }
}
