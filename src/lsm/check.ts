/**
 * Walks a whole tree and reports every broken invariant: files, order within tables, bounds, runs, levels, filters, sequence
 * numbers. Damage is reported, not thrown, so that one bad block does not hide the rest.
 */
import type { Hash32 } from '../codec/checksum.js'
import { BlobPointer } from '../codec/blob-pointer.js'
import { ByteView, compareBytes, compareKeys, EMPTY, KIND_BLOB, KIND_DELETE, type EntryCursor } from '../codec/entry.js'
import type { Violation } from '../engine/contract.js'
import { keyHash } from '../sstable/bloom-filter.js'
import { Chunk } from '../sstable/block-source.js'
import { TableHit, type Table } from '../sstable/table.js'
import type { ReadCounts } from '../trace/ledger.js'
import type { Scheduler } from '../vfs/environment.js'
import { blobName, tableName } from './file-names.js'
import type { ReadState } from './read/read-state.js'
import { RunCursor } from './read/run-cursor.js'
import { SavedKey } from './read/saved-key.js'
import type { TableFile } from './versions/table-file.js'
import type { TableSet } from './versions/table-set.js'

export interface CheckContext {
  readonly state: ReadState
  /** Sequence number of the last operation so far: no entry may be newer. */
  newest(): number
  readonly tables: TableSet
  readonly hash32: Hash32
  /** Counts what the check reads, which is no get or scan of the user's. */
  readonly counters: ReadCounts
  /** Called after each get from a table: moves what it has touched to the counters. */
  bookGet(): void
  readonly scheduler: Scheduler
}

const ENTRIES_A_TURN = 4096
const BLOCKS_A_TURN = 64

export async function* checkTree(context: CheckContext): AsyncGenerator<Violation> {
  const state = context.state.hold()
  try {
    yield* checkMemtables(context)
    const sound = new Set<TableFile>()
    for (const [level, runs] of state.version.levels.entries()) {
      for (const run of runs) {
        yield* checkRun(run.tables, `lsm / L${level} / run ${run.id}`)
        for (const file of run.tables) {
          const path = `lsm / L${level} / ${tableName(file.meta.number)}`
          let violations = 0
          for await (const violation of checkTable(file, path, context)) {
            violations++
            yield violation
          }
          if (violations === 0) sound.add(file)
        }
      }
    }
    yield* checkAges(context, sound)
  } finally {
    state.release()
  }
}

function* checkMemtables({ state, newest }: CheckContext): Generator<Violation> {
  for (const [index, memtable] of [state.memtable, ...state.immutable].entries()) {
    const path = index === 0 ? 'lsm / memtable' : `lsm / immutable memtable ${index}`
    const entries = memtable.list.cursor()
    yield* checkOrder(entries, path, newest())
  }
}

/** Keys ascend, versions descend, nothing is newer than the store. Returns what it counted. */
function* checkOrder(entries: EntryCursor, path: string, newest: number): Generator<Violation, EntryCounts> {
  const last = new SavedKey()
  const counts = { entries: 0, tombstones: 0, minSequence: Infinity, maxSequence: 0 }
  let lastSequence = Infinity
  for (entries.first(); entries.valid; entries.next()) {
    const { key, sequence } = entries
    const at = `${path} / entry ${counts.entries}`
    if (last.equals(key)) {
      if (sequence >= lastSequence) yield { path: at, message: `version ${sequence} comes after version ${lastSequence} of the same key` }
    } else {
      if (counts.entries > 0 && last.isAfter(key.copy())) yield { path: at, message: 'the key is smaller than the one before it' }
      last.save(key)
    }
    if (sequence > newest) yield { path: at, message: `sequence ${sequence} is newer than the store's last, ${newest}` }
    lastSequence = sequence
    counts.entries++
    if (entries.kind === KIND_DELETE) counts.tombstones++
    counts.minSequence = Math.min(counts.minSequence, sequence)
    counts.maxSequence = Math.max(counts.maxSequence, sequence)
  }
  return counts
}

interface EntryCounts {
  entries: number
  tombstones: number
  minSequence: number
  maxSequence: number
}

function* checkRun(files: readonly TableFile[], path: string): Generator<Violation> {
  for (const [index, { meta }] of files.entries()) {
    if (compareKeys(meta.smallest, meta.largest) > 0)
      yield { path: `${path} / ${tableName(meta.number)}`, message: 'its bounds are reversed' }
    const before = files[index - 1]?.meta
    if (before !== undefined && compareKeys(before.largest, meta.smallest) >= 0) {
      yield { path, message: `${tableName(before.number)} and ${tableName(meta.number)} overlap` }
    }
  }
}

async function* checkTable(file: TableFile, path: string, context: CheckContext): AsyncGenerator<Violation> {
  const { meta } = file
  try {
    const table = context.tables.open(file)
    let isDamaged = false
    for await (const violation of checkBlocks(table, path, context)) {
      isDamaged = true
      yield violation
    }
    // A cursor does not pass a damaged block: what the manifest says of the whole table cannot be checked.
    if (isDamaged) return
    const cursor = table.cursor({ fillCache: false, counters: context.counters })
    const counts = yield* checkOrder(cursor, path, context.newest())
    cursor.close()
    yield* checkValues(table, file, path, context)
    for (const { sequence } of table.rangeTombstones) {
      counts.minSequence = Math.min(counts.minSequence, sequence)
      counts.maxSequence = Math.max(counts.maxSequence, sequence)
    }
    const found = { ...counts, rangeTombstones: table.rangeTombstones.length }
    for (const field of ['entries', 'tombstones', 'rangeTombstones', 'minSequence', 'maxSequence'] as const) {
      if (found[field] !== meta[field])
        yield { path, message: `${field} is ${meta[field]} in the manifest and ${found[field]} in the table` }
    }
    yield* checkKeys(table, file, path, context)
  } catch (error) {
    yield violationOf(path, error)
  }
}

