/** Every place of an LSM lane where a version of a key lies: memtables, tables of every level, tables that are no part of the tree, logs. */
import { Cell, compareKeys, loadHash32, SortedBlock } from 'kvarium/codec'
import { parseLogName } from 'kvarium/engine'
import type { RebuiltFile } from 'kvarium/observe'
import { Cache, describeTable, newReadCounts, Table, TRAILER_BYTES, type DataBlockPart } from 'kvarium/sstable'
import type { LevelsPicture } from '../views/levels-fold.js'
import type { MemtableFold } from '../views/memtable-fold.js'
import { kindOf, openRebuilt, placeInLog, shownValue, versionsInLogs } from './key-in-logs.js'
import type { KeyPlace, KeyTrace, TracedLane } from './key-place.js'
import { snapshotsAt } from './key-snapshots.js'
import { fileOfTable } from './table-anatomy.js'

type Version = Omit<KeyPlace, 'in' | 'name' | 'why' | 'answers'> & { readonly sequence: number }

interface Placed extends Version {
  readonly in: KeyPlace['in']
  readonly name: string
}

const encoder = new TextEncoder()

export async function traceInTables(key: string, lane: TracedLane, memtables: MemtableFold, levels: LevelsPicture): Promise<KeyTrace> {
  const { files, count, events } = lane
  const bytes = encoder.encode(key)
  const histories = files.at(count)
  const names = histories.names.filter(name => name.endsWith('.sst') || parseLogName(name) !== undefined)
  const rebuilt = new Map(names.map(name => [name, histories.rebuild(name)!]))
  const placed: Placed[] = memtables.find(key).map(({ index, ...version }) => ({
    in: index === 0 ? ('memtable' as const) : ('immutable memtable' as const),
    name: index === 0 ? 'memtable' : index === 1 ? 'immutable memtable' : `immutable memtable ${index}`,
    ...version,
  }))
  const without: number[] = []
  const tombstones = [...tombstonesInMemory(lane, bytes)]
  const live = new Set<string>()
  for (const { number, level, smallest, largest } of levels.levels.flatMap(each => each.runTables.flat())) {
    live.add(fileOfTable(number))
    const file = rebuilt.get(fileOfTable(number))
    const found = file?.isWhole ? await inTable(file, number, bytes) : undefined
    if (found?.tombstone !== undefined) tombstones.push(found.tombstone)
    if (compareKeys(encoder.encode(smallest), bytes) > 0 || compareKeys(encoder.encode(largest), bytes) < 0) continue
    if (found?.versions.length === 0) without.push(number)
    if (found !== undefined)
      placed.push(...found.versions.map(version => ({ in: 'table' as const, name: `table ${number}, level ${level}`, ...version })))
  }
  const others = await inFormerTables(rebuilt, live, lane, bytes)
  const logs = await versionsInLogs(
    [...rebuilt.values()].filter(({ name, isWhole }) => isWhole && parseLogName(name) !== undefined),
    bytes,
  )
  const deleted = Math.max(0, ...tombstones)
  const snapshots = snapshotsAt(events, count)
  const unknown = [...rebuilt.values()].filter(({ isWhole }) => !isWhole).map(({ name }) => name)
  const sorted = placed.sort((a, b) => b.sequence - a.sequence)
  const places = sorted.map((place, at): KeyPlace => judged(place, sorted[at - 1], deleted, snapshots))
  return {
    key,
    answer: answerOf(sorted[0], deleted, unknown.length > 0),
    places,
    others: [...logs.map(version => placeInLog(version, 'only recovery reads logs')), ...others],
    without,
    unknown,
  }
}

function answerOf(newest: Placed | undefined, deleted: number, isUnknown: boolean): string {
  if (newest === undefined && isUnknown) return 'What a get finds is not known: not all bytes of the files are.'
  if (newest === undefined) return 'A get finds nothing: no version of it lies where it looks.'
  if (deleted > newest.sequence) return `A get finds nothing: range tombstone ${deleted} deletes all older versions.`
  return newest.kind === 'tombstone' ? 'A get finds nothing: the newest version is a tombstone.' : 'A get finds the newest version.'
}

function judged(place: Placed, newer: Placed | undefined, deleted: number, snapshots: readonly number[]): KeyPlace {
  const isDeleted = deleted > place.sequence
  if (newer === undefined && !isDeleted) {
    return { ...place, answers: true, why: place.kind === 'tombstone' ? 'a get ends here: it is deleted' : 'a get ends here' }
  }
  const until = Math.min(newer?.sequence ?? Infinity, isDeleted ? deleted : Infinity)
  const readers = snapshots.filter(snapshot => snapshot >= place.sequence && snapshot < until)
  const hidden =
    newer === undefined || (isDeleted && deleted < newer.sequence) ? `deleted by range tombstone ${deleted}` : 'hidden by the newer one'
  return { ...place, why: readers.length === 0 ? hidden : `${hidden}, but the snapshot of sequence number ${readers[0]} reads it` }
}