/** Reads every data block by itself, so that each damaged one is found. */
async function* checkBlocks({ source }: Table, path: string, { counters, scheduler }: CheckContext): AsyncGenerator<Violation> {
  const chunk = new Chunk()
  for (let ordinal = 0; ordinal < source.index.count; ordinal++) {
    if (ordinal % BLOCKS_A_TURN === BLOCKS_A_TURN - 1) await scheduler.turn()
    try {
      source.loadFromChunk(ordinal, chunk, 0, counters)
    } catch (error) {
      yield violationOf(`${path} / block ${ordinal}`, error)
    }
  }
}

function violationOf(path: string, error: unknown): Violation {
  if (!(error instanceof Error)) return { path, message: String(error) }
  const { message, file, offset } = error as Error & { readonly file?: string; readonly offset?: number }
  return { path, message, ...(file !== undefined && { file }), ...(offset !== undefined && { offset }) }
}

/** Every value in a blob file can be read, and the manifest knows how many bytes of which files the table refers to. */
async function* checkValues(table: Table, { meta }: TableFile, path: string, context: CheckContext): AsyncGenerator<Violation> {
  const { state, tables, counters, scheduler } = context
  const pointer = new BlobPointer()
  const value = new ByteView()
  const found = new Map<number, number>()
  let scratch = EMPTY
  const cursor = table.cursor({ fillCache: false, counters })
  try {
    let entry = -1
    for (cursor.first(); cursor.valid; cursor.next()) {
      entry++
      if (cursor.kind !== KIND_BLOB) continue
      if (entry % BLOCKS_A_TURN === 0) await scheduler.turn()
      try {
        pointer.read(cursor.value)
        found.set(pointer.file, (found.get(pointer.file) ?? 0) + pointer.length)
        scratch = tables.blobs.scan(state.version.blobs, cursor.key.copy(), cursor.value, scratch, value, counters)
      } catch (error) {
        yield violationOf(`${path} / entry ${entry}`, error)
      }
    }
  } finally {
    cursor.close()
  }
  const known = new Map(meta.blobs)
  for (const file of new Set([...found.keys(), ...known.keys()])) {
    const [expected = 0, actual = 0] = [known.get(file), found.get(file)]
    if (expected === actual) continue
    yield { path, message: `${expected} bytes of ${blobName(file)} are in use by the manifest and ${actual} by the table` }
  }
}

/** Every key lies in the bounds of the table and passes its filter. */
async function* checkKeys(table: Table, { meta }: TableFile, path: string, context: CheckContext): AsyncGenerator<Violation> {
  const { hash32, scheduler, counters } = context
  const cursor = table.cursor({ fillCache: false, counters })
  const hit = new TableHit()
  let entry = 0
  try {
    for (cursor.first(); cursor.valid; cursor.next(), entry++) {
      if (entry % ENTRIES_A_TURN === ENTRIES_A_TURN - 1) await scheduler.turn()
      const key = cursor.key.copy()
      const at = `${path} / entry ${entry}`
      if (compareKeys(key, meta.smallest) < 0 || compareKeys(key, meta.largest) > 0)
        yield { path: at, message: 'the key is out of the bounds of its table' }
      const found = table.get(key, keyHash(hash32, key), cursor.sequence, hit)
      context.bookGet()
      if (!found) yield { path: at, message: 'a get does not find the key: the filter or the index denies it' }
    }
  } finally {
    cursor.close()
  }
}

/** A version in an older run must not be newer than one of the same key in a newer run. */
async function* checkAges({ state, tables, scheduler, counters }: CheckContext, sound: ReadonlySet<TableFile>): AsyncGenerator<Violation> {
  const runs = state.version.levels.flatMap((level, index) =>
    level.map(run => ({ path: `lsm / L${index} / run ${run.id}`, tables: run.tables.filter(file => sound.has(file)) })),
  )
  const cursors = runs.map(run => new RunCursor(run.tables, file => tables.open(file).cursor({ fillCache: false, counters })))
  for (const cursor of cursors) cursor.first()
  try {
    for (let steps = 1; ; steps++) {
      if (steps % ENTRIES_A_TURN === 0) await scheduler.turn()
      const smallest = smallestKey(cursors)
      if (smallest === undefined) return
      let oldest = Infinity
      for (const [index, cursor] of cursors.entries()) {
        while (cursor.valid && compareBytes(cursor.key.bytes, cursor.key.start, cursor.key.end, smallest, 0, smallest.length) === 0) {
          if (cursor.sequence >= oldest) {
            yield { path: runs[index].path, message: `version ${cursor.sequence} of a key lies under version ${oldest} in a newer run` }
          }
          oldest = Math.min(oldest, cursor.sequence)
          cursor.next()
        }
      }
    }
  } finally {
    for (const cursor of cursors) cursor.close()
  }
}

function smallestKey(cursors: readonly EntryCursor[]): Uint8Array | undefined {
  let smallest: EntryCursor | undefined
  for (const cursor of cursors) {
    if (!cursor.valid) continue
    const { key } = cursor
    const best = smallest?.key
    if (best === undefined || compareBytes(key.bytes, key.start, key.end, best.bytes, best.start, best.end) < 0) smallest = cursor
  }
  return smallest?.key.copy()
}