/** Tables that are no part of the tree: replaced ones whose files are still there, and those that a job writes. */
async function inFormerTables(
  rebuilt: ReadonlyMap<string, RebuiltFile>,
  live: ReadonlySet<string>,
  { events, count }: TracedLane,
  key: Uint8Array,
): Promise<readonly KeyPlace[]> {
  const places: KeyPlace[] = []
  for (const [name, file] of rebuilt) {
    if (!name.endsWith('.sst') || live.has(name) || !file.isWhole) continue
    const number = Number.parseInt(name, 10)
    const found = await inTable(file, number, key)
    const wasLive = events
      .slice(0, count)
      .some(event => event.type === 'manifest.edit' && event.added.some(table => table.number === number))
    const why = wasLive
      ? 'replaced by a compaction: only a reader that began before looks at it'
      : 'its job has not made it part of the tree'
    for (const version of found?.versions ?? []) places.push({ in: 'table', name: `table ${number}`, ...version, why })
  }
  return places.sort((a, b) => b.sequence! - a.sequence!)
}

/** Sequence numbers of range tombstones over the key that were added since the opening. */
function* tombstonesInMemory({ events, count }: TracedLane, key: Uint8Array): Generator<number> {
  for (let at = count - 1; at >= 0; at--) {
    const event = events[at]
    if (event.type === 'job.begin' && event.kind === 'open') return
    if (event.type !== 'tombstone.add') continue
    if (compareKeys(event.from, key) <= 0 && compareKeys(key, event.to) <= 0) yield event.entrySequence
  }
}

interface InTable {
  readonly versions: readonly Version[]
  /** Sequence number of the newest range tombstone over the key. */
  readonly tombstone?: number
}

/** `undefined` where the file is no whole table yet. */
async function inTable(file: RebuiltFile, fileNumber: number, key: Uint8Array): Promise<InTable | undefined> {
  const hash32 = await loadHash32()
  let table: Table
  try {
    table = Table.open({ file: openRebuilt(file), fileNumber, hash32, cache: new Cache(0), counters: newReadCounts() })
  } catch {
    return undefined
  }
  const cursor = table.cursor()
  try {
    const versions: Version[] = []
    for (let valid = cursor.seek(key); valid && compareKeys(cursor.key.copy(), key) === 0; valid = cursor.next()) {
      const value = cursor.value.copy()
      const kind = kindOf(cursor.kind, value.length)
      versions.push({ sequence: cursor.sequence, ...kind, ...(kind.kind === 'value' && { value: shownValue(value) }), table: fileNumber })
    }
    const covering = table.rangeTombstones.filter(({ first, last }) => compareKeys(first, key) <= 0 && compareKeys(key, last) <= 0)
    const places = versions.length === 0 ? [] : placesIn(file, describeTable(table).parts.filter(isData), key, versions.length)
    return {
      versions: versions.map((version, at) => ({ ...version, bytes: { file: file.name, ...places[at] } })),
      ...(covering.length > 0 && { tombstone: Math.max(...covering.map(({ sequence }) => sequence)) }),
    }
  } finally {
    cursor.close()
    table.close()
  }
}

const isData = (part: { readonly part: string }): part is DataBlockPart => part.part === 'data'

/** Where the entries of a key lie: each by itself where its block is not compressed, else by its blocks. */
function placesIn(
  file: RebuiltFile,
  blocks: readonly DataBlockPart[],
  key: Uint8Array,
  versions: number,
): readonly { readonly offset: number; readonly length: number }[] {
  const holding = blocks.filter(({ firstKey, lastKey }) => compareKeys(firstKey, key) <= 0 && compareKeys(key, lastKey) <= 0)
  const [first] = holding
  const last = holding.at(-1)!
  if (holding.some(({ codec }) => codec !== 0)) {
    return Array.from({ length: versions }, () => ({ offset: first.offset, length: last.offset + last.bytes - first.offset }))
  }
  const cell = new Cell()
  return holding.flatMap(({ offset, bytes }) => {
    const block = new SortedBlock(file.bytes, offset + bytes - TRAILER_BYTES, file.name, offset, offset)
    const places: { readonly offset: number; readonly length: number }[] = []
    for (let index = block.lowerBound(key, 0, key.length); index < block.count && block.keyEquals(index, key, 0, key.length); index++) {
      block.readCell(index, cell)
      const start = block.cellStart(index)
      places.push({ offset: start, length: cell.payloadEnd - start })
    }
    return places
  })
}
